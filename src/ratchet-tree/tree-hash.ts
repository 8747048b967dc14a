/**
 * Tree hashes, RFC 9420 §7.8. Every node of a finished tree carries its own, so a change costs one hash a level; a draft
 * leaves them open and {@link hashSubtree} computes what is missing from the bottom up, a level in one batch.
 *
 * Blank subtrees have no nodes, but a hash of their own, because the hash of a blank leaf covers its index. Those hashes are
 * equal in all groups with the same hash function and are remembered across trees, within a bound.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { at, bug } from '../bytes/errors.ts'
import { Writer } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { HashName } from '../crypto/suites.ts'
import { ParentNode } from '../wire/ratchet-tree.ts'
import { Branch, type Subtree, TreeLeaf } from './node.ts'

/** Inputs that are hashed in one batch. */
const batch = 1024
/** Blank subtrees below this height are hashed again each time: at most seven hashes. */
const memoHeight = 3
/** Remembered blank subtrees for each hash function: all of a tree of the largest size. */
const memoSize = 32_768
/** Blank subtrees up to this height are hashed level by level. */
const blockHeight = 9

/** Writes the TreeHashInput of a leaf; `bytes` is the encoded LeafNode, absent for a blank leaf. */
function writeLeafInput(writer: Writer, leafIndex: number, bytes: Uint8Array | undefined): void {
  writer.uint8(1)
  writer.uint32(leafIndex)
  writer.uint8(bytes === undefined ? 0 : 1)
  if (bytes !== undefined) writer.raw(bytes)
}

/** Writes the TreeHashInput of a parent. */
function writeParentInput(writer: Writer, parent: ParentNode | undefined, left: Uint8Array, right: Uint8Array): void {
  writer.uint8(2)
  writer.uint8(parent === undefined ? 0 : 1)
  if (parent !== undefined) ParentNode.write(writer, parent)
  writer.opaque(left)
  writer.opaque(right)
}

/** Hashes what `write` writes for each of `count` inputs, which share one buffer. */
function hashWritten(suite: CipherSuite, count: number, write: (writer: Writer, i: number) => void): Bytes[] {
  const writer = new Writer(256 * count)
  const ends: number[] = []
  for (let i = 0; i < count; i++) {
    write(writer, i)
    ends.push(writer.length)
  }
  const bytes = writer.finish()
  return suite.hashMany(ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)))
}

/** The tree hash of a parent from the hashes of its children. */
export function parentTreeHash(
  suite: CipherSuite,
  parent: ParentNode | undefined,
  left: Uint8Array,
  right: Uint8Array,
): Bytes {
  return at(
    hashWritten(suite, 1, (writer) => writeParentInput(writer, parent, left, right)),
    0,
  )
}

/** The tree hash of a leaf, or of a blank one when there are no bytes. */
export function leafTreeHash(suite: CipherSuite, leafIndex: number, bytes: Uint8Array | undefined): Bytes {
  return at(
    hashWritten(suite, 1, (writer) => writeLeafInput(writer, leafIndex, bytes)),
    0,
  )
}

/**
 * The tree hash of a subtree. Hashes that its nodes do not carry yet are computed and stored in them.
 */
export function hashSubtree(suite: CipherSuite, subtree: Subtree, height: number, position: number): Bytes {
  if (subtree === undefined) return blankTreeHash(suite, height, position)
  if (subtree.treeHash === undefined) {
    const open = openNodes(subtree, height, position)
    hashLeaves(suite, open)
    for (let h = 1; h <= height; h++) hashBranches(suite, at(open, h), h)
  }
  if (subtree.treeHash === undefined) throw bug('a subtree without a hash')
  return subtree.treeHash
}

interface OpenNode<N> {
  readonly node: N
  readonly position: number
}

/** The nodes without a hash, by height. */
function openNodes(top: TreeLeaf | Branch, height: number, position: number): OpenNode<TreeLeaf | Branch>[][] {
  const open: OpenNode<TreeLeaf | Branch>[][] = Array.from({ length: height + 1 }, () => [])
  at(open, height).push({ node: top, position })
  for (let h = height; h > 0; h--) {
    const below = at(open, h - 1)
    for (const { node, position: place } of at(open, h)) {
      if (!(node instanceof Branch)) throw bug('a leaf above height 0')
      if (node.left !== undefined && node.left.treeHash === undefined)
        below.push({ node: node.left, position: 2 * place })
      if (node.right !== undefined && node.right.treeHash === undefined)
        below.push({ node: node.right, position: 2 * place + 1 })
    }
  }
  return open
}

function hashLeaves(suite: CipherSuite, open: readonly OpenNode<TreeLeaf | Branch>[][]): void {
  hashInBatches(suite, at(open, 0), (writer, { node, position }) => {
    if (!(node instanceof TreeLeaf)) throw bug('a branch at height 0')
    writeLeafInput(writer, position, node.bytes)
  })
}

function hashBranches(suite: CipherSuite, nodes: readonly OpenNode<TreeLeaf | Branch>[], height: number): void {
  hashInBatches(suite, nodes, (writer, { node, position }) => {
    if (!(node instanceof Branch)) throw bug('a leaf above height 0')
    const left = node.left?.treeHash ?? blankTreeHash(suite, height - 1, 2 * position)
    const right = node.right?.treeHash ?? blankTreeHash(suite, height - 1, 2 * position + 1)
    writeParentInput(writer, node.parent, left, right)
  })
}

function hashInBatches(
  suite: CipherSuite,
  nodes: readonly OpenNode<TreeLeaf | Branch>[],
  write: (writer: Writer, open: OpenNode<TreeLeaf | Branch>) => void,
): void {
  for (let start = 0; start < nodes.length; start += batch) {
    const count = Math.min(batch, nodes.length - start)
    const hashes = hashWritten(suite, count, (writer, i) => write(writer, at(nodes, start + i)))
    hashes.forEach((hash, i) => {
      at(nodes, start + i).node.treeHash = hash
    })
  }
}

const memos = new Map<HashName, Map<number, Bytes>>()

/** The tree hash of a blank subtree. */
export function blankTreeHash(suite: CipherSuite, height: number, position: number): Bytes {
  const { hash } = suite.parameters
  let memo = memos.get(hash)
  if (memo === undefined) {
    memo = new Map()
    memos.set(hash, memo)
  }
  return blank(suite, memo, height, position)
}

/** The recursion is as deep as a tree is high, and that is bounded by the number of leaves. */
function blank(suite: CipherSuite, memo: Map<number, Bytes>, height: number, position: number): Bytes {
  const known = memo.get(memoKey(height, position))
  if (known !== undefined) return known
  if (height <= blockHeight) return blankBlock(suite, memo, height, position)
  const left = blank(suite, memo, height - 1, 2 * position)
  const right = blank(suite, memo, height - 1, 2 * position + 1)
  const hash = parentTreeHash(suite, undefined, left, right)
  remember(memo, height, position, hash)
  return hash
}

function blankBlock(suite: CipherSuite, memo: Map<number, Bytes>, height: number, position: number): Bytes {
  const first = position * 2 ** height
  let hashes = hashWritten(suite, 2 ** height, (writer, i) => writeLeafInput(writer, first + i, undefined))
  for (let h = 1; h <= height; h++) {
    const below = hashes
    hashes = hashWritten(suite, below.length / 2, (writer, i) =>
      writeParentInput(writer, undefined, at(below, 2 * i), at(below, 2 * i + 1)),
    )
    if (h >= memoHeight)
      hashes.forEach((hash, i) => {
        remember(memo, h, position * 2 ** (height - h) + i, hash)
      })
  }
  return at(hashes, 0)
}

function memoKey(height: number, position: number): number {
  return height * 2 ** 32 + position
}

function remember(memo: Map<number, Bytes>, height: number, position: number, hash: Bytes): void {
  if (memo.size >= memoSize) {
    const oldest = memo.keys().next()
    if (!oldest.done) memo.delete(oldest.value)
  }
  memo.set(memoKey(height, position), hash)
}

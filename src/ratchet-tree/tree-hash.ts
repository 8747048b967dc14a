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

/** TreeHashInput of a leaf; `bytes` is the encoded LeafNode, absent for a blank leaf. */
function leafHashInput(leafIndex: number, bytes: Uint8Array | undefined): Bytes {
  const input = new Uint8Array(6 + (bytes?.length ?? 0))
  input[0] = 1
  new DataView(input.buffer).setUint32(1, leafIndex)
  if (bytes !== undefined) {
    input[5] = 1
    input.set(bytes, 6)
  }
  return input
}

/** TreeHashInput of a parent. */
function parentHashInput(parent: ParentNode | undefined, left: Uint8Array, right: Uint8Array): Bytes {
  const writer = new Writer(parent === undefined ? 160 : 320 + 4 * parent.unmergedLeaves.length)
  writer.uint8(2)
  writer.uint8(parent === undefined ? 0 : 1)
  if (parent !== undefined) ParentNode.write(writer, parent)
  writer.opaque(left)
  writer.opaque(right)
  return writer.finish()
}

/** The tree hash of a parent from the hashes of its children. */
export function parentTreeHash(
  suite: CipherSuite,
  parent: ParentNode | undefined,
  left: Uint8Array,
  right: Uint8Array,
): Bytes {
  return suite.hash(parentHashInput(parent, left, right))
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
  const leaves = at(open, 0)
  for (let start = 0; start < leaves.length; start += batch) {
    const part = leaves.slice(start, start + batch)
    const hashes = suite.hashMany(
      part.map(({ node, position }) => leafHashInput(position, node instanceof TreeLeaf ? node.bytes : undefined)),
    )
    part.forEach(({ node }, i) => {
      node.treeHash = at(hashes, i)
    })
  }
}

function hashBranches(suite: CipherSuite, nodes: readonly OpenNode<TreeLeaf | Branch>[], height: number): void {
  for (let start = 0; start < nodes.length; start += batch) {
    const part = nodes.slice(start, start + batch)
    const hashes = suite.hashMany(
      part.map(({ node, position }) => {
        if (!(node instanceof Branch)) throw bug('a leaf above height 0')
        const left = node.left?.treeHash ?? blankTreeHash(suite, height - 1, 2 * position)
        const right = node.right?.treeHash ?? blankTreeHash(suite, height - 1, 2 * position + 1)
        return parentHashInput(node.parent, left, right)
      }),
    )
    part.forEach(({ node }, i) => {
      node.treeHash = at(hashes, i)
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
  let hashes = suite.hashMany(Array.from({ length: 2 ** height }, (_, i) => leafHashInput(first + i, undefined)))
  for (let h = 1; h <= height; h++) {
    const below = hashes
    hashes = suite.hashMany(
      Array.from({ length: below.length / 2 }, (_, i) =>
        parentHashInput(undefined, at(below, 2 * i), at(below, 2 * i + 1)),
      ),
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

/** The tree hash of a blank leaf or of a leaf with these bytes. */
export function leafTreeHash(suite: CipherSuite, leafIndex: number, bytes: Uint8Array | undefined): Bytes {
  return suite.hash(leafHashInput(leafIndex, bytes))
}

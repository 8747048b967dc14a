/**
 * Tree hashes, RFC 9420 §7.8. Every node of a finished tree carries its own, so a change costs one hash a level; a draft
 * leaves them open and {@link hashSubtree} computes what is missing from the bottom up, a level in one batch.
 *
 * Blank subtrees have no nodes, but a hash of their own, because the hash of a blank leaf covers its index. Those hashes are
 * equal in all groups with the same hash function and are remembered across trees, within a bound.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { at, bug } from '../bytes/errors.ts'
import { atOnce } from '../bytes/slices.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { HashName } from '../crypto/suites.ts'
import type { ParentNode } from '../wire/ratchet-tree.ts'
import { HashInputs } from './hash-inputs.ts'
import { Branch, type Subtree, TreeLeaf } from './node.ts'

/** Inputs that are hashed in one batch. */
const batch = 256
/** Hashes that share an array, at least. */
const together = 64
/** Blank subtrees below this height are hashed again each time: at most seven hashes. */
const memoHeight = 3
/** Remembered blank subtrees for each hash function: all of a tree of the largest size. */
const memoSize = 32_768
/** Blank subtrees up to this height are hashed level by level. */
const blockHeight = 9

const inputs = new HashInputs()

/** Hashes what `add` adds; it must not ask for a hash itself. */
function hashAdded(suite: CipherSuite, add: () => void): Bytes[] {
  inputs.clear()
  add()
  return suite.hashMany(inputs.take())
}

/** The tree hash of a parent from the hashes of its children. */
export function parentTreeHash(
  suite: CipherSuite,
  parent: ParentNode | undefined,
  left: Uint8Array,
  right: Uint8Array,
): Bytes {
  inputs.clear()
  inputs.addParent(parent, left, right)
  return suite.hash(inputs.takeOne())
}

/**
 * The tree hash of a subtree. Hashes that its nodes do not carry yet are computed and stored in them.
 */
export function hashSubtree(suite: CipherSuite, subtree: Subtree, height: number, position: number): Bytes {
  return subtree?.treeHash ?? atOnce(hashSubtreeSteps(suite, subtree, height, position))
}

/** As {@link hashSubtree}; stops after each batch, so that the caller can give way to other work. */
export function* hashSubtreeSteps(
  suite: CipherSuite,
  subtree: Subtree,
  height: number,
  position: number,
): Generator<void, Bytes> {
  if (subtree === undefined) return blankTreeHash(suite, height, position)
  if (subtree.treeHash === undefined && !hashWay(suite, subtree, height, position)) {
    const open = openNodes(subtree, height, position)
    yield
    yield* hashLeaves(suite, open)
    for (let h = 1; h <= height; h++) yield* hashBranches(suite, at(open, h), h)
  }
  if (subtree.treeHash === undefined) throw bug('a subtree without a hash')
  return subtree.treeHash
}

function isOpen(subtree: Subtree): boolean {
  return subtree !== undefined && subtree.treeHash === undefined
}

/** Hashes the one way down that most commits leave open, and says whether it was one. */
function hashWay(suite: CipherSuite, top: TreeLeaf | Branch, height: number, position: number): boolean {
  const way: Branch[] = []
  const places: number[] = []
  let node: Subtree = top
  let place = position
  while (node instanceof Branch) {
    way.push(node)
    places.push(place)
    const left: Subtree = isOpen(node.left) ? node.left : undefined
    const right: Subtree = isOpen(node.right) ? node.right : undefined
    if (left !== undefined && right !== undefined) return false
    node = left ?? right
    place = 2 * place + (right === undefined ? 0 : 1)
  }
  if (node !== undefined) {
    inputs.clear()
    inputs.addLeaf(place, node.bytes)
    node.treeHash = suite.hash(inputs.takeOne())
  }
  for (let i = way.length - 1; i >= 0; i--) {
    const branch = at(way, i)
    const first = 2 * at(places, i)
    const left = branch.left?.treeHash ?? blankTreeHash(suite, height - i - 1, first)
    const right = branch.right?.treeHash ?? blankTreeHash(suite, height - i - 1, first + 1)
    branch.treeHash = parentTreeHash(suite, branch.parent, left, right)
  }
  return true
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
      const { left, right } = node
      if (left !== undefined && isOpen(left)) below.push({ node: left, position: 2 * place })
      if (right !== undefined && isOpen(right)) below.push({ node: right, position: 2 * place + 1 })
    }
  }
  return open
}

function hashLeaves(suite: CipherSuite, open: readonly OpenNode<TreeLeaf | Branch>[][]): Generator<void> {
  return hashInBatches(suite, at(open, 0), (part) => {
    for (const { node, position } of part) {
      if (!(node instanceof TreeLeaf)) throw bug('a branch at height 0')
      inputs.addLeaf(position, node.bytes)
    }
  })
}

function hashBranches(
  suite: CipherSuite,
  nodes: readonly OpenNode<TreeLeaf | Branch>[],
  height: number,
): Generator<void> {
  // blank subtrees first, since they use the buffer of inputs as well
  const children = nodes.map(({ node, position }) => {
    if (!(node instanceof Branch)) throw bug('a leaf above height 0')
    return {
      parent: node.parent,
      left: node.left?.treeHash ?? blankTreeHash(suite, height - 1, 2 * position),
      right: node.right?.treeHash ?? blankTreeHash(suite, height - 1, 2 * position + 1),
    }
  })
  return hashInBatches(suite, nodes, (part, start) => {
    for (let i = 0; i < part.length; i++) {
      const { parent, left, right } = at(children, start + i)
      inputs.addParent(parent, left, right)
    }
  })
}

function* hashInBatches(
  suite: CipherSuite,
  nodes: readonly OpenNode<TreeLeaf | Branch>[],
  add: (part: readonly OpenNode<TreeLeaf | Branch>[], start: number) => void,
): Generator<void> {
  for (let start = 0; start < nodes.length; start += batch) {
    const part = nodes.slice(start, start + batch)
    const hashes = hashAdded(suite, () => add(part, start))
    const kept = part.length < together ? hashes : inOneArray(hashes)
    part.forEach(({ node }, i) => {
      node.treeHash = at(kept, i)
    })
    yield
  }
}

/** The same hashes as views of one array: of many nodes that are made at once, each takes half of the memory. */
function inOneArray(hashes: readonly Bytes[]): Bytes[] {
  const length = at(hashes, 0).length
  const all = new Uint8Array(length * hashes.length)
  return hashes.map((hash, i) => {
    all.set(hash, i * length)
    return all.subarray(i * length, (i + 1) * length)
  })
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
  let hashes = hashAdded(suite, () => {
    for (let i = 0; i < 2 ** height; i++) inputs.addLeaf(first + i, undefined)
  })
  for (let h = 1; h <= height; h++) {
    const below = hashes
    hashes = hashAdded(suite, () => {
      for (let i = 0; i < below.length; i += 2) inputs.addParent(undefined, at(below, i), at(below, i + 1))
    })
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

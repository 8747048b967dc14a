/**
 * The difference between two trees that share structure, as bytes: what one epoch changed. Equal subtrees are recognised by
 * identity, so finding it costs O(changes · log n), and so does applying it.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Codec, decode, encode, type Infer, optional, struct, uint8, uint32, vec } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import { wireLimits } from '../wire/limits.ts'
import { Node, ParentNode } from '../wire/ratchet-tree.ts'
import { IndexDraft, type IndexedNode } from './indexes.ts'
import { Branch, branch, memberCountOf, nodeAt, type Subtree, TreeLeaf } from './node.ts'
import { Tree } from './tree.ts'

/** A node in which two trees differ; `undefined` where it is blank. */
interface Change {
  readonly node: number
  readonly before: IndexedNode | undefined
  readonly after: IndexedNode | undefined
}

/** A leaf in which two trees differ; `undefined` where it is blank. */
export interface LeafChange {
  readonly leafIndex: LeafIndex
  readonly before: TreeLeaf | undefined
  readonly after: TreeLeaf | undefined
}

/** A node as it is stored: a leaf by its bytes. */
const StoredNode: Codec<IndexedNode> = {
  read(reader) {
    const node = Node.read(reader)
    return node.nodeType === 'leaf' ? new TreeLeaf(node.bytes) : node.parentNode
  },
  write(writer, node) {
    writer.uint8(node instanceof TreeLeaf ? 1 : 2)
    if (node instanceof TreeLeaf) writer.raw(node.bytes)
    else ParentNode.write(writer, node)
  },
}
const StoredChange = struct({ node: uint32, after: optional(StoredNode) })
const Delta = struct({ height: uint8, changes: vec(StoredChange, 2 * wireLimits.members) })

/** What turns `base` into `tree`. */
export function encodeTreeDelta(base: Tree, tree: Tree): Bytes {
  const changes = changesOf(base, tree).sort((a, b) => a.node - b.node)
  return encode(Delta, { height: tree.height, changes })
}

/** The leaves in which two trees differ, from the left. All of `tree` where the two share nothing. */
export function changedLeaves(base: Tree, tree: Tree): LeafChange[] {
  return changesOf(base, tree).flatMap(({ node, before, after }) =>
    node % 2 === 0 ? [{ leafIndex: node / 2, before: leafOf(before), after: leafOf(after) }] : [],
  )
}

function changesOf(base: Tree, tree: Tree): Change[] {
  const height = Math.max(base.height, tree.height)
  const changes: Change[] = []
  compare(raise(base.root, base.height, height), raise(tree.root, tree.height, height), height, 0, changes)
  return changes
}

/**
 * The tree that a delta makes of `base`. For stored bytes of our own: the structure is checked, signatures are not.
 * @throws kind `malformed`; `snapshot/damaged`; `leaf/key_reuse`
 */
export function applyTreeDelta(suite: CipherSuite, base: Tree, bytes: Uint8Array): Tree {
  const delta = decode(Delta, bytes)
  if (delta.height > 17) throw damaged()
  const height = Math.max(base.height, delta.height)
  const from = raise(base.root, base.height, height)
  let root = rebuild(from, height, 0, delta.changes)
  for (let h = height; h > delta.height; h--) {
    if (!(root instanceof Branch) || root.right !== undefined || root.parent !== undefined) throw damaged()
    root = root.left
  }
  if (root === undefined) throw damaged()
  const changes: Change[] = []
  compare(from, raise(root, delta.height, height), height, 0, changes)
  return new Tree(suite, root, delta.height, function* () {
    const indexes = new IndexDraft(yield* base.indexSteps())
    for (const { before } of changes) if (before !== undefined) indexes.drop(before)
    for (const { node, after } of changes) if (after !== undefined) indexes.put(node, after)
    return indexes.finish()
  })
}

/** The same nodes under blank ones, up to another height. */
function raise(root: Subtree, from: number, to: number): Subtree {
  let subtree = root
  for (let height = from; height < to; height++) subtree = new Branch(subtree, undefined, undefined)
  return subtree
}

function compare(a: Subtree, b: Subtree, height: number, position: number, changes: Change[]): void {
  if (a === b) return
  const node = nodeAt(height, position)
  if (height === 0) {
    changes.push({ node, before: leafOf(a), after: leafOf(b) })
    return
  }
  const [before, after] = [branch(a), branch(b)]
  if (before?.parent !== after?.parent) changes.push({ node, before: before?.parent, after: after?.parent })
  compare(before?.left, after?.left, height - 1, 2 * position, changes)
  compare(before?.right, after?.right, height - 1, 2 * position + 1, changes)
}

function rebuild(subtree: Subtree, height: number, position: number, changes: Infer<typeof Delta>['changes']): Subtree {
  if (changes.length === 0) return subtree
  const node = nodeAt(height, position)
  const [first] = changes
  if (height === 0) {
    if (changes.length !== 1 || first?.node !== node) throw damaged()
    if (first.after !== undefined && !(first.after instanceof TreeLeaf)) throw damaged()
    return first.after
  }
  const old = branch(subtree)
  const own = changes.find((change) => change.node === node)
  if (own?.after instanceof TreeLeaf) throw damaged()
  const parent = own === undefined ? old?.parent : own.after
  const below = changes.filter((change) => change.node < node)
  const above = changes.filter((change) => change.node > node)
  const left = rebuild(old?.left, height - 1, 2 * position, below)
  const right = rebuild(old?.right, height - 1, 2 * position + 1, above)
  return memberCountOf(left) + memberCountOf(right) === 0 ? undefined : new Branch(left, right, parent)
}

function leafOf(node: Subtree | ParentNode): TreeLeaf | undefined {
  return node instanceof TreeLeaf ? node : undefined
}

function damaged(): MlsError {
  return new MlsError('snapshot/damaged', 'a stored difference that does not fit its tree')
}

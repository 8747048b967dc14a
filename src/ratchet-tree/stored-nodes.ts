/**
 * A tree as single nodes for storage, each with its tree hash and the number of members below it, so that opening a large
 * tree reads its root alone, hashes and verifies nothing, and a commit stores the nodes of its path. For bytes of our own
 * whose integrity the store vouches for: the structure is checked, hashes and signatures are not.
 *
 * A stored node is `opaque tree_hash; uint8 type`, for types 3 and 4 `uint32 member_count`, and the leaf or parent. Types: 0
 * blank, 1 leaf, 2 parent, 3 blank with its count, 4 parent with its count; 0 and 2 are of format 1 and are read, not
 * written. Blank parents with a member below are stored for their hash; a subtree without members has no nodes.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { bug, MlsError } from '../bytes/errors.ts'
import { decode, opaque } from '../codec/codec.ts'
import { Writer } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { NodeIndex } from '../tree-math/tree-math.ts'
import { ParentNode } from '../wire/ratchet-tree.ts'
import { emptyIndexes, IndexDraft, type IndexedNode, type TreeIndexes } from './indexes.ts'
import { Branch, type BranchContent, branch, memberCountOf, nodeAt, type Subtree, TreeLeaf } from './node.ts'
import { Tree } from './tree.ts'

const types = { plainBlank: 0, leaf: 1, plainParent: 2, blank: 3, parent: 4 } as const
/** The height of the largest tree. */
const maxHeight = 17

/**
 * What turns the stored nodes of `base` into those of `tree`; `undefined` for a node that is gone. Equal subtrees are
 * recognised by identity: O(changes · log n).
 */
export function changedNodes(base: Tree | undefined, tree: Tree): Map<NodeIndex, Bytes | undefined> {
  const changes = new Map<NodeIndex, Bytes | undefined>()
  const compare = (before: Subtree, after: Subtree, height: number, position: number): void => {
    if (before === after) return
    changes.set(nodeAt(height, position), after === undefined ? undefined : encodeNode(after))
    if (height === 0) return
    const [a, b] = [branch(before), branch(after)]
    compare(a?.left, b?.left, height - 1, 2 * position)
    compare(a?.right, b?.right, height - 1, 2 * position + 1)
  }
  /** The subtree of the taller tree that stands where the lower one has its root. */
  let [before, after]: [Subtree, Subtree] = [base?.root, tree.root]
  let height = Math.max(base?.height ?? 0, tree.height)
  for (; height > tree.height; height--) {
    changes.set(nodeAt(height, 0), undefined)
    compare(branch(before)?.right, undefined, height - 1, 1)
    before = branch(before)?.left
  }
  for (; height > (base?.height ?? height); height--) {
    if (after !== undefined) changes.set(nodeAt(height, 0), encodeNode(after))
    compare(undefined, branch(after)?.right, height - 1, 1)
    after = branch(after)?.left
  }
  compare(before, after, height, 0)
  return changes
}

/**
 * The tree of stored nodes. A branch that carries its count is read when it is first looked at, and so are the indexes: an
 * error of `nodeAtIndex` can reach whoever looks at the tree.
 * @param nodeAtIndex the stored node at a node index of RFC 9420 Appendix C; its bytes then belong to the tree
 * @param failed is told of every error while a branch is read
 * @throws `snapshot/damaged`; kind `malformed`
 */
export function restoreTree(
  suite: CipherSuite,
  height: number,
  nodeAtIndex: (node: NodeIndex) => Bytes | undefined,
  failed: (cause: unknown) => void = () => undefined,
): Tree {
  if (!Number.isInteger(height) || height < 0 || height > maxHeight) throw damaged()
  const build = (h: number, position: number): Subtree => {
    const bytes = nodeAtIndex(nodeAt(h, position))
    if (bytes === undefined) return undefined
    const { treeHash, type, memberCount, body } = readNode(bytes, suite.parameters.hashLength)
    if ((type === types.leaf) !== (h === 0)) throw damaged()
    if (type === types.leaf) {
      const leaf = new TreeLeaf(body)
      leaf.treeHash = treeHash
      return leaf
    }
    const content = (): BranchContent => ({
      left: build(h - 1, 2 * position),
      right: build(h - 1, 2 * position + 1),
      parent: decodeParent(type, body),
    })
    if (memberCount !== undefined) return Branch.stored(memberCount, treeHash, () => read(content, memberCount))
    const { left, right, parent } = content()
    const made = new Branch(left, right, parent)
    if (made.memberCount === 0) throw damaged()
    made.treeHash = treeHash
    return made
  }
  const read = (content: () => BranchContent, memberCount: number): BranchContent => {
    try {
      const found = content()
      if (memberCountOf(found.left) + memberCountOf(found.right) !== memberCount) throw damaged()
      return found
    } catch (cause) {
      failed(cause)
      throw cause
    }
  }
  const root = build(height, 0)
  if (root === undefined || (root instanceof Branch && root.right === undefined)) throw damaged()
  const tree: Tree = new Tree(suite, root, height, () => indexesOf(tree))
  return tree
}

function* indexesOf(tree: Tree): Generator<void, TreeIndexes> {
  const indexes = new IndexDraft(emptyIndexes)
  yield* indexes.putAll(nodesOf(tree))
  return indexes.finish()
}

function* nodesOf(tree: Tree): Generator<readonly [NodeIndex, IndexedNode]> {
  for (const { node, subtree } of tree.nodes()) yield [node, subtree]
}

function encodeNode(subtree: TreeLeaf | Branch): Bytes {
  const { treeHash } = subtree
  if (treeHash === undefined) throw bug('a node of a tree without its hash')
  const writer = new Writer(subtree instanceof TreeLeaf ? subtree.bytes.length + 40 : 128)
  opaque.write(writer, treeHash)
  if (subtree instanceof TreeLeaf) {
    writer.uint8(types.leaf)
    writer.raw(subtree.bytes)
  } else {
    writer.uint8(subtree.parent === undefined ? types.blank : types.parent)
    writer.uint32(subtree.memberCount)
    if (subtree.parent !== undefined) ParentNode.write(writer, subtree.parent)
  }
  return writer.finish()
}

/** The outside of a stored node. The parts are views: opening a large tree copies nothing. */
function readNode(
  bytes: Bytes,
  hashLength: number,
): {
  readonly treeHash: Bytes
  readonly type: number
  /** Of a branch of format 2. */
  readonly memberCount: number | undefined
  readonly body: Bytes
} {
  const type = bytes[1 + hashLength]
  if (bytes[0] !== hashLength || type === undefined || type > types.parent) throw damaged()
  const treeHash = bytes.subarray(1, 1 + hashLength)
  const start = 2 + hashLength
  if (type < types.blank) return { treeHash, type, memberCount: undefined, body: bytes.subarray(start) }
  if (bytes.length < start + 4) throw damaged()
  const memberCount = new DataView(bytes.buffer, bytes.byteOffset).getUint32(start)
  if (memberCount === 0) throw damaged()
  return { treeHash, type, memberCount, body: bytes.subarray(start + 4) }
}

function decodeParent(type: number, body: Bytes): ParentNode | undefined {
  if (type === types.parent || type === types.plainParent) return decode(ParentNode, body)
  if (body.length > 0) throw damaged()
  return undefined
}

function damaged(): MlsError {
  return new MlsError('snapshot/damaged', 'stored nodes that are no tree')
}

/**
 * The ratchet tree of one epoch, RFC 9420 §4 and §7.
 *
 * ```
 *   Tree ── draft ──> TreeDraft ── finish ──> Tree          epochs share all nodes but those on changed paths
 *     │                                        │
 *   bytes (importTree, encode)              path secrets (treekem-*.ts)
 * ```
 *
 * Invariants of every `Tree`: each node carries its tree hash and the number of members below it; a subtree without members
 * has no nodes; the rightmost half is not empty; no two nodes have one key. A look-up costs O(log n).
 */
import type { Bytes } from '../bytes/bytes.ts'
import { atOnce } from '../bytes/slices.ts'
import { type Writer, written } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { LeafIndex, NodeIndex } from '../tree-math/tree-math.ts'
import type { EncodedLeafNode } from '../wire/leaf-node.ts'
import type { ParentNode } from '../wire/ratchet-tree.ts'
import { defaultExtensionTypes, defaultProposalTypes } from '../wire/registries.ts'
import { type CapabilityKind, emptyIndexes, IndexDraft, lookUp, supportKey, type TreeIndexes } from './indexes.ts'
import { Branch, memberCountOf, type Subtree, TreeLeaf } from './node.ts'
import { writeParent } from './node-store.ts'
import { filteredPathOf, freeLeaf, leafAt, resolutionOf, subtreeAt } from './resolution.ts'
import { hashSubtree } from './tree-hash.ts'

export type { TreeLeaf } from './node.ts'

/** A tree of so many members takes more than 16 KiB. */
const largeTree = 128

/** What makes the indexes of a tree, with stops. */
export type IndexSteps = () => Generator<void, TreeIndexes>

/** An immutable ratchet tree. Made by {@link createTree}, `importTree` and `TreeDraft.finish`. */
export class Tree {
  /** The top of the nodes; for this folder. `undefined` only between the Remove of an external commit and its path. */
  readonly root: Subtree
  /** Levels above the leaves. */
  readonly height: number
  #indexes: TreeIndexes | IndexSteps
  /** RFC 9420 §7.8: the hash of the root; Nh bytes. */
  readonly treeHash: Bytes

  /** For this folder: computes the hashes that are missing. Indexes may be made when they are first asked for. */
  constructor(suite: CipherSuite, root: Subtree, height: number, indexes: TreeIndexes | IndexSteps) {
    this.root = root
    this.height = height
    this.#indexes = indexes
    this.treeHash = hashSubtree(suite, root, height, 0)
  }

  /** For this folder. */
  get indexes(): TreeIndexes {
    return typeof this.#indexes === 'function' ? atOnce(this.indexSteps()) : this.#indexes
  }

  /** Whether the indexes are there. */
  get hasIndexes(): boolean {
    return typeof this.#indexes !== 'function'
  }

  /** Makes the indexes if they are not there yet, with stops: for a tree from a store that is O(n), once. */
  *indexSteps(): Generator<void, TreeIndexes> {
    if (typeof this.#indexes === 'function') this.#indexes = yield* this.#indexes()
    return this.#indexes
  }

  /** The number of leaves, blank ones included: a power of two. */
  get leafCount(): number {
    return 1 << this.height
  }

  /** The number of leaves that are not blank. */
  get memberCount(): number {
    return memberCountOf(this.root)
  }

  /** The leftmost blank leaf, or `leafCount` when none is blank: where the next member goes (RFC 9420 §12.1.1). */
  get freeLeaf(): LeafIndex {
    return freeLeaf(this.root, this.height)
  }

  /** The leaf at an index; `undefined` for a blank leaf and for any number that is no index of this tree (V065). */
  leaf(index: LeafIndex): TreeLeaf | undefined {
    return leafAt(this.root, this.height, index)
  }

  /** The parent node at an index; `undefined` for a blank one, a leaf, and any number that is no index of this tree. */
  parentNode(node: NodeIndex): ParentNode | undefined {
    const subtree = this.#subtree(node)
    return subtree instanceof Branch ? subtree.parent : undefined
  }

  /** The public key of a leaf or a parent; `undefined` for a blank node or one outside. */
  encryptionKey(node: NodeIndex): Uint8Array | undefined {
    const subtree = this.#subtree(node)
    return subtree instanceof Branch ? subtree.parent?.encryptionKey : subtree?.encryptionKey
  }

  /** The tree hash of the subtree under a node; `undefined` for a blank subtree. */
  subtreeHash(node: NodeIndex): Bytes | undefined {
    return this.#subtree(node)?.treeHash
  }

  /** The members from left to right. */
  *members(): Generator<readonly [LeafIndex, TreeLeaf]> {
    for (const { node, subtree } of this.nodes()) if (subtree instanceof TreeLeaf) yield [node / 2, subtree]
  }

  /** The leaf of a member with this signature key. */
  leafOfSignatureKey(key: Uint8Array): LeafIndex | undefined {
    return lookUp(this.indexes.signatureKeys, key)
  }

  /** The leaf or parent with this encryption key. */
  nodeOfEncryptionKey(key: Uint8Array): NodeIndex | undefined {
    return lookUp(this.indexes.encryptionKeys, key)
  }

  /** How many members support a type: by their capabilities, or all of them for a default type (RFC 9420 §7.2). */
  supportCount(kind: CapabilityKind, type: number): number {
    if (isDefaultType(kind, type)) return this.memberCount
    return this.indexes.support.get(supportKey(kind, type)) ?? 0
  }

  /** Whether every member supports a type. */
  allSupport(kind: CapabilityKind, type: number): boolean {
    return this.supportCount(kind, type) === this.memberCount
  }

  /** The credential types of the members. */
  credentialTypesInUse(): ReadonlySet<number> {
    return new Set(this.indexes.credentialTypes.keys())
  }

  /** The resolution of a node, RFC 9420 §4.1.1; empty for a blank subtree and outside the tree. */
  resolution(node: NodeIndex): NodeIndex[] {
    return resolutionOf(subtreeAt(this.root, this.height, node))
  }

  /** The filtered direct path of a leaf, RFC 9420 §4.1.2, from the bottom up. */
  filteredDirectPath(leaf: LeafIndex): NodeIndex[] {
    return filteredPathOf(this.root, this.height, leaf).map(({ node }) => node)
  }

  /** The `ratchet_tree` extension's data, RFC 9420 §12.4.3.3: written from the bytes that the leaves came in. */
  encode(): Bytes {
    const write = (writer: Writer): void => {
      writer.expect(256 * this.memberCount)
      writeNodes(writer, this.root, this.height, 0)
    }
    return written((writer) => writer.vector(() => write(writer), this.memberCount < largeTree ? 1 : 4))
  }

  /** The nodes that are not blank, in array order. */
  *nodes(): Generator<{ readonly node: NodeIndex; readonly subtree: TreeLeaf | ParentNode }> {
    // a branch is opened once: its left part is walked first, then itself, then its right part
    const open: { subtree: Subtree; first: number; height: number; opened: boolean }[] = [
      { subtree: this.root, first: 0, height: this.height, opened: false },
    ]
    for (let item = open.pop(); item !== undefined; item = open.pop()) {
      const { subtree, first, height, opened } = item
      if (subtree === undefined) continue
      if (subtree instanceof TreeLeaf) yield { node: first, subtree }
      else if (opened) {
        if (subtree.parent !== undefined) yield { node: first + 2 ** height - 1, subtree: subtree.parent }
      } else {
        const right = first + 2 ** height
        open.push({ subtree: subtree.right, first: right, height: height - 1, opened: false })
        open.push({ subtree, first, height, opened: true })
        open.push({ subtree: subtree.left, first, height: height - 1, opened: false })
      }
    }
  }

  #subtree(node: NodeIndex): Subtree {
    if (!Number.isInteger(node) || node < 0 || node >= 2 * this.leafCount - 1) return undefined
    return subtreeAt(this.root, this.height, node).subtree
  }
}

/** Writes `blanks` blank nodes and then those of a subtree, but for blank ones at its end, of which it returns the number. */
function writeNodes(writer: Writer, subtree: Subtree, height: number, blanks: number): number {
  if (subtree === undefined) return blanks + 2 ** (height + 1) - 1
  if (subtree instanceof TreeLeaf) {
    writer.zeros(blanks)
    // present, and its NodeType
    writer.uint16(0x0101)
    writer.raw(subtree.bytes)
    return 0
  }
  let before = writeNodes(writer, subtree.left, height - 1, blanks)
  if (subtree.parent === undefined) before++
  else {
    writer.zeros(before)
    writer.uint16(0x0102)
    writeParent(writer, subtree.parent)
    before = 0
  }
  return writeNodes(writer, subtree.right, height - 1, before)
}

/** RFC 9420 §7.2: types that every client supports without listing them. */
export function isDefaultType(kind: CapabilityKind, type: number): boolean {
  if (kind === 'extensions') return defaultExtensionTypes.has(type)
  return kind === 'proposals' && defaultProposalTypes.has(type)
}

/** The tree of a new group: one leaf. */
export function createTree(suite: CipherSuite, leaf: EncodedLeafNode): Tree {
  const only = new TreeLeaf(leaf.bytes)
  const indexes = new IndexDraft(emptyIndexes)
  indexes.put(0, only)
  return new Tree(suite, only, 0, indexes.finish())
}

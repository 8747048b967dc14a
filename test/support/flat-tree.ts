/** Ratchet trees as flat arrays of nodes, everything computed from scratch: what a malicious inviter sends, right or wrong. */
import { type Bytes, empty } from '../../src/bytes/bytes.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import { Writer } from '../../src/codec/writer.ts'
import { signLeafNode } from '../../src/signed/leaf-node.ts'
import type { Signer } from '../../src/signed/signer.ts'
import { type LeafNode, LeafNode as LeafNodeCodec, type LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { type Node, type ParentNode, ParentNode as ParentNodeCodec, RatchetTree } from '../../src/wire/ratchet-tree.ts'
import { suite } from './world.ts'

export type FlatTree = readonly (Node | undefined)[]

export const decodeTree = (bytes: Uint8Array): FlatTree => decode(RatchetTree, bytes)
export const encodeTree = (tree: FlatTree): Bytes => encode(RatchetTree, tree)

/** The node of some height over a leaf. */
export const nodeOver = (leaf: number, height: number): number =>
  Math.floor(leaf / 2 ** height) * 2 ** (height + 1) + 2 ** height - 1
const heightOf = (node: number): number => Math.log2((node + 1) & -(node + 1))

/** RFC 9420 §7.8, without the leaves of `without` (for the original tree hash of §7.9). */
export function treeHashOf(tree: FlatTree, node: number, without: readonly number[] = []): Bytes {
  const writer = new Writer(300)
  const found = tree[node]
  const height = heightOf(node)
  if (height === 0) {
    writer.uint8(1)
    writer.uint32(node / 2)
    const leaf = found?.nodeType === 'leaf' && !without.includes(node / 2) ? found : undefined
    writer.uint8(leaf === undefined ? 0 : 1)
    if (leaf !== undefined) writer.raw(leaf.bytes)
    return suite.hash(writer.finish())
  }
  writer.uint8(2)
  const parent = found?.nodeType === 'parent' ? found.parentNode : undefined
  writer.uint8(parent === undefined ? 0 : 1)
  if (parent !== undefined)
    ParentNodeCodec.write(writer, {
      ...parent,
      unmergedLeaves: parent.unmergedLeaves.filter((leaf) => !without.includes(leaf)),
    })
  const half = 2 ** (height - 1)
  writer.opaque(treeHashOf(tree, node - half, without))
  writer.opaque(treeHashOf(tree, node + half, without))
  return suite.hash(writer.finish())
}

/** The root of the smallest full tree over the nodes. */
export const rootOf = (tree: FlatTree): number => 2 ** Math.ceil(Math.log2((tree.length + 1) / 2)) - 1

/** RFC 9420 §7.9: the hash that the child of a parent carries. */
export function parentHashOf(tree: FlatTree, node: number, sibling: number): Bytes {
  const found = tree[node]
  if (found?.nodeType !== 'parent') throw new Error('no parent node')
  const { encryptionKey, parentHash, unmergedLeaves } = found.parentNode
  const writer = new Writer(200)
  writer.opaque(encryptionKey)
  writer.opaque(parentHash)
  writer.opaque(treeHashOf(tree, sibling, unmergedLeaves))
  return suite.hash(writer.finish())
}

/** A tree that is being bent. */
export class TreeForgery {
  readonly nodes: (Node | undefined)[]
  readonly groupId: Bytes
  readonly signers: readonly Signer[]

  constructor(tree: FlatTree, groupId: Bytes, signers: readonly Signer[]) {
    this.nodes = [...tree]
    this.groupId = groupId
    this.signers = signers
  }

  leaf(index: number): LeafNode {
    const node = this.nodes[2 * index]
    if (node?.nodeType !== 'leaf') throw new Error('no leaf')
    return node.leafNode
  }

  parent(node: number): ParentNode {
    const found = this.nodes[node]
    if (found?.nodeType !== 'parent') throw new Error('no parent')
    return found.parentNode
  }

  setParent(node: number, change: Partial<ParentNode>): void {
    const old = this.nodes[node]
    const base =
      old?.nodeType === 'parent' ? old.parentNode : { encryptionKey: empty, parentHash: empty, unmergedLeaves: [] }
    this.nodes[node] = { nodeType: 'parent', parentNode: { ...base, ...change } }
  }

  /** Changes a leaf and signs it again for its place. */
  async setLeaf(
    index: number,
    change: (leaf: LeafNodeContent) => LeafNodeContent,
    by: { readonly signer?: Signer; readonly position?: { groupId?: Bytes; leafIndex?: number } } = {},
  ): Promise<void> {
    const { signature: _, ...content } = this.leaf(index)
    const position = { groupId: this.groupId, leafIndex: index, ...by.position }
    const signer = by.signer ?? this.signers[index]!
    this.nodes[2 * index] = {
      nodeType: 'leaf',
      ...(await signLeafNode(signer, change(content as LeafNodeContent), position)),
    }
  }

  /** Changes a leaf and leaves its signature. */
  setLeafUnsigned(index: number, leafNode: LeafNode): void {
    this.nodes[2 * index] = { nodeType: 'leaf', leafNode, bytes: encode(LeafNodeCodec, leafNode) }
  }

  /** Makes the parent hashes of the path of a leaf right again, from the root (or a height) down, and signs the leaf. */
  async commitPath(index: number, top?: number): Promise<void> {
    let above: Bytes = top === undefined ? empty : this.parent(nodeOver(index, top)).parentHash
    const height = Math.log2(rootOf(this.nodes) + 1)
    for (let h = top ?? height; h > 0; h--) {
      const node = nodeOver(index, h)
      if (this.nodes[node]?.nodeType !== 'parent') continue
      this.setParent(node, { parentHash: above })
      const inRight = Math.floor(index / 2 ** (h - 1)) % 2 === 1
      const half = 2 ** (h - 1)
      above = parentHashOf(this.nodes, node, inRight ? node - half : node + half)
    }
    await this.setLeaf(index, (leaf) => ({ ...leaf, leafNodeSource: 'commit', parentHash: above }) as LeafNodeContent)
  }
}

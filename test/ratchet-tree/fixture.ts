import { createHash } from 'node:crypto'
import { ascii, type Bytes } from '../../src/bytes/bytes.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import { type EncodedLeafNode, LeafNode, type LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { type NaiveParent, NaiveTree } from '../support/naive-tree.ts'
import { openSuite } from '../support/suite.ts'

export const suite = openSuite(1)
export const groupId = ascii('group')

/** 32 bytes that differ for each name, and are an X25519 key as any such bytes with a clear top bit are. */
export function bytesOf(name: string): Bytes {
  const bytes = new Uint8Array(createHash('sha256').update(name).digest())
  bytes[31]! &= 0x7f
  return bytes
}

/** A leaf without a genuine signature. */
export function leafOf(name: string, changes: Partial<LeafNodeContent> = {}): EncodedLeafNode {
  const leafNode = {
    encryptionKey: bytesOf(`encryption ${name}`),
    signatureKey: bytesOf(`signature ${name}`),
    credential: { credentialType: 'basic', identity: ascii(name) },
    capabilities: { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [1] },
    leafNodeSource: 'update',
    extensions: [],
    signature: new Uint8Array(64),
    ...changes,
  } as LeafNode
  return { leafNode, bytes: encode(LeafNode, leafNode) }
}

/** The code and rule of what `run` throws. */
export function failure(run: () => unknown): readonly [string, string | undefined] {
  try {
    run()
  } catch (error) {
    const { code, rule } = error as { code: string; rule?: string }
    return [code, rule]
  }
  return ['accepted', undefined]
}

/** The code and rule with which a promise is rejected. */
export async function rejection(promise: Promise<unknown>): Promise<readonly [string, string | undefined]> {
  try {
    await promise
  } catch (error) {
    const { code, rule } = error as { code: string; rule?: string }
    return [code, rule]
  }
  return ['accepted', undefined]
}

/** A tree in the array form after each of its members has committed, from left to right. */
export function populated(members: number): NaiveTree {
  const tree = new NaiveTree([{ leaf: leafOf('member 0').bytes }])
  for (let i = 1; i < members; i++) tree.add(leafOf(`member ${i}`).bytes)
  for (let i = 0; i < members; i++) commitBy(tree, i)
  return tree
}

/** A commit with nothing but a path; the member's name stays. */
export function commitBy(tree: NaiveTree, index: number, epoch = 'first'): void {
  const keys = tree.filteredDirectPath(index).map((node) => bytesOf(`${epoch} ${index} node ${node}`))
  const parentHash = tree.setPath(index, keys)
  tree.nodes[2 * index] = { leaf: committedLeaf(`${epoch} member ${index}`, parentHash).bytes }
}

/** A leaf of source `commit`. */
export function committedLeaf(name: string, parentHash: Bytes): EncodedLeafNode {
  return leafOf(name, { leafNodeSource: 'commit', parentHash } as Partial<LeafNodeContent>)
}

/** The parent at a node of the array form. */
export function parentOf(tree: NaiveTree, node: number): NaiveParent {
  const found = tree.nodes[node]
  if (found === undefined || !('parent' in found)) throw new Error('no parent there')
  return found.parent
}

/** The decoded leaf at a node of the array form. */
export function decodedLeaf(tree: NaiveTree, index: number): LeafNode {
  const found = tree.nodes[2 * index]
  if (found === undefined || !('leaf' in found)) throw new Error('no leaf there')
  return decode(LeafNode, found.leaf)
}

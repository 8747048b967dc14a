/**
 * What anybody can know of a group that uses PublicMessages: the naive tree, moved on by the messages that were sent and by
 * nothing else. The oracle for the trees of all members.
 */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { ascii, type Bytes, concatBytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { decodeMlsMessage, toHex } from '../../src/index.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import type { Commit } from '../../src/wire/commit.ts'
import type { FramedContent, Sender } from '../../src/wire/framed-content.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import { NaiveTree } from '../support/naive-tree.ts'

/** Bytes of a membership tag with its length, in suites with SHA-256. */
const tagLength = 33

export class ArrayGroup {
  readonly tree: NaiveTree
  #proposals = new Map<string, { readonly proposal: Proposal; readonly sender: Sender }>()

  /** A group of one. */
  constructor(leaf: Bytes) {
    this.tree = new NaiveTree([{ leaf }])
  }

  /** Leaves that are not blank. */
  get members(): number[] {
    return this.tree.nodes.flatMap((node, i) => (i % 2 === 0 && node !== undefined ? [i / 2] : []))
  }

  /** A proposal was sent. */
  propose(message: Uint8Array): void {
    const content = contentOf(message)
    if (content.contentType !== 'proposal') throw new Error('not a proposal')
    const { proposal, sender } = content
    this.#proposals.set(referenceOf(message, sender), { proposal, sender })
  }

  /** A commit was accepted. @returns the leaf of its sender */
  commit(message: Uint8Array): number {
    const content = contentOf(message)
    if (content.contentType !== 'commit') throw new Error('not a commit')
    const { commit, sender } = content
    const list = this.#resolve(commit, sender)
    this.#proposals = new Map()
    // RFC 9420 §12.3: Updates, Removes, Adds
    for (const { proposal, sender: by } of list)
      if (proposal.proposalType === 'update' && by.senderType === 'member')
        this.tree.update(by.leafIndex, proposal.leafNode.bytes)
    for (const { proposal } of list) if (proposal.proposalType === 'remove') this.tree.remove(proposal.removed)
    for (const { proposal } of list)
      if (proposal.proposalType === 'add') this.tree.add(encode(LeafNode, proposal.keyPackage.leafNode))
    const { path } = commit
    if (path === undefined) {
      this.tree.truncate()
      if (sender.senderType !== 'member') throw new Error('an external commit without a path')
      return sender.leafIndex
    }
    const { leafNode } = path
    // a newcomer takes the leftmost blank leaf before it gets a path
    const index = sender.senderType === 'member' ? sender.leafIndex : this.tree.add(leafNode.bytes)
    this.tree.truncate()
    const keys = path.nodes.map(({ encryptionKey }) => encryptionKey)
    expect(this.tree.filteredDirectPath(index).length).toBe(keys.length)
    const parentHash = this.tree.setPath(index, keys)
    const source = leafNode.leafNode
    expect(source.leafNodeSource === 'commit' && toHex(source.parentHash)).toBe(toHex(parentHash))
    this.tree.nodes[2 * index] = { leaf: leafNode.bytes }
    return index
  }

  #resolve(commit: Commit, sender: Sender) {
    return commit.proposals.map((entry) => {
      if (entry.type === 'proposal') return { proposal: entry.proposal, sender }
      const found = this.#proposals.get(toHex(entry.reference))
      if (found === undefined) throw new Error('a reference to a proposal that nobody sent')
      return found
    })
  }
}

function contentOf(message: Uint8Array): FramedContent {
  const decoded = decodeMlsMessage(message)
  if (decoded.wireFormat !== 'mls_public_message') throw new Error('not a PublicMessage')
  return decoded.publicMessage.content
}

/** ProposalRef of RFC 9420 §5.2, from the bytes that were sent: without the version in front and the tag of a member. */
function referenceOf(message: Uint8Array, sender: Sender): string {
  const content = message.subarray(2, message.length - (sender.senderType === 'member' ? tagLength : 0))
  const label = ascii('MLS 1.0 Proposal Reference')
  const length = content.length
  const header = length < 64 ? [length] : length < 16_384 ? [0x40 | (length >> 8), length & 0xff] : undefined
  if (header === undefined) throw new Error('a proposal longer than this model knows')
  const input = concatBytes(Uint8Array.of(label.length), label, Uint8Array.from(header), content)
  return createHash('sha256').update(input).digest('hex')
}

/** The tree of a member is the naive one, node by node. */
export function expectTree(tree: Tree, model: NaiveTree): void {
  expect(toHex(tree.treeHash)).toBe(toHex(model.treeHash(model.root)))
  expect(toHex(tree.encode())).toBe(toHex(model.encode()))
  expect(tree.leafCount).toBe(model.leafCount)
  for (let node = 0; node < model.nodes.length; node++) {
    expect(tree.resolution(node)).toEqual(model.resolution(node))
    const found = model.nodes[node]
    if (node % 2 === 0) {
      const leaf = tree.leaf(node / 2)
      expect(leaf && toHex(leaf.bytes)).toBe(found && 'leaf' in found ? toHex(found.leaf) : undefined)
      continue
    }
    const parent = tree.parentNode(node)
    const expected = found !== undefined && 'parent' in found ? found.parent : undefined
    expect(parent && toHex(parent.encryptionKey)).toBe(expected && toHex(expected.key))
    expect(parent && toHex(parent.parentHash)).toBe(expected && toHex(expected.parentHash))
    expect(parent?.unmergedLeaves).toEqual(expected?.unmerged)
  }
  for (let leaf = 0; leaf < model.leafCount; leaf++)
    expect(tree.filteredDirectPath(leaf)).toEqual(model.filteredDirectPath(leaf))
}

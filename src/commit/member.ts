import type { Bytes } from '../bytes/bytes.ts'
import type { TreeLeaf } from '../ratchet-tree/node.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { Credential } from '../wire/credential.ts'
import type { Extension } from '../wire/extension.ts'
import type { Capabilities } from '../wire/leaf-node.ts'
import type { CustomProposal, ReInitProposal } from '../wire/proposal.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'

/** One leaf as the application sees it. */
export interface Member {
  readonly leafIndex: LeafIndex
  readonly credential: Credential
  readonly signatureKey: Bytes
  readonly capabilities: Capabilities
  readonly extensions: readonly Extension[]
}

/** What a commit does, for policies and for display. Changes, never whole lists of members. */
export interface CommitChanges {
  /** The epoch that the commit begins. */
  readonly epoch: bigint
  /** Who committed; for an external commit the leaf that it takes. */
  readonly committer: Member
  /** Whether the committer joined by this commit (RFC 9420 §12.4.3.2). */
  readonly external: boolean
  readonly added: readonly Member[]
  readonly removed: readonly Member[]
  readonly updated: readonly Member[]
  /** Whether the committer's own leaf and keys were renewed. */
  readonly path: boolean
  /** The new extensions of the group, when the commit sets them. */
  readonly extensions: readonly Extension[] | undefined
  readonly psks: readonly PreSharedKeyId[]
  readonly reinit: ReInitProposal | undefined
  readonly custom: readonly CustomProposal[]
}

/** The public view of a leaf. */
export function memberOf(leafIndex: LeafIndex, leaf: Pick<TreeLeaf, 'leafNode'>): Member {
  const { credential, signatureKey, capabilities, extensions } = leaf.leafNode
  return { leafIndex, credential, signatureKey, capabilities, extensions }
}

/** All members, from the left. */
export function* membersOf(tree: Tree): Generator<Member> {
  for (const [leafIndex, leaf] of tree.members()) yield memberOf(leafIndex, leaf)
}

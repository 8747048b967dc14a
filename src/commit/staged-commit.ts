import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { AppliedProposals } from '../proposals/apply.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { LeafNode } from '../wire/leaf-node.ts'
import { type Epoch, wipeEpoch } from './epoch.ts'
import { type CommitChanges, type Member, memberOf } from './member.ts'

/**
 * A commit that was created or checked, and not yet merged. A value: nothing of the group has changed. Merge it when the
 * delivery service has accepted it, or let it go.
 */
export interface StagedCommit {
  /** The epoch that it starts from. */
  readonly baseEpoch: bigint
  /** Whether this client made it. */
  readonly own: boolean
  readonly changes: CommitChanges
  /** The next epoch; absent when the commit removes this client. */
  readonly next: Epoch | undefined
  /** Hash of the encoded MLSMessage; recognises the echo of an own commit and duplicates. */
  readonly messageHash: Bytes
  /** The encoded Welcome for the members that an own commit adds; handed out when it is merged (V276). */
  readonly welcome: Bytes | undefined
  /** The encoded GroupInfo of the next epoch, of an own commit. */
  readonly groupInfo: Bytes | undefined
}

/** Wipes the secrets of a commit that will not be merged. */
export function discardStaged(staged: StagedCommit): void {
  if (staged.next !== undefined) wipeEpoch(staged.next)
}

/** Who committed, for {@link describeChanges}. */
export interface CommittedBy {
  readonly leafIndex: LeafIndex
  readonly external: boolean
  readonly path: boolean
  /** The leaf after the commit, where it is decoded already and the caller does not need it any more. */
  readonly leafNode?: LeafNode | undefined
}

/** The public description of what a commit does. */
export function describeChanges(
  applied: AppliedProposals,
  before: Tree,
  after: Tree,
  committer: CommittedBy,
  epoch: bigint,
): CommitChanges {
  const { list } = applied
  const member = (tree: Tree, leafIndex: LeafIndex): Member => {
    const leaf = tree.leaf(leafIndex)
    if (leaf === undefined) throw new MlsError('internal/unreachable', 'a change of a blank leaf')
    return memberOf(leafIndex, leaf)
  }
  return {
    epoch,
    committer: committer.leafNode
      ? memberOf(committer.leafIndex, { leafNode: committer.leafNode })
      : member(after, committer.leafIndex),
    external: committer.external,
    added: applied.added.map(({ leafIndex }) => member(after, leafIndex)),
    removed: list.removes.map((leafIndex) => member(before, leafIndex)),
    updated: list.updates.map(({ leafIndex }) => member(after, leafIndex)),
    path: committer.path,
    extensions: list.extensions,
    psks: list.psks,
    reinit: list.reinit,
    custom: list.custom.map(({ proposal }) => proposal),
  }
}

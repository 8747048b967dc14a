import type { Bytes } from '../bytes/bytes.ts'
import type { CommitChanges, Member } from '../commit/member.ts'
import type { StagedCommit } from '../commit/staged-commit.ts'
import type { Sender } from '../wire/framed-content.ts'
import type { Proposal } from '../wire/proposal.ts'

/** An application message. */
export interface MessageReceived {
  readonly kind: 'message'
  readonly sender: Member
  readonly epoch: bigint
  /** The sender's counter in its epoch, from 0: gaps are messages that did not arrive. */
  readonly generation: number
  readonly authenticatedData: Bytes
  readonly data: Bytes
}

/** A proposal, which waits for a commit. */
export interface ProposalReceived {
  readonly kind: 'proposal'
  readonly sender: Sender
  readonly epoch: bigint
  readonly proposal: Proposal
  /** ProposalRef, Nh bytes. */
  readonly reference: Bytes
  readonly authenticatedData: Bytes
}

/** A valid commit by someone else. After `receive` it is merged, after `stage` it waits for `merge`. */
export interface CommitReceived {
  readonly kind: 'commit'
  readonly changes: CommitChanges
  readonly staged: StagedCommit
  /** Whether the commit removed this client. */
  readonly removed: boolean
  readonly authenticatedData: Bytes
}

/** The echo of the own pending commit: the delivery service accepted it. Merged by `receive`, ready for `merge` by `stage`. */
export interface OwnCommitReceived {
  readonly kind: 'own-commit'
  readonly changes: CommitChanges
  readonly staged: StagedCommit
  /** The encoded Welcome, after `receive` has merged the commit. */
  readonly welcome: Bytes | undefined
  /** The encoded GroupInfo of the new epoch, when one was asked for. */
  readonly groupInfo: Bytes | undefined
}

/** The echo of an own message or proposal; nothing changes. */
export interface OwnMessageReceived {
  readonly kind: 'own-message'
  readonly contentType: 'application' | 'proposal' | 'commit'
  readonly epoch: bigint
  /** What a PrivateMessage claims, not verified: a generation that was never used here points to another copy of this client. */
  readonly generation?: number
}

/** Something that was processed before; nothing changes. */
export interface DuplicateReceived {
  readonly kind: 'duplicate'
  readonly contentType: 'application' | 'proposal' | 'commit'
  readonly epoch: bigint
}

/** A message of an epoch that has not begun here: keep it, and fetch the commits that are missing. Nothing changes. */
export interface FutureEpochReceived {
  readonly kind: 'future-epoch'
  readonly contentType: 'application' | 'proposal' | 'commit'
  readonly epoch: bigint
}

/** A message of an epoch that is over: a handshake that lost, or an application message beyond the retention. */
export interface PastEpochReceived {
  readonly kind: 'past-epoch'
  readonly contentType: 'application' | 'proposal' | 'commit'
  readonly epoch: bigint
}

/** What became of a message. Bad input is not among them: it is thrown as an `MlsError` and changes nothing. */
export type ReceiveResult =
  | MessageReceived
  | ProposalReceived
  | CommitReceived
  | OwnCommitReceived
  | OwnMessageReceived
  | DuplicateReceived
  | FutureEpochReceived
  | PastEpochReceived

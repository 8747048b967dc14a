/** What becomes of one message of the archive at a stored group. */
import type { Bytes } from '../bytes/bytes.ts'
import type { MlsError } from '../bytes/errors.ts'
import type { CommitChanges } from '../commit/member.ts'
import type { ReceiveResult } from '../group/result.ts'
import { decodeMlsMessage } from '../wire/mls-message.ts'
import type { QuarantineReason } from './records.ts'

/** One message as the archive has it, in the archive's order. */
export interface ArchiveEntry {
  /** An encoded MLSMessage. */
  readonly message: Uint8Array
  /** The archive's name of this place; stored with what the message changes. */
  readonly cursor?: Uint8Array
  /**
   * Whether the delivery service says that this account sent it. `false` keeps other members from putting this client in
   * quarantine by messages in its name.
   */
  readonly own?: boolean
  /** Whether an application message is kept in the history; as the store is set by default. */
  readonly keep?: boolean
  /** An id to keep with it in the history. */
  readonly id?: string
}

/** A message that is not valid here. Nothing has changed but the cursor. */
export interface Rejected {
  readonly kind: 'rejected'
  readonly error: MlsError
}

/** The own external commit came back: the new life of the group counts, the old one is gone. */
export interface Joined {
  readonly kind: 'joined'
  readonly epoch: bigint
}

/** Another commit came before the own external commit: join again with a newer GroupInfo. */
export interface JoinLost {
  readonly kind: 'join-lost'
  readonly epoch: bigint
}

/** An own commit that another one came before. */
export interface LostCommit {
  readonly changes: CommitChanges
  /** What was given with the commit. */
  readonly intent: Bytes | undefined
}

/** See the file. */
export interface Received {
  readonly result: ReceiveResult | Rejected | Joined | JoinLost
  /** The id of the outbox entry that this message is. */
  readonly sent?: string
  readonly lost?: LostCommit
  /** Set when the message showed that another copy of this client sends. */
  readonly quarantine?: QuarantineReason
}

/** The outside of a message of a group; `undefined` for anything else. */
export function headerOf(
  bytes: Uint8Array,
): { readonly epoch: bigint; readonly contentType: string; readonly isPrivate: boolean } | undefined {
  try {
    const message = decodeMlsMessage(bytes)
    if (message.wireFormat === 'mls_private_message') {
      const { epoch, contentType } = message.privateMessage
      return { epoch, contentType, isPrivate: true }
    }
    if (message.wireFormat !== 'mls_public_message') return undefined
    const { epoch, contentType } = message.publicMessage.content
    return { epoch, contentType, isPrivate: false }
  } catch {
    return undefined
  }
}

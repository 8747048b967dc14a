/** What applications see of the binding: values and events. The classes are in `client.ts` and `room.ts`. */
import type { MlsError } from '../../bytes/errors.ts'
import type { QuarantineReason } from '../../group-store/records.ts'
import type { XmlElement } from '../stanza/element.ts'
import type { Affiliation } from '../xep/xep-0045.ts'
import type { IdentityIssue, Trust } from './room-identity.ts'

export type { IdentityIssue, QuarantineReason, Trust }

/** One device of an account in a group: one leaf. */
export interface Participant {
  /** Bare JID, from the credential; never from a nick or a stanza's `from`. */
  readonly account: string
  /** Device id: 32 hexadecimal digits. */
  readonly device: string
  readonly leafIndex: number
  /** Whether this is the own device. */
  readonly own: boolean
  readonly trust: Trust
}

/** One account of a room: what the room's list and the tree say of it. */
export interface RoomAccount {
  readonly account: string
  /** Its leaves in the tree; empty when it cannot read. */
  readonly devices: readonly Participant[]
  /** Its standing in the room; `undefined` when the room's list is not known. */
  readonly affiliation: Affiliation | undefined
  /** `outsider`: in the tree and not in the room; blocks sending. `unreached`: in the room and not in the tree. */
  readonly difference: 'none' | 'outsider' | 'unreached'
}

/** What a message says. `to` is the id of an earlier message, see {@link RoomMessage.id}. */
export type MessageContent =
  | { readonly kind: 'text'; readonly body: string }
  | { readonly kind: 'reply'; readonly to: string; readonly body: string }
  /** All reactions of the sender to a message; an empty list takes them back. */
  | { readonly kind: 'reaction'; readonly to: string; readonly emojis: readonly string[] }
  | { readonly kind: 'correction'; readonly to: string; readonly body: string }
  | { readonly kind: 'retraction'; readonly to: string }
  | { readonly kind: 'received'; readonly to: string }
  | { readonly kind: 'displayed'; readonly to: string }
  /** Elements of the application's own, put into the envelope as they are. */
  | { readonly kind: 'xml'; readonly elements: readonly XmlElement[] }

/** A message that was decrypted and whose sender is proven. */
export interface RoomMessage {
  /** The name of the message in replies, reactions, corrections: its signed id in hexadecimal, else its archive id. */
  readonly id: string
  /** The room's archive id; places the message in the room's order. */
  readonly archiveId: string
  readonly sender: Participant
  readonly epoch: bigint
  /** The sender's own count of its messages in this group, from 1. */
  readonly number: number | undefined
  /** `unbound`: the sender's software signs no header, so that a replay by a member would not be noticed. */
  readonly binding: 'bound' | 'unbound'
  /** What the sender's clock said. */
  readonly sentAt: Date | undefined
  /** It was repaired from the archive: messages behind it were given before. */
  readonly late: boolean
  readonly content: MessageContent
  /** The text, where the content has one. */
  readonly body: string | undefined
  /** The raw content of the envelope. */
  readonly elements: readonly XmlElement[]
  /**
   * It may have been given before: the process ended before the listeners had taken it for good. Its id is the same.
   */
  readonly redelivered?: true
}

/** A message of the local history. */
export interface HistoryEntry {
  /** Where it stands: later messages have greater numbers. */
  readonly place: bigint
  /** When this device got it, or saw its own in the archive. */
  readonly at: Date
  readonly message: RoomMessage
}

/** Which part of the history to read. */
export interface HistoryPage {
  /** Messages before this place; the newest, when absent. */
  readonly before?: bigint
  /** 1 to 1,000; 50 by default. */
  readonly limit?: number
}

/** How long messages are kept on this device. */
export interface HistoryPolicy {
  /** The newest so many of each room. */
  readonly maxMessages?: number
  /** Not longer than so many milliseconds. */
  readonly maxAgeMs?: number
}

/** How long keys are kept for messages that come late. What is beyond a bound is deleted, and no message brings it back. */
export interface RetentionPolicy {
  /** Epochs of a group that are over and whose messages can still be read; 4 by default. */
  readonly pastEpochs?: number
  /** Not longer than so many milliseconds after their end; 24 hours by default. */
  readonly pastEpochMs?: number
  /** Keys of messages that were passed over, in milliseconds; 3 days by default. */
  readonly skippedKeyMs?: number
}

/** A change of who is in the group. Each is shown, none is silent. */
export interface MembershipChange {
  readonly epoch: bigint
  readonly archiveId: string
  /** Who did it; for `rejoined` and `joined` the device itself. */
  readonly by: Participant
  readonly added: readonly Participant[]
  readonly removed: readonly Participant[]
  /** A device that came in by itself: `joined`, or `rejoined` where its old leaf was removed by the same commit. */
  readonly external: 'joined' | 'rejoined' | undefined
  /** The group's policy after the change, where it changed. */
  readonly policy: RoomPolicy | undefined
}

/** Why a message cannot be read: a closed list. */
export type UnreadableReason =
  /** Sent before this device was in the group. */
  | 'before-join'
  /** Its epoch is over and its keys are gone. */
  | 'too-old'
  /** The commit that begins its epoch is not in the archive. */
  | 'missing-epoch'
  /** Encrypted in another history of the group. */
  | 'fork'
  /** Not what its sender encrypted, or not by a member. */
  | 'tampered'
  /** A member sent somebody's message again under another number. */
  | 'replayed'
  /** Not in the form of the binding. */
  | 'malformed'
  /** Its content is bound to another room. */
  | 'wrong-room'
  /** A correction or retraction of somebody else's message. */
  | 'not-author'
  | 'too-large'
  /** Its content was uploaded and cannot be fetched, or is not what was announced. */
  | 'unavailable'
  /** Sent after this device was removed. */
  | 'removed'

/** A message that is there and cannot be read. */
export interface Unreadable {
  readonly archiveId: string
  readonly reason: UnreadableReason
  /** Known where the cipher text told it. */
  readonly epoch: bigint | undefined
  /** Proven for `replayed`, `wrong-room` and `not-author`, otherwise unknown. */
  readonly sender: Participant | undefined
}

/** What is wrong in a room, by what a person can do about it. */
export type RoomIssue =
  /** Somebody is in the tree and not in the room; nothing is sent until he is removed. */
  | { readonly kind: 'outsider'; readonly account: string }
  /** Messages that others have seen and that neither came nor are in the archive. */
  | { readonly kind: 'missing'; readonly sender: Participant; readonly first: number; readonly last: number }
  /** The archive has a gap or another history: {@link RoomHealth.state} is `desynchronised`, rejoin. */
  | { readonly kind: 'gap' }
  | { readonly kind: 'fork' }
  /**
   * Another copy of this device is or was alive: a restored backup, a copied profile. It only receives, so that nothing is
   * encrypted twice; `rejoin()` goes on with fresh keys.
   */
  | { readonly kind: 'copied'; readonly reason: QuarantineReason }
  /** The archive no longer goes back to where we were. */
  | { readonly kind: 'archive-truncated' }
  /** Something about the identity of a member, with one plain sentence. */
  | IdentityIssue

/** How a room does. */
export interface RoomHealth {
  /**
   * `active`: everything works. `waiting`: in the room, not in the group: somebody must invite. `joining`: an external join
   * is under way. `catching-up`: the archive is being read. `offline`: no connection or no seat. `desynchronised`: this
   * device cannot follow any more, `rejoin()` mends it. `removed`: the group removed this device. `expelled`: the room has
   * put this account out, and does not let it read whether the group did, too. `closed`: left.
   */
  readonly state:
    | 'active'
    | 'waiting'
    | 'joining'
    | 'catching-up'
    | 'offline'
    | 'desynchronised'
    | 'removed'
    | 'expelled'
    | 'closed'
  readonly issues: readonly RoomIssue[]
  readonly epoch: bigint | undefined
  /** Whether `send` goes out now. */
  readonly canSend: boolean
}

/** Something bad that came in, or a job that failed. Nothing was changed by it. */
export interface RoomProblem {
  readonly kind: 'invalid-handshake' | 'unarchived' | 'invalid-welcome' | 'storage' | 'network' | 'internal'
  readonly archiveId: string | undefined
  readonly error: MlsError
}

/** Events of a room, by name. */
export interface RoomEvents {
  readonly message: RoomMessage
  readonly membership: MembershipChange
  readonly unreadable: Unreadable
  readonly health: RoomHealth
  readonly error: RoomProblem
}

/** Who may join by an external commit: nobody, devices of accounts that are in the group, everybody. */
export type ExternalJoinPolicy = 'none' | 'same-account' | 'anyone'

/** The rules of a group, in its GroupContext: every member applies the same. */
export interface RoomPolicy {
  readonly externalJoin: ExternalJoinPolicy
}

/** A message on its way has arrived. */
export interface SentMessage {
  /** See {@link RoomMessage.id}. */
  readonly id: string
  readonly archiveId: string
}

/** An invitation to a room that this device can join. */
export interface Invitation {
  readonly room: string
  /** Bare JID as the server tells it; the group itself proves who added us. */
  readonly from: string
  /** For a one-to-one chat: the other account. Accept it with `client.direct(peer)`, any other with `client.room(room)`. */
  readonly peer: string | undefined
}

/** Events of a client, by name. */
export interface ClientEvents {
  readonly invitation: Invitation
  readonly error: RoomProblem
}

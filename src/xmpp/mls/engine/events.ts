/** What happens to the engine of a room, and what it wants done. */
import type { Bytes } from '../../../bytes/bytes.ts'
import type { MlsError } from '../../../bytes/errors.ts'
import type { Group } from '../../../group/group.ts'
import type { Affiliation } from '../../xep/xep-0045.ts'
import type { MessageContent, QuarantineReason, RoomEvents, RoomPolicy, SentMessage } from '../types.ts'
import type { HandshakeKind } from '../wire/handshake.ts'
import type { MlsRequest } from '../wire/request.ts'
import type { EngineEntry } from './entries.ts'
import type { EngineContext, Intent, PendingWelcome, RoomState } from './state.ts'

/** What happens. */
export type EngineEvent =
  /** The next entry of the archive. */
  | { readonly kind: 'archived'; readonly entry: EngineEntry }
  /** An entry as it arrived, its place not yet settled. */
  | { readonly kind: 'live'; readonly entry: EngineEntry }
  /** An entry that the archive shows before others that were processed (channels). */
  | { readonly kind: 'late'; readonly entry: EngineEntry }
  /** The archive was read to its end. */
  | { readonly kind: 'caught-up' }
  /** The connection or the seat is gone. */
  | { readonly kind: 'lost' }
  /** The room has put this account out, or does not let it in: what happens there can no longer be known. */
  | { readonly kind: 'expelled' }
  /** The seat is taken. */
  | { readonly kind: 'admitted' }
  /** The archive no longer has the cursor. */
  | { readonly kind: 'truncated' }
  /** Another copy of this device is alive. */
  | { readonly kind: 'copied'; readonly reason: QuarantineReason }
  | { readonly kind: 'say'; readonly op: string; readonly content: MessageContent }
  | { readonly kind: 'intend'; readonly intent: Intent }
  | { readonly kind: 'leave'; readonly op: string }
  | { readonly kind: 'create'; readonly policy: RoomPolicy; readonly direct: readonly string[] }
  /** `recent`: the end of the archive as far as it matters, for a device that has read it as a member. */
  | { readonly kind: 'rejoin'; readonly recent: readonly EngineEntry[] }
  | { readonly kind: 'adopt'; readonly group: Group; readonly at: string; readonly lastResort: boolean }
  | { readonly kind: 'roster'; readonly roster: ReadonlyMap<string, Affiliation> | undefined }
  | { readonly kind: 'affiliation'; readonly account: string; readonly affiliation: Affiliation }
  /** Nobody knows what became of a stanza. */
  | { readonly kind: 'unsure'; readonly id: string }
  | { readonly kind: 'refused'; readonly id: string; readonly error: unknown }
  | { readonly kind: 'welcomed'; readonly id: string }
  | { readonly kind: 'timer'; readonly name: TimerName }

/** Timers of a room; setting one again replaces it. */
export type TimerName = 'retry' | 'proposals' | 'requests' | 'outsiders' | 'join'

/** A stanza for the room. */
export type OutgoingItem =
  | { readonly kind: 'encrypted'; readonly group: Bytes; readonly epoch: bigint; readonly bytes: Bytes }
  | {
      readonly kind: 'handshake'
      readonly handshake: HandshakeKind
      readonly group: Bytes
      readonly epoch: bigint
      readonly bytes: Bytes | undefined
      readonly groupInfo: Bytes | undefined
      readonly tree?: {
        readonly bytes: Bytes
        readonly at: string | undefined
        readonly request: string | undefined
        readonly leaf: number | undefined
      }
    }
  | { readonly kind: 'request'; readonly request: MlsRequest }

/** An event for the application. */
export type Emission = {
  [K in keyof RoomEvents]: { readonly name: K; readonly value: RoomEvents[K] }
}[keyof RoomEvents]

/** What is to be done, in this order, after the state was stored. */
export type Effect =
  | { readonly kind: 'send'; readonly id: string; readonly item: OutgoingItem }
  | { readonly kind: 'welcome'; readonly welcome: PendingWelcome }
  /** `data`: of a message, the envelope as it was decrypted. */
  | { readonly kind: 'emit'; readonly event: Emission; readonly data?: Bytes }
  /** Read the archive from the cursor. */
  | { readonly kind: 'pull' }
  /** Call back after `ms` and a random time within `windowMs`. */
  | { readonly kind: 'timer'; readonly name: TimerName; readonly ms: number; readonly windowMs: number }
  /** Read who belongs to the room. */
  | { readonly kind: 'read-roster' }
  | { readonly kind: 'done'; readonly op: string; readonly sent: SentMessage | undefined }
  | { readonly kind: 'failed'; readonly op: string; readonly error: MlsError }
  | { readonly kind: 'health' }

/** A turn of the engine: the state to change and the effects so far. */
export interface Turn {
  readonly context: EngineContext
  readonly state: RoomState
  readonly effects: Effect[]
}

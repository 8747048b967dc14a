import type { XmppContext } from '../port.ts'
import type { Room } from '../room.ts'
import type { Blobs } from './blobs.ts'
import type { EngineContext, PendingWelcome } from './engine/state.ts'
import type { RoomStore } from './store-state.ts'

/** What a session works with. */
export interface SessionPorts {
  readonly xmpp: XmppContext
  readonly room: Room
  readonly engine: EngineContext
  readonly store: RoomStore
  readonly blobs: Blobs
  /** Told when the archive was read to its end. */
  readonly onCaughtUp?: () => void
  /** Hands out a Welcome. */
  readonly welcome: (welcome: PendingWelcome, room: string) => Promise<void>
}

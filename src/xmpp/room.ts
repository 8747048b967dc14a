import type { XmlElement } from './stanza/element.ts'
import type { Affiliation } from './xep/xep-0045.ts'

/** A message of a room with its place in the room's archive. */
export interface RoomEntry {
  /** The id that the room's archive gave it; opaque, ordered only by {@link Room.precedes} and by pages. */
  readonly archiveId: string
  /** Real bare JID of the sender, as the room says; `undefined` when the room does not say. Never proof of authorship. */
  readonly from: string | undefined
  /** The whole message stanza. */
  readonly element: XmlElement
  /** Sent through this room object: its id is one that {@link Room.send} used, from our own address or nick. */
  readonly own: boolean
}

/** Why we are no longer in a room. */
export type RemovalReason = 'banned' | 'kicked' | 'affiliation' | 'shutdown' | 'connection' | 'destroyed' | 'unknown'

/** What a room tells. */
export type RoomEvent =
  /** A message as it arrived; the archive's order is that of {@link Room.page}. */
  | { readonly kind: 'message'; readonly entry: RoomEntry }
  /** A groupchat message that the room did not archive: it has no place in the order. */
  | { readonly kind: 'unarchived'; readonly from: string | undefined; readonly element: XmlElement }
  /** Somebody's standing changed. In a channel participants are members. */
  | { readonly kind: 'affiliation'; readonly jid: string; readonly affiliation: Affiliation }
  /** Somebody came or went, where the room shows it. */
  | { readonly kind: 'presence'; readonly nick: string; readonly jid: string | undefined; readonly here: boolean }
  /** We are out. */
  | { readonly kind: 'removed'; readonly reason: RemovalReason }

/** Who belongs to a room. */
export interface RoomMember {
  readonly jid: string
  readonly affiliation: Affiliation
}

/** Which part of the archive is wanted: what follows an id, what precedes one, or the newest (`before: ''`). */
export interface RoomPageRequest {
  readonly after?: string
  readonly before?: string
  /** Messages; servers give at most 250. */
  readonly max?: number
}

/** A part of the archive in its order. */
export interface RoomPage {
  readonly entries: readonly RoomEntry[]
  /** Nothing more lies in the asked direction. */
  readonly complete: boolean
  /** `false`: the archive may still change here. */
  readonly stable: boolean
}

/** How to enter a room. */
export interface JoinOptions {
  /** Wanted nick; another one is taken when somebody else has it. */
  readonly nick?: string
  /** Makes the room when it does not exist: persistent, members only, non-anonymous, with archive. */
  readonly create?: boolean
  readonly timeoutMs?: number
}

/**
 * The delivery service: a room or channel with an archive that puts all messages in one order. Two drivers, MUC and MIX.
 * Rooms without an archive are refused (`xmpp/room_archive`), and so are rooms that hide who speaks
 * (`xmpp/room_anonymous`).
 */
export interface Room {
  readonly jid: string
  readonly kind: 'muc' | 'mix'
  /** Live messages come in the archive's order. In a channel they do not: ask the archive before order matters. */
  readonly liveOrderIsFinal: boolean
  readonly joined: boolean
  /** Our nick, once joined. */
  readonly nick: string | undefined

  /**
   * Enters the room.
   * @throws XmppError (`registration-required`, `forbidden`, ...), `xmpp/room_missing`, `xmpp/room_archive`,
   * `xmpp/room_anonymous`, `xmpp/unsupported`, `xmpp/timeout`, `xmpp/offline`
   */
  join(options?: JoinOptions): Promise<void>
  leave(): Promise<void>
  /** Stops listening to the connection for good; the seat stays. */
  close(): void
  /**
   * Sends a groupchat message with these children and waits until the room shows it back.
   * @returns its archive id
   * @throws XmppError when the room refuses it; `xmpp/timeout` and `xmpp/offline` when the outcome is unknown (the archive
   * knows); `xmpp/not_joined`; `xmpp/unsupported` when the room did not archive it
   */
  send(
    children: readonly XmlElement[],
    options?: { readonly id?: string; readonly timeoutMs?: number },
  ): Promise<string>
  /** Everything the room tells from now on. Returns how to stop. */
  onEvent(listener: (event: RoomEvent) => void): () => void
  /** @throws XmppError: `item-not-found` where the server knows that the cursor is gone, `forbidden` for outsiders */
  page(request: RoomPageRequest): Promise<RoomPage>
  /** Whether one archived message comes before another; `undefined` when ids do not tell. */
  precedes(first: string, second: string): boolean | undefined
  members(): Promise<readonly RoomMember[]>
  /** Sets somebody's standing; `none` takes it away, `outcast` bans. @throws XmppError, `xmpp/unsupported` in channels */
  affiliate(jid: string, affiliation: Affiliation): Promise<void>
  /** Asks the room whether we are still in it. `unknown`: it could not be reached. */
  ping(): Promise<'joined' | 'not-joined' | 'unknown'>
}

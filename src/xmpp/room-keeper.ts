import { MlsError } from '../bytes/errors.ts'
import type { XmppContext } from './port.ts'
import type { JoinOptions, RemovalReason, Room, RoomEvent } from './room.ts'
import type { CatchUp, RoomSync } from './room-sync.ts'
import { XmppError } from './stanza/xmpp-error.ts'

/** What the keeper reports. */
export type KeeperEvent =
  /** In the room, and the archive was read to its end (or its cursor is gone). */
  | { readonly kind: 'live'; readonly caughtUp: CatchUp }
  /** Out of the room; trying to come back. */
  | { readonly kind: 'lost'; readonly reason: RemovalReason | 'unknown' }
  /** An attempt failed; the next one comes after `retryMs`. */
  | { readonly kind: 'retry'; readonly error: unknown; readonly retryMs: number }
  /** Out for good: banned, removed, refused, or the room is gone. */
  | { readonly kind: 'closed'; readonly reason: RemovalReason | 'refused'; readonly error?: unknown }

/** How a seat is kept. */
export interface KeeperOptions {
  readonly join?: JoinOptions
  /** Milliseconds between self-pings (XEP-0410 asks for about 15 minutes without traffic); 0 turns them off. */
  readonly pingEveryMs?: number
  /** First and longest pause between attempts: a server bounces a dead link for up to five minutes. */
  readonly retryMs?: readonly [first: number, longest: number]
  readonly onEvent?: (event: KeeperEvent) => void
}

const final: readonly RemovalReason[] = ['banned', 'kicked', 'affiliation', 'destroyed']

/**
 * Keeps a seat in a room: joins, catches up, pings, and comes back after a lost connection, a restart of the server or a cut
 * between servers. It never comes back against the room's will: a ban, a kick or a refusal is reported and final.
 */
export class RoomKeeper {
  readonly #room: Room
  readonly #sync: RoomSync
  readonly #context: XmppContext
  readonly #options: KeeperOptions
  readonly #stops: (() => void)[] = []
  #cancel: (() => void) | undefined
  #attempt: Promise<void> | undefined
  #failures = 0
  /** Set while the room cannot be reached: the last entry before. */
  #doubt: { readonly cursor: string | undefined } | undefined
  #offline = false
  #closed = false

  constructor(room: Room, sync: RoomSync, context: XmppContext, options: KeeperOptions = {}) {
    this.#room = room
    this.#sync = sync
    this.#context = context
    this.#options = options
  }

  /** Joins for the first time and keeps the seat from then on. @throws what {@link Room.join} and the archive throw */
  async start(): Promise<CatchUp> {
    await this.#room.join(this.#options.join)
    this.#stops.push(this.#room.onEvent((event) => this.#event(event)))
    const stop = this.#context.port.onState?.((state) => {
      this.#offline = state === 'offline'
      if (!this.#offline) this.#again()
    })
    if (stop !== undefined) this.#stops.push(stop)
    const caughtUp = await this.#sync.catchUp()
    this.#schedule()
    return caughtUp
  }

  /** Stops keeping; the seat stays as it is. */
  stop(): void {
    this.#closed = true
    this.#cancel?.()
    for (const stop of this.#stops.splice(0)) stop()
  }

  /**
   * Pings now, and comes back if the seat is gone. After a time in which the room could not be reached the archive is read
   * again from where that began: a server may keep the seat and still have lost what it could not deliver.
   */
  async check(): Promise<void> {
    const seat = await this.#room.ping().catch(() => 'unknown' as const)
    if (this.#closed || this.#offline) return
    if (seat === 'not-joined') {
      this.#report({ kind: 'lost', reason: 'unknown' })
      this.#sync.hold()
      this.#again()
    } else if (seat === 'unknown') {
      this.#doubt ??= { cursor: this.#sync.cursor }
      this.#retry(new MlsError('xmpp/timeout', 'the room cannot be reached'), async () => await this.check())
    } else if (this.#doubt === undefined) this.#schedule()
    else this.#again()
  }

  #event(event: RoomEvent): void {
    if (event.kind !== 'removed' || this.#closed) return
    if (final.includes(event.reason)) {
      this.#close({ kind: 'closed', reason: event.reason })
      return
    }
    this.#report({ kind: 'lost', reason: event.reason })
    // A lost connection comes back by itself, and is told by the port.
    if (!this.#offline && event.reason !== 'connection') this.#again()
    else if (event.reason === 'connection' && this.#context.port.onState === undefined) this.#again()
  }

  #again(): void {
    this.#cancel?.()
    this.#attempt ??= this.#return().finally(() => {
      this.#attempt = undefined
    })
  }

  async #return(): Promise<void> {
    try {
      if (!this.#room.joined) await this.#room.join({ ...this.#options.join, create: false })
      const caughtUp = await this.#sync.catchUp()
      if (this.#doubt !== undefined) await this.#sync.reread(this.#doubt.cursor)
      this.#doubt = undefined
      this.#failures = 0
      this.#report({ kind: 'live', caughtUp })
      this.#schedule()
    } catch (error) {
      if (this.#closed || this.#offline) return
      if (isRefusal(error)) this.#close({ kind: 'closed', reason: 'refused', error })
      else this.#retry(error)
    }
  }

  #retry(error: unknown, run: () => void = () => this.#again()): void {
    const [first, longest] = this.#options.retryMs ?? [1_000, 300_000]
    // Half fixed, half random, so that a room does not come back all at once.
    const whole = Math.min(longest, first * 2 ** Math.min(this.#failures++, 20))
    const random = (this.#context.random.randomBytes(1)[0] ?? 0) / 256
    const retryMs = Math.round(whole / 2 + (whole / 2) * random)
    this.#report({ kind: 'retry', error, retryMs })
    this.#cancel?.()
    this.#cancel = this.#context.timers.after(retryMs, run)
  }

  #schedule(): void {
    this.#cancel?.()
    const every = this.#options.pingEveryMs ?? 600_000
    if (every > 0 && !this.#closed) this.#cancel = this.#context.timers.after(every, () => void this.check())
  }

  #close(event: KeeperEvent): void {
    this.stop()
    this.#report(event)
  }

  #report(event: KeeperEvent): void {
    this.#options.onEvent?.(event)
  }
}

/** Whether trying again is pointless. */
function isRefusal(error: unknown): boolean {
  if (error instanceof XmppError) return error.type === 'auth' || ['gone', 'not-allowed'].includes(error.condition)
  return (
    error instanceof MlsError && ['xmpp/room_anonymous', 'xmpp/room_archive', 'xmpp/unsupported'].includes(error.code)
  )
}

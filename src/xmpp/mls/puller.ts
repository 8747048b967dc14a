/** Reads the room's archive for a session, in order and to its end, and keeps the seat in the room. */
import { MlsError } from '../../bytes/errors.ts'
import type { XmppContext } from '../port.ts'
import type { RemovalReason, Room, RoomEntry } from '../room.ts'
import { hasCondition, XmppError } from '../stanza/xmpp-error.ts'
import type { EngineEntry } from './engine/entries.ts'
import type { EngineEvent } from './engine/events.ts'
import type { RoomState } from './engine/state.ts'
import { mlsElementIn } from './items.ts'
import type { RoomProblem } from './types.ts'

/** Reasons after which we do not come back by ourselves. */
const final: readonly RemovalReason[] = ['banned', 'kicked', 'affiliation', 'destroyed']
const firstRetryMs = 1_000
const longestRetryMs = 300_000
const pingEveryMs = 600_000
/** How often an upload is tried before its message counts as lost; everything behind it waits meanwhile. */
const maxTries = { message: 2, handshake: 4 } as const

/** Whom the archive is read for. */
export interface PullTarget {
  readonly state: RoomState
  post(...events: readonly EngineEvent[]): Promise<void>
  /** An entry with all that it refers to. @throws `xmpp/unavailable` */
  read(entry: RoomEntry): Promise<EngineEntry>
  problem(kind: RoomProblem['kind'], error: unknown): void
}

interface PullerInput {
  readonly session: PullTarget
  readonly room: Room
  readonly xmpp: XmppContext
  readonly onCaughtUp: (() => void) | undefined
  /** How long order is given to settle before a live entry counts. */
  readonly settleMs: number
}

/** See the file. */
export class Puller {
  readonly #input: PullerInput
  readonly #stops: (() => void)[] = []
  readonly #tries = new Map<string, number>()
  #running: Promise<void> | undefined
  #again = false
  #planned: (() => void) | undefined
  #retry: (() => void) | undefined
  #ping: (() => void) | undefined
  #failures = 0
  #out = false
  #stopped = false

  constructor(input: PullerInput) {
    this.#input = input
  }

  /** Whether the archive is being read or soon will be. */
  get busy(): boolean {
    return this.#running !== undefined || this.#planned !== undefined
  }

  /** Reads soon: when the order had time to settle. */
  pull(): void {
    const { room, xmpp, settleMs } = this.#input
    if (this.#stopped || this.#out || !room.joined || this.#planned !== undefined) return
    this.#planned = xmpp.timers.after(settleMs, () => {
      this.#planned = undefined
      this.catchUp().catch(() => undefined)
    })
  }

  /** Reads now, after whatever read is under way. @throws what the archive threw; it is then tried again by itself */
  async catchUp(): Promise<void> {
    if (this.#running !== undefined) {
      this.#again = true
      await this.#running
      return
    }
    this.#running = this.#read()
    try {
      await this.#running
      this.#failures = 0
    } catch (error) {
      this.#input.session.problem('network', error)
      this.#later()
      throw error
    } finally {
      this.#running = undefined
    }
    this.#input.onCaughtUp?.()
  }

  async #read(): Promise<void> {
    do {
      this.#again = false
      await this.#pages()
    } while (this.#again && !this.#stopped)
  }

  async #pages(): Promise<void> {
    const { session, room } = this.#input
    const { cursor, previous } = session.state
    // in a channel an entry may have turned up before the cursor
    const start = room.liveOrderIsFinal ? cursor : (previous?.base ?? cursor)
    let behind = start !== cursor
    let after = start
    let coming = this.#page(after)
    for (;;) {
      const page = await coming
      if (page === 'gone') {
        await session.post({ kind: 'truncated' })
        after = undefined
        behind = false
        coming = this.#page(after)
        continue
      }
      const last = page.entries.at(-1)
      if (last !== undefined && last.archiveId === after)
        throw new MlsError('xmpp/archive_page', 'archive page without progress')
      const over = page.complete || last === undefined
      // the server looks for the next page while this one is read
      if (!over && !this.#stopped) coming = this.#page(last.archiveId)
      coming.catch(() => undefined)
      const events: EngineEvent[] = []
      for (const entry of page.entries) {
        events.push(await this.#event(entry, behind))
        if (entry.archiveId === cursor) behind = false
      }
      await session.post(...events, ...(over ? [{ kind: 'caught-up' } as const] : []))
      if (over || this.#stopped) return
      after = last.archiveId
    }
  }

  async #page(after: string | undefined) {
    try {
      return await this.#input.room.page({ max: 250, ...(after === undefined ? {} : { after }) })
    } catch (error) {
      if (after !== undefined && hasCondition(error, 'item-not-found')) return 'gone' as const
      throw error
    }
  }

  async #event(entry: RoomEntry, behind: boolean): Promise<EngineEvent> {
    const kind = behind ? 'late' : 'archived'
    const { archiveId, from } = entry
    try {
      return { kind, entry: await this.#input.session.read(entry) }
    } catch (error) {
      const tries = (this.#tries.get(archiveId) ?? 0) + 1
      this.#tries.set(archiveId, tries)
      const name = mlsElementIn(entry.element)?.name
      if (tries < (name === 'handshake' ? maxTries.handshake : maxTries.message)) throw error
      this.#tries.delete(archiveId)
      return { kind, entry: { archiveId, from, item: { kind: 'broken', reason: 'unavailable' } } }
    }
  }

  /** From now on comes back after a lost connection or a restart of the server; never against the room's will. */
  keep(): void {
    const { session, xmpp } = this.#input
    const stop = xmpp.port.onState?.((state) => {
      if (state === 'offline') session.post({ kind: 'lost' }).catch(() => undefined)
      else this.#comeBack()
    })
    if (stop !== undefined) this.#stops.push(stop)
    this.#schedulePing()
  }

  #schedulePing(): void {
    this.#ping?.()
    this.#ping = this.#input.xmpp.timers.after(pingEveryMs, () => {
      this.#schedulePing()
      this.#input.room
        .ping()
        .then((seat) => (seat === 'not-joined' ? this.seatLost() : this.pull()))
        .catch(() => undefined)
    })
  }

  /** The room has put us out, or the connection is gone. */
  removed(reason: RemovalReason): void {
    if (final.includes(reason)) {
      this.#out = true
      // some rooms still let us read why
      this.catchUp()
        .catch(() => undefined)
        .then(() => this.#expelled())
    } else if (reason !== 'connection' || this.#input.xmpp.port.onState === undefined) this.#comeBack()
  }

  #expelled(): void {
    if (this.#out && !this.#stopped) this.#input.session.post({ kind: 'expelled' }).catch(() => undefined)
  }

  /** Somebody has invited us again: the seat is taken, and losing it is no longer final. @throws as `Room.join` */
  async back(): Promise<void> {
    this.#out = false
    try {
      await this.#seat()
    } catch (error) {
      this.#refused(error)
      throw error
    }
  }

  async #seat(): Promise<void> {
    const { session, room } = this.#input
    if (!room.joined) await room.join({ create: false })
    if (session.state.expelled) await session.post({ kind: 'admitted' })
  }

  /** Not let in or not let read: by the room's will, or for now. */
  #refused(error: unknown): void {
    if (error instanceof XmppError && error.type === 'auth') {
      this.#out = true
      this.#input.session.problem('network', error)
      this.#expelled()
    } else this.#later()
  }

  /** The room does not know us any more. */
  seatLost(): void {
    this.#input.session.post({ kind: 'lost' }).catch(() => undefined)
    this.#comeBack()
  }

  #comeBack(): void {
    if (this.#stopped || this.#out) return
    this.#retry?.()
    this.#retry = undefined
    this.#seat()
      .then(() => this.catchUp())
      .catch((error: unknown) => this.#refused(error))
  }

  #later(): void {
    if (this.#stopped || this.#out || this.#retry !== undefined) return
    const { xmpp } = this.#input
    const whole = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures++, 20))
    const random = (xmpp.random.randomBytes(1)[0] ?? 0) / 256
    this.#retry = xmpp.timers.after(whole / 2 + (whole / 2) * random, () => this.#comeBack())
  }

  /** Ends reading for good. */
  stop(): void {
    this.#stopped = true
    for (const stop of [...this.#stops.splice(0), this.#planned, this.#retry, this.#ping]) stop?.()
  }
}

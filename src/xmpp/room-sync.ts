import { MlsError } from '../bytes/errors.ts'
import type { Room, RoomEntry, RoomEvent } from './room.ts'
import { hasCondition } from './stanza/xmpp-error.ts'

/** How entries are taken in. */
export interface RoomSyncOptions {
  /** Archive id of the last entry that was processed before; without it everything in the archive comes. */
  readonly cursor?: string
  /**
   * Takes one entry; the next one waits until it resolves. `late`: its place is before entries that were given already,
   * which happens after {@link RoomSync.reread} and in channels.
   */
  readonly consume: (entry: RoomEntry, late: boolean) => void | Promise<void>
  /** Told when `consume` threw on a live entry: entries are held from then on, and {@link RoomSync.catchUp} gives it again. */
  readonly onError?: (error: unknown) => void
  /** Messages a page, at most 250. */
  readonly pageSize?: number
  /** How many archive ids are remembered to give each entry once. */
  readonly memory?: number
}

/** What catching up found. */
export type CatchUp =
  /** Everything that the archive holds after the cursor was consumed. */
  | { readonly kind: 'complete'; readonly entries: number }
  /**
   * The server says that the cursor is no longer in the archive: entries may be missing. Nothing was consumed. A server that
   * does not say so (ejabberd 23.01) looks `complete`: only the epochs prove that nothing is missing.
   */
  | { readonly kind: 'cursor-gone' }

/**
 * One room's stream of entries in archive order, each once: live messages are held back while the archive is read from the
 * cursor, then follow. Entries are consumed one after the other.
 */
export class RoomSync {
  readonly room: Room
  readonly #options: RoomSyncOptions
  readonly #seen = new Set<string>()
  readonly #stop: () => void
  #cursor: string | undefined
  #held: RoomEntry[] | undefined = []
  #work: Promise<unknown> = Promise.resolve()
  #failure: unknown
  /** Whether a walk through old pages has not yet reached the cursor. */
  #behind = false

  /** Starts to listen; live entries are held until the first {@link catchUp}. */
  constructor(room: Room, options: RoomSyncOptions) {
    this.room = room
    this.#options = options
    this.#cursor = options.cursor
    this.#stop = room.onEvent((event) => this.#event(event))
  }

  /** Archive id of the newest consumed entry. */
  get cursor(): string | undefined {
    return this.#cursor
  }

  /** Whether live entries are passed on at once. */
  get live(): boolean {
    return this.#held === undefined
  }

  /** Stops listening. */
  stop(): void {
    this.#stop()
  }

  /** From now on live entries are held back until the next {@link catchUp}: what a lost connection calls for. */
  hold(): void {
    this.#held ??= []
  }

  /**
   * Reads the archive from the cursor to its end, then passes on what came live meanwhile. Calls wait for each other.
   * @throws what the archive or the consumer threw; live entries stay held, and the call may be repeated
   */
  async catchUp(): Promise<CatchUp> {
    this.hold()
    return await this.#enqueue(async () => {
      const result = await this.#pages(this.#cursor)
      if (result.kind === 'complete') await this.#release()
      return result
    })
  }

  /**
   * Reads the archive again from an earlier place and consumes what was not consumed before, marked as late. For repairs
   * when a message is missed, and to settle the order in channels.
   */
  async reread(after: string | undefined): Promise<CatchUp> {
    return await this.#enqueue(async () => {
      // Until the walk passes the cursor, whatever is new lies before it.
      this.#behind = this.#cursor !== undefined
      try {
        return await this.#pages(after)
      } finally {
        this.#behind = false
      }
    })
  }

  /** Resolves when every entry so far was consumed. @throws what the consumer threw on a live entry */
  async idle(): Promise<void> {
    await this.#work
    if (this.#failure === undefined) return
    const failure = this.#failure
    this.#failure = undefined
    throw failure
  }

  /** Forgets the cursor: the next {@link catchUp} starts behind this id, or at the oldest entry. */
  reset(cursor: string | undefined): void {
    this.#cursor = cursor
  }

  async #pages(from: string | undefined): Promise<CatchUp> {
    let after = from
    let entries = 0
    for (;;) {
      const max = this.#options.pageSize ?? 250
      let page: Awaited<ReturnType<Room['page']>>
      try {
        page = await this.room.page({ max, ...(after === undefined ? {} : { after }) })
      } catch (error) {
        if (after !== undefined && hasCondition(error, 'item-not-found')) return { kind: 'cursor-gone' }
        throw error
      }
      for (const entry of page.entries) if (await this.#take(entry)) entries++
      const last = page.entries.at(-1)
      if (page.complete || last === undefined) return { kind: 'complete', entries }
      // A server that gives the same page again would hold us here for ever.
      if (last.archiveId === after) throw new MlsError('xmpp/archive_page', 'archive page without progress')
      after = last.archiveId
    }
  }

  async #release(): Promise<void> {
    for (let held = this.#held; held !== undefined && held.length > 0; held = this.#held) {
      this.#held = []
      const order = held.map((entry, i) => ({ entry, i }))
      // In a channel the held entries came in any order; where ids tell the order, it is restored.
      if (!this.room.liveOrderIsFinal)
        order.sort((a, b) => (this.room.precedes(a.entry.archiveId, b.entry.archiveId) === true ? -1 : 1))
      for (const { entry } of order) await this.#take(entry)
    }
    this.#held = undefined
  }

  #event(event: RoomEvent): void {
    if (event.kind === 'removed') this.hold()
    if (event.kind !== 'message') return
    if (this.#held !== undefined) this.#held.push(event.entry)
    else
      this.#enqueue(async () => {
        // Since it came, the connection may have been lost: then it waits for its turn after the archive.
        if (this.#held === undefined) await this.#take(event.entry)
        else this.#held.push(event.entry)
      }).catch((error: unknown) => {
        // What could not be consumed must not be jumped over: the archive gives it again.
        this.#failure = error
        this.hold()
        this.#options.onError?.(error)
      })
  }

  async #take(entry: RoomEntry): Promise<boolean> {
    const cursor = this.#cursor
    if (cursor === entry.archiveId) this.#behind = false
    if (cursor === entry.archiveId || this.#seen.has(entry.archiveId)) return false
    const late = cursor !== undefined && (this.#behind || this.room.precedes(entry.archiveId, cursor) === true)
    await this.#options.consume(entry, late)
    this.#seen.add(entry.archiveId)
    if (!late) this.#cursor = entry.archiveId
    if (this.#seen.size > (this.#options.memory ?? 8192))
      for (const oldest of this.#seen) {
        this.#seen.delete(oldest)
        break
      }
    return true
  }

  async #enqueue<T>(run: () => Promise<T>): Promise<T> {
    const next = this.#work.then(run, run)
    this.#work = next.catch(() => undefined)
    return await next
  }
}

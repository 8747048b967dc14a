/** What a session hears from its room: live messages, changes of standing, being put out. */
import { MlsError } from '../../bytes/errors.ts'
import type { RemovalReason, Room, RoomEntry, RoomEvent } from '../room.ts'
import { bareJid } from '../stanza/jid.ts'
import type { Affiliation } from '../xep/xep-0045.ts'
import type { Blobs } from './blobs.ts'
import { ChunkStore } from './chunk-store.ts'
import type { EngineEvent } from './engine/events.ts'
import { mlsElementIn, readEntry, readInline } from './items.ts'
import type { RoomProblem } from './types.ts'

/** For whom it is heard. */
interface Listener {
  post(...events: readonly EngineEvent[]): Promise<void>
  pull(): void
  problem(kind: RoomProblem['kind'], cause: unknown): void
}

/** See the file. */
export class RoomEars {
  readonly #session: Listener
  readonly #ports: { readonly room: Room; readonly blobs: Blobs }
  readonly #onRemoved: (reason: RemovalReason) => void
  readonly #chunks: ChunkStore
  readonly #stop: () => void

  /** Listens from now on. */
  constructor(
    session: Listener,
    ports: { readonly room: Room; readonly blobs: Blobs },
    onRemoved: (reason: RemovalReason) => void,
  ) {
    this.#session = session
    this.#ports = ports
    this.#onRemoved = onRemoved
    this.#chunks = new ChunkStore(ports.room)
    this.#stop = ports.room.onEvent((event) => this.#roomEvent(event))
  }

  /** Reads an entry with all that it refers to. @throws `xmpp/unavailable` */
  async read(entry: RoomEntry): ReturnType<typeof readEntry> {
    const inline = readInline(entry)
    if (inline !== undefined) return inline
    this.#chunks.note(entry)
    return await readEntry(entry, this.#ports.blobs, (id, count) => this.#chunks.find(entry, id, count))
  }

  /** Asks the room who belongs to it. */
  async readRoster(): Promise<void> {
    let roster: Map<string, Affiliation> | undefined
    try {
      roster = new Map((await this.#ports.room.members()).map(({ jid, affiliation }) => [jid, affiliation]))
    } catch {
      // some rooms do not tell: then nothing is compared
    }
    await this.#session.post({ kind: 'roster', roster }).catch(() => undefined)
  }

  #roomEvent(event: RoomEvent): void {
    if (event.kind === 'message') this.#live(event.entry)
    else if (event.kind === 'affiliation') {
      const account = bareJid(event.jid)
      this.#session.post({ kind: 'affiliation', account, affiliation: event.affiliation }).catch(() => undefined)
    } else if (event.kind === 'removed') {
      this.#session.post({ kind: 'lost' }).catch(() => undefined)
      this.#onRemoved(event.reason)
    } else if (event.kind === 'unarchived' && mlsElementIn(event.element) !== undefined)
      this.#session.problem('unarchived', new MlsError('xmpp/unsupported', 'a message that the room did not archive'))
  }

  #live(entry: RoomEntry): void {
    const inline = readInline(entry)
    if (inline !== undefined) {
      this.#session.post({ kind: 'live', entry: inline }).catch(() => this.#session.pull())
      return
    }
    this.#chunks.note(entry)
    if (mlsElementIn(entry.element) !== undefined) this.#session.pull()
  }

  /** Listens no more. */
  stop(): void {
    this.#stop()
  }
}

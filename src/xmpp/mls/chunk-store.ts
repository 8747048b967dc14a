import type { Room, RoomEntry } from '../room.ts'
import { chunkIn } from './items.ts'
import type { Chunk } from './wire/payload.ts'

/** Chunks that are kept, and pages of the archive that are looked through for others. */
const maxKept = 512
const maxPages = 40

/** Chunks of a room by sender. They are kept until they are asked for, or too many. */
export class ChunkStore {
  readonly #room: Room
  readonly #chunks = new Map<string, Chunk>()

  constructor(room: Room) {
    this.#room = room
  }

  /** Keeps the chunk in an entry, if there is one. */
  note(entry: RoomEntry): void {
    const chunk = chunkIn(entry.element)
    if (chunk === undefined) return
    this.#chunks.set(keyOf(entry, chunk.id, chunk.index), chunk)
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunks.size <= maxKept) break
      this.#chunks.delete(oldest)
    }
  }

  /** All chunks with an id of the sender of an entry; those that are not here are looked for in the archive before it. */
  async find(entry: RoomEntry, id: string, count: number): Promise<readonly Chunk[]> {
    const found = new Map<number, Chunk>()
    for (let index = 0; index < count; index++) {
      const chunk = this.#chunks.get(keyOf(entry, id, index))
      if (chunk !== undefined) found.set(index, chunk)
    }
    let before = entry.archiveId
    for (let page = 0; found.size < count && page < maxPages; page++) {
      const { entries, complete } = await this.#room.page({ before, max: 100 })
      for (const one of entries) {
        const chunk = chunkIn(one.element)
        if (chunk?.id === id && one.from === entry.from) found.set(chunk.index, chunk)
      }
      const first = entries[0]
      if (complete || first === undefined) break
      before = first.archiveId
    }
    for (let index = 0; index < count; index++) this.#chunks.delete(keyOf(entry, id, index))
    return [...found.values()]
  }
}

function keyOf({ from }: RoomEntry, id: string, index: number): string {
  return `${index} ${id} ${from ?? ''}`
}

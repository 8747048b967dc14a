/** The outbox: the only sender. It holds exact bytes, in order, until the delivery service has shown them. */
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { Storage, StorageOperation } from '../ports/storage.ts'
import { putRecord } from '../storage/records.ts'
import { key64, number64, scanAll, tables } from './layout.ts'
import { type OutboxRecord, records } from './records.ts'

/** One thing to be sent. Send the bytes as they are, as often as it takes; never encrypt again. */
export interface OutboxEntry {
  /** Given by the caller, or made up: 32 hexadecimal digits. */
  readonly id: string
  readonly groupId: Bytes
  readonly epoch: bigint
  readonly kind: OutboxRecord['kind']
  /** An encoded MLSMessage. */
  readonly bytes: Bytes
}

/** A change of the outbox: the operation for the batch, and what to do when that is durable. */
export interface OutboxChange {
  readonly operation: StorageOperation
  readonly done: () => void
}

/** All rows, in memory too: it is short. */
export class Outbox {
  readonly #rows = new Map<bigint, OutboxEntry>()
  readonly #byHash = new Map<string, bigint>()
  readonly #byId = new Map<string, OutboxEntry>()
  #next = 0n

  /** Reads the rows. @throws `storage/damaged`, `storage/io` */
  static async open(storage: Storage): Promise<Outbox> {
    const outbox = new Outbox()
    for (const { key, value } of await scanAll(storage, tables.outbox, new Uint8Array(0))) {
      const { epoch, ...row } = records.outbox.decode(value)
      outbox.#enter(number64(key), { ...row, epoch: number64(epoch) })
    }
    return outbox
  }

  /** The entries, of one group or of all, in the order in which they are to be sent. */
  list(groupId?: Uint8Array): OutboxEntry[] {
    const all = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
    return groupId === undefined ? all : all.filter((entry) => equalBytes(entry.groupId, groupId))
  }

  /** Puts an entry at the end. @throws `storage/range` for an id that is there already */
  add(entry: OutboxEntry): OutboxChange {
    if (this.find(entry.id) !== undefined) throw new MlsError('storage/range', 'an id that is in the outbox')
    const number = this.#next++
    const row = { ...entry, epoch: key64(entry.epoch) }
    return {
      operation: putRecord(tables.outbox, key64(number), records.outbox, row),
      done: () => this.#enter(number, { ...entry, groupId: copyBytes(entry.groupId) }),
    }
  }

  /** The entry with an id. */
  find(id: string): OutboxEntry | undefined {
    return this.#byId.get(id)
  }

  /** The entry with exactly these bytes. */
  match(bytes: Uint8Array): OutboxEntry | undefined {
    const number = this.#byHash.get(hashOf(bytes))
    return number === undefined ? undefined : this.#rows.get(number)
  }

  /** Takes an entry out. */
  remove(entry: OutboxEntry): OutboxChange {
    const number = this.#byHash.get(hashOf(entry.bytes)) ?? 0n
    return {
      operation: { kind: 'delete', table: tables.outbox, key: key64(number) },
      done: () => {
        this.#rows.delete(number)
        this.#byHash.delete(hashOf(entry.bytes))
        this.#byId.delete(entry.id)
      },
    }
  }

  #enter(number: bigint, entry: OutboxEntry): void {
    this.#rows.set(number, entry)
    this.#byHash.set(hashOf(entry.bytes), number)
    this.#byId.set(entry.id, entry)
    if (number >= this.#next) this.#next = number + 1n
  }
}

function hashOf(bytes: Uint8Array): string {
  return mapKey(sha256(bytes))
}

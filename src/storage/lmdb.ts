/**
 * The driver for Node: one LMDB environment (library `lmdb`), one database, rows by address (see rows.ts).
 *
 * - *Durable.* Neither `noSync` nor overlapping sync: a promise resolves after the data and then the meta page have been
 *   synced. Batches that are under way together share transactions and syncs.
 * - *Fence.* The owner row carries an LMDB version number that is unique to the owner; the whole batch is conditional on it
 *   (`ifVersion`), inside the write transaction.
 * - *Frozen owner.* A process that is stopped inside a write transaction holds LMDB's writer lock. Nothing can be written
 *   until it runs on or dies; opening then fails with `storage/busy` after `busyTimeout`. (A take-over that timed out may
 *   still happen once the lock is free: the fence keeps that safe.)
 *
 * Pages that LMDB has freed keep their old bytes until they are used again: deletion of secrets needs sealed.ts.
 */
import { type Key, open, type RootDatabase } from 'lmdb'
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { OwnershipPolicy, Storage, StorageOwner, TableSize } from '../ports/storage.ts'
import { Handle } from './handle.ts'
import { translateCommit, translateLmdb } from './lmdb-errors.ts'
import { checkLmdbFile } from './lmdb-file.ts'
import { awaitWriterLock, isAlive, leaveHint, removeHint } from './lmdb-probe.ts'
import { decodeOwner, encodeOwner, fenced, nextOwner, type RandomBytes } from './owner.ts'
import {
  copyBatch,
  ownerAddress,
  type RowOperation,
  type RowRange,
  rowAddress,
  rowRange,
  splitAddress,
} from './rows.ts'
import { addToSizes } from './sizes.ts'
import { Turns } from './turns.ts'

/** Options of {@link openLmdbStorage}. */
export interface LmdbStorageOptions {
  /** The directory of the environment; created when absent. */
  readonly path: string
  readonly randomBytes: RandomBytes
  /** What to do when a live process holds the store; `take` by default. */
  readonly ifOwned?: OwnershipPolicy
  /** How long to wait for LMDB's writer lock when opening, in milliseconds; 5,000 by default. */
  readonly busyTimeout?: number
}

type Database = RootDatabase<Buffer, Buffer>

/** A view of the same memory as the library wants it; it copies keys and values when they are queued. */
function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/**
 * Opens an LMDB store and takes ownership.
 * @throws `storage/busy`, `storage/io`, `storage/full`, `storage/damaged`, `storage/version`
 */
export async function openLmdbStorage(options: LmdbStorageOptions): Promise<Storage> {
  const timeout = options.busyTimeout ?? 5000
  await awaitWriterLock(options.path, timeout)
  checkLmdbFile(options.path)
  let database: Database
  try {
    database = open<Buffer, Buffer>({
      path: options.path,
      noSubdir: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      cache: false,
      useVersions: true,
      overlappingSync: false,
      noMemInit: false,
      // Its own batches have promises that nobody sees, whose rejection would end the process; ours are explicit.
      eventTurnBatching: false,
    })
  } catch (cause) {
    throw translateLmdb(cause)
  }
  try {
    const owner = await withTimeout(takeOwnership(database, options), timeout)
    leaveHint(options.path)
    return new LmdbStorage(database, owner, options.path)
  } catch (cause) {
    const error = await translateCommit(cause, options.path, 0)
    // With a take-over still queued behind the writer lock, closing would wait for it: let it end by itself.
    if (error.code !== 'storage/busy') await database.close()
    throw error
  }
}

/** The version of an owner row: distinct for every epoch, and with high probability for owners of copied stores. */
function fenceVersion(owner: StorageOwner): number {
  const random = ((owner.token[0] as number) << 8) | (owner.token[1] as number)
  return owner.epoch * 65_536 + random
}

async function takeOwnership(database: Database, options: LmdbStorageOptions): Promise<StorageOwner> {
  const key = buffer(ownerAddress)
  for (;;) {
    database.resetReadTxn()
    const previous = decodeOwner(database.getBinary(key))
    if (options.ifOwned === 'refuse' && previous?.held && isAlive(previous.process))
      throw new MlsError('storage/busy', 'another process holds the store')
    const owner = nextOwner(previous, options.randomBytes, process.pid)
    const put = () => database.put(key, buffer(encodeOwner(owner)), fenceVersion(owner))
    const done =
      previous === undefined
        ? await database.ifNoExists(key, put)
        : await database.ifVersion(key, fenceVersion(previous), put)
    if (done) return owner
  }
}

async function withTimeout<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    const busy = new MlsError('storage/busy', 'the writer lock is held by a process that does not run')
    timer = setTimeout(() => reject(busy), milliseconds)
  })
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}

class LmdbStorage implements Storage {
  readonly owner: StorageOwner
  readonly #database: Database
  readonly #path: string
  readonly #handle = new Handle(translateLmdb)
  /** Batches are handed to LMDB in order, and it keeps their order from there on. */
  readonly #turns = new Turns()
  /** Settles when the last batch that was handed over is durable or refused. */
  #settled: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(database: Database, owner: StorageOwner, path: string) {
    this.#database = database
    this.owner = owner
    this.#path = path
  }

  async apply(batch: Parameters<Storage['apply']>[0]): Promise<void> {
    this.#handle.check()
    const rows = copyBatch(batch)
    try {
      await this.#queue(rows)
    } catch (cause) {
      throw this.#handle.writeError(cause)
    }
  }

  #queue(rows: readonly RowOperation[]): Promise<void> {
    return this.#turns.next(async () => {
      this.#handle.check()
      // Ranges are resolved to keys by reading, hence only after everything before is visible.
      if (rows.some((row) => row.kind === 'delete_between')) await this.#settled
      const work = this.#write(rows).catch(async (cause: unknown) => {
        throw await translateCommit(cause, this.#path, bytesOf(rows))
      })
      this.#settled = work.catch(() => undefined)
      return { work }
    })
  }

  async #write(rows: readonly RowOperation[]): Promise<void> {
    const database = this.#database
    const ours = fenceVersion(this.owner)
    const puts = new Map<string, Bytes>()
    const applied = await database.ifVersion(buffer(ownerAddress), ours, () => {
      for (const row of rows) {
        if (row.kind === 'put') {
          observed(database.put(buffer(row.address), buffer(row.value)))
          puts.set(buffer(row.address).toString('latin1'), row.address)
        } else if (row.kind === 'delete') observed(database.remove(buffer(row.address)))
        else {
          const range = { start: buffer(row.from), end: buffer(row.before) }
          for (const key of database.getKeys(range)) observed(database.remove(copyKey(key)))
          // Rows of the same batch are not readable yet.
          for (const [, address] of puts)
            if (Buffer.compare(address, row.from) >= 0 && Buffer.compare(address, row.before) < 0)
              observed(database.remove(buffer(address)))
        }
      }
      // A condition needs at least one operation to report on.
      if (rows.length === 0) observed(database.remove(buffer(emptyBatchAddress)))
    })
    if (!applied) throw fenced()
  }

  #read<T>(read: () => T): T {
    this.#handle.check()
    try {
      return read()
    } catch (cause) {
      throw this.#handle.readError(cause)
    }
  }

  #value(table: string, key: Uint8Array): Bytes | undefined {
    const value = this.#database.getBinary(buffer(rowAddress(table, key)))
    return value === undefined ? undefined : copyBytes(value)
  }

  async get(table: string, key: Uint8Array): Promise<Bytes | undefined> {
    return this.#read(() => this.#value(table, key))
  }

  async getMany(keys: Parameters<Storage['getMany']>[0]): Promise<(Bytes | undefined)[]> {
    return this.readNow(keys)
  }

  readNow(keys: Parameters<Storage['getMany']>[0]): (Bytes | undefined)[] {
    // One synchronous run shares one read transaction.
    return this.#read(() => keys.map(({ table, key }) => this.#value(table, key)))
  }

  async scan(table: string, range: Parameters<Storage['scan']>[1]) {
    return this.#read(() => {
      const rows = rowRange(table, range)
      return lmdbRange(rows).flatMap((bounds) =>
        [...this.#database.getRange(bounds)]
          .map(({ key, value }) => ({ key: copyBytes(key.subarray(rows.keyOffset)), value: copyBytes(value) }))
          .slice(0, rows.limit),
      )
    })
  }

  async scanKeys(table: string, range: Parameters<Storage['scanKeys']>[1]): Promise<Bytes[]> {
    return this.#read(() => {
      const rows = rowRange(table, range)
      return lmdbRange(rows).flatMap((bounds) =>
        [...this.#database.getKeys(bounds)].map((key) => copyBytes(key.subarray(rows.keyOffset))),
      )
    })
  }

  async sizes() {
    return this.#read(() => {
      const tables = new Map<string, TableSize>()
      for (const { key: address, value } of this.#database.getRange({ start: Buffer.from([1]) })) {
        const { table, key } = splitAddress(address)
        addToSizes(tables, table, key.length, value.length)
      }
      const stats = this.#database.getStats() as { pageSize?: number; lastPageNumber?: number }
      const mediumBytes = (stats.pageSize ?? 0) * ((stats.lastPageNumber ?? 0) + 1)
      return { tables, mediumBytes }
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const release = this.#handle.usable
    await this.#turns.idle
    await this.#settled
    this.#handle.close()
    try {
      if (release) {
        removeHint(this.#path)
        const free = encodeOwner({ ...this.owner, held: false, process: 0 })
        const version = fenceVersion(this.owner)
        const key = buffer(ownerAddress)
        await this.#database.ifVersion(key, version, () => this.#database.put(key, buffer(free), version))
      }
      await this.#database.close()
    } catch (cause) {
      throw translateLmdb(cause)
    }
  }
}

/** An address that never exists: see the empty batch. */
const emptyBatchAddress: Bytes = new Uint8Array([0, 0])

/** Operations of a batch reject one by one when its commit fails; the batch as a whole reports it. */
function observed(operation: Promise<boolean>): void {
  operation.catch(() => undefined)
}

function bytesOf(rows: readonly RowOperation[]): number {
  return rows.reduce((sum, row) => sum + (row.kind === 'put' ? row.value.length : 0), 0)
}

function copyKey(key: Key): Buffer {
  return Buffer.from(key as Buffer)
}

/** The library's bounds for a range: none for an empty one. Its reverse ranges include the start and exclude the end. */
function lmdbRange(rows: RowRange) {
  const { reverse, limit } = rows
  const [from, before] = [buffer(rows.from), buffer(rows.before)]
  if (Buffer.compare(from, before) >= 0) return []
  if (!reverse) return [{ start: from, end: before, limit }]
  return [{ start: before, end: from, reverse, limit, exclusiveStart: true, inclusiveEnd: true }]
}

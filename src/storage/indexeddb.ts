/**
 * The driver for browsers: one IndexedDB database (library `idb`), one object store, rows by address (see rows.ts) under
 * binary keys, which IndexedDB orders as unsigned bytes.
 *
 * - *Durable.* Every batch is one `readwrite` transaction with `durability: 'strict'`: it completes after the browser has
 *   flushed it. (A browser that does not know the option falls back to its default.)
 * - *Several tabs.* Where Web Locks exist, the owner holds an exclusive lock for as long as the store is open: that is how
 *   `refuse` sees a living owner, `wait` queues behind it, and a tab that crashed frees the store. `take` steals the lock.
 * - *Fence.* The owner row is read in the transaction of every batch. It, not the lock, decides: a frozen tab that wakes up
 *   after a take-over is refused.
 *
 * IndexedDB appends and compacts when it likes: deletion of secrets needs sealed.ts, with the residual risk stated there.
 */
import { type IDBPDatabase, type IDBPTransaction, openDB } from 'idb'
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { OwnershipPolicy, Storage, StorageOwner, StorageSizes, TableSize } from '../ports/storage.ts'
import { Handle } from './handle.ts'
import { checkFence, decodeOwner, encodeOwner, fenced, nextOwner, type RandomBytes } from './owner.ts'
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
import { holdLock, type LockHold } from './web-lock.ts'

/** Options of {@link openIndexedDbStorage}. */
export interface IndexedDbStorageOptions {
  /** The name of the database, and of the lock. */
  readonly name: string
  readonly randomBytes: RandomBytes
  /** What to do when another tab holds the store: `take` by default; `wait` resolves once it is free. */
  readonly ifOwned?: OwnershipPolicy | 'wait'
}

const rowsStore = 'rows'
const schemaVersion = 1

type Rows = IDBPTransaction<unknown, [typeof rowsStore], 'readwrite'>

function translate(cause: unknown): MlsError {
  const name = (cause as { name?: unknown } | null)?.name
  if (name === 'QuotaExceededError')
    return new MlsError('storage/full', 'the quota of the origin is used up', { cause })
  if (name === 'VersionError') return new MlsError('storage/version', 'the database has a newer schema', { cause })
  return new MlsError('storage/io', 'IndexedDB failed', { cause })
}

function typed(cause: unknown): MlsError {
  return cause instanceof MlsError ? cause : translate(cause)
}

/**
 * Opens an IndexedDB store and takes ownership.
 * @throws `storage/busy`, `storage/io`, `storage/full`, `storage/damaged`, `storage/version`
 */
export async function openIndexedDbStorage(options: IndexedDbStorageOptions): Promise<Storage> {
  const handle = new Handle(translate)
  const lock = await holdLock(`xmpp-mls storage ${options.name}`, options.ifOwned ?? 'take', () => handle.end(fenced()))
  let database: IDBPDatabase | undefined
  try {
    database = await openDB(options.name, schemaVersion, {
      upgrade: (fresh) => void fresh.createObjectStore(rowsStore),
      // Somebody deletes the database: give way, or the deletion waits for ever.
      blocking: (_current, _blocked, event) => {
        handle.close()
        ;(event.target as IDBDatabase).close()
      },
      terminated: () => handle.end(new MlsError('storage/io', 'the browser closed the database')),
    })
    const owner = await takeOwnership(database, options.randomBytes)
    return new IndexedDbStorage(database, owner, handle, lock)
  } catch (cause) {
    database?.close()
    lock.release()
    throw typed(cause)
  }
}

function write(database: IDBPDatabase): Rows {
  return database.transaction([rowsStore], 'readwrite', { durability: 'strict' })
}

/** Runs `body` in one transaction; whatever it throws aborts the transaction, and no rejection is left unobserved. */
async function within(transaction: Rows, body: (transaction: Rows) => Promise<void>): Promise<void> {
  const done = transaction.done.catch((cause: unknown) => ({ cause }))
  let failure: { readonly cause: unknown } | undefined
  try {
    await body(transaction)
  } catch (cause) {
    failure = { cause }
    try {
      transaction.abort()
    } catch {
      // It has aborted by itself; `done` tells why.
    }
  }
  const ended = await done
  // A request fails with an AbortError when the transaction had a deeper reason, such as the quota.
  const reason = failure?.cause instanceof MlsError ? failure : (ended ?? failure)
  if (reason !== undefined)
    throw transaction.error && !(reason.cause instanceof MlsError) ? transaction.error : reason.cause
}

async function takeOwnership(database: IDBPDatabase, random: RandomBytes): Promise<StorageOwner> {
  let owner: StorageOwner | undefined
  await within(write(database), async (transaction) => {
    const rows = transaction.objectStore(rowsStore)
    const next = nextOwner(decodeOwner(bytesOf(await rows.get(ownerAddress))), random, 0)
    await rows.put(encodeOwner(next), ownerAddress)
    owner = next
  })
  if (owner === undefined) throw new MlsError('internal/unreachable', 'no owner')
  return owner
}

function bytesOf(value: unknown): Bytes | undefined {
  if (value === undefined) return undefined
  if (!(value instanceof Uint8Array)) throw new MlsError('storage/damaged', 'a row is not bytes')
  return copyBytes(value)
}

function addressOf(key: IDBValidKey): Bytes {
  if (!(key instanceof ArrayBuffer)) throw new MlsError('storage/damaged', 'a key is not bytes')
  return new Uint8Array(key)
}

class IndexedDbStorage implements Storage {
  readonly owner: StorageOwner
  readonly #database: IDBPDatabase
  readonly #handle: Handle
  readonly #lock: LockHold
  #last: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(database: IDBPDatabase, owner: StorageOwner, handle: Handle, lock: LockHold) {
    this.#database = database
    this.owner = owner
    this.#handle = handle
    this.#lock = lock
  }

  async apply(batch: Parameters<Storage['apply']>[0]): Promise<void> {
    this.#handle.check()
    const rows = copyBatch(batch)
    // Transactions run in the order in which they are created: here, before anything is awaited.
    const work = this.#write(rows)
    this.#last = work.catch(() => undefined)
    try {
      await work
    } catch (cause) {
      throw this.#handle.writeError(cause)
    }
  }

  async #write(batch: readonly RowOperation[]): Promise<void> {
    await within(write(this.#database), async (transaction) => {
      const rows = transaction.objectStore(rowsStore)
      checkFence(this.owner, bytesOf(await rows.get(ownerAddress)))
      await Promise.all(
        batch.map((row): Promise<unknown> => {
          if (row.kind === 'put') return rows.put(row.value, row.address)
          if (row.kind === 'delete') return rows.delete(row.address)
          return rows.delete(IDBKeyRange.bound(row.from, row.before, false, true))
        }),
      )
    })
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    this.#handle.check()
    try {
      return await read()
    } catch (cause) {
      throw this.#handle.readError(cause)
    }
  }

  #rows() {
    return this.#database.transaction(rowsStore, 'readonly').objectStore(rowsStore)
  }

  async get(table: string, key: Uint8Array): Promise<Bytes | undefined> {
    return this.#read(async () => bytesOf(await this.#rows().get(rowAddress(table, key))))
  }

  async getMany(keys: Parameters<Storage['getMany']>[0]): Promise<(Bytes | undefined)[]> {
    return this.#read(async () => {
      const addresses = keys.map(({ table, key }) => rowAddress(table, key))
      if (addresses.length === 0) return []
      const rows = this.#rows()
      return (await Promise.all(addresses.map((address) => rows.get(address)))).map(bytesOf)
    })
  }

  async scan(table: string, range: Parameters<Storage['scan']>[1]) {
    return this.#read(async () => {
      const bounds = rowRange(table, range)
      return (await this.#entries(bounds, true)).map(({ address, value }) => {
        return { key: copyBytes(address.subarray(bounds.keyOffset)), value: value ?? new Uint8Array(0) }
      })
    })
  }

  async scanKeys(table: string, range: Parameters<Storage['scanKeys']>[1]): Promise<Bytes[]> {
    return this.#read(async () => {
      const bounds = rowRange(table, range)
      return (await this.#entries(bounds, false)).map(({ address }) => copyBytes(address.subarray(bounds.keyOffset)))
    })
  }

  /** Rows of a range; without `values` only their addresses. */
  async #entries(
    range: RowRange,
    values: boolean,
  ): Promise<{ readonly address: Bytes; readonly value?: Bytes | undefined }[]> {
    if (indexedDB.cmp(range.from, range.before) >= 0) return []
    const bounds = IDBKeyRange.bound(range.from, range.before, false, true)
    const rows = this.#rows()
    if (!range.reverse) {
      const reads = [rows.getAllKeys(bounds, range.limit), values ? rows.getAll(bounds, range.limit) : []] as const
      const [keys, found] = await Promise.all(reads)
      return keys.map((key, i) => ({ address: addressOf(key), value: bytesOf(found[i]) }))
    }
    const out: { address: Bytes; value?: Bytes | undefined }[] = []
    let cursor = await (values ? rows.openCursor(bounds, 'prev') : rows.openKeyCursor(bounds, 'prev'))
    while (cursor !== null && out.length < range.limit) {
      const value: unknown = 'value' in cursor ? cursor.value : undefined
      out.push({ address: addressOf(cursor.key), value: bytesOf(value) })
      cursor = await cursor.continue()
    }
    return out
  }

  async sizes(): Promise<StorageSizes> {
    return this.#read(async () => {
      const tables = new Map<string, TableSize>()
      let cursor = await this.#rows().openCursor(IDBKeyRange.lowerBound(Uint8Array.of(1)))
      while (cursor !== null) {
        const { table, key } = splitAddress(addressOf(cursor.key))
        addToSizes(tables, table, key.length, bytesOf(cursor.value)?.length ?? 0)
        cursor = await cursor.continue()
      }
      return { tables, mediumBytes: undefined }
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#handle.close()
    await this.#last
    this.#database.close()
    this.#lock.release()
  }
}

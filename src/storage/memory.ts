/**
 * The driver without a medium: for tests, and for sessions that shall leave nothing behind. A {@link MemoryMedium} stands
 * for the disk: several handles may open one medium, and the fence works between them as it does elsewhere.
 */
import { type Bytes, copyBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { OwnershipPolicy, Storage, StorageKey, StorageOwner, TableSize } from '../ports/storage.ts'
import { Handle } from './handle.ts'
import { checkFence, decodeOwner, encodeOwner, nextOwner, type RandomBytes } from './owner.ts'
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
import { SortedKeys } from './sorted-keys.ts'

/** The content of a memory store. Rows are wiped when they are deleted or replaced. */
export class MemoryMedium {
  readonly #rows = new Map<string, { readonly address: Bytes; readonly value: Bytes }>()
  readonly #order = new SortedKeys()

  /** The value at an address, not copied. */
  read(address: Uint8Array): Bytes | undefined {
    return this.#rows.get(mapKey(address))?.value
  }

  /** Sets or, with `undefined`, deletes the value at an address; takes ownership of both. */
  write(address: Bytes, value: Bytes | undefined): void {
    const key = mapKey(address)
    wipe(this.#rows.get(key)?.value)
    if (value === undefined) {
      this.#rows.delete(key)
      this.#order.remove(key)
    } else {
      if (!this.#rows.has(key)) this.#order.add(key)
      this.#rows.set(key, { address, value })
    }
  }

  /** The rows of an interval, not copied. */
  rows(range: Pick<RowRange, 'from' | 'before' | 'reverse' | 'limit'>) {
    const keys = this.#order.between(mapKey(range.from), mapKey(range.before), range.reverse, range.limit)
    return keys.flatMap((key) => this.#rows.get(key) ?? [])
  }

  /** Applies checked operations in order. */
  applyRows(batch: readonly RowOperation[]): void {
    for (const operation of batch) {
      if (operation.kind === 'put') this.write(operation.address, operation.value)
      else if (operation.kind === 'delete') this.write(operation.address, undefined)
      else {
        const all = { ...operation, reverse: false, limit: Number.POSITIVE_INFINITY }
        for (const row of this.rows(all)) this.write(row.address, undefined)
      }
    }
  }
}

/** Options of {@link openMemoryStorage}. */
export interface MemoryStorageOptions {
  /** The medium to open; a new one when absent. */
  readonly medium?: MemoryMedium
  readonly randomBytes: RandomBytes
  /** What to do when another handle holds the medium; `take` by default. */
  readonly ifOwned?: OwnershipPolicy
}

/**
 * Opens a memory store.
 * @throws `storage/busy` when the medium is held and `ifOwned` is `refuse`
 */
export async function openMemoryStorage(options: MemoryStorageOptions): Promise<Storage> {
  const medium = options.medium ?? new MemoryMedium()
  const previous = decodeOwner(medium.read(ownerAddress))
  if (previous?.held && options.ifOwned === 'refuse') throw new MlsError('storage/busy', 'the store has an owner')
  const owner = nextOwner(previous, options.randomBytes, 0)
  medium.write(copyBytes(ownerAddress), encodeOwner(owner))
  const handle = new Handle((cause) => new MlsError('storage/io', 'memory store', { cause }))
  return memoryStorage(medium, owner, handle)
}

function memoryStorage(medium: MemoryMedium, owner: StorageOwner, handle: Handle): Storage {
  const copyOf = (value: Bytes | undefined) => (value === undefined ? undefined : copyBytes(value))
  const readNow = (keys: readonly StorageKey[]) => {
    handle.check()
    return keys.map(({ table, key }) => copyOf(medium.read(rowAddress(table, key))))
  }
  return {
    owner,
    async apply(batch) {
      handle.check()
      const rows = copyBatch(batch)
      try {
        checkFence(owner, medium.read(ownerAddress))
        medium.applyRows(rows)
      } catch (cause) {
        throw handle.writeError(cause)
      }
    },
    async get(table, key) {
      handle.check()
      return copyOf(medium.read(rowAddress(table, key)))
    },
    readNow,
    async getMany(keys) {
      return readNow(keys)
    },
    async scan(table, range) {
      handle.check()
      const rows = rowRange(table, range)
      return medium.rows(rows).map(({ address, value }) => ({
        key: copyBytes(address.subarray(rows.keyOffset)),
        value: copyBytes(value),
      }))
    },
    async scanKeys(table, range) {
      handle.check()
      const rows = rowRange(table, range)
      return medium.rows(rows).map(({ address }) => copyBytes(address.subarray(rows.keyOffset)))
    },
    async sizes() {
      handle.check()
      const tables = new Map<string, TableSize>()
      const all = { from: new Uint8Array([1]), before: new Uint8Array([255]), reverse: false }
      for (const { address, value } of medium.rows({ ...all, limit: Number.POSITIVE_INFINITY })) {
        const { table, key } = splitAddress(address)
        addToSizes(tables, table, key.length, value.length)
      }
      return { tables, mediumBytes: undefined }
    },
    async close() {
      if (!handle.usable) return
      handle.close()
      const stored = decodeOwner(medium.read(ownerAddress))
      if (stored?.epoch === owner.epoch) medium.write(copyBytes(ownerAddress), encodeOwner({ ...stored, held: false }))
    },
  }
}

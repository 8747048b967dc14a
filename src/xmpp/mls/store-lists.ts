/** Parts of a room's state as rows: what of them has changed becomes operations of the next batch. */
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8 } from '../../bytes/text.ts'
import { key64, number64 } from '../../group-store/layout.ts'
import type { StorageEntry, StorageOperation } from '../../ports/storage.ts'
import { putRecord, type RecordType } from '../../storage/records.ts'
import { partKey, roomTables } from './store-layout.ts'
import type { TrackedMap, TrackedSet } from './tracked.ts'

const table = roomTables.parts
/** Where the number begins in the key of a part: behind name and kind. */
const numberAt = 17
/** Keys of a map's entries that are remembered. */
const maxKeys = 256

/** Whose rows, and how one is written. */
interface Rows<T, R> {
  readonly name: Uint8Array
  readonly kind: number
  readonly type: RecordType<R>
  readonly write: (item: T) => R
}

/** A list in order of objects that stay what they are, but for what `mark` tells of them. */
export class RowList<T extends object, R> {
  readonly #rows: Rows<T, R>
  readonly #mark: (item: T) => unknown
  #known = new Map<T, { readonly number: bigint; readonly mark: unknown }>()
  #next = 0n

  constructor(rows: Rows<T, R>, mark: (item: T) => unknown = () => undefined) {
    this.#rows = rows
    this.#mark = mark
  }

  /** Takes in the stored rows, which are in order. */
  load(entries: readonly StorageEntry[], read: (record: R) => T): T[] {
    this.#known = new Map()
    return entries.map(({ key, value }) => {
      const item = read(this.#rows.type.decode(value))
      const number = number64(key, numberAt)
      this.#known.set(item, { number, mark: this.#mark(item) })
      if (number >= this.#next) this.#next = number + 1n
      return item
    })
  }

  /** What turns the stored list into `items`. @param gone told each item that is not in the list any more */
  changes(items: readonly T[], gone: (item: T) => void = () => undefined): StorageOperation[] {
    const operations: StorageOperation[] = []
    if (items.length === 0 && this.#known.size === 0) return operations
    const now = new Set(items)
    for (const [item, { number }] of this.#known) {
      if (now.has(item)) continue
      gone(item)
      operations.push(this.#delete(number))
      this.#known.delete(item)
    }
    let last = -1n
    for (const item of items) {
      const found = this.#known.get(item)
      const mark = this.#mark(item)
      // rows are in the order of their numbers: what moved to the back gets a new one
      const number = found !== undefined && found.number > last ? found.number : this.#next++
      if (found === undefined || number !== found.number || mark !== found.mark) {
        if (found !== undefined && number !== found.number) operations.push(this.#delete(found.number))
        operations.push(this.#put(number, item))
        this.#known.set(item, { number, mark })
      }
      last = number
    }
    return operations
  }

  #put(number: bigint, item: T): StorageOperation {
    const { name, kind, type, write } = this.#rows
    return putRecord(table, partKey(name, kind, key64(number)), type, write(item))
  }

  #delete(number: bigint): StorageOperation {
    return { kind: 'delete', table, key: partKey(this.#rows.name, this.#rows.kind, key64(number)) }
  }
}

/** Something that is there or not. */
export class RowCell<T extends object, R> {
  readonly #rows: Rows<T, R>
  #known: T | undefined

  constructor(rows: Rows<T, R>) {
    this.#rows = rows
  }

  /** Takes in the stored row. */
  load(entry: StorageEntry | undefined, read: (record: R) => T | undefined): T | undefined {
    this.#known = entry === undefined ? undefined : read(this.#rows.type.decode(entry.value))
    return this.#known
  }

  /** What stores `item` or that there is none. */
  changes(item: T | undefined): StorageOperation[] {
    if (item === this.#known) return []
    const { name, kind, type, write } = this.#rows
    const key = partKey(name, kind)
    this.#known = item
    return [item === undefined ? { kind: 'delete', table, key } : putRecord(table, key, type, write(item))]
  }
}

/** Entries of a set or map that come and go at its ends, numbered as they came. */
export class RowLog<V, R> {
  readonly #rows: Rows<readonly [string, V], R>
  #numbers = new Map<string, bigint>()
  #next = 0n

  constructor(rows: Rows<readonly [string, V], R>) {
    this.#rows = rows
  }

  /** Takes in the stored rows. */
  load(entries: readonly StorageEntry[], read: (record: R) => readonly [string, V]): (readonly [string, V])[] {
    this.#numbers = new Map()
    return entries.map(({ key, value }) => {
      const entry = read(this.#rows.type.decode(value))
      const number = number64(key, numberAt)
      this.#numbers.set(entry[0], number)
      if (number >= this.#next) this.#next = number + 1n
      return entry
    })
  }

  /**
   * What stores the entries that were touched.
   * @param wait entries that are not to be stored yet; they are looked at again with the next change
   */
  ofSet(set: TrackedSet, wait: (id: string) => boolean, value: V): StorageOperation[] {
    const operations: StorageOperation[] = []
    const { touched, deleted } = set
    set.settle()
    for (const id of touched) {
      const there = set.has(id)
      if (deleted.has(id) || !there) operations.push(...this.#delete(id))
      if (!there) continue
      if (wait(id)) {
        operations.push(...this.#delete(id))
        set.touched.add(id)
      } else if (!this.#numbers.has(id)) operations.push(this.#put(id, value))
    }
    return operations
  }

  /** As {@link ofSet}, for a map. */
  ofMap(map: TrackedMap<V>): StorageOperation[] {
    const operations: StorageOperation[] = []
    const { touched } = map
    map.settle()
    for (const id of touched) {
      const value = map.get(id)
      if (value === undefined) operations.push(...this.#delete(id))
      else operations.push(this.#put(id, value))
    }
    return operations
  }

  #put(id: string, value: V): StorageOperation {
    const { name, kind, type, write } = this.#rows
    const number = this.#numbers.get(id) ?? this.#next++
    this.#numbers.set(id, number)
    return putRecord(table, partKey(name, kind, key64(number)), type, write([id, value]))
  }

  #delete(id: string): StorageOperation[] {
    const { name, kind } = this.#rows
    const number = this.#numbers.get(id)
    this.#numbers.delete(id)
    return number === undefined ? [] : [{ kind: 'delete', table, key: partKey(name, kind, key64(number)) }]
  }
}

/** Entries of a map in any order, each under the hash of its key: those whose values change. */
export class RowMap<V, R> {
  readonly #rows: Rows<V, R>
  readonly #keys = new Map<string, Uint8Array>()

  constructor(rows: Rows<V, R>) {
    this.#rows = rows
  }

  /** What stores the entries that were touched. */
  changes(map: TrackedMap<V>): StorageOperation[] {
    const { touched } = map
    map.settle()
    const operations = [...touched].map((key): StorageOperation => {
      const { type, write } = this.#rows
      const row = this.#key(key)
      const value = map.get(key)
      return value === undefined ? { kind: 'delete', table, key: row } : putRecord(table, row, type, write(value))
    })
    map.settle()
    return operations
  }

  /** Where an entry is: those who write most write again and again. */
  #key(key: string): Uint8Array {
    const known = this.#keys.get(key)
    if (known !== undefined) return known
    const row = partKey(this.#rows.name, this.#rows.kind, sha256(utf8(key)).subarray(0, 16))
    if (this.#keys.size >= maxKeys) this.#keys.clear()
    this.#keys.set(key, row)
    return row
  }
}

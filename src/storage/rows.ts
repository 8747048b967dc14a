/**
 * What all drivers have in common: limits, the one-level address of a row, ranges, and the copy of a batch.
 *
 * A driver over an ordered map of bytes keeps every table in one map: the address of a row is the table name, a zero byte
 * and the key. Table names hold no zero byte, hence rows of one table are neighbours, in the order of their keys. Addresses
 * that begin with a zero byte are the driver's own; {@link ownerAddress} is the only one.
 */
import { ascii, type Bytes, concatBytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { StorageEntry, StorageOperation, StorageRange } from '../ports/storage.ts'

/** The longest key that callers may use, in bytes. */
export const maxKeyLength = 400

/** The longest key that drivers accept: wrappers put a table name before the caller's key. */
const maxDriverKeyLength = 448

/** The longest value, in bytes. */
export const maxValueLength = 64 * 1024 * 1024

/** The most entries of one scan. */
const maxScan = 65_536

/** The address of the owner row. */
export const ownerAddress: Bytes = new Uint8Array(1)

/** A batch as drivers see it, sharing no memory with the caller's. */
export type RowOperation =
  | { readonly kind: 'put'; readonly address: Bytes; readonly value: Bytes }
  | { readonly kind: 'delete'; readonly address: Bytes }
  | { readonly kind: 'delete_between'; readonly from: Bytes; readonly before: Bytes }

/** A half-open interval of addresses in the order in which to visit it. */
export interface RowRange {
  readonly from: Bytes
  readonly before: Bytes
  readonly reverse: boolean
  readonly limit: number
  /** How many bytes of an address precede the key. */
  readonly keyOffset: number
}

/** A range error: the caller passed something outside the limits of the port. */
export function outOfRange(what: string): MlsError {
  return new MlsError('storage/range', what)
}

/** What {@link tablePrefix} has made; never changed. */
const prefixes = new Map<string, Bytes>()

/**
 * The bytes before every key of a table. Not to be changed.
 * @throws `storage/range` when the name is not one of a table
 */
function tablePrefix(table: string): Bytes {
  const known = prefixes.get(table)
  if (known !== undefined) return known
  // Names with a colon belong to wrappers (see sealed.ts); the port promises callers 40 characters without one.
  if (!/^[a-z0-9_.:-]{1,46}$/.test(table)) throw outOfRange('not a name of a table')
  const out = new Uint8Array(table.length + 1)
  out.set(ascii(table))
  if (prefixes.size < 256) prefixes.set(table, out)
  return out
}

/**
 * The address of a row.
 * @throws `storage/range`
 */
export function rowAddress(table: string, key: Uint8Array): Bytes {
  if (key.length > maxDriverKeyLength) throw outOfRange('key too long')
  return concatBytes(tablePrefix(table), key)
}

/** The table and key of an address that {@link rowAddress} made. */
export function splitAddress(address: Uint8Array): { readonly table: string; readonly key: Bytes } {
  const end = address.indexOf(0)
  return { table: String.fromCharCode(...address.subarray(0, end)), key: copyBytes(address.subarray(end + 1)) }
}

/** The least byte string above all that begin with `prefix`, or `undefined` when there is none. */
function prefixEnd(prefix: Uint8Array): Bytes | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 255) length--
  if (length === 0) return undefined
  const end = copyBytes(prefix.subarray(0, length))
  end[length - 1] = (end[length - 1] as number) + 1
  return end
}

/** Order of byte strings: unsigned bytes, a prefix before what it begins. Negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

function addressEnd(prefix: Uint8Array): Bytes {
  const end = prefixEnd(prefix)
  // An address begins with a table name, so that its first byte is never 255.
  if (end === undefined) throw outOfRange('empty address')
  return end
}

/**
 * The interval of addresses that a range of a table covers; it may be empty (`from` not below `before`).
 * @throws `storage/range`
 */
export function rowRange(table: string, range: StorageRange): RowRange {
  const { limit } = range
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > maxScan) throw outOfRange('limit of a scan')
  const start = tablePrefix(table)
  const within = range.prefix === undefined ? start : rowAddress(table, range.prefix)
  let from: Bytes = within
  let before = addressEnd(within)
  if (range.from !== undefined) {
    const bound = rowAddress(table, range.from)
    if (compareBytes(bound, from) > 0) from = bound
  }
  if (range.before !== undefined) {
    const bound = rowAddress(table, range.before)
    if (compareBytes(bound, before) < 0) before = bound
  }
  return { from, before, reverse: range.reverse ?? false, limit, keyOffset: start.length }
}

/**
 * Checks a batch and copies it, so that the caller may change or wipe its bytes at once.
 * @throws `storage/range`
 */
export function copyBatch(batch: readonly StorageOperation[]): RowOperation[] {
  return batch.map((operation): RowOperation => {
    switch (operation.kind) {
      case 'put': {
        if (operation.value.length > maxValueLength) throw outOfRange('value too long')
        return { kind: 'put', address: rowAddress(operation.table, operation.key), value: copyBytes(operation.value) }
      }
      case 'delete':
        return { kind: 'delete', address: rowAddress(operation.table, operation.key) }
      case 'delete_prefix': {
        const from = rowAddress(operation.table, operation.prefix)
        return { kind: 'delete_between', from, before: addressEnd(from) }
      }
      default:
        throw outOfRange('kind of operation')
    }
  })
}

/** A row as a scan returns it: the key without its table. */
export function entryOf(address: Uint8Array, value: Uint8Array, range: RowRange): StorageEntry {
  return { key: copyBytes(address.subarray(range.keyOffset)), value: copyBytes(value) }
}

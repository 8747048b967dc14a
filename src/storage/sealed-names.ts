/** Limits at the surface of a sealed store, whose own tables have names with a colon that callers cannot use. */
import { copyBytes } from '../bytes/bytes.ts'
import type { StorageKey, StorageOperation } from '../ports/storage.ts'
import { maxKeyLength, maxValueLength, outOfRange, rowAddress } from './rows.ts'

/**
 * Checks an address of a caller of a sealed store.
 * @throws `storage/range`
 */
export function checkName(table: string, key: Uint8Array): void {
  if (table.includes(':') || table.length > 40) throw outOfRange('not a name of a table')
  rowAddress(table, key)
  if (key.length > maxKeyLength) throw outOfRange('key too long')
}

/**
 * Checks one operation and copies its bytes.
 * @throws `storage/range`
 */
export function checkedCopy(operation: StorageOperation): StorageOperation {
  switch (operation.kind) {
    case 'put':
      checkName(operation.table, operation.key)
      if (operation.value.length > maxValueLength) throw outOfRange('value too long')
      return { ...operation, key: copyBytes(operation.key), value: copyBytes(operation.value) }
    case 'delete':
      checkName(operation.table, operation.key)
      return { ...operation, key: copyBytes(operation.key) }
    case 'delete_prefix':
      checkName(operation.table, operation.prefix)
      return { ...operation, prefix: copyBytes(operation.prefix) }
    default:
      throw outOfRange('kind of operation')
  }
}

/** The table of row key records. */
export const rowKeys = 'sealed:keys'

/** Where the value record and the row key record of each row are. @throws `storage/range` */
export function recordsOf(keys: readonly StorageKey[]): StorageKey[] {
  return keys.flatMap(({ table, key }): StorageKey[] => {
    checkName(table, key)
    return [
      { table: `v:${table}`, key },
      { table: rowKeys, key: rowAddress(table, key) },
    ]
  })
}

/** Stores the record of a row key under the address of its row. */
export function rowKeyPut(key: Uint8Array, value: Uint8Array): StorageOperation {
  return { kind: 'put', table: rowKeys, key, value }
}

import type { TableSize } from '../ports/storage.ts'

/** Counts one row into a report of sizes. */
export function addToSizes(tables: Map<string, TableSize>, table: string, keyBytes: number, valueBytes: number): void {
  const size = tables.get(table)
  tables.set(table, {
    entries: (size?.entries ?? 0) + 1,
    keyBytes: (size?.keyBytes ?? 0) + keyBytes,
    valueBytes: (size?.valueBytes ?? 0) + valueBytes,
  })
}

/** How much a group store takes, by what it is for. */
import type { StorageSizes } from '../ports/storage.ts'
import { tables } from './layout.ts'

/** Bytes that a part of the store takes, before the overhead of the driver. */
export interface GroupStoreSizes {
  readonly groups: number
  readonly trees: number
  readonly ratchets: number
  readonly outbox: number
  readonly history: number
  readonly keyPackages: number
  /** Everything, with the records of lower layers. */
  readonly total: number
  readonly mediumBytes: number | undefined
}

/** Sorts what a storage has counted. */
export function groupStoreSizes({ tables: all, mediumBytes }: StorageSizes): GroupStoreSizes {
  const of = (...names: readonly string[]) =>
    names.reduce((sum, name) => {
      const size = all.get(name)
      return sum + (size === undefined ? 0 : size.keyBytes + size.valueBytes)
    }, 0)
  return {
    groups: of(tables.groups, tables.states, tables.epochs, tables.proposals, tables.pending, tables.psks),
    trees: of(tables.pages),
    ratchets: of(tables.ratchets, tables.used, tables.marks),
    outbox: of(tables.outbox),
    history: of(tables.history),
    keyPackages: of(tables.keyPackages),
    total: of(...all.keys()),
    mediumBytes,
  }
}

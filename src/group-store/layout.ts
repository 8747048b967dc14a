/**
 * Tables and keys. Keys begin with a name of the group (16 bytes: a keyed hash in a sealed store) and, for everything that
 * belongs to one life of a group, the number of that life: joining again begins another one beside the old.
 *
 * | table             | key                                   | value                                              |
 * |-------------------|---------------------------------------|----------------------------------------------------|
 * | `mls.meta`        | `store`                               | id of the store, counters                          |
 * | `mls.groups`      | name                                  | which life counts, status, quarantine              |
 * | `mls.states`      | life                                  | current epoch, heads of the tree's pages           |
 * | `mls.epochs`      | life, epoch                           | secrets and private keys of an epoch               |
 * | `mls.ratchets`    | life, epoch, kind, index              | a row of the secret tree                           |
 * | `mls.used`        | life, epoch                           | generations that were given out                    |
 * | `mls.marks`       | life, epoch                           | when how many keys of skipped generations were kept |
 * | `mls.pages`       | life, band, name of the page          | nodes of the ratchet tree                          |
 * | `mls.proposals`   | life, number                          | a proposal that waits                              |
 * | `mls.pending`     | life                                  | the own commit that waits, with its Welcome        |
 * | `mls.psks`        | life, epoch                           | a resumption PSK                                   |
 * | `mls.cursors`     | name                                  | how far the archive was read                       |
 * | `mls.outbox`      | number                                | exact bytes to be sent                             |
 * | `mls.history`     | name, number                          | a message, when history is kept                    |
 * | `mls.keypackages` | reference                             | private keys of a KeyPackage                       |
 */
import { ascii, type Bytes, concatBytes } from '../bytes/bytes.ts'
import type { Storage, StorageEntry, StorageOperation } from '../ports/storage.ts'
import type { SecretTreeRow } from '../secret-tree/snapshot.ts'

/** The tables. */
export const tables = {
  meta: 'mls.meta',
  groups: 'mls.groups',
  states: 'mls.states',
  epochs: 'mls.epochs',
  ratchets: 'mls.ratchets',
  used: 'mls.used',
  marks: 'mls.marks',
  pages: 'mls.pages',
  proposals: 'mls.proposals',
  pending: 'mls.pending',
  psks: 'mls.psks',
  cursors: 'mls.cursors',
  outbox: 'mls.outbox',
  history: 'mls.history',
  keyPackages: 'mls.keypackages',
} as const

/** The key of the one row of `mls.meta`. */
export const metaKey = ascii('store')

/** The tables whose keys begin with a life of a group. */
const lifeTables = [
  tables.states,
  tables.epochs,
  tables.ratchets,
  tables.used,
  tables.marks,
  tables.pages,
  tables.proposals,
  tables.pending,
  tables.psks,
]

const kinds = { state: 1, node: 2, sender: 3 } as const
const kindNames = ['state', 'node', 'sender'] as const

/** Four bytes, so that keys sort as numbers. */
export function key32(value: number): Bytes {
  const out = new Uint8Array(4)
  new DataView(out.buffer).setUint32(0, value)
  return out
}

/** Eight bytes, so that keys sort as numbers. */
export function key64(value: bigint | number): Bytes {
  const out = new Uint8Array(8)
  if (value > Number.MAX_SAFE_INTEGER) new DataView(out.buffer).setBigUint64(0, BigInt(value))
  else
    for (let rest = Number(value), i = 7; rest > 0; i--) {
      out[i] = rest % 256
      rest = Math.floor(rest / 256)
    }
  return out
}

/** The number in eight bytes at an offset. */
export function number64(bytes: Uint8Array, offset = 0): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(offset)
}

/** The prefix of one life of a group. */
export function lifeKey(name: Uint8Array, life: number): Bytes {
  return concatBytes(name, key32(life))
}

/** The prefix of an epoch. */
export function epochKey(life: Uint8Array, epoch: bigint): Bytes {
  return concatBytes(life, key64(epoch))
}

/** What stores or deletes a row of a secret tree. */
export function ratchetOperation(epoch: Uint8Array, { kind, index, value }: SecretTreeRow): StorageOperation {
  const key = concatBytes(epoch, Uint8Array.of(kinds[kind]), key32(index))
  const table = tables.ratchets
  return value === undefined ? { kind: 'delete', table, key } : { kind: 'put', table, key, value }
}

/** The row of a secret tree under a key, and the epoch that it belongs to; `undefined` for a key that is none. */
export function ratchetRow(
  { key, value }: StorageEntry,
  lifeLength: number,
): { readonly epoch: bigint; readonly row: SecretTreeRow } | undefined {
  const kind = kindNames[(key[lifeLength + 8] ?? 0) - 1]
  if (key.length !== lifeLength + 13 || kind === undefined) return undefined
  const index = new DataView(key.buffer, key.byteOffset).getUint32(lifeLength + 9)
  return { epoch: number64(key, lifeLength), row: { kind, index, value } }
}

/** What deletes everything of one life of a group. */
export function deleteLife(life: Uint8Array): StorageOperation[] {
  return lifeTables.map((table) => ({ kind: 'delete_prefix', table, prefix: life }))
}

/** What deletes an epoch. */
export function deleteEpoch(life: Uint8Array, epoch: bigint): StorageOperation[] {
  const prefix = epochKey(life, epoch)
  return [
    { kind: 'delete', table: tables.epochs, key: prefix },
    { kind: 'delete', table: tables.used, key: prefix },
    { kind: 'delete', table: tables.marks, key: prefix },
    { kind: 'delete_prefix', table: tables.ratchets, prefix },
  ]
}

/** All rows of a table under a prefix, in order. */
export async function scanAll(storage: Storage, table: string, prefix: Uint8Array): Promise<StorageEntry[]> {
  const limit = 4096
  const all: StorageEntry[] = []
  for (let from: Uint8Array | undefined = prefix; from !== undefined; ) {
    const some: StorageEntry[] = await storage.scan(table, { prefix, from, limit })
    all.push(...some)
    const last = some.at(-1)
    from = last === undefined || some.length < limit ? undefined : concatBytes(last.key, new Uint8Array(1))
  }
  return all
}

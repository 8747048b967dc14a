/** The storage of a client in another one, as when a storage is sealed that was not. */
import { type Bytes, concatBytes, equalBytes } from '../../bytes/bytes.ts'
import { mapKey } from '../../bytes/text.ts'
import { scanAll } from '../../group-store/layout.ts'
import type { ShreddingStorage } from '../../group-store/store-context.ts'
import type { StorageOperation } from '../../ports/storage.ts'
import { namedRows } from './store.ts'
import { roomName, roomTables } from './store-layout.ts'
import { roomRecords } from './store-records.ts'

/**
 * Copies everything of a client's storage, in one batch, into an empty one. The names of rooms in keys become those of the
 * new storage.
 * @throws as `Storage.apply`
 */
export async function copyRooms(from: ShreddingStorage, to: ShreddingStorage): Promise<void> {
  const { tables } = await from.sizes()
  const names = new Map<string, Bytes>()
  const heads = await scanAll(from, roomTables.heads, new Uint8Array(0))
  for (const { key, value } of heads) {
    const { room } = roomRecords.head.decode(value)
    if (equalBytes(key, roomName(from, room))) names.set(mapKey(key), roomName(to, room))
  }
  for (const { address, key } of await namedRows(from)) names.set(mapKey(key), roomName(to, address))
  const operations: StorageOperation[] = []
  for (const table of tables.keys())
    for (const { key, value } of await scanAll(from, table, new Uint8Array(0))) {
      const name = key.length < 16 ? undefined : names.get(mapKey(key.subarray(0, 16)))
      const own = name === undefined ? key : concatBytes(name, key.subarray(16))
      operations.push({ kind: 'put', table, key: own, value })
    }
  await to.apply(operations)
}

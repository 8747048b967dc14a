/**
 * Tables and keys of the binding's rooms, format 2. Keys begin with a name of the room: 16 bytes of a hash, keyed in a sealed
 * store, so that they tell nobody where this device talks. The group of a room is in the tables of `group-store/layout.ts`
 * under the same name.
 *
 * | table              | key                | value                                                                       |
 * |--------------------|--------------------|-----------------------------------------------------------------------------|
 * | `mls_room_heads`   | name               | phase, cursor, the ends of the own chain: what every message changes         |
 * | `mls_room_parts`   | name, kind, number | an entry of one of the room's lists, see {@link parts}                       |
 * | `mls_room_inbox`   | name, number       | a message or change that the application has not taken yet                   |
 * | `mls_room_history` | name, number       | a message of the local history, where it is kept                             |
 * | `mls_invitations`  | name               | a Welcome that was not used yet                                              |
 * | `mls_chats`        | name of an account | the room of a one-to-one chat                                                |
 *
 * Format 1 kept a room in one record (`store-room.ts`) and its group as one snapshot; it is read, and replaced at once.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, copyBytes } from '../../bytes/bytes.ts'
import { utf8 } from '../../bytes/text.ts'
import type { ShreddingStorage } from '../../group-store/store-context.ts'

/** The tables. */
export const roomTables = {
  heads: 'mls_room_heads',
  parts: 'mls_room_parts',
  inbox: 'mls_room_inbox',
  history: 'mls_room_history',
} as const

/** The kinds of parts, in their keys. */
export const parts = {
  processed: 1,
  author: 2,
  chain: 3,
  outbox: 4,
  intent: 5,
  proposal: 6,
  welcome: 7,
  attempt: 8,
  previous: 9,
  creating: 10,
  joining: 11,
  queue: 12,
} as const

/** The name of a room in keys; 16 bytes. */
export function roomName(storage: ShreddingStorage, room: string): Bytes {
  const identifier = utf8(room)
  return copyBytes((storage.blind?.(identifier) ?? sha256(identifier)).subarray(0, 16))
}

/** The key of a part. */
export function partKey(name: Uint8Array, kind: number, of?: Uint8Array): Bytes {
  const key = new Uint8Array(name.length + 1 + (of?.length ?? 0))
  key.set(name)
  key[name.length] = kind
  if (of !== undefined) key.set(of, name.length + 1)
  return key
}

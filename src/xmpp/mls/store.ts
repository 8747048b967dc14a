/** What a client keeps: its device, its KeyPackages, its rooms, Welcomes that wait. All through the storage port. */
import type { Bytes } from '../../bytes/bytes.ts'
import { fromUtf8, utf8 } from '../../bytes/text.ts'
import type { Storage, StorageOperation } from '../../ports/storage.ts'
import { putRecord, readRecord, recordType } from '../../storage/records.ts'
import { bool, bytes, fields, optional, text, uint } from '../../storage/schema.ts'
import { restoreRoomGroup } from './engine/groups.ts'
import { type EngineContext, initialState, type RoomState } from './engine/state.ts'
import { RoomRecord, readRoomState, writeRoomState } from './store-room.ts'

const large = { max: 64 * 1024 * 1024 } as const
const DeviceRecord = recordType({
  type: 'mls_device',
  version: 1,
  schema: fields({
    account: text(3071),
    deviceId: bytes({ length: 16 }),
    suite: uint(65_535),
    signatureKey: bytes({ max: 256 }),
  }),
})
const KeyPackageRecord = recordType({
  type: 'mls_key_package',
  version: 1,
  schema: fields({
    message: bytes(large),
    secrets: bytes({ max: 65_536 }),
    lastResort: bool,
    expires: uint(),
    /** When it was used, in milliseconds since the Unix epoch. */
    used: optional(uint()),
  }),
})
const WelcomeRecord = recordType({
  type: 'mls_welcome',
  version: 1,
  schema: fields({
    from: text(3071),
    peer: optional(text(3071)),
    at: text(256),
    welcome: bytes(large),
    tree: bytes(large),
  }),
})
const DirectRecord = recordType({
  type: 'mls_direct',
  version: 1,
  schema: fields({ room: text(3071), creator: text(3071) }),
})

/** The device that this storage belongs to. */
export type StoredDevice = Parameters<typeof DeviceRecord.encode>[0]
/** An own KeyPackage. */
export type StoredKeyPackage = Parameters<typeof KeyPackageRecord.encode>[0]
/** A Welcome that was not used yet. */
export type StoredWelcome = Parameters<typeof WelcomeRecord.encode>[0]
/** A one-to-one chat with an account. */
export type StoredDirect = Parameters<typeof DirectRecord.encode>[0]

const tables = {
  device: 'mls_device',
  packages: 'mls_packages',
  rooms: 'mls_rooms',
  groups: 'mls_groups',
  welcomes: 'mls_welcomes',
  direct: 'mls_direct',
} as const
const deviceKey = utf8('device')

/** Reads and writes the records of one client. */
export class ClientStore {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  device(): Promise<StoredDevice | undefined> {
    return readRecord(this.#storage, tables.device, deviceKey, DeviceRecord)
  }

  async saveDevice(device: StoredDevice): Promise<void> {
    await this.#storage.apply([putRecord(tables.device, deviceKey, DeviceRecord, device)])
  }

  /** All own KeyPackages by reference. */
  async keyPackages(): Promise<{ readonly reference: Bytes; readonly stored: StoredKeyPackage }[]> {
    const rows = await this.#storage.scan(tables.packages, { limit: 65_536 })
    return rows.map(({ key, value }) => ({ reference: key, stored: KeyPackageRecord.decode(value) }))
  }

  async saveKeyPackages(changes: ReadonlyMap<Bytes, StoredKeyPackage | undefined>): Promise<void> {
    await this.#storage.apply(
      [...changes].map(([key, stored]) =>
        stored === undefined
          ? { kind: 'delete', table: tables.packages, key }
          : putRecord(tables.packages, key, KeyPackageRecord, stored),
      ),
    )
  }

  async welcomes(): Promise<{ readonly room: string; readonly stored: StoredWelcome }[]> {
    const rows = await this.#storage.scan(tables.welcomes, { limit: 65_536 })
    return rows.map(({ key, value }) => ({ room: fromUtf8(key), stored: WelcomeRecord.decode(value) }))
  }

  async saveWelcome(room: string, welcome: StoredWelcome): Promise<void> {
    await this.#storage.apply([putRecord(tables.welcomes, utf8(room), WelcomeRecord, welcome)])
  }

  async dropWelcome(room: string): Promise<void> {
    await this.#storage.apply([{ kind: 'delete', table: tables.welcomes, key: utf8(room) }])
  }

  async direct(account: string): Promise<StoredDirect | undefined> {
    return readRecord(this.#storage, tables.direct, utf8(account), DirectRecord)
  }

  async saveDirect(account: string, direct: StoredDirect): Promise<void> {
    await this.#storage.apply([putRecord(tables.direct, utf8(account), DirectRecord, direct)])
  }

  /** The state of a room, or that of a room that nothing is known of. */
  async room(context: EngineContext): Promise<RoomState> {
    const key = utf8(context.room)
    const [record, snapshot] = await this.#storage.getMany([
      { table: tables.rooms, key },
      { table: tables.groups, key },
    ])
    if (record === undefined) return initialState()
    const group = snapshot === undefined ? undefined : restoreRoomGroup(context, snapshot)
    snapshot?.fill(0)
    return readRoomState(RoomRecord.decode(record), group)
  }

  /** Stores cursor, outbox and group in one batch: after a crash they belong together. */
  async saveRoom(room: string, state: RoomState): Promise<void> {
    const key = utf8(room)
    const snapshot = (state.group ?? state.creating?.group)?.snapshot()
    const group: StorageOperation =
      snapshot === undefined
        ? { kind: 'delete', table: tables.groups, key }
        : { kind: 'put', table: tables.groups, key, value: snapshot }
    const applied = this.#storage.apply([putRecord(tables.rooms, key, RoomRecord, writeRoomState(state)), group])
    snapshot?.fill(0)
    await applied
  }

  async dropRoom(room: string): Promise<void> {
    const key = utf8(room)
    await this.#storage.apply([
      { kind: 'delete', table: tables.rooms, key },
      { kind: 'delete', table: tables.groups, key },
    ])
  }
}

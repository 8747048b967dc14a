/** What a client keeps: its device, its KeyPackages, its rooms, Welcomes that wait. All through the storage port. */
import { type Bytes, copyBytes } from '../../bytes/bytes.ts'
import { fromUtf8, utf8 } from '../../bytes/text.ts'
import { scanAll } from '../../group-store/layout.ts'
import { RollbackGuard } from '../../group-store/rollback.ts'
import type { ShreddingStorage } from '../../group-store/store-context.ts'
import type { Anchor } from '../../ports/anchor.ts'
import { systemRng } from '../../providers/system-rng.ts'
import type { RandomBytes } from '../../storage/owner.ts'
import { putRecord, readRecord, recordType } from '../../storage/records.ts'
import { bool, bytes, fields, optional, text, uint } from '../../storage/schema.ts'
import type { EngineContext, RoomState } from './engine/state.ts'
import { roomTables } from './store-layout.ts'
import { roomRecords } from './store-records.ts'
import { format1Tables } from './store-room.ts'
import { RoomStore } from './store-state.ts'
import type { HistoryPolicy } from './types.ts'

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
  welcomes: 'mls_welcomes',
  direct: 'mls_direct',
} as const
const deviceKey = utf8('device')
/** Generations that one write sets apart for sending; after a crash the rest of them is skipped. */
const reservedGenerations = 32

/** What goes with the storage of a client. */
export interface ClientStoreOptions {
  /** Random bytes for what the store counts; the platform's, unless given. */
  readonly randomBytes?: RandomBytes
  /** A second place that tells a restored copy of the store from the store. */
  readonly anchor?: Anchor | undefined
  /** Whether messages are kept, and how long. */
  readonly history?: HistoryPolicy | undefined
}

/** Reads and writes the records of one client. */
export class ClientStore {
  readonly #storage: ShreddingStorage
  readonly #options: ClientStoreOptions
  #guard: Promise<RollbackGuard> | undefined

  constructor(storage: ShreddingStorage, options: ClientStoreOptions = {}) {
    this.#storage = storage
    this.#options = options
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

  /**
   * One room. Opening the first one compares the store with its anchor: an old copy only receives from then on.
   * @throws `storage/…`
   */
  async openRoom(engine: EngineContext): Promise<RoomStore> {
    const storage = this.#storage
    const { anchor, history, randomBytes = systemRng.randomBytes } = this.#options
    this.#guard ??= RollbackGuard.open(storage, anchor, (length) => copyBytes(randomBytes(length)))
    const guard = await this.#guard.catch((error: unknown) => {
      this.#guard = undefined
      throw error
    })
    return new RoomStore({ storage, guard, reserve: reservedGenerations, history }, engine)
  }

  /** The state of a room, to be looked at. @throws as {@link openRoom} */
  async room(engine: EngineContext): Promise<RoomState> {
    return await (await this.openRoom(engine)).load()
  }

  /** The rooms that something is known of. @throws `storage/…` */
  async rooms(): Promise<string[]> {
    const heads = await scanAll(this.#storage, roomTables.heads, new Uint8Array(0))
    const old = await this.#storage.scanKeys(format1Tables.rooms, { limit: 65_536 })
    return [...new Set([...heads.map(({ value }) => roomRecords.head.decode(value).room), ...old.map(fromUtf8)])].sort()
  }
}

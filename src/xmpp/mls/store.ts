/** What a client keeps: its device, its KeyPackages, its rooms, Welcomes that wait. All through the storage port. */
import { type Bytes, copyBytes } from '../../bytes/bytes.ts'
import { fromUtf8, utf8 } from '../../bytes/text.ts'
import { scanAll } from '../../group-store/layout.ts'
import { RollbackGuard } from '../../group-store/rollback.ts'
import type { ShreddingStorage } from '../../group-store/store-context.ts'
import type { Anchor } from '../../ports/anchor.ts'
import type { StorageOperation } from '../../ports/storage.ts'
import { systemRng } from '../../providers/system-rng.ts'
import type { RandomBytes } from '../../storage/owner.ts'
import { putRecord, readRecord, recordType } from '../../storage/records.ts'
import { bool, bytes, fields, list, optional, uint } from '../../storage/schema.ts'
import type { EngineContext, RoomState } from './engine/state.ts'
import { roomName, roomTables } from './store-layout.ts'
import { roomRecords } from './store-records.ts'
import { format1Tables } from './store-room.ts'
import { id, jid, large } from './store-schemas.ts'
import { RoomStore } from './store-state.ts'
import type { HistoryPolicy } from './types.ts'

const DeviceRecord = recordType({
  type: 'mls_device',
  version: 2,
  schema: fields({
    account: jid,
    deviceId: bytes({ length: 16 }),
    suite: uint(65_535),
    signatureKey: bytes({ max: 256 }),
    /** Earlier ones, the newest first: leaves of groups may still have them. */
    former: list(bytes({ max: 256 }), 15),
  }),
  migrations: [(body) => body.set('former', [])],
})
const KeyPackageRecord = recordType({
  type: 'mls_key_package',
  version: 1,
  schema: fields({
    message: large,
    secrets: bytes({ max: 65_536 }),
    lastResort: bool,
    expires: uint(),
    /** When it was used, in milliseconds since the Unix epoch. */
    used: optional(uint()),
  }),
})
const welcome = {
  from: jid,
  peer: optional(jid),
  at: id,
  welcome: large,
  tree: large,
}
const direct = { room: jid, creator: jid }
/** Of format 1, where keys were addresses. */
const WelcomeRecord = recordType({ type: 'mls_welcome', version: 1, schema: fields(welcome) })
const DirectRecord = recordType({ type: 'mls_direct', version: 1, schema: fields(direct) })
/** Of format 2, where keys tell nothing. */
const InvitationRecord = recordType({
  type: 'mls_invitation',
  version: 1,
  schema: fields({ room: jid, ...welcome }),
})
const ChatRecord = recordType({ type: 'mls_chat', version: 1, schema: fields({ account: jid, ...direct }) })

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
  invitations: 'mls_invitations',
  chats: 'mls_chats',
} as const
const deviceKey = utf8('device')
/** No key is longer: what would have had one was never stored. */
const maxKey = 400
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
  /** How long keys of messages that were passed over are kept, in milliseconds; three days by default. */
  readonly keyAge?: number | undefined
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

  async saveDevice(device: Omit<StoredDevice, 'former'> & Partial<StoredDevice>): Promise<void> {
    await this.#storage.apply([putRecord(tables.device, deviceKey, DeviceRecord, { former: [], ...device })])
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
    const old = await this.#storage.scan(tables.welcomes, { limit: 65_536 })
    const rows = await this.#storage.scan(tables.invitations, { limit: 65_536 })
    const found = new Map(old.map(({ key, value }) => [fromUtf8(key), WelcomeRecord.decode(value)]))
    for (const { value } of rows) {
      const { room, ...stored } = InvitationRecord.decode(value)
      found.set(room, stored)
    }
    return [...found].map(([room, stored]) => ({ room, stored }))
  }

  async saveWelcome(room: string, stored: StoredWelcome): Promise<void> {
    const key = roomName(this.#storage, room)
    await this.#storage.apply([
      ...this.#dropOld(tables.welcomes, room),
      putRecord(tables.invitations, key, InvitationRecord, { room, ...stored }),
    ])
  }

  async dropWelcome(room: string): Promise<void> {
    const key = roomName(this.#storage, room)
    await this.#storage.apply([
      ...this.#dropOld(tables.welcomes, room),
      { kind: 'delete', table: tables.invitations, key },
    ])
  }

  async direct(account: string): Promise<StoredDirect | undefined> {
    const key = roomName(this.#storage, account)
    const found = await readRecord(this.#storage, tables.chats, key, ChatRecord)
    if (found !== undefined) return { room: found.room, creator: found.creator }
    const old = utf8(account)
    return old.length > maxKey ? undefined : await readRecord(this.#storage, tables.direct, old, DirectRecord)
  }

  async saveDirect(account: string, stored: StoredDirect): Promise<void> {
    const key = roomName(this.#storage, account)
    await this.#storage.apply([
      ...this.#dropOld(tables.direct, account),
      putRecord(tables.chats, key, ChatRecord, { account, ...stored }),
    ])
  }

  /** What deletes a row of format 1. */
  #dropOld(table: string, address: string): StorageOperation[] {
    const key = utf8(address)
    return key.length > maxKey ? [] : [{ kind: 'delete', table, key }]
  }

  /**
   * One room. Opening the first one compares the store with its anchor: an old copy only receives from then on.
   * @throws `storage/…`
   */
  async openRoom(engine: EngineContext): Promise<RoomStore> {
    const storage = this.#storage
    const { anchor, history, keyAge, randomBytes = systemRng.randomBytes } = this.#options
    this.#guard ??= RollbackGuard.open(storage, anchor, (length) => copyBytes(randomBytes(length)))
    const guard = await this.#guard.catch((error: unknown) => {
      this.#guard = undefined
      throw error
    })
    return new RoomStore({ storage, guard, reserve: reservedGenerations, history, keyAge }, engine)
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

/** The rows of format 2 whose keys stand for an address, but for those of rooms. @throws `storage/…` */
export async function namedRows(
  storage: ShreddingStorage,
): Promise<{ readonly address: string; readonly key: Uint8Array }[]> {
  const none = new Uint8Array(0)
  const invitations = await scanAll(storage, tables.invitations, none)
  const chats = await scanAll(storage, tables.chats, none)
  return [
    ...invitations.map(({ key, value }) => ({ address: InvitationRecord.decode(value).room, key })),
    ...chats.map(({ key, value }) => ({ address: ChatRecord.decode(value).account, key })),
  ]
}

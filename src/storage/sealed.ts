/**
 * Encryption at rest: a store over a store. Values are encrypted row by row (sealed-rows.ts); row keys are wrapped by a
 * wrapping key; the wrapping key is in a key record that the master key seals (master-key.ts) and a vault keeps (vault.ts).
 *
 * ```
 * master key (embedder) -> key record (vault) -> wrapping key g -> row key -> value
 * ```
 *
 * *Deleting.* Deleting or replacing a row destroys its row key record, but media keep old pages. {@link
 * SealedStorage.shred} makes deletions final: it wraps the row keys that are left under a new wrapping key and destroys the
 * old one in the vault. After it, old pages are noise to everybody, the holder of the master key included. It costs about 90
 * bytes of writing for each live row, so that callers do it once after a group of deletions (a forgotten conversation, a
 * deleted epoch), not for each message. An interrupted rotation is completed at the next opening.
 *
 * *Names.* Tables and keys are not encrypted: scans need their order. Whoever would put an identity into a key passes it
 * through {@link SealedStorage.blind} (keyed hash). Sizes and number of rows are visible.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { ascii, type Bytes, concatBytes, copyBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { fromUtf8 } from '../bytes/text.ts'
import type {
  Storage,
  StorageEntry,
  StorageKey,
  StorageOperation,
  StorageRange,
  StorageSizes,
} from '../ports/storage.ts'
import { KeyRing } from './key-ring.ts'
import type { MasterKey } from './master-key.ts'
import type { RandomBytes } from './owner.ts'
import { rowAddress } from './rows.ts'
import { checkedCopy, checkName, recordsOf, rowKeyPut, rowKeys } from './sealed-names.ts'
import { generationOf, openRow, rewrapRow, rowVersion, sealRow } from './sealed-rows.ts'
import { Turns } from './turns.ts'
import { type KeyVault, storageVault } from './vault.ts'

/** Options of {@link openSealedStorage}. */
export interface SealedStorageOptions {
  /** The open store below. The sealed store owns it from now on: closing one closes the other. */
  readonly storage: Storage
  readonly masterKey: MasterKey
  readonly randomBytes: RandomBytes
  /** Where the key record is kept; inside `storage` by default (see the residual risk at `storageVault`). */
  readonly vault?: KeyVault
}

/** A store whose values are encrypted. */
export interface SealedStorage extends Storage {
  /**
   * Makes all earlier deletions and replacements final, durable on return.
   * @throws as `Storage.apply`
   */
  shred(): Promise<void>
  /** A keyed hash (16 bytes) to stand for an identifier in a key: the same for the life of the store, secret to others. */
  blind(identifier: Uint8Array): Bytes
  /**
   * Seals the key record with another master key, which is the only one to open the store from then on.
   * @throws as `Storage.apply`
   */
  changeMasterKey(masterKey: MasterKey): Promise<void>
}

const root = 'sealed:root'
const pointerKey = ascii('key-record')
const associated = ascii('xmpp-mls key record 1')
const rewrapChunk = 512
/** What a call that has ended within its turn leaves under way. */
const done = { work: Promise.resolve() }

/**
 * Opens the sealed store over an open store; a store without any row is made into a sealed one.
 * @throws `storage/key`, `storage/damaged`, `storage/version`, and as `Storage.apply`
 */
export async function openSealedStorage(options: SealedStorageOptions): Promise<SealedStorage> {
  const { storage, masterKey, randomBytes } = options
  const vault = options.vault ?? storageVault(storage)
  const pointer = await storage.get(root, pointerKey)
  const store = new Sealed(storage, masterKey, vault, randomBytes)
  if (pointer === undefined) {
    if ((await storage.scanKeys(rowKeys, { limit: 1 })).length > 0)
      throw new MlsError('storage/damaged', 'a sealed store without the name of its key record')
    await store.install(KeyRing.create(randomBytes), undefined)
    return store
  }
  const name = fromUtf8(pointer)
  const sealed = await vault.read(name)
  if (sealed === undefined) throw new MlsError('storage/damaged', 'the key record of the store is missing')
  const plain = await masterKey.open(sealed, associated)
  await store.adopt(KeyRing.decode(plain), name)
  wipe(plain)
  return store
}

class Sealed implements SealedStorage {
  readonly #storage: Storage
  readonly #vault: KeyVault
  readonly #random: RandomBytes
  #master: MasterKey
  #ring: KeyRing | undefined
  #record: string | undefined
  #puts = 0
  #records = 0
  /** Calls are handed on in order; a rewrap holds its turn for the whole of its chunk. */
  readonly #turns = new Turns()
  #settled: Promise<unknown> = Promise.resolve()

  constructor(storage: Storage, master: MasterKey, vault: KeyVault, random: RandomBytes) {
    this.#storage = storage
    this.#master = master
    this.#vault = vault
    this.#random = random
  }

  get owner() {
    return this.#storage.owner
  }

  /** Takes the ring of the named record, destroys records that do not count, completes a rotation. */
  async adopt(ring: KeyRing, record: string): Promise<void> {
    this.#ring = ring
    this.#record = record
    // Of older owners only: should this one have lost the store meanwhile, it must not touch what its successor wrote.
    for (const name of await this.#vault.list())
      if (name !== record && Number(name.split('-')[0]) < this.owner.epoch) await this.#vault.destroy(name)
    if (ring.generations.length > 1) await this.#finishRotation()
  }

  /** Makes `ring` the one that counts: new record, then the pointer (the point of no return), then the old record. */
  async install(ring: KeyRing, old: string | undefined): Promise<void> {
    const plain = ring.encode()
    const sealed = await this.#master.seal(plain, associated)
    wipe(plain)
    const name = `${this.owner.epoch}-${++this.#records}`
    await this.#vault.destroy(name)
    await this.#vault.write(name, sealed)
    await this.#storage.apply([{ kind: 'put', table: root, key: pointerKey, value: ascii(name) }])
    this.#ring = ring
    this.#record = name
    if (old !== undefined) await this.#vault.destroy(old)
  }

  get #keys(): KeyRing {
    if (this.#ring === undefined) throw new MlsError('storage/closed', 'the store is closed')
    return this.#ring
  }

  #seal(batch: readonly StorageOperation[]): StorageOperation[] {
    return batch.flatMap((operation): StorageOperation[] => {
      const { table } = operation
      const inner = `v:${table}`
      if (operation.kind === 'delete_prefix') {
        const prefix = rowAddress(table, operation.prefix)
        return [
          { kind: 'delete_prefix', table: inner, prefix: operation.prefix },
          { kind: 'delete_prefix', table: rowKeys, prefix },
        ]
      }
      const { key } = operation
      const address = rowAddress(table, key)
      const remove = { kind: 'delete', table: inner, key } as const
      if (operation.kind === 'delete') return [remove, { kind: 'delete', table: rowKeys, key: address }]
      const version = rowVersion(this.owner.epoch, this.#puts++)
      const row = sealRow(address, operation.value, version, this.#keys, this.#random)
      return [{ kind: 'put', table: inner, key, value: row.valueRecord }, rowKeyPut(address, row.keyRecord)]
    })
  }

  async apply(batch: readonly StorageOperation[]): Promise<void> {
    const copy = batch.map(checkedCopy)
    await this.#turns.next(() => {
      const work = this.#storage.apply(this.#seal(copy))
      for (const operation of copy) if (operation.kind === 'put') wipe(operation.value)
      this.#settled = work.catch(() => undefined)
      return { work }
    })
  }

  async get(table: string, key: Uint8Array): Promise<Bytes | undefined> {
    return (await this.getMany([{ table, key }]))[0]
  }

  async getMany(keys: readonly StorageKey[]): Promise<(Bytes | undefined)[]> {
    return this.#open(keys, await this.#storage.getMany(recordsOf(keys)))
  }

  /** Where the store below can; its records and their keys are of one moment. */
  get readNow(): Storage['readNow'] {
    const storage = this.#storage
    if (storage.readNow === undefined) return undefined
    return (keys) => this.#open(keys, storage.readNow?.(recordsOf(keys)) ?? [])
  }

  #open(keys: readonly StorageKey[], records: readonly (Bytes | undefined)[]): (Bytes | undefined)[] {
    const ring = this.#keys
    return keys.map(({ table, key }, i) => {
      const [valueRecord, keyRecord] = records.slice(2 * i, 2 * i + 2)
      if (valueRecord === undefined && keyRecord === undefined) return undefined
      if (valueRecord === undefined || keyRecord === undefined)
        throw new MlsError('storage/damaged', 'half of a sealed row is missing')
      return openRow(rowAddress(table, key), { keyRecord, valueRecord }, ring)
    })
  }

  async scan(table: string, range: StorageRange): Promise<StorageEntry[]> {
    const entries: StorageEntry[] = []
    let rest = range
    for (;;) {
      const keys = await this.scanKeys(table, rest)
      const values = await this.getMany(keys.map((key) => ({ table, key })))
      // A row may have been deleted between the two reads; then the scan goes on for one more.
      for (const [i, key] of keys.entries()) {
        const value = values[i]
        if (value !== undefined) entries.push({ key, value })
      }
      const last = keys.at(-1)
      if (last === undefined || keys.length < rest.limit || entries.length === range.limit) return entries
      const bound = range.reverse ? { before: last } : { from: concatBytes(last, new Uint8Array(1)) }
      rest = { ...rest, ...bound, limit: range.limit - entries.length }
    }
  }

  async scanKeys(table: string, range: StorageRange): Promise<Bytes[]> {
    checkName(table, range.prefix ?? new Uint8Array(0))
    return this.#storage.scanKeys(`v:${table}`, range)
  }

  /** Sizes as stored; the records of this layer stand under names that begin with `sealed:`. */
  async sizes(): Promise<StorageSizes> {
    const sizes = await this.#storage.sizes()
    return { ...sizes, tables: new Map([...sizes.tables].map(([name, size]) => [name.replace(/^v:/, ''), size])) }
  }

  blind(identifier: Uint8Array): Bytes {
    return copyBytes(hmac(sha256, this.#keys.nameKey, identifier).subarray(0, 16))
  }

  async shred(): Promise<void> {
    await this.#turns.next(async () => {
      await this.#settled
      await this.install(this.#keys.next(this.#random), this.#record)
      return done
    })
    await this.#finishRotation()
  }

  async #finishRotation(): Promise<void> {
    let from: Bytes | undefined = new Uint8Array(0)
    while (from !== undefined) {
      const start: Bytes = from
      from = await this.#turns.next(async () => {
        await this.#settled
        return { work: Promise.resolve(await this.#rewrap(start)) }
      })
    }
    await this.#turns.next(async () => {
      const { generations } = this.#keys
      const old = generations.slice(0, -1).map((generation) => this.#keys.key(generation))
      await this.install(this.#keys.last(), this.#record)
      wipe(...old)
      return done
    })
  }

  /** Wraps a chunk of row keys again; returns where the next begins. */
  async #rewrap(from: Bytes): Promise<Bytes | undefined> {
    const rows = await this.#storage.scan(rowKeys, { from, limit: rewrapChunk })
    const ring = this.#keys
    const batch = rows
      .filter(({ value }) => generationOf(value) !== ring.current)
      .map(({ key, value }) => rowKeyPut(key, rewrapRow(value, key, ring, this.#random)))
    if (batch.length > 0) await this.#storage.apply(batch)
    const last = rows.at(-1)
    return last === undefined || rows.length < rewrapChunk ? undefined : concatBytes(last.key, new Uint8Array(1))
  }

  async changeMasterKey(masterKey: MasterKey): Promise<void> {
    await this.#turns.next(async () => {
      const former = this.#master
      this.#master = masterKey
      await this.install(this.#keys, this.#record).catch((error: unknown) => {
        this.#master = former
        throw error
      })
      return done
    })
  }

  async close(): Promise<void> {
    await this.#turns.idle
    await this.#storage.close()
    this.#ring?.wipe()
    this.#ring = undefined
  }
}

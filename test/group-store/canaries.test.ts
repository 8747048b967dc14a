import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Bytes, copyBytes } from '../../src/bytes/bytes.ts'
import type { GroupStore } from '../../src/group-store/group-store.ts'
import { tables } from '../../src/group-store/layout.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { rawMasterKey } from '../../src/storage/master-key.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { splitAddress } from '../../src/storage/rows.ts'
import { openSealedStorage } from '../../src/storage/sealed.ts'
import { bytesOf, catchUp, Device, deliver, makeGroup, Room, random } from './support.ts'

const plaintext = 'canary: what was said'
const masterKey = random(32)

/** A client that says something, goes on for some epochs, and forgets. Returns what must not be found. */
async function live(
  storage: Storage,
  before: (canaries: readonly Bytes[]) => Promise<void>,
): Promise<{ readonly store: GroupStore; readonly id: Bytes; readonly canaries: readonly Bytes[] }> {
  const room = new Room()
  const alice = new Device('alice', undefined, { limits: { pastEpochs: 1, resumptionPsks: 1 } })
  const bob = new Device('bob')
  const [store, bobs] = [await alice.open({ storage, keepHistory: true }), await bob.open()]
  const id = await makeGroup(room, { device: alice, store }, { device: bob, store: bobs })
  const group = await store.open(id)
  const canaries: Bytes[] = [bytesOf(plaintext)]
  await group.read(({ state }) => {
    const { secrets, privateTree, secretTree } = state.current
    for (const secret of [secrets.senderDataSecret, secrets.exporterSecret, secrets.initSecret])
      canaries.push(secret.use(copyBytes))
    for (const [, { privateKey }] of privateTree.entries()) canaries.push(copyBytes(privateKey))
    // the last 32 bytes of the row of the root: the secret from which every key of the epoch comes
    canaries.push(copyBytes(secretTree.encode().subarray(-32)))
  })
  await before(canaries)
  await group.send(bytesOf(plaintext))
  for (let i = 0; i < 3; i++) {
    await deliver(alice, store, room)
    await catchUp(alice, store, id, room)
    await group.commit()
  }
  return { store, id, canaries }
}

const includes = (haystack: Uint8Array, needle: Uint8Array) => Buffer.from(haystack).includes(Buffer.from(needle))

/** The canaries that some row holds. */
async function inRows(storage: Storage, canaries: readonly Bytes[]): Promise<number[]> {
  const found = new Set<number>()
  for (const table of Object.values(tables)) {
    for (const key of await storage.scanKeys(table, { limit: 65_536 })) {
      const value = await storage.get(table, key).catch(() => undefined)
      for (const [i, canary] of canaries.entries()) if (value !== undefined && includes(value, canary)) found.add(i)
    }
  }
  return [...found].sort()
}

describe('what was deleted', () => {
  test('is in no row: secrets of epochs that are over, and the history after forget', async () => {
    const storage = await openMemoryStorage({ randomBytes: random })
    let held: number[] = []
    const { store, id, canaries } = await live(storage, async (all) => {
      held = await inRows(storage, all)
    })
    // the control: before, every secret is found
    expect(held).toEqual(canaries.map((_, i) => i).slice(1))
    expect(await inRows(storage, canaries)).toEqual([0])
    await (await store.open(id)).forget()
    expect(await inRows(storage, canaries)).toEqual([])
  })

  test('is not in the raw files of a sealed store, which hold it when nothing is sealed', async () => {
    for (const sealed of [false, true]) {
      const folder = mkdtempSync(join(tmpdir(), 'canary-'))
      try {
        const lmdb = await openLmdbStorage({ path: folder, randomBytes: random })
        const storage = sealed
          ? await openSealedStorage({ storage: lmdb, masterKey: rawMasterKey(masterKey, random), randomBytes: random })
          : lmdb
        const { store, canaries } = await live(storage, async () => undefined)
        await store.close()
        const raw = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))))
        expect(canaries.some((canary) => raw.includes(Buffer.from(canary)))).toBe(!sealed)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }, 20_000)

  test('cannot be opened from old rows with the keys that are left', async () => {
    const medium = new MemoryMedium()
    const options = { masterKey: rawMasterKey(masterKey, random), randomBytes: random }
    const open = async (on: MemoryMedium) =>
      openSealedStorage({ storage: await openMemoryStorage({ medium: on, randomBytes: random }), ...options })
    let old = new MemoryMedium()
    const { store, id, canaries } = await live(await open(medium), async () => undefined)
    old = copyOf(medium)
    const control = await open(copyOf(old))
    expect(await inRows(control, canaries)).toEqual([0])
    await (await store.open(id)).forget()
    await store.close()
    // somebody has every old row, the master key, and the key records as they are now
    const keys = (address: Uint8Array) => /^sealed:(root|vault)$/.test(splitAddress(address).table)
    const attacked = copyOf(old, (address) => !keys(address))
    for (const { address, value } of rowsOf(medium))
      if (keys(address)) attacked.write(copyBytes(address), copyBytes(value))
    expect(await inRows(await open(attacked), canaries)).toEqual([])
  })
})

function rowsOf(medium: MemoryMedium) {
  return medium.rows({
    from: Uint8Array.of(1),
    before: Uint8Array.of(255),
    reverse: false,
    limit: Number.POSITIVE_INFINITY,
  })
}

function copyOf(medium: MemoryMedium, kept: (address: Uint8Array) => boolean = () => true): MemoryMedium {
  const copy = new MemoryMedium()
  for (const { address, value } of rowsOf(medium)) if (kept(address)) copy.write(copyBytes(address), copyBytes(value))
  return copy
}

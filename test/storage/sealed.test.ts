import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Storage, StorageOperation } from '../../src/ports/storage.ts'
import { openFileVault } from '../../src/storage/file-vault.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { type MasterKey, rawMasterKey } from '../../src/storage/master-key.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { openSealedStorage } from '../../src/storage/sealed.ts'
import type { KeyVault } from '../../src/storage/vault.ts'

const text = (value: string) => new TextEncoder().encode(value)
const put = (key: string, value: string, table = 't'): StorageOperation => ({
  kind: 'put',
  table,
  key: text(key),
  value: text(value),
})
const remove = (key: string): StorageOperation => ({ kind: 'delete', table: 't', key: text(key) })
const raw = () => rawMasterKey(randomBytes(32), randomBytes)

async function open(medium: MemoryMedium, masterKey: MasterKey, vault?: KeyVault) {
  const storage = await openMemoryStorage({ medium, randomBytes })
  return openSealedStorage({ storage, masterKey, randomBytes, ...(vault === undefined ? {} : { vault }) })
}

/** Reads and changes the rows under a sealed store, as somebody with the files would. */
async function below<T>(medium: MemoryMedium, use: (storage: Storage) => Promise<T>): Promise<T> {
  const storage = await openMemoryStorage({ medium, randomBytes })
  const result = await use(storage)
  await storage.close()
  return result
}

const rowKey = (key: string, table = 't') => new Uint8Array([...text(table), 0, ...text(key)])
const take = (storage: Storage, key: string) =>
  storage.getMany([
    { table: 'v:t', key: text(key) },
    { table: 'sealed:keys', key: rowKey(key) },
  ])
const restore = (storage: Storage, key: string, [value, wrapped]: (Uint8Array | undefined)[]) =>
  storage.apply([
    { kind: 'put', table: 'v:t', key: text(key), value: value! },
    { kind: 'put', table: 'sealed:keys', key: rowKey(key), value: wrapped! },
  ])

describe('rows', () => {
  test('any changed byte of either record, and any missing record, is storage/damaged or storage/version', async () => {
    const [medium, key] = [new MemoryMedium(), raw()]
    const store = await open(medium, key)
    await store.apply([put('k', 'value')])
    await store.close()
    const good = await below(medium, (storage) => take(storage, 'k'))
    const forgeries = good.flatMap((record, which) =>
      Array.from(record!, (_, i) => good.map((bytes, at) => (at === which ? flip(bytes!, i) : bytes!))),
    )
    expect(forgeries.length).toBeGreaterThan(100)
    for (const forged of forgeries) {
      await below(medium, (storage) => restore(storage, 'k', forged))
      const opened = await open(medium, key)
      await expect(opened.get('t', text('k'))).rejects.toMatchObject({ code: /^storage\/(damaged|version)$/ })
      await expect(opened.scan('t', { limit: 9 })).rejects.toMatchObject({ code: /^storage\/(damaged|version)$/ })
    }
    for (const table of ['v:t', 'sealed:keys'] as const) {
      await below(medium, async (storage) => {
        await restore(storage, 'k', good)
        await storage.apply([{ kind: 'delete', table, key: table === 'v:t' ? text('k') : rowKey('k') }])
      })
      const opened = await open(medium, key)
      await expect(opened.get('t', text('k'))).rejects.toMatchObject({ code: 'storage/damaged' })
    }
  })

  test('rows swapped within a table, and a stale value or stale row key, do not open', async () => {
    const [medium, key] = [new MemoryMedium(), raw()]
    const store = await open(medium, key)
    await store.apply([put('a', 'same'), put('b', 'same')])
    await store.close()
    const [a, b] = await below(medium, async (storage) => [await take(storage, 'a'), await take(storage, 'b')])
    const next = await open(medium, key)
    await next.apply([put('a', 'same')])
    await next.close()
    const fresh = await below(medium, (storage) => take(storage, 'a'))
    for (const forged of [b, [a[0], fresh[1]], [fresh[0], a[1]], [b[0], fresh[1]]]) {
      await below(medium, (storage) => restore(storage, 'a', forged))
      await expect((await open(medium, key)).get('t', text('a'))).rejects.toMatchObject({ code: 'storage/damaged' })
    }
    await below(medium, (storage) => restore(storage, 'a', fresh))
    expect(await (await open(medium, key)).get('t', text('a'))).toEqual(text('same'))
  })

  test('blind names are stable, keyed and short', async () => {
    const [medium, key] = [new MemoryMedium(), raw()]
    const store = await open(medium, key)
    const name = store.blind(text('room@example.org'))
    await store.shred()
    await store.close()
    const again = await open(medium, key)
    expect(again.blind(text('room@example.org'))).toEqual(name)
    expect(again.blind(text('room@example.com'))).not.toEqual(name)
    expect((await open(new MemoryMedium(), key)).blind(text('room@example.org'))).not.toEqual(name)
    expect(name.length).toBe(16)
  })
})

describe('shredding', () => {
  /** What an attacker with the master key and old copies of all rows gets back of the deleted row. */
  async function attack(shred: boolean): Promise<unknown> {
    const [medium, key] = [new MemoryMedium(), raw()]
    const store = await open(medium, key)
    await store.apply([put('gone', 'secret'), put('kept', 'value')])
    await store.close()
    const old = await below(medium, (storage) => take(storage, 'gone'))
    const next = await open(medium, key)
    await next.apply([remove('gone')])
    if (shred) await next.shred()
    expect(await next.get('t', text('kept'))).toEqual(text('value'))
    await next.close()
    await below(medium, (storage) => restore(storage, 'gone', old))
    const attacker = await open(medium, key)
    expect(await attacker.get('t', text('kept'))).toEqual(text('value'))
    return attacker.get('t', text('gone')).catch((error) => error.code)
  }

  test('without it an old copy of a deleted row opens, with it nothing does', async () => {
    expect(await attack(false)).toEqual(text('secret'))
    expect(await attack(true)).toBe('storage/damaged')
  })

  test('batches during a rotation are neither lost nor undone', { timeout: 60_000 }, async () => {
    const [medium, key] = [new MemoryMedium(), raw()]
    const store = await open(medium, key)
    await store.apply(Array.from({ length: 1500 }, (_, i) => put(`row${i}`, 'old')))
    const work: Promise<void>[] = [store.shred()]
    for (let i = 0; i < 1500; i += 3) {
      work.push(store.apply([put(`row${i}`, 'new'), remove(`row${i + 1}`)]))
      if (i % 60 === 0) await new Promise((resolve) => setTimeout(resolve, 0))
    }
    await Promise.all(work)
    await store.close()
    const again = await open(medium, key)
    for (let i = 0; i < 1500; i++) {
      const value = await again.get('t', text(`row${i}`))
      expect(value && new TextDecoder().decode(value)).toBe([`new`, undefined, 'old'][i % 3])
    }
  })

  test('a crash at any step of a rotation loses no row, and the next opening completes it', {
    timeout: 60_000,
  }, async () => {
    let points = 0
    for (let crash = 1; ; crash++) {
      const [medium, key, blobs] = [new MemoryMedium(), raw(), new Map<string, Uint8Array>()]
      const first = await open(medium, key, memoryVault(blobs))
      await first.apply(Array.from({ length: 600 }, (_, i) => put(`row${i}`, 'value')))
      await first.close()
      const old = await below(medium, (storage) => take(storage, 'row7'))
      let steps = 0
      const step = () => {
        if (++steps >= crash) throw Object.assign(new Error('crash'), { code: 'crash' })
      }
      const storage = await openMemoryStorage({ medium, randomBytes })
      const opened = await openSealedStorage({
        storage: {
          ...storage,
          async apply(batch) {
            step()
            await storage.apply(batch)
          },
        },
        masterKey: key,
        randomBytes,
        vault: memoryVault(blobs, step),
      })
      const done = await opened.apply([remove('row7')]).then(
        () =>
          opened.shred().then(
            () => true,
            () => false,
          ),
        () => undefined,
      )
      const after = await open(medium, key, memoryVault(blobs))
      for (const i of [0, 6, 8, 511, 512, 599]) expect(await after.get('t', text(`row${i}`))).toEqual(text('value'))
      await after.shred()
      expect(blobs.size).toBe(1)
      await after.close()
      await below(medium, (storage) => restore(storage, 'row7', old))
      const stale = (await open(medium, key, memoryVault(blobs))).get('t', text('row7'))
      await expect(stale).rejects.toMatchObject({ code: 'storage/damaged' })
      if (done === true) break
      points++
    }
    expect(points).toBeGreaterThanOrEqual(9)
  })

  test('on LMDB with a file vault, the raw files hold no plaintext, no old key record and no old file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealed-'))
    try {
      const masterKey = raw()
      const storage = await openLmdbStorage({ path: join(folder, 'store'), randomBytes })
      const store = await openSealedStorage({
        storage,
        masterKey,
        randomBytes,
        vault: await openFileVault(join(folder, 'vault')),
      })
      const canary = randomBytes(24)
      await store.apply([{ kind: 'put', table: 't', key: text('gone'), value: canary }])
      const oldRecords = readdirSync(join(folder, 'vault')).map((name) => readFileSync(join(folder, 'vault', name)))
      expect(oldRecords.length).toBe(1)
      await store.apply([remove('gone')])
      await store.shred()
      await store.close()
      const files = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
      expect(files.length).toBeGreaterThanOrEqual(2)
      for (const file of files) for (const secret of [canary, ...oldRecords]) expect(file.includes(secret)).toBe(false)
      expect(readdirSync(join(folder, 'vault')).length).toBe(1)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

function flip(bytes: Uint8Array, index: number): Uint8Array {
  const out = bytes.slice()
  out[index]! ^= 0x10
  return out
}

function memoryVault(blobs: Map<string, Uint8Array>, step: () => void = () => undefined): KeyVault {
  return {
    read: async (name) => blobs.get(name)?.slice() as Awaited<ReturnType<KeyVault['read']>>,
    write: async (name, blob) => {
      step()
      blobs.set(name, blob.slice())
    },
    destroy: async (name) => {
      step()
      blobs.delete(name)
    },
    list: async () => [...blobs.keys()],
  }
}

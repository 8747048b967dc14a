import { describe, expect, test } from 'vitest'
import type { Storage, StorageOperation } from '../../src/ports/storage.ts'
import { rawMasterKey } from '../../src/storage/master-key.ts'
import { openSealedStorage } from '../../src/storage/sealed.ts'
import {
  type DiskFault,
  diskFaults,
  openSimulatedStorage,
  SimulatedDisk,
  storageChecks,
} from '../../src/testing/storage/index.ts'

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))
const text = (value: string) => new TextEncoder().encode(value)
const masterKey = new Uint8Array(32).fill(7)

/** Sixteen batches: rows of many sizes, replaced and deleted, by key and by prefix, enough to compact the log twice. */
const script: readonly (readonly StorageOperation[])[] = Array.from({ length: 16 }, (_, batch) => {
  const rows = Array.from({ length: 4 }, (_, row): StorageOperation => {
    const value = new Uint8Array((batch * 397 + row * 811) % 1900).fill(batch * 4 + row + 1)
    return { kind: 'put', table: 'rows', key: text(`${(batch * 3 + row) % 11}`), value }
  })
  if (batch % 4 === 1) rows.unshift({ kind: 'delete_prefix', table: 'rows', prefix: text('1') })
  if (batch % 4 === 3) rows.push({ kind: 'delete', table: 'rows', key: text(`${batch % 11}`) })
  return [...rows, { kind: 'put', table: 'last', key: text('batch'), value: text(String(batch)) }]
})

async function content(store: Storage): Promise<string> {
  const rows = [...(await store.scan('rows', { limit: 100 })), ...(await store.scan('last', { limit: 100 }))]
  return rows.map(({ key, value }) => `${new TextDecoder().decode(key)}=${value.length}:${value[0]}`).join()
}

type Open = (disk: SimulatedDisk) => Promise<Storage>
const plain: Open = (disk) => openSimulatedStorage({ disk, randomBytes, compactAt: 20_000 })
const sealed: Open = async (disk) =>
  openSealedStorage({ storage: await plain(disk), masterKey: rawMasterKey(masterKey, randomBytes), randomBytes })

/** Applies the script from a batch on; says how many batches were acknowledged in all and what stopped it. */
async function run(store: Storage, from: number): Promise<{ acknowledged: number; code: string }> {
  for (let batch = from; batch < script.length; batch++) {
    const error = await store.apply(script[batch]!).catch((cause) => cause)
    if (error !== undefined) return { acknowledged: batch, code: error.code }
  }
  return { acknowledged: script.length, code: '' }
}

/** The content after each number of batches, on a disk without faults, and the operations it took. */
async function reference(open: Open): Promise<{ states: string[]; operations: number }> {
  const disk = new SimulatedDisk()
  const store = await open(disk)
  const states = [await content(store)]
  for (const batch of script) {
    await store.apply(batch)
    states.push(await content(store))
  }
  return { states, operations: disk.operations }
}

/** Runs the script with a fault at every operation; returns what was violated and the number of points. */
async function enumerate(open: Open, fault: DiskFault, seeds: number, ignoreSync = false) {
  const { states, operations } = await reference(open)
  const violations: string[] = []
  let points = 0
  for (let at = 1; at <= operations; at++)
    for (let seed = 1; seed <= seeds; seed++) {
      points++
      const where = `${fault} at ${at}, seed ${seed}`
      const disk = new SimulatedDisk({ fault, at, seed, ignoreSync })
      const opened = await open(disk).catch(() => undefined)
      const { acknowledged } = opened === undefined ? { acknowledged: 0 } : await run(opened, 0)
      const after = disk.restart()
      const store = await open(after).catch((error) => violations.push(`${where}: ${error.code} when opening`))
      if (typeof store === 'number') continue
      const found = states.indexOf(await content(store))
      // What was acknowledged is there; the batch under way is there as a whole or not at all.
      if (found !== acknowledged && found !== acknowledged + 1)
        violations.push(`${where}: state ${found} after ${acknowledged} acknowledged`)
      const { acknowledged: all } = await run(store, Math.max(found, 0))
      if (all !== script.length || (await content(store)) !== states.at(-1)) violations.push(`${where}: cannot go on`)
    }
  return { violations, points, operations }
}

describe('every crash point of a script of batches', () => {
  test.each([
    ['lost', 1],
    ['torn', 3],
    ['reordered', 4],
  ] as const)('%s: atomic and durable (%d seeds)', { timeout: 60_000 }, async (fault, seeds) => {
    const { violations, points, operations } = await enumerate(plain, fault, seeds)
    expect(violations).toEqual([])
    // 17 frames with a barrier each, the repair at opening, at least two compactions.
    expect(operations).toBeGreaterThanOrEqual(17 * 2 + 1 + 8)
    expect(points).toBe(operations * seeds)
  })

  test.each(['torn', 'reordered'] as const)(
    '%s: atomic and durable under the sealed store',
    { timeout: 60_000 },
    async (fault) => {
      expect((await enumerate(sealed, fault, 1)).violations).toEqual([])
    },
  )

  test('a disk that ignores barriers is found out: the enumeration can fail', { timeout: 60_000 }, async () => {
    const { violations } = await enumerate(plain, 'lost', 1, true)
    expect(violations.length).toBeGreaterThan(10)
  })

  test('full disk: storage/full, nothing of the batch stored, and all goes on once there is room', async () => {
    const { states, operations } = await reference(plain)
    let refused = 0
    for (let at = 1; at <= operations; at++) {
      const disk = new SimulatedDisk({ fault: 'full', at, seed: at })
      let store = await plain(disk).catch((error) => error.code as string)
      if (typeof store === 'string') {
        expect(store).toBe('storage/full')
        disk.makeRoom()
        store = await plain(disk)
      }
      const { acknowledged, code } = await run(store, 0)
      if (code !== '') {
        refused++
        expect(code).toBe('storage/full')
        expect(await content(store)).toBe(states[acknowledged])
        const found = await content(await plain(disk.restart()))
        expect(found).toBe(states[acknowledged])
        continue
      }
      expect(await content(store)).toBe(states.at(-1))
    }
    expect(refused).toBeGreaterThan(16)
  })

  test('full disk: the same handle goes on when room was made', async () => {
    const { states, operations } = await reference(plain)
    for (let at = 4; at <= operations; at++) {
      const disk = new SimulatedDisk({ fault: 'full', at, seed: at })
      const store = await plain(disk)
      const { acknowledged } = await run(store, 0)
      disk.makeRoom()
      expect((await run(store, acknowledged)).code).toBe('')
      expect(await content(store)).toBe(states.at(-1))
      expect(await content(await plain(disk.restart()))).toBe(states.at(-1))
    }
  })
})

describe('damage', () => {
  test('a read error is storage/io and never absent; the store answers again afterwards', async () => {
    const disk = new SimulatedDisk()
    const store = await plain(disk)
    await run(store, 0)
    disk.failReads = true
    const batch = { table: 'last', key: text('batch') }
    await expect(store.get(batch.table, batch.key)).rejects.toMatchObject({ code: 'storage/io' })
    await expect(store.getMany([batch])).rejects.toMatchObject({ code: 'storage/io' })
    await expect(store.scan('last', { limit: 1 })).rejects.toMatchObject({ code: 'storage/io' })
    disk.failReads = false
    expect(await store.get(batch.table, batch.key)).toEqual(text('15'))
  })

  test('a changed byte before the end of the log is storage/damaged, at the end it is an unfinished batch', async () => {
    const disk = new SimulatedDisk()
    const store = await openSimulatedStorage({ disk, randomBytes })
    await store.apply(script[0]!)
    const middle = disk.size('log')
    await store.apply(script[1]!)
    const end = disk.size('log')
    const flip = async (offset: number) => {
      const bad = new SimulatedDisk()
      const bytes = disk.read('log', 0, end)
      bytes[offset]! ^= 4
      bad.write('log', 0, bytes)
      const opened = await openSimulatedStorage({ disk: bad, randomBytes })
      return opened.get('last', text('batch'))
    }
    for (const offset of [0, 5, 12, 20, 90, middle - 1])
      await expect(flip(offset)).rejects.toMatchObject({ code: 'storage/damaged' })
    for (const offset of [middle, middle + 5, middle + 100, end - 1]) expect(await flip(offset)).toEqual(text('0'))
    await store.close()
  })
})

describe('conformance', () => {
  for (const check of storageChecks)
    test(check.name, () => {
      const disk = new SimulatedDisk()
      const open = (ifOwned: 'take' | 'refuse') => openSimulatedStorage({ disk, randomBytes, ifOwned, compactAt: 5000 })
      return check.run({ open: () => open('take'), openPolitely: () => open('refuse') })
    })
})

test('the four faults are there', () => expect(diskFaults).toEqual(['lost', 'torn', 'reordered', 'full']))

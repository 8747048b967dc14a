import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../src/codec/codec.ts'
import { StoredEpoch } from '../../src/group/stored-parts.ts'
import { tables } from '../../src/group-store/layout.ts'
import { records } from '../../src/group-store/records.ts'
import type { StorageEntry } from '../../src/ports/storage.ts'
import { catchUp, codeOf, Device, deliver, makeGroup, Room } from './support.ts'

type Row = StorageEntry & { readonly table: string }

/** A group with a past epoch, as rows; and what opening it says after they were changed. */
async function storedRows() {
  const room = new Room()
  const [alice, bob] = [new Device('alice'), new Device('bob')]
  const store = await alice.open()
  const id = await makeGroup(room, { device: alice, store }, { device: bob, store: await bob.open() })
  await (await store.open(id)).commit()
  await deliver(alice, store, room)
  await catchUp(alice, store, id, room)
  await store.close()
  const intact = await alice.storage()
  const rows: Row[] = []
  for (const table of Object.values(tables))
    for (const row of await intact.scan(table, { limit: 65_536 })) rows.push({ table, ...row })
  await intact.close()
  const openWith = async (changed: readonly Row[]) => {
    const device = new Device('alice')
    device.signers.push(alice.identity)
    const storage = await device.storage()
    await storage.apply(changed.map((row) => ({ kind: 'put', ...row }) as const))
    return await codeOf(
      (async () => {
        const opened = await device.open({ storage })
        await (await opened.open(id)).read((one) => one.epoch)
      })(),
    )
  }
  return { rows, openWith }
}

describe('rows that fit their tables and not one another (I8)', () => {
  /** Life and epoch, or only the life, of a row. */
  const epochOf = ({ key }: Row) => Buffer.from(key.subarray(0, 28)).toString('hex')

  test('as they were, they open', async () => {
    const { rows, openWith } = await storedRows()
    expect(await openWith(rows)).toBe('no error')
  })

  test('the newest epoch is gone with all that belongs to it: no group steps back', async () => {
    const { rows, openWith } = await storedRows()
    const newest = rows.filter(({ table }) => table === tables.epochs).at(-1)!
    const left = rows.filter((row) => {
      const perEpoch = row.table === tables.epochs || row.table === tables.ratchets || row.table === tables.used
      return !(perEpoch && epochOf(row) === epochOf(newest))
    })
    expect(left.length).toBeLessThan(rows.length - 1)
    expect(await openWith(left)).toBe('storage/damaged')
  })

  test('a past epoch that does not say when it ended', async () => {
    const { rows, openWith } = await storedRows()
    const past = rows.find(({ table }) => table === tables.epochs)!
    const { endedAt, ...record } = records.epoch.decode(past.value)
    expect(endedAt).toBeDefined()
    const value = records.epoch.encode({ ...record, endedAt: undefined })
    expect(await openWith(rows.map((row) => (row === past ? { ...row, value } : row)))).toBe('storage/damaged')
  })

  test('an epoch whose own leaf is none of its tree', async () => {
    const { rows, openWith } = await storedRows()
    const newest = rows.filter(({ table }) => table === tables.epochs).at(-1)!
    const record = records.epoch.decode(newest.value)
    const data = encode(StoredEpoch, { ...decode(StoredEpoch, record.data), leafIndex: 5 })
    const value = records.epoch.encode({ ...record, data })
    expect(await openWith(rows.map((row) => (row === newest ? { ...row, value } : row)))).toBe('storage/damaged')
  })
})

describe('what cannot be read (I8)', () => {
  test('any row that is missing or damaged is an error of its own kind, never half a group', async () => {
    const room = new Room()
    const [alice, bob] = [new Device('alice'), new Device('bob')]
    const store = await alice.open()
    const bobs = await bob.open()
    const id = await makeGroup(room, { device: alice, store }, { device: bob, store: bobs })
    const group = await store.open(id)
    await group.commit()
    await deliver(alice, store, room)
    await catchUp(alice, store, id, room)
    await group.propose({ update: true })
    await group.commit({ references: 'none' })
    await store.close()
    const intact = await alice.storage()
    const rows = []
    for (const table of Object.values(tables))
      for (const row of await intact.scan(table, { limit: 65_536 })) rows.push({ table, ...row })
    await intact.close()
    expect(rows.length).toBeGreaterThan(15)

    const outcomes = new Map<string, string[]>()
    for (const broken of rows)
      for (const how of ['missing', 'cut', 'other'] as const) {
        const device = new Device('alice')
        device.signers.push(alice.identity)
        const storage = await device.storage()
        const value = how === 'cut' ? broken.value.subarray(0, -1) : Uint8Array.of(0x83, 0x61, 0x78, 1, 0xa0)
        await storage.apply(
          rows.flatMap((row) =>
            row !== broken
              ? [{ kind: 'put', ...row } as const]
              : how === 'missing'
                ? []
                : [{ kind: 'put', ...row, value } as const],
          ),
        )
        const code = await codeOf(
          (async () => {
            const opened = await device.open({ storage })
            await opened.keyPackages.list()
            const again = await opened.open(id)
            await again.reconcile([])
            await again.read((one) => one.snapshot())
          })(),
        )
        outcomes.set(`${broken.table} ${how}`, [...(outcomes.get(`${broken.table} ${how}`) ?? []), code])
      }
    for (const [row, codes] of outcomes)
      for (const code of codes)
        expect([row, code]).toEqual([row, expect.stringMatching(/^(storage\/|group\/unknown|no error)/)])
    for (const table of [tables.states, tables.epochs, tables.ratchets, tables.pages])
      expect(new Set(outcomes.get(`${table} missing`))).toEqual(new Set(['storage/damaged']))
    for (const table of [
      tables.meta,
      tables.groups,
      tables.states,
      tables.epochs,
      tables.pages,
      tables.pending,
      tables.outbox,
    ])
      expect(new Set(outcomes.get(`${table} cut`))).toEqual(new Set(['storage/damaged']))
  }, 60_000)
})

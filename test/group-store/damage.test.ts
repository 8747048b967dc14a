import { describe, expect, test } from 'vitest'
import { tables } from '../../src/group-store/layout.ts'
import { catchUp, codeOf, Device, deliver, makeGroup, Room } from './support.ts'

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

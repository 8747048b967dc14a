import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Storage } from '../../src/ports/storage.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { decodeHead, decodePage, emptyHead, encodeHead, type PageHead } from '../../src/storage/page-format.ts'
import { bandLengths, nodePlace } from '../../src/storage/page-order.ts'
import { PageStore } from '../../src/storage/pages.ts'

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))
const text = (value: string) => new TextEncoder().encode(value)
const prefix = text('group')
type Model = (string | undefined)[]

/** A storage that counts the values read. */
async function counting() {
  const storage = await openMemoryStorage({ medium: new MemoryMedium(), randomBytes })
  const counter = { reads: 0 }
  const counted: Storage = {
    ...storage,
    getMany: (keys) => {
      counter.reads += keys.length
      return storage.getMany(keys)
    },
  }
  return { storage: counted, counter, pages: new PageStore({ storage: counted, table: 'pages', prefix }) }
}

async function read(pages: PageStore, head: PageHead): Promise<Model> {
  const out: Model = []
  for await (const entry of pages.entries(head)) out.push(entry && new TextDecoder().decode(entry))
  return out
}

async function keys(storage: Storage): Promise<number> {
  return (await storage.scanKeys('pages', { limit: 65_536 })).length
}

describe('pages', () => {
  test('follow a list through random changes, growth and cuts; states stay readable until they are released', {
    timeout: 60_000,
  }, async () => {
    const length = fc.oneof(fc.nat(130), fc.nat(5000), fc.constantFrom(0, 1, 63, 64, 65, 4095, 4096, 4097))
    const step = fc.record({
      length,
      at: fc.array(fc.tuple(fc.nat(5000), fc.option(fc.string({ maxLength: 4 }), { nil: undefined })), {
        maxLength: 8,
      }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const { storage, pages } = await counting()
        let head: PageHead = emptyHead
        let model: Model = []
        const states: { head: PageHead; model: Model }[] = []
        for (const { length, at } of steps) {
          model = Array.from({ length }, (_, i) => model[i])
          const changes = new Map(at.filter(([i]) => i < length).map(([i, value]) => [i, value]))
          for (const [i, value] of changes) model[i] = value
          const encoded = new Map([...changes].map(([i, value]) => [i, value === undefined ? undefined : text(value)]))
          const written = await pages.write(head, encoded, length)
          await storage.apply(written.operations)
          head = decodeHead(encodeHead(written.head))
          states.push({ head, model })
        }
        for (const state of states) expect(await read(pages, state.head)).toEqual(state.model)
        // One content, one head: the same list built at once.
        expect(
          (await pages.create(model.map((value) => (value === undefined ? undefined : text(value))))).head,
        ).toEqual(head)
        while (states.length > 1) {
          const { head: old } = states.shift()!
          await storage.apply(
            await pages.release(
              old,
              states.map((state) => state.head),
            ),
          )
          for (const state of states) expect(await read(pages, state.head)).toEqual(state.model)
        }
        expect(await pages.collect([head])).toEqual([])
        await storage.apply(await pages.collect([]))
        expect(await keys(storage)).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  test('a change writes and reads only the pages on its way, and releasing the state before deletes as many', {
    timeout: 60_000,
  }, async () => {
    const { storage, pages, counter } = await counting()
    const first = await pages.create(Array.from({ length: 200_000 }, (_, i) => text(`entry ${i}`)))
    await storage.apply(first.operations)
    // 3,125 leaf pages, 49 index pages above them, one root.
    expect(await keys(storage)).toBe(3125 + 49 + 1)
    counter.reads = 0
    const second = await pages.write(first.head, new Map([[100_000, text('new')]]))
    expect(second.operations.length).toBe(3)
    expect(counter.reads).toBe(3)
    await storage.apply(second.operations)
    counter.reads = 0
    expect(await pages.get(second.head, [100_000, 100_001, 5])).toEqual([
      text('new'),
      text('entry 100001'),
      text('entry 5'),
    ])
    expect(counter.reads).toBe(5)
    const released = await pages.release(first.head, [second.head])
    expect(released.length).toBe(3)
    await storage.apply(released)
    expect(await keys(storage)).toBe(3125 + 49 + 1)
    expect(await pages.collect([second.head])).toEqual([])
    expect((await pages.write(second.head, new Map([[7, text('entry 7')]]))).operations).toEqual([])
  })

  test('collecting deletes what no live state uses, under its own prefix only', async () => {
    const { storage, pages } = await counting()
    const other = new PageStore({ storage, table: 'pages', prefix: text('grouq') })
    const [kept, dropped, foreign] = [
      await pages.create(Array.from({ length: 500 }, (_, i) => text(`a${i}`))),
      await pages.create(Array.from({ length: 500 }, (_, i) => text(i < 250 ? `a${i}` : `b${i}`))),
      await other.create([text('x')]),
    ]
    for (const write of [kept, dropped, foreign]) await storage.apply(write.operations)
    const before = await keys(storage)
    const operations = await pages.collect([kept.head])
    // Entries 192 to 499 differ: five leaf pages and the root.
    expect(operations.length).toBe(6)
    await storage.apply(operations)
    expect(await keys(storage)).toBe(before - 6)
    expect((await read(pages, kept.head))[499]).toBe('a499')
    expect(await read(other, foreign.head)).toEqual(['x'])
    await expect(read(pages, dropped.head)).rejects.toMatchObject({ code: 'storage/damaged' })
  })

  test('a missing page, a changed byte and a page of another place are damaged', async () => {
    const { storage, pages } = await counting()
    const { head, operations } = await pages.create(Array.from({ length: 100 }, (_, i) => text(`e${i}`)))
    await storage.apply(operations)
    const all = await storage.scan('pages', { limit: 10 })
    expect(all.length).toBe(3)
    for (const { key, value } of all) {
      for (let i = 0; i < value.length; i += 7) {
        const bad = value.slice()
        bad[i]! ^= 1
        await storage.apply([{ kind: 'put', table: 'pages', key, value: bad }])
        await expect(read(pages, head)).rejects.toMatchObject({ code: /^storage\/(damaged|version)$/ })
      }
      await storage.apply([{ kind: 'delete', table: 'pages', key }])
      await expect(read(pages, head)).rejects.toMatchObject({ code: 'storage/damaged' })
      await storage.apply([{ kind: 'put', table: 'pages', key, value }])
    }
    const leaf = all.find(({ value }) => decodePage(value).level === 0)!
    const misplaced = { length: 100, height: 1, root: leaf.key.slice(prefix.length) }
    await expect(read(pages, misplaced)).rejects.toMatchObject({ code: 'storage/damaged' })
    expect((await read(pages, head)).length).toBe(100)
  })

  test('indices, lengths and heads outside their range are refused', async () => {
    const { pages } = await counting()
    const range = { code: 'storage/range' }
    await expect(pages.write(emptyHead, new Map([[0, text('x')]]))).rejects.toMatchObject(range)
    await expect(pages.write(emptyHead, new Map([[-1, text('x')]]), 5)).rejects.toMatchObject(range)
    await expect(pages.write(emptyHead, new Map(), 2 ** 33)).rejects.toMatchObject(range)
    await expect(pages.get(emptyHead, [0])).rejects.toMatchObject(range)
    const bad = [
      new Uint8Array(0),
      new Uint8Array(8),
      Uint8Array.of(1, 0, 0, 0, 0, 0, 65, 0),
      new Uint8Array(9).fill(1),
    ]
    for (const head of bad) expect(() => decodeHead(head)).toThrow(expect.objectContaining({ code: 'storage/damaged' }))
    expect(() => decodeHead(new Uint8Array(8).fill(2))).toThrow(expect.objectContaining({ code: 'storage/version' }))
  })

  test('names under a key differ from plain ones and from those under another key', async () => {
    const { storage } = await counting()
    const heads = [undefined, text('one'), text('two')].map(async (nameKey) => {
      const pages = new PageStore({ storage, table: 'pages', prefix, ...(nameKey ? { nameKey } : {}) })
      return String((await pages.create([text('x')])).head.root)
    })
    expect(new Set(await Promise.all(heads)).size).toBe(3)
  })
})

describe('order of tree nodes', () => {
  test('gives every node a place of its own within the bands', () => {
    const lengths = bandLengths(4096)
    const seen = new Set<string>()
    for (let node = 0; node < 2 * 4096 - 1; node++) {
      const { band, index } = nodePlace(node)
      expect(index).toBeLessThan(lengths[band]!)
      expect(index % 64).not.toBe(0)
      seen.add(`${band}/${index}`)
    }
    expect(seen.size).toBe(2 * 4096 - 1)
    expect(lengths.length).toBe(3)
  })

  test('keeps the direct path of a leaf among 131,072 in three pages', () => {
    for (const leaf of [0, 1, 77_777, 131_071]) {
      const touched = new Set<string>()
      // Level by level: the ancestor of leaf i at level k has index (i >> k) * 2^(k+1) + 2^k - 1.
      for (let level = 0; level <= 17; level++) {
        const { band, index } = nodePlace((leaf >> level) * 2 ** (level + 1) + 2 ** level - 1)
        touched.add(`${band}/${Math.floor(index / 64)}`)
      }
      expect(touched.size).toBe(3)
    }
  })
})

/** Checks of reads: order, ranges, ownership of bytes, sizes. */
import type { Storage } from '../../ports/storage.ts'
import type { StorageCheck } from './check.ts'
import { bytes, expectCode, expectSame, expectTrue, onStore, put } from './expect.ts'

async function fill(store: Storage, keys: readonly string[]): Promise<void> {
  await store.apply([...keys.map((key) => put('t', key, `value of ${key}`)), put('s', 'z', '-'), put('u', 'a', '-')])
}

/** The checks of reads. */
export const readChecks: readonly StorageCheck[] = [
  onStore('what is absent is undefined', async (store) => {
    await store.apply([put('t', 'k', 'v')])
    expectSame(await store.get('t', bytes('kk')), undefined, 'longer key')
    expectSame(await store.get('t', bytes('')), undefined, 'empty key')
    expectSame(await store.get('u', bytes('k')), undefined, 'table without rows')
  }),
  onStore('getMany answers in the order asked, over tables', async (store) => {
    await store.apply([put('t', 'a', '1'), put('u', 'a', '2')])
    const keys = [
      { table: 'u', key: bytes('a') },
      { table: 't', key: bytes('nothing') },
      { table: 't', key: bytes('a') },
      { table: 'u', key: bytes('a') },
    ]
    expectSame(await store.getMany(keys), [bytes('2'), undefined, bytes('1'), bytes('2')], 'values')
    expectSame(await store.getMany([]), [], 'no keys')
  }),
  onStore('readNow, where there is one, answers as getMany', async (store) => {
    if (store.readNow === undefined) return
    await store.apply([put('t', 'a', '1'), put('u', 'a', '2')])
    const keys = [
      { table: 'u', key: bytes('a') },
      { table: 't', key: bytes('nothing') },
    ]
    const values = store.readNow(keys)
    expectSame(values, [bytes('2'), undefined], 'values')
    values[0]?.fill(0)
    await store.apply([put('u', 'a', '3')])
    expectSame(store.readNow(keys)[0], bytes('3'), 'a value after the next batch')
    expectSame(await store.getMany(keys), store.readNow(keys), 'getMany')
    await store.close()
    await expectCode((async () => store.readNow?.(keys))(), 'storage/closed', 'a closed handle')
  }),
  onStore('keys are ordered as unsigned bytes, a prefix first', async (store) => {
    const keys = [[], [0], [0, 0], [0, 255], [1], [127], [128], [128, 0], [255], [255, 255]].map((key) =>
      Uint8Array.from(key),
    )
    const shuffled = [...keys.slice(5), ...keys.slice(0, 5)].reverse()
    await store.apply(shuffled.map((key) => ({ kind: 'put', table: 't', key, value: key })))
    expectSame(await store.scanKeys('t', { limit: 100 }), keys, 'keys')
    const back = await store.scan('t', { limit: 100, reverse: true })
    expectSame(
      back.map((entry) => entry.value),
      [...keys].reverse(),
      'values backwards',
    )
  }),
  onStore('scan keeps to its bounds', async (store) => {
    await fill(store, ['a', 'b', 'ba', 'bb', 'c', 'd'])
    const keys = async (range: Parameters<Storage['scan']>[1]) => {
      const entries = await store.scan('t', range)
      expectSame(
        entries.map((entry) => entry.key),
        await store.scanKeys('t', range),
        'scan and scanKeys',
      )
      return entries.map((entry) => String.fromCharCode(...entry.key)).join()
    }
    expectSame(await keys({ limit: 100 }), 'a,b,ba,bb,c,d', 'all')
    expectSame(await keys({ limit: 2 }), 'a,b', 'limit')
    expectSame(await keys({ limit: 2, reverse: true }), 'd,c', 'limit backwards')
    expectSame(await keys({ limit: 9, prefix: bytes('b') }), 'b,ba,bb', 'prefix')
    expectSame(await keys({ limit: 9, prefix: bytes('b'), reverse: true }), 'bb,ba,b', 'prefix backwards')
    expectSame(await keys({ limit: 9, from: bytes('ba') }), 'ba,bb,c,d', 'from is inclusive')
    expectSame(await keys({ limit: 9, before: bytes('ba') }), 'a,b', 'before is exclusive')
    expectSame(await keys({ limit: 9, before: bytes('ba'), reverse: true }), 'b,a', 'before is exclusive backwards')
    expectSame(await keys({ limit: 9, from: bytes('b'), reverse: true }), 'd,c,bb,ba,b', 'from is inclusive backwards')
    expectSame(await keys({ limit: 9, prefix: bytes('b'), from: bytes('ba'), before: bytes('bb') }), 'ba', 'all bounds')
    expectSame(await keys({ limit: 9, from: bytes('c'), before: bytes('b') }), '', 'empty range')
    expectSame(await keys({ limit: 9, prefix: bytes('x') }), '', 'prefix of nothing')
  }),
  onStore('scan walks many rows in pages', async (store) => {
    const all = Array.from({ length: 2000 }, (_, i) => `row${String(i).padStart(5, '0')}`)
    await store.apply(all.map((key) => put('t', key, key)))
    const seen: string[] = []
    let from = bytes('')
    for (;;) {
      const page = await store.scan('t', { from, limit: 300 })
      for (const { key, value } of page) {
        expectSame(value, key, 'value')
        seen.push(String.fromCharCode(...key))
      }
      const last = page.at(-1)
      if (last === undefined || page.length < 300) break
      from = Uint8Array.from([...last.key, 0])
    }
    expectSame(seen, all, 'keys')
  }),
  onStore('limits of scans are checked', async (store) => {
    for (const limit of [0, -1, 1.5, 65_537, Number.NaN])
      await expectCode(store.scan('t', { limit }), 'storage/range', 'limit')
    await expectCode(store.get('No table', bytes('k')), 'storage/range', 'name of a table')
  }),
  onStore('what reads return belongs to the caller', async (store) => {
    await store.apply([put('t', 'k', 'value')])
    const range = { limit: 1 }
    const lists = [await store.getMany([{ table: 't', key: bytes('k') }]), await store.scanKeys('t', range)]
    const values = [await store.get('t', bytes('k')), ...lists.flat()]
    for (const entry of await store.scan('t', range)) values.push(entry.key, entry.value)
    for (const value of values) value?.fill(0)
    expectSame(await store.get('t', bytes('k')), bytes('value'), 'value')
    expectSame(await store.scanKeys('t', range), [bytes('k')], 'key')
    expectTrue(values[0] instanceof Uint8Array && values[0].constructor === Uint8Array, 'values are plain Uint8Array')
  }),
  onStore('sizes count tables and entries', async (store) => {
    await store.apply([put('t', 'a', '12345'), put('t', 'bb', '123'), put('u', 'c', '')])
    const { tables } = await store.sizes()
    const t = tables.get('t')
    expectSame([t?.entries, t?.keyBytes, tables.get('u')?.entries], [2, 3, 1], 'counts')
    expectTrue((t?.valueBytes ?? 0) >= 8, 'bytes of values')
  }),
]

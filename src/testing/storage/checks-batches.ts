/** Checks of `apply`: atomic, in order, bytes copied, limits. */
import type { StorageOperation } from '../../ports/storage.ts'
import type { StorageCheck } from './check.ts'
import { bytes, expectCode, expectSame, onStore, put, remove, removePrefix, textAt } from './expect.ts'

/** The checks of batches. */
export const batchChecks: readonly StorageCheck[] = [
  onStore('a batch is visible as a whole', async (store) => {
    await store.apply([put('a', '1', 'one'), put('b', '1', 'two'), put('a', '2', 'three')])
    expectSame(await textAt(store, 'a', '1'), 'one', 'first row')
    expectSame(await textAt(store, 'b', '1'), 'two', 'row of another table')
    expectSame(await textAt(store, 'a', '2'), 'three', 'last row')
  }),
  onStore('the later operation on a key wins', async (store) => {
    await store.apply([put('a', 'k', '1'), put('a', 'k', '2'), put('a', 'x', '1'), remove('a', 'x')])
    expectSame(await textAt(store, 'a', 'k'), '2', 'put after put')
    expectSame(await textAt(store, 'a', 'x'), undefined, 'delete after put')
    await store.apply([remove('a', 'k'), put('a', 'k', '3')])
    expectSame(await textAt(store, 'a', 'k'), '3', 'put after delete')
  }),
  onStore('deleting what is not there is allowed', async (store) => {
    await store.apply([remove('a', 'nothing'), removePrefix('a', 'nothing'), put('a', 'k', 'v')])
    expectSame(await textAt(store, 'a', 'k'), 'v', 'the rest of the batch')
  }),
  onStore('delete_prefix deletes exactly the keys with the prefix', async (store) => {
    const keys = ['a', 'ab', 'aba', 'ab\u00ff', 'ac', 'b']
    await store.apply([...keys.map((key) => put('t', key, 'v')), put('u', 'ab', 'other table')])
    await store.apply([removePrefix('t', 'ab')])
    expectSame(await store.scanKeys('t', { limit: 10 }), ['a', 'ac', 'b'].map(bytes), 'keys left')
    expectSame(await textAt(store, 'u', 'ab'), 'other table', 'other table')
    await store.apply([removePrefix('t', '')])
    expectSame(await store.scanKeys('t', { limit: 10 }), [], 'keys left by the empty prefix')
    expectSame(await textAt(store, 'u', 'ab'), 'other table', 'other table')
  }),
  onStore('delete_prefix keeps its place in the batch', async (store) => {
    await store.apply([put('t', 'p1', 'old'), put('t', 'p2', 'old')])
    await store.apply([put('t', 'p3', 'before'), removePrefix('t', 'p'), put('t', 'p2', 'after')])
    expectSame(await store.scanKeys('t', { limit: 10 }), [bytes('p2')], 'keys left')
    expectSame(await textAt(store, 't', 'p2'), 'after', 'row put after the deletion')
  }),
  onStore('batches that are not awaited take effect in the order of the calls', async (store) => {
    const work: Promise<void>[] = []
    for (let i = 0; i < 50; i++) {
      const batch: StorageOperation[] = [put('t', 'last', String(i)), put('t', `row${i}`, 'v')]
      if (i % 10 === 9) batch.unshift(removePrefix('t', 'row'))
      work.push(store.apply(batch))
    }
    await Promise.all(work)
    expectSame(await textAt(store, 't', 'last'), '49', 'last batch')
    expectSame(await store.scanKeys('t', { prefix: bytes('row'), limit: 100 }), [bytes('row49')], 'rows')
  }),
  onStore('a batch is copied before apply returns its promise', async (store) => {
    const key = bytes('key')
    const value = bytes('value')
    const work = store.apply([{ kind: 'put', table: 't', key, value }])
    key.fill(0)
    value.fill(0)
    await work
    expectSame(await textAt(store, 't', 'key'), 'value', 'row')
  }),
  onStore('empty keys, empty values, all byte values and large values', async (store) => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    const large = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * i) & 255)
    const longest = new Uint8Array(400).fill(255)
    await store.apply([
      { kind: 'put', table: 't', key: new Uint8Array(0), value: new Uint8Array(0) },
      { kind: 'put', table: 't', key: all, value: all },
      { kind: 'put', table: 't', key: longest, value: large },
    ])
    expectSame(await store.get('t', new Uint8Array(0)), new Uint8Array(0), 'empty row')
    expectSame(await store.get('t', all), all, 'all bytes')
    expectSame(
      (await store.get('t', longest))?.every((byte, i) => byte === large[i]),
      true,
      'large value',
    )
    expectSame((await store.scanKeys('t', { limit: 5 })).length, 3, 'number of keys')
  }),
  onStore('a batch outside the limits is refused as a whole', async (store) => {
    const bad: StorageOperation[] = [
      put('Capital', 'k', 'v'),
      put('', 'k', 'v'),
      put('a'.repeat(60), 'k', 'v'),
      put('t', 'k'.repeat(500), 'v'),
    ]
    for (const operation of bad)
      await expectCode(store.apply([put('t', 'k', 'v'), operation]), 'storage/range', 'bad operation')
    expectSame(await textAt(store, 't', 'k'), undefined, 'row of a refused batch')
  }),
  onStore('an empty batch is allowed', async (store) => {
    await store.apply([])
    expectSame(await store.scanKeys('t', { limit: 1 }), [], 'keys')
  }),
  {
    name: 'batches survive closing and opening again',
    async run(subject) {
      const first = await subject.open()
      await first.apply([put('t', 'a', '1'), put('t', 'b', '2')])
      await first.apply([remove('t', 'a')])
      await first.close()
      const second = await subject.open()
      expectSame(await textAt(second, 't', 'a'), undefined, 'deleted row')
      expectSame(await textAt(second, 't', 'b'), '2', 'kept row')
      await second.close()
    },
  },
]

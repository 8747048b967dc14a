/** Checks of ownership: the fence, closing, the polite opening. */
import type { StorageCheck } from './check.ts'
import { bytes, expectCode, expectSame, expectTrue, onStore, put, removePrefix, textAt } from './expect.ts'

/** The checks of ownership. */
export const ownerChecks: readonly StorageCheck[] = [
  {
    name: 'opening raises the owner epoch and changes the token',
    async run(subject) {
      const first = await subject.open()
      await first.close()
      const second = await subject.open()
      await second.close()
      expectTrue(second.owner.epoch > first.owner.epoch, 'the epoch rises')
      expectTrue(String(second.owner.token) !== String(first.owner.token), 'the token changes')
      expectSame(second.owner.token.length, 16, 'length of the token')
    },
  },
  {
    name: 'a former owner is refused and changes nothing',
    async run(subject) {
      const former = await subject.open()
      await former.apply([put('t', 'k', 'former')])
      const owner = await subject.open()
      expectSame(await textAt(owner, 't', 'k'), 'former', 'row of the former owner')
      await owner.apply([put('t', 'k', 'owner')])
      await expectCode(former.apply([put('t', 'k', 'late'), put('t', 'x', 'late')]), 'storage/fenced', 'late batch')
      await expectCode(former.apply([]), 'storage/fenced', 'second late batch')
      expectSame(await textAt(owner, 't', 'k'), 'owner', 'row')
      expectSame(await textAt(owner, 't', 'x'), undefined, 'row of the late batch')
      await owner.apply([put('t', 'k', 'still')])
      await former.close()
      await owner.apply([put('t', 'k', 'after the former one closed')])
      await owner.close()
    },
  },
  {
    name: 'an empty batch and a deletion are fenced too',
    async run(subject) {
      const [one, two] = [await subject.open(), await subject.open()]
      await expectCode(one.apply([]), 'storage/fenced', 'empty batch')
      await two.apply([put('t', 'k', 'v')])
      const three = await subject.open()
      await expectCode(two.apply([removePrefix('t', '')]), 'storage/fenced', 'deletion')
      expectSame(await textAt(three, 't', 'k'), 'v', 'row')
      for (const store of [one, two, three]) await store.close()
    },
  },
  {
    name: 'batches under way at a take-over are there as a whole or refused',
    async run(subject) {
      const former = await subject.open()
      const outcome = Array.from({ length: 20 }, (_, i) =>
        former.apply([put('t', `${i}a`, 'v'), put('t', `${i}b`, 'v')]).then(
          () => true,
          () => false,
        ),
      )
      const owner = await subject.open()
      for (const [i, acknowledged] of (await Promise.all(outcome)).entries()) {
        const there = [
          (await textAt(owner, 't', `${i}a`)) !== undefined,
          (await textAt(owner, 't', `${i}b`)) !== undefined,
        ]
        expectSame(there, [acknowledged, acknowledged], `batch ${i}`)
      }
      await former.close()
      await owner.close()
    },
  },
  onStore('a closed handle answers with storage/closed', async (_, subject) => {
    const store = await subject.open()
    await store.apply([put('t', 'k', 'v')])
    await store.close()
    await store.close()
    await expectCode(store.apply([]), 'storage/closed', 'apply')
    await expectCode(store.get('t', bytes('k')), 'storage/closed', 'get')
    await expectCode(store.getMany([]), 'storage/closed', 'getMany')
    await expectCode(store.scan('t', { limit: 1 }), 'storage/closed', 'scan')
    await expectCode(store.scanKeys('t', { limit: 1 }), 'storage/closed', 'scanKeys')
    await expectCode(store.sizes(), 'storage/closed', 'sizes')
  }),
  {
    name: 'closing waits for batches under way',
    async run(subject) {
      const store = await subject.open()
      const work = store.apply([put('t', 'k', 'v')])
      await store.close()
      await work
      const again = await subject.open()
      expectSame(await textAt(again, 't', 'k'), 'v', 'row')
      await again.close()
    },
  },
  {
    name: 'a polite opening fails while the owner lives and succeeds after it closed',
    async run(subject) {
      if (subject.openPolitely === undefined) return
      const owner = await subject.open()
      await expectCode(subject.openPolitely(), 'storage/busy', 'second opening')
      await owner.apply([put('t', 'k', 'v')])
      await owner.close()
      const next = await subject.openPolitely()
      expectSame(await textAt(next, 't', 'k'), 'v', 'row')
      await next.close()
    },
  },
]

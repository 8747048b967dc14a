import { describe, expect, test } from 'vitest'
import { atOnce, inBatches, inSlices, slices } from '../../src/bytes/slices.ts'
import { pauseOf, systemPause } from '../../src/providers/system-pause.ts'

/** A clock that work moves on, and a pause that counts. */
function time() {
  const self = {
    now: 0,
    pauses: 0,
    clock: { now: () => self.now },
    pause: async () => {
      self.pauses++
    },
  }
  return self
}

function* work(self: { now: number }, steps: number, each: number): Generator<void, string> {
  for (let i = 0; i < steps; i++) {
    self.now += each
    yield
  }
  return 'done'
}

describe('R28 slices', () => {
  test('steps: a pause whenever a slice is used up, and none before', async () => {
    const self = time()
    expect(await inSlices(work(self, 100, 1), { ...self, clock: self.clock, sliceMilliseconds: 5 })).toBe('done')
    expect(self.pauses).toBe(20)
    self.pauses = 0
    await inSlices(work(self, 4, 1), { ...self, sliceMilliseconds: 5 })
    expect(self.pauses).toBe(0)
    await inSlices(work(self, 1000, 0), { ...self, sliceMilliseconds: 5 })
    expect(self.pauses).toBe(0)
    expect(atOnce(work(self, 100, 1))).toBe('done')
  })

  test('batches: as long as a slice lasts, in order; few items are one batch', async () => {
    const self = time()
    const sizes: number[] = []
    const items = Array.from({ length: 1000 }, (_, i) => i)
    const run = (each: number, count = items.length) => {
      sizes.length = 0
      return inBatches(items.slice(0, count), { ...self, sliceMilliseconds: 5 }, async (part) => {
        sizes.push(part.length)
        self.now += part.length * each
        return part
      })
    }
    expect(await run(0.125)).toEqual(items)
    // the first one takes 8 ms, the others what a slice has
    expect(sizes[0]).toBe(64)
    expect(Math.max(...sizes.slice(1))).toBe(40)
    expect(self.pauses).toBe(sizes.length - 1)
    await run(1)
    expect(Math.max(...sizes.slice(1))).toBe(5)
    await run(0.001)
    expect(sizes).toEqual([64, 128, 256, 512, 40])
    self.pauses = 0
    await run(1, 64)
    expect([sizes, self.pauses]).toEqual([[64], 0])
    // a clock that stands still, as one that a test moves by hand, counts no work: longer and longer parts, and no pause
    expect(await run(0)).toEqual(items)
    expect([sizes, self.pauses]).toEqual([[64, 128, 256, 512, 40], 0])
  })

  test('without a pause nothing is cut; a signal ends the work', async () => {
    const self = time()
    const items = new Array<number>(1000).fill(0)
    const sizes: number[] = []
    await inBatches(items, { clock: self.clock }, async (part) => {
      sizes.push(part.length)
      return part
    })
    expect(sizes).toEqual([1000])
    const end = new AbortController()
    const stop = async () => end.abort()
    const rules = { clock: self.clock, pause: stop, signal: end.signal, sliceMilliseconds: 5 }
    const aborted = { code: 'operation/aborted' }
    await expect(inSlices(work(self, 100, 1), rules)).rejects.toMatchObject(aborted)
    await expect(inBatches(items, rules, async (part) => part)).rejects.toMatchObject(aborted)
    expect(() => slices(rules)).toThrow(expect.objectContaining(aborted))
  })
})

describe('the pause of the platform', () => {
  const { setImmediate, MessageChannel } = globalThis
  test.each([
    ['the one of this platform', systemPause],
    ['setImmediate', pauseOf({ setImmediate })],
    ['scheduler.yield', pauseOf({ scheduler: { yield: () => new Promise((resolve) => setImmediate(resolve)) } })],
    ['a message', pauseOf({ MessageChannel })],
    ['a timer', pauseOf({})],
  ])('%s lets others have their turn', async (_name, pause) => {
    let turns = 0
    setImmediate(() => turns++)
    setTimeout(() => turns++, 0)
    const start = performance.now()
    // microtasks alone never get there
    for (let i = 0; i < 1000; i++) await Promise.resolve()
    expect(turns).toBe(0)
    while (turns < 2 && performance.now() - start < 5000) await pause()
    expect(turns).toBe(2)
  })
})

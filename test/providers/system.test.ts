import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/providers/system-clock.ts'
import { type RandomSource, systemRng, webRng } from '../../src/providers/system-rng.ts'
import { codeOf } from './conformance/oracle.ts'

/** A source that counts up, and the lengths that it was asked for. */
function counter(): { source: RandomSource; lengths: number[] } {
  let next = 0
  const lengths: number[] = []
  const getRandomValues = (array: Uint8Array) => {
    lengths.push(array.length)
    if (array.length > 65_536) throw new Error('QuotaExceededError')
    next++
    array.fill(next & 0xff)
    new DataView(array.buffer, array.byteOffset).setUint32(0, next)
  }
  return { source: { getRandomValues }, lengths }
}

describe('systemRng', () => {
  test('returns as many bytes as asked for', () => {
    for (const length of [0, 1, 32, 65_536, 65_537, 200_000]) {
      const bytes = systemRng.randomBytes(length)
      expect(bytes).toHaveLength(length)
      expect(bytes.buffer.byteLength).toBe(length)
      // chance of a failure: below 2^-200
      if (length > 1000) expect(bytes.subarray(-32).every((byte) => byte === 0)).toBe(false)
    }
    expect(systemRng.randomBytes(32)).not.toEqual(systemRng.randomBytes(32))
  })

  test('asks in chunks of 65536 bytes', () => {
    const { source, lengths } = counter()
    webRng(() => source).randomBytes(150_000)
    expect(lengths.filter((length) => length > 32)).toEqual([65_536, 65_536, 18_960])
  })

  test('fails closed', async () => {
    const throwing: RandomSource = {
      getRandomValues() {
        throw new Error('no entropy')
      },
    }
    const zeros: RandomSource = { getRandomValues: () => undefined }
    const frozen: RandomSource = { getRandomValues: (array) => array.fill(7) }
    for (const source of [undefined, throwing, zeros, frozen])
      expect(await codeOf(() => webRng(() => source).randomBytes(16))).toBe('crypto/rng')
    for (const length of [-1, 1.5, Number.NaN])
      expect(await codeOf(() => systemRng.randomBytes(length))).toBe('crypto/rng')
  })

  test('a source that starts to repeat itself is refused from then on', async () => {
    const { source } = counter()
    let stuck = false
    const rng = webRng(() => (stuck ? { getRandomValues: (array: Uint8Array) => array.fill(1) } : source))
    expect(rng.randomBytes(16)).toHaveLength(16)
    stuck = true
    // the first sample after the change is new, the second is not
    await codeOf(() => rng.randomBytes(16))
    for (let i = 0; i < 3; i++) expect(await codeOf(() => rng.randomBytes(16))).toBe('crypto/rng')
  })
})

test('systemClock counts milliseconds since the epoch', () => {
  const before = Date.now()
  const now = systemClock.now()
  expect(now).toBeGreaterThanOrEqual(before)
  expect(now - before).toBeLessThan(60_000)
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diskFaults } from '../../../src/testing/storage/simulated-disk.ts'
import { live } from './crash-life.ts'

describe('a room through crashes', () => {
  test('its life is long enough, and right without a crash', async () => {
    const { violations, crashed, operations, seals } = await live()
    expect([violations, crashed]).toEqual([[], false])
    expect(operations).toBeGreaterThan(100)
    expect(seals).toBeGreaterThan(20)
  }, 30_000)

  test('whenever and however the disk fails: nothing is lost, doubled, encrypted twice or stuck', async () => {
    const crash = fc.record({ fault: fc.constantFrom(...diskFaults), at: fc.integer({ min: 1, max: 120 }) })
    await fc.assert(
      fc.asyncProperty(crash, async (one) => {
        expect((await live(one)).violations).toEqual([])
      }),
      { numRuns: 12 },
    )
  }, 120_000)
})

import { describe, expect, test } from 'vitest'
import { simulate } from '../../scripts/sim-run.ts'

const size = { clients: 6, hours: 2, roomSize: 6, actionsPerHour: 20 }

describe('clients through faults in virtual time', () => {
  test.each(['1', '2', '3', '4', '7', '9'])('seed %s: one history, nothing lost, nobody stuck', async (seed) => {
    const report = await simulate({ seed, ...size })
    expect(report.violations).toEqual([])
    expect(report.messages).toBeGreaterThan(15)
    expect(report.shown).toBeGreaterThan(50)
    expect(report.epochs).toBeGreaterThan(5)
    expect(Object.values(report.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
  })

  test('the same seed gives the same run, another seed another', async () => {
    const [first, again, other] = [
      await simulate({ seed: '5', ...size }),
      await simulate({ seed: '5', ...size }),
      await simulate({ seed: '6', ...size, hours: 1 }),
    ]
    expect(again).toEqual(first)
    expect(other.trace).not.toBe(first.trace)
  })
})

import { describe, expect, test } from 'vitest'
import { leakyComparison } from './comparisons.ts'
import { various } from './inputs.ts'
import { measure, type Operation, slotCount } from './measure.ts'
import { judge } from './verdict.ts'

/** An operation on a machine of our own: a call takes `costs[class]` and noise of up to 10 %, with rare interruptions. */
function simulated(costs: (class_: number, calls: number) => number) {
  const batch = 2
  const slots = new Uint8Array(slotCount(batch))
  let [time, calls, state] = [0, 0, 1]
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const operation: Operation = {
    name: 'simulated',
    classes: [various('0', () => Uint8Array.of(0)), various('1', () => Uint8Array.of(1))],
    batch,
    write: (slot, value) => slots.set(value, slot),
    call(slot) {
      const cost = costs(slots[slot] as number, calls++)
      time += cost * (1 + next() / 10) + (next() < 0.01 ? 500 * cost : 0)
    },
  }
  return { operation, now: () => time }
}

const effort = { samples: 3000, runs: 3, attempts: 3 }

describe('measure', () => {
  test('times each class on its own inputs, as often as the other, in random order', () => {
    const order: number[] = []
    const { operation, now } = simulated((kind) => {
      order.push(kind)
      return kind === 0 ? 10 : 1000
    })
    const interruption = 500 * 10
    const { first, second } = measure(operation, 200, now)
    expect([first.length, second.length]).toEqual([200, 200])
    expect(first.every((time) => time >= 20 && time <= 22 + 2 * interruption)).toBe(true)
    expect(second.every((time) => time >= 2000)).toBe(true)
    // two calls per sample, both of one class; a pair holds both classes, and either may come first
    const samples = order.filter((_, i) => i % 2 === 0)
    expect(samples).toEqual(order.filter((_, i) => i % 2 === 1))
    const leading = samples.filter((_, i) => i % 2 === 0)
    expect(samples.filter((_, i) => i % 2 === 1)).toEqual(leading.map((kind) => 1 - kind))
    const share = leading.filter((kind) => kind === 0).length / leading.length
    expect(share).toBeGreaterThan(0.25)
    expect(share).toBeLessThan(0.75)
  })
})

describe('judge', () => {
  test('passes an operation of constant cost at the first attempt', () => {
    const { operation, now } = simulated(() => 100)
    const { isLeak, maxT, attempts, samples, medianTime } = judge(operation, effort, now)
    expect({ isLeak, attempts }).toEqual({ isLeak: false, attempts: 1 })
    expect(maxT).toBeLessThan(5)
    expect(samples).toBeGreaterThanOrEqual(effort.samples)
    expect(medianTime).toBeGreaterThan(100)
    expect(medianTime).toBeLessThan(110)
  })

  test('finds a difference above its own sensitivity, and overlooks one far below it', () => {
    const even = simulated(() => 100)
    const share = judge(even.operation, effort, even.now).sensitivity as number
    expect(share).toBeGreaterThan(0.001)
    expect(share).toBeLessThan(0.1)
    const isLeak = (difference: number) => {
      const { operation, now } = simulated((kind) => 100 * (1 + kind * difference))
      return judge(operation, effort, now).isLeak
    }
    expect(isLeak(2 * share)).toBe(true)
    expect(isLeak(-2 * share)).toBe(true)
    expect(isLeak(share / 5)).toBe(false)
  })

  test('repeats, and forgives a difference that does not come back', () => {
    const callsPerAttempt = 2 * effort.samples
    const { operation, now } = simulated((kind, calls) => (kind === 1 && calls < callsPerAttempt ? 130 : 100))
    expect(judge(operation, effort, now)).toMatchObject({ isLeak: false, attempts: 2 })
    const lasting = simulated((kind) => (kind === 1 ? 130 : 100))
    expect(judge(lasting.operation, effort, lasting.now)).toMatchObject({ isLeak: true, attempts: 3 })
  })

  test('the control: a comparison that stops early is found out by the real clock', () => {
    // other work on the machine may hide it once
    const found = Array.from({ length: 20 }).some(
      () => judge(leakyComparison(), { samples: 1500, runs: 3, attempts: 1 }, () => performance.now()).isLeak,
    )
    expect(found).toBe(true)
  })
})

import { describe, expect, test } from 'vitest'
import { croppedT, crops, largestT, median, type Times, welchT } from './welch.ts'

const list = (...values: number[]) => Float64Array.from(values)

/** 1,000 samples spread evenly over ten values from `start` on; each 50th, from `outlier` on, is ten thousand times as large. */
const spread = (start: number, outlier?: number): Float64Array =>
  Float64Array.from({ length: 1000 }, (_, i) =>
    outlier !== undefined && i % 50 === outlier ? 1e6 * (1 + (i % 7)) : start + ((i * 7) % 10),
  )

describe("Welch's t", () => {
  test('of samples worked out by hand', () => {
    // means 3 and 6, variances 2.5 and 10: -3 / sqrt(0.5 + 2)
    expect(welchT(list(1, 2, 3, 4, 5), list(2, 4, 6, 8, 10))).toBeCloseTo(-3 / Math.sqrt(2.5), 12)
    // unequal sizes: means 1 and 6, variances 2 and 3: -5 / sqrt(2 / 2 + 3 / 3)
    expect(welchT(list(0, 2), list(5, 5, 8))).toBeCloseTo(-5 / Math.sqrt(2), 12)
    expect(welchT(list(5, 5, 8), list(0, 2))).toBeCloseTo(5 / Math.sqrt(2), 12)
  })

  test('without variance: nothing to tell, or no doubt', () => {
    expect(welchT(list(4, 4, 4), list(4, 4))).toBe(0)
    expect(welchT(list(4, 4, 4), list(5, 5))).toBe(-Infinity)
  })

  test('keeps its precision far from zero', () => {
    const far = 2 ** 40
    expect(welchT(list(far + 1, far + 2, far + 3), list(far + 2, far + 4, far + 6))).toBeCloseTo(
      -2 / Math.sqrt(5 / 3),
      9,
    )
  })
})

describe('crops', () => {
  test('show a difference that outliers hide', () => {
    const times: Times = { first: spread(100, 3), second: spread(102, 11) }
    expect(Math.abs(welchT(times.first, times.second))).toBeLessThan(2)
    expect(Math.max(...croppedT(times).map(Math.abs))).toBeGreaterThan(10)
  })

  test('find nothing where only outliers differ in place', () => {
    expect(largestT([{ first: spread(100, 3), second: spread(100, 11) }])).toBeLessThan(3)
  })

  test('leave out a class that has too few samples below the limit', () => {
    const t = croppedT({ first: spread(100), second: spread(200) })
    expect(t[0]).toBe(0)
    expect(t[crops.indexOf(1)]).toBeLessThan(-100)
  })
})

describe('runs', () => {
  const same: Times = { first: spread(100), second: spread(100) }
  const slower: Times = { first: spread(103), second: spread(100) }
  const faster: Times = { first: spread(100), second: spread(103) }

  test('one disturbed run of three does not count', () => {
    expect(largestT([same, slower, same])).toBe(0)
  })

  test('disturbances in both directions cancel', () => {
    expect(largestT([slower, same, faster])).toBe(0)
  })

  test('a difference in most runs counts', () => {
    expect(largestT([slower, same, slower])).toBeGreaterThan(10)
  })

  test('median', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
  })
})

/** The statistics of the timing test: Welch's t over samples that are cropped at percentiles. */

/** Times of the two classes of one run, in one unit. */
export interface Times {
  readonly first: Float64Array
  readonly second: Float64Array
}

/**
 * Shares of all samples that are kept, the fastest ones. Interrupts and other processes only ever make a sample slower, so
 * the cropped statistics see what the whole set hides behind them.
 */
export const crops = [0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95, 0.99, 1] as const

/** A class with fewer samples below a crop is not judged there. */
const fewest = 20

interface Moments {
  readonly count: number
  readonly mean: number
  /** With Bessel's correction. */
  readonly variance: number
}

function moments(values: Float64Array, most: number): Moments {
  let count = 0
  let mean = 0
  let squares = 0
  for (const value of values) {
    if (value > most) continue
    count++
    const difference = value - mean
    mean += difference / count
    squares += difference * (value - mean)
  }
  return { count, mean, variance: count > 1 ? squares / (count - 1) : 0 }
}

function tOf(a: Moments, b: Moments): number {
  const difference = a.mean - b.mean
  if (difference === 0) return 0
  return difference / Math.sqrt(a.variance / a.count + b.variance / b.count)
}

/** Welch's t of two samples: positive when the first has the larger mean, infinite when means differ without any variance. */
export function welchT(first: Float64Array, second: Float64Array): number {
  return tOf(moments(first, Infinity), moments(second, Infinity))
}

/** All times of a run, ascending. */
export function sortedTimes({ first, second }: Times): Float64Array {
  const all = new Float64Array(first.length + second.length)
  all.set(first)
  all.set(second, first.length)
  return all.sort()
}

/** Welch's t at each of `crops`; one limit for both classes, so that a crop cannot favour one. 0 where a class is left with too few. */
export function croppedT(times: Times): number[] {
  const all = sortedTimes(times)
  return crops.map((share) => {
    const most = all[Math.ceil(share * all.length) - 1] ?? Infinity
    const [a, b] = [moments(times.first, most), moments(times.second, most)]
    return a.count < fewest || b.count < fewest ? 0 : tOf(a, b)
  })
}

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * The largest |t| of several runs of one measurement: at each crop the median over the runs of the *signed* t, so that a
 * disturbance of one run does not count and a difference that has the same sign in all of them does.
 */
export function largestT(runs: readonly Times[]): number {
  const perRun = runs.map(croppedT)
  return Math.max(...crops.map((_, crop) => Math.abs(median(perRun.map((ts) => ts[crop] as number)))))
}

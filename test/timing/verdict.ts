/** Decides from several measurements of one operation whether its time depends on the class of its input. */
import { measure, type Operation } from './measure.ts'
import { largestT, sortedTimes, type Times } from './welch.ts'

/** From this |t| on, a difference counts as found. */
export const threshold = 10

/** How much is measured. */
export interface Effort {
  /** Samples of both classes together, per attempt. */
  readonly samples: number
  /** Parts that the samples of an attempt are split into; the statistics take the median of them. */
  readonly runs: number
  /** A measurement with |t| at or above the threshold is repeated: noise goes away, a leak stays. */
  readonly attempts: number
}

export interface Verdict {
  /** Of the last attempt. */
  readonly maxT: number
  /** Whether every attempt reached the threshold. */
  readonly isLeak: boolean
  readonly attempts: number
  /** All that were taken, in all attempts. */
  readonly samples: number
  /** Of one call, in the unit of the clock. */
  readonly medianTime: number
  /**
   * The smallest constant difference between the classes that the last attempt would have called a leak, as a share of the
   * time of a call; nothing when even a fifth would have gone unseen.
   */
  readonly sensitivity: number | undefined
}

/** Measures an operation until one attempt stays below the threshold, or all attempts are used. */
export function judge(operation: Operation, { samples, runs, attempts }: Effort, now: () => number): Verdict {
  const perClass = Math.ceil(samples / runs / 2)
  let taken = 0
  for (let attempt = 1; ; attempt++) {
    const measured = Array.from({ length: runs }, () => measure(operation, perClass, now))
    for (const { first } of measured) taken += 2 * first.length
    const maxT = largestT(measured)
    const isLeak = maxT >= threshold
    if (isLeak && attempt < attempts) continue
    const all = sortedTimes(measured[0] as Times)
    const sampleTime = all[all.length >> 1] ?? 0
    return {
      maxT,
      isLeak,
      attempts: attempt,
      samples: taken,
      medianTime: sampleTime / operation.batch,
      sensitivity: sensitivity(measured, sampleTime),
    }
  }
}

/** Adds growing differences to the measured times of one class, in both directions, until the statistics see them. */
function sensitivity(runs: readonly Times[], sampleTime: number): number | undefined {
  const isSeen = (shift: number) =>
    largestT(runs.map(({ first, second }) => ({ first, second: second.map((time) => time + shift) }))) >= threshold
  for (let share = 0.0002; share < 0.2; share *= 1.4) {
    const shift = share * sampleTime
    if (isSeen(shift) && isSeen(-shift)) return share
  }
  return undefined
}

/**
 * Long work in slices, so that an event loop that others share never waits long (R28). Nothing here knows a platform: what
 * lets other work pass is given from outside, and without it nothing is cut.
 */
import { MlsError } from './errors.ts'

/** How to share the time. */
export interface SliceRules {
  /** Milliseconds of work between two pauses; 5 when absent. */
  readonly sliceMilliseconds?: number | undefined
  /** Measures the slices; without it there is a pause every 256 steps. */
  readonly clock?: { now(): number } | undefined
  /** Lets other work pass. */
  readonly pause?: (() => Promise<void>) | undefined
  /** Ends the work between two slices. */
  readonly signal?: AbortSignal | undefined
}

/** To be called at each step; what it returns is to be awaited. */
export type Turn = () => Promise<void> | undefined

/** Steps between two looks at the clock. */
const steps = 16
/** Steps between two pauses without a clock. */
const stepsWithoutClock = 256
/** A slice when the caller says nothing: with what a single step may take, below the 8 ms that a frame has to spare. */
export const defaultSliceMilliseconds = 5

/** A function to call at each step, which pauses when a slice is used up. @throws `operation/aborted` when the signal says so */
export function slices({ clock, pause, signal, sliceMilliseconds = defaultSliceMilliseconds }: SliceRules): Turn {
  let count = 0
  let started = clock?.now() ?? 0
  const rest = async (): Promise<void> => {
    throwIfAborted(signal)
    await pause?.()
    throwIfAborted(signal)
    started = clock?.now() ?? 0
  }
  throwIfAborted(signal)
  return () => {
    count++
    if (count % steps !== 0) return undefined
    const due = clock === undefined ? count % stepsWithoutClock === 0 : clock.now() - started >= sliceMilliseconds
    return due ? rest() : undefined
  }
}

/** @throws `operation/aborted` when the signal says so */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new MlsError('operation/aborted', 'the caller ended the operation', { cause: signal.reason })
}

/** Runs work that offers to stop at each `yield`, without a stop. */
export function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}

/** Runs work that offers to stop at each `yield`, each of them some hundred microseconds after the last one or less. */
export async function inSlices<T>(
  work: Generator<void, T>,
  { clock, pause, signal, sliceMilliseconds = defaultSliceMilliseconds }: SliceRules,
): Promise<T> {
  let started = clock?.now() ?? 0
  let count = 0
  throwIfAborted(signal)
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
    count++
    const due = clock === undefined ? count % steps === 0 : clock.now() - started >= sliceMilliseconds
    if (!due || pause === undefined) continue
    await pause()
    throwIfAborted(signal)
    started = clock?.now() ?? 0
  }
}

/** Items that one slice takes at first: no batch of so few is cut. */
const firstBatch = 64
/** More in one batch are hardly cheaper. */
const largestBatch = 1024

/**
 * A batch of public-key work in parts of about a slice each, between which others get their turn: where a part took longer
 * than a slice the next ones are shorter, where it took little they are longer. Without a pause, one part.
 */
export async function inBatches<T, R>(
  items: readonly T[],
  { clock, pause, signal, sliceMilliseconds = defaultSliceMilliseconds }: SliceRules,
  work: (part: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  if (pause === undefined || items.length <= firstBatch) return work(items)
  const results: R[] = []
  let size = firstBatch
  for (let start = 0; start < items.length; ) {
    throwIfAborted(signal)
    const from = clock?.now() ?? 0
    const part = items.slice(start, start + size)
    for (const result of await work(part)) results.push(result)
    start += part.length
    const took = clock === undefined ? sliceMilliseconds : clock.now() - from
    // a clock that stands still counts no work
    if (took > 0 && start < items.length) await pause()
    if (took > sliceMilliseconds) size = Math.max(1, Math.floor((size * sliceMilliseconds) / took))
    else if (2 * took < sliceMilliseconds) size = Math.min(largestBatch, 2 * size)
  }
  return results
}

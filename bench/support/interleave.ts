/** Measures several pieces of work in one process, a little of each in turn, so that a slow moment of the machine hits all. */
import { median } from '../report.ts'

/** One piece of work; `per` items are done by one call. */
export interface Work {
  readonly run: () => unknown
  readonly per?: number
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number
  /** Milliseconds of warming up, for each piece of work. */
  readonly warm: number
  /** Milliseconds of one sample. */
  readonly sample: number
}

/** Median microseconds per item of each piece of work, in their order. */
export function interleaved(works: readonly Work[], { rounds, warm, sample }: Effort): number[] {
  const counts = works.map(({ run }) => {
    const start = performance.now()
    let calls = 0
    for (; calls === 0 || performance.now() < start + warm; calls++) run()
    return Math.max(1, Math.round((calls * sample) / (performance.now() - start)))
  })
  const samples = works.map((): number[] => [])
  for (let round = 0; round < rounds; round++)
    for (const [i, { run, per = 1 }] of works.entries()) {
      const count = counts[i]!
      const start = performance.now()
      for (let k = 0; k < count; k++) run()
      samples[i]!.push(((performance.now() - start) * 1000) / count / per)
    }
  return samples.map(median)
}

/** Milliseconds that `work` takes, added to `into`; and its result. */
export async function timed<T>(into: number[], work: () => Promise<T> | T): Promise<T> {
  const start = performance.now()
  const result = await work()
  into.push(performance.now() - start)
  return result
}

/** Bytes of heap and buffers in use, after collections where the process allows them. */
async function memoryInUse(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    // buffers of collected arrays are freed a little later
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Bytes that one result of `make` keeps in use: of several, as the rest of the process moves too. */
export async function heldBy(make: () => Promise<unknown>): Promise<number> {
  const count = 5
  const before = await memoryInUse()
  const kept: unknown[] = []
  while (kept.length < count) kept.push(await make())
  return ((await memoryInUse()) - before) / kept.length
}

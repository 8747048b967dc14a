/** Takes the samples of the timing test: both classes in random order, all inputs in place before the clock starts. */
import { randomBytes } from 'node:crypto'
import type { Times } from './welch.ts'

/** Inputs of one class; every list of an operation has the same length, so that picking one costs the same. */
export interface InputClass {
  readonly name: string
  readonly values: readonly Uint8Array[]
}

/** One operation whose time must not depend on the class of its input. */
export interface Operation {
  readonly name: string
  readonly classes: readonly [InputClass, InputClass]
  /** Calls per sample, each on an input of its own. */
  readonly batch: number
  /** Puts an input into one of `slotCount(batch)` slots. */
  write(slot: number, value: Uint8Array): void
  /** Runs the operation on a slot. It must have an effect, or the compiler may drop it: the result is not used. */
  call(slot: number): unknown
}

/** Samples between two times that inputs are written: few, so that they stay in the caches. */
const samplesPerRound = 16

/** Slots that `measure` writes for an operation of this batch. */
export const slotCount = (batch: number): number => samplesPerRound * batch

/** The same machine code for both classes: the class decides what is written, never what is run. */
function timeSample(operation: Operation, sample: number, now: () => number): number {
  const { batch } = operation
  const from = sample * batch
  const start = now()
  for (let slot = from; slot < from + batch; slot++) operation.call(slot)
  return now() - start
}

/**
 * Times `count` samples of each class, rounded up to whole rounds. Within a round the classes come in pairs, and a random
 * bit decides which of a pair goes first: slow changes of the machine meet both alike.
 *
 * @param now a clock in any unit
 */
export function measure(operation: Operation, count: number, now: () => number): Times {
  const pairs = samplesPerRound / 2
  const rounds = Math.ceil(count / pairs)
  const [first, second] = [new Float64Array(rounds * pairs), new Float64Array(rounds * pairs)]
  const { classes, batch } = operation
  const kinds = classes[0].values.length
  let filled = 0
  for (let round = 0; round < rounds; round++) {
    const random = randomBytes(pairs + 2 * slotCount(batch))
    const isSecond = (sample: number) => ((random[sample >> 1] as number) & 1) !== (sample & 1)
    for (let slot = 0; slot < slotCount(batch); slot++) {
      const pick = random.readUInt16LE(pairs + 2 * slot) % kinds
      operation.write(slot, classes[isSecond(Math.floor(slot / batch)) ? 1 : 0].values[pick] as Uint8Array)
    }
    for (let sample = 0; sample < samplesPerRound; sample++) {
      const time = timeSample(operation, sample, now)
      const into = isSecond(sample) ? second : first
      into[filled + (sample >> 1)] = time
    }
    filled += pairs
  }
  return { first, second }
}

/** Runs the operation until the engine has had time to compile it. */
export function warmUp(operation: Operation, milliseconds: number): void {
  const end = performance.now() + milliseconds
  do measure(operation, 64, () => performance.now())
  while (performance.now() < end)
}

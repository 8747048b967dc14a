/** Comparisons of byte strings: ours, and one that leaks on purpose. */
import { randomInt } from 'node:crypto'
import { equalBytes } from '../../src/bytes/bytes.ts'
import { random, various } from './inputs.ts'
import { type InputClass, type Operation, slotCount } from './measure.ts'

const length = 32
const batch = 128

/** Stops at the first byte that differs: what the timing test must find, or it finds nothing. */
export function leakyEqualBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A guess that is right up to its last byte, and one that is wrong from the first on. */
function guesses(secret: Uint8Array): readonly [InputClass, InputClass] {
  const wrongAt = (at: number) => () => secret.map((byte, i) => (i >= at ? byte ^ 0x55 : byte))
  return [various('last byte wrong', wrongAt(length - 1)), various('all bytes wrong', wrongAt(0))]
}

/** An operation that compares a secret with guesses. */
export function comparison(
  name: string,
  equal: (a: Uint8Array, b: Uint8Array) => boolean,
  classesOf: (secret: Uint8Array) => readonly [InputClass, InputClass] = guesses,
): Operation {
  const secret = random(length)
  const slots = Array.from({ length: slotCount(batch) }, () => new Uint8Array(length))
  // kept, not turned into a number: a branch on the result, which is no secret, would take a time of its own
  const results = slots.map(() => false)
  return {
    name,
    classes: classesOf(secret),
    batch,
    write: (slot, value) => (slots[slot] as Uint8Array).set(value),
    call(slot) {
      results[slot] = equal(secret, slots[slot] as Uint8Array)
    },
  }
}

/** The comparison of the package. */
export const comparisons = (): Operation[] => [
  comparison('equalBytes', equalBytes),
  comparison('equalBytes', equalBytes, (secret) => [
    various('one bit wrong', () => flipBit(secret)),
    various('random', () => random(length)),
  ]),
  comparison('equalBytes', equalBytes, (secret) => [
    various('equal', () => Uint8Array.from(secret)),
    various('random', () => random(length)),
  ]),
]

/** A copy with one bit changed, at a random place. */
function flipBit(secret: Uint8Array): Uint8Array {
  const out = Uint8Array.from(secret)
  const bit = randomInt(8 * length)
  out[bit >> 3] = (out[bit >> 3] as number) ^ (1 << (bit & 7))
  return out
}

/** The comparison that must be found out. */
export const leakyComparison = (): Operation => comparison('control: early exit', leakyEqualBytes)

/** The classes of inputs of the timing test. */
import { randomBytes } from 'node:crypto'
import type { InputClass } from './measure.ts'

/** Values of a class: many, so that random ones do not repeat soon. */
const valuesPerClass = 1024

/** `make` is called for each value. */
export const various = (name: string, make: () => Uint8Array): InputClass => ({
  name,
  values: Array.from({ length: valuesPerClass }, make),
})

/** One value; as many copies as the other class has values, so that both take the same room. */
export function fixed(make: () => Uint8Array, name = 'fixed'): InputClass {
  const value = make()
  return various(name, () => Uint8Array.from(value))
}

/** The two classes of most operations: always the same secret, and always another one. */
export const fixedOrRandom = (make: () => Uint8Array): readonly [InputClass, InputClass] => [
  fixed(make),
  various('random', make),
]

/** Few and many bits set, at random places. */
export const weights = (length: number): readonly [InputClass, InputClass] => [
  various('low weight', () => sparse(length)),
  various('high weight', () => sparse(length).map((byte) => ~byte)),
]

/** Four random bits per 32 bytes, none of them in the first or last byte. */
function sparse(length: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let from = 0; from < length; from += 32) {
    const places = randomBytes(4)
    for (const place of places) {
      const at = from + 1 + ((place >> 3) % 30)
      out[at] = (out[at] as number) | (1 << (place & 7))
    }
  }
  return out
}

/** Random bytes. */
export const random = (length: number): Uint8Array => Uint8Array.from(randomBytes(length))

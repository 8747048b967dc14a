/** Random numbers from a seed, so that a run can be run again. */
import type { Bytes } from '../../src/bytes/bytes.ts'
import type { Rng } from '../../src/index.ts'

/** The generator sfc32: 32 bits at a time, for tests alone. */
export class Random implements Rng {
  #a = 0
  #b = 0
  #c = 0
  #counter = 1

  constructor(...seed: readonly number[]) {
    this.seed(...seed)
  }

  /** Begins again. */
  seed(a = 0, b = 0, c = 0): void {
    this.#a = a | 0
    this.#b = b | 0
    this.#c = c | 0
    this.#counter = 1
    for (let i = 0; i < 15; i++) this.uint32()
  }

  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** An integer from 0 to `bound` - 1; 0 for a bound of 0. */
  below(bound: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * bound)
  }

  /** Whether something with a chance of one in `n` happens. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)]
    if (found === undefined) throw new Error('nothing to pick from')
    return found
  }

  randomBytes(length: number): Bytes {
    return Uint8Array.from({ length }, () => this.uint32() & 0xff)
  }
}

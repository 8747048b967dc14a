import type { RandomSource } from '../../xmpp/port.ts'

/** Repeatable numbers from a seed, for tests only (the generator sfc32). */
export class SeededRandom implements RandomSource {
  #a: number
  #b: number
  #c: number
  #d = 1

  constructor(seed: number | string) {
    let hash = 0x811c9dc5
    for (const char of String(seed)) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
    this.#a = hash
    this.#b = Math.imul(hash, 0x9e3779b1)
    this.#c = ~hash
    for (let i = 0; i < 12; i++) this.uint32()
  }

  /** 0 to 2^32-1. */
  uint32(): number {
    const t = (this.#a + this.#b + this.#d++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t
    return t >>> 0
  }

  /** 0 (included) to 1 (excluded). */
  unit(): number {
    return this.uint32() / 2 ** 32
  }

  /** Whether something of this probability happens. Takes no number at 0, so that unused faults change no run. */
  chance(probability: number): boolean {
    return probability > 0 && this.unit() < probability
  }

  /** A number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.unit() * (high - low)
  }

  randomBytes(length: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i++) out[i] = this.uint32() >>> 13
    return out
  }

  /** An independent generator for one part of a test. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${label}:${this.uint32()}`)
  }
}

import type { Bytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'

const pageLength = 65_536
/** Addresses stay below 2^31. */
const mostBytes = 0x7fff_0000
/** Copies of so many bytes are loops: a call of the engine costs more. */
const shortLength = 64

/**
 * The memory of one kernel above its own. Callers `put` their inputs, `reserve` room for outputs, call the kernel once, `read`
 * the outputs, and `clear` in a `finally`: linear memory is never freed, and nothing secret may stay in it. All of that
 * happens without an `await`, so that no two operations meet.
 */
export class Arena {
  readonly #memory: WebAssembly.Memory
  #base: number
  #top: number
  /** One view for all accesses; a new one after the memory grew. */
  #bytes: Uint8Array<ArrayBuffer>
  #words: Uint32Array

  /** @param base the first address that the kernel does not use itself */
  constructor(memory: WebAssembly.Memory, base: number) {
    this.#memory = memory
    this.#base = align(base)
    this.#top = this.#base
    this.#bytes = new Uint8Array(memory.buffer as ArrayBuffer)
    this.#words = new Uint32Array(memory.buffer)
  }

  /** Keeps `length` bytes out of the arena for good. @returns their address, a multiple of 16 */
  keep(length: number): number {
    const at = this.reserve(length)
    this.#base = this.#top
    return at
  }

  /** Room for `length` bytes, not zeroed. @returns its address, a multiple of 16. @throws `crypto/provider` */
  reserve(length: number): number {
    const at = this.#top
    if (length > mostBytes - at) throw new MlsError('crypto/provider', 'an input larger than the memory of a kernel')
    const top = align(at + length)
    if (top > this.#bytes.length) this.#grow(top)
    this.#top = top
    return at
  }

  /** Copies `data` in. @returns its address, a multiple of 16. @throws `crypto/provider` */
  put(data: Uint8Array): number {
    const { length } = data
    const at = this.reserve(length)
    if (length > shortLength) this.#bytes.set(data, at)
    else for (let i = 0; i < length; i++) this.#bytes[at + i] = data[i] as number
    return at
  }

  /** Copies inputs in, back to back. @returns the address of the first. @throws `crypto/provider` */
  putAll(data: readonly Uint8Array[]): number {
    let length = 0
    for (const item of data) length += item.length
    const first = this.reserve(length)
    let at = first
    for (const item of data) {
      this.#bytes.set(item, at)
      at += item.length
    }
    return first
  }

  /** Overwrites `length` bytes, all reserved before, with `data` at `at`. */
  write(at: number, data: Uint8Array): void {
    this.#bytes.set(data, at)
  }

  /** Overwrites the little-endian word at `at`, a multiple of 4 that was reserved before. */
  writeWord(at: number, value: number): void {
    // WebAssembly is little-endian, and so is every platform that runs it
    this.#words[at >> 2] = value
  }

  /** A copy of `length` bytes. */
  read(at: number, length: number): Bytes {
    if (length > shortLength) return this.#bytes.slice(at, at + length)
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i++) out[i] = this.#bytes[at + i] as number
    return out
  }

  /** `count` copies of `length` bytes each, back to back in memory. */
  readAll(at: number, count: number, length: number): Bytes[] {
    const out = new Array<Bytes>(count)
    for (let i = 0; i < count; i++) out[i] = this.read(at + i * length, length)
    return out
  }

  /** Zeroes and frees everything that was reserved. */
  clear(): void {
    this.#bytes.fill(0, this.#base, this.#top)
    this.#top = this.#base
  }

  /** Frees everything and zeroes what lies below `end` alone, for large public scratch; all of it without an `end`. */
  clearBelow(end = this.#top): void {
    this.#bytes.fill(0, this.#base, end)
    this.#top = this.#base
  }

  #grow(length: number): void {
    try {
      this.#memory.grow(Math.ceil((length - this.#bytes.length) / pageLength))
    } catch (cause) {
      throw new MlsError('crypto/provider', 'the platform gives no more memory', { cause })
    }
    this.#bytes = new Uint8Array(this.#memory.buffer as ArrayBuffer)
    this.#words = new Uint32Array(this.#memory.buffer)
  }
}

function align(address: number): number {
  return (address + 15) & ~15
}

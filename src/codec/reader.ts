import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'

/**
 * Reads the presentation language of RFC 9420 §2.1 from a byte string. Every read checks what is left before anything is
 * allocated; a declared length never decides an allocation by itself (V006, V007).
 */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #shareFrom: number
  #offset: number
  #end: number

  /**
   * @param shareFrom byte strings of so many bytes are not copied, but views of `bytes`: for bytes that nobody else has, and
   *   values that do not live for long
   */
  constructor(bytes: Uint8Array, shareFrom = Number.POSITIVE_INFINITY) {
    this.#bytes = bytes
    this.#shareFrom = shareFrom
    this.#offset = 0
    this.#end = bytes.length
  }

  /** Bytes that are not read yet. */
  get left(): number {
    return this.#end - this.#offset
  }

  /** Bytes that are read. */
  get offset(): number {
    return this.#offset
  }

  uint8(): number {
    const offset = this.#advance(1)
    return this.#bytes[offset] as number
  }

  uint16(): number {
    return this.#uint16(this.#advance(2))
  }

  uint32(): number {
    const offset = this.#advance(4)
    return this.#uint16(offset) * 0x10000 + this.#uint16(offset + 2)
  }

  /** RFC 9420 §6 V025, R26: a uint64 comes from eight bytes and is never rounded to a double. */
  uint64(): bigint {
    const high = this.uint32()
    const low = BigInt(this.uint32())
    return high === 0 ? low : (BigInt(high) << 32n) | low
  }

  /**
   * A variable-size vector length (RFC 9420 §2.1.2), in its shortest form only.
   * @throws `codec/length` prefix 11 (V002), `codec/non_minimal` (V003, V004), `codec/short`
   */
  varint(): number {
    const first = this.uint8()
    const prefix = first >> 6
    if (prefix === 0) return first
    if (prefix === 1) {
      const value = ((first & 0x3f) << 8) | this.uint8()
      if (value < 0x40) throw new MlsError('codec/non_minimal', 'a length of one byte in two', { rule: 'V003' })
      return value
    }
    if (prefix === 2) {
      const offset = this.#advance(3)
      const value = ((first & 0x3f) << 24) | (this.#uint16(offset) << 8) | (this.#bytes[offset + 2] as number)
      if (value < 0x4000) throw new MlsError('codec/non_minimal', 'a shorter length in four bytes', { rule: 'V004' })
      return value
    }
    throw new MlsError('codec/length', 'a length that starts with bits 11', { rule: 'V002' })
  }

  /** The next `length` bytes without a copy; valid only inside the function that reads. */
  view(length: number): Uint8Array {
    const offset = this.#advance(length)
    return this.#bytes.subarray(offset, offset + length)
  }

  /** The next `length` bytes as a copy; see the constructor for very many. */
  take(length: number): Bytes {
    const offset = this.#advance(length)
    if (length >= this.#shareFrom) return this.#bytes.subarray(offset, offset + length) as Bytes
    const out = new Uint8Array(length)
    // R03: a message may hold very many short strings, for which a view costs more than the loop
    if (length > 64) out.set(this.#bytes.subarray(offset, offset + length))
    else for (let i = 0; i < length; i++) out[i] = this.#bytes[offset + i] as number
    return out
  }

  /** The bytes between an earlier {@link offset} and now, as a copy. */
  since(offset: number): Bytes {
    return copyBytes(this.#bytes.subarray(offset, this.#offset))
  }

  /** Moves back to an earlier {@link offset}. */
  rewind(offset: number): void {
    this.#offset = offset
  }

  /** Moves past the next `length` bytes. */
  skip(length: number): void {
    this.#advance(length)
  }

  /** Whether the next bytes are these; moves past them if so. */
  accept(expected: Uint8Array): boolean {
    const { length } = expected
    const offset = this.#offset
    if (length > this.#end - offset) return false
    for (let i = 0; i < length; i++) if (this.#bytes[offset + i] !== expected[i]) return false
    this.#offset = offset + length
    return true
  }

  /**
   * Ends the reading after the next `length` bytes, until {@link leave}. A reader that threw in between is of no use any more.
   * @returns what {@link leave} takes
   */
  enter(length: number): number {
    if (length > this.left) throw short()
    const outer = this.#end
    this.#end = this.#offset + length
    return outer
  }

  /** Goes back to the end before {@link enter}. @throws `codec/trailing` (V010) when bytes are left */
  leave(outer: number): void {
    this.finish()
    this.#end = outer
  }

  /** Runs `read` on the next `length` bytes, which it must use up. */
  within<T>(length: number, read: () => T): T {
    const outer = this.enter(length)
    const value = read()
    this.leave(outer)
    return value
  }

  /** @throws `codec/trailing` when bytes are left: V009 after a message, V010 inside one */
  finish(rule: 'V009' | 'V010' = 'V010'): void {
    if (this.#offset !== this.#end) throw new MlsError('codec/trailing', 'bytes after the end of a structure', { rule })
  }

  #uint16(offset: number): number {
    return ((this.#bytes[offset] as number) << 8) | (this.#bytes[offset + 1] as number)
  }

  /** R02, V007: a length is compared with what is left before anything is made of it. */
  #advance(length: number): number {
    const offset = this.#offset
    if (length > this.#end - offset) throw short()
    this.#offset = offset + length
    return offset
  }
}

function short(): MlsError {
  // RFC 9420 §2.1.2 V006: also for a message that is cut (V008), and a vector that ends inside an element (V011)
  return new MlsError('codec/short', 'the bytes end inside a structure', { rule: 'V006' })
}

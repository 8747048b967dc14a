import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'

/**
 * Reads the presentation language of RFC 9420 §2.1 from a byte string. Every read checks what is left before anything is
 * allocated; a declared length never decides an allocation by itself (V006, V007).
 */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset: number
  #end: number

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
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
    const offset = this.#skip(1)
    return this.#bytes[offset] as number
  }

  uint16(): number {
    return this.#view.getUint16(this.#skip(2))
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4))
  }

  /** RFC 9420 §6 V025, R26: a uint64 comes from eight bytes and is never rounded to a double. */
  uint64(): bigint {
    return this.#view.getBigUint64(this.#skip(8))
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
      const offset = this.#skip(3)
      const value = ((first & 0x3f) << 24) | (this.#view.getUint16(offset) << 8) | (this.#bytes[offset + 2] as number)
      if (value < 0x4000) throw new MlsError('codec/non_minimal', 'a shorter length in four bytes', { rule: 'V004' })
      return value
    }
    throw new MlsError('codec/length', 'a length that starts with bits 11', { rule: 'V002' })
  }

  /** The next `length` bytes without a copy; valid only inside the function that reads. */
  view(length: number): Uint8Array {
    const offset = this.#skip(length)
    return this.#bytes.subarray(offset, offset + length)
  }

  /** The next `length` bytes as a copy. */
  take(length: number): Bytes {
    const offset = this.#skip(length)
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

  /** Runs `read` on the next `length` bytes, which it must use up. */
  within<T>(length: number, read: () => T): T {
    if (length > this.left) throw short()
    const outer = this.#end
    this.#end = this.#offset + length
    try {
      const value = read()
      this.finish()
      return value
    } finally {
      this.#end = outer
    }
  }

  /** @throws `codec/trailing` when bytes are left: V009 after a message, V010 inside one */
  finish(rule: 'V009' | 'V010' = 'V010'): void {
    if (this.#offset !== this.#end) throw new MlsError('codec/trailing', 'bytes after the end of a structure', { rule })
  }

  /** R02, V007: a length is compared with what is left before anything is made of it. */
  #skip(length: number): number {
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

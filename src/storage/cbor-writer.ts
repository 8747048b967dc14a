/** Writes CBOR (RFC 8949), every item in its shortest form, into one buffer that all records share; it is wiped each time. */
import type { Bytes } from '../bytes/bytes.ts'
import { utf8 } from '../bytes/text.ts'

/** Beyond so many bytes the buffer is not kept. */
const keptLength = 65_536
const uint32End = 2 ** 32

/** The major types that have an argument (RFC 8949 §3.1). */
export const majorTypes = { negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const

/** See the file. */
export class CborWriter {
  #buffer: Bytes = new Uint8Array(4096)
  #length = 0

  /** The bytes of what `write` writes. @throws what it throws; nothing of it remains */
  collect(write: (writer: CborWriter) => void): Bytes {
    const start = this.#length
    try {
      write(this)
      return this.#buffer.slice(start, this.#length)
    } finally {
      this.#buffer.fill(0, start, this.#length)
      this.#length = start
      if (start === 0 && this.#buffer.length > keptLength) this.#buffer = new Uint8Array(4096)
    }
  }

  /** The head of an item: its major type and argument, 0 to 2^32 - 1. */
  head(major: number, argument: number): void {
    this.#reserve(5)
    const buffer = this.#buffer
    const type = major << 5
    if (argument < 24) buffer[this.#length++] = type | argument
    else {
      const width = argument < 0x100 ? 1 : argument < 0x10000 ? 2 : 4
      buffer[this.#length++] = type | (width === 4 ? 26 : 23 + width)
      for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) buffer[this.#length++] = argument >>> shift
    }
  }

  /** An integer of up to 32 bits and a sign as such, any other number as a float of 64 bits. */
  number(value: number): void {
    if (Number.isInteger(value) && value < uint32End && value >= -uint32End / 2) {
      if (value >= 0) this.head(0, value)
      else this.head(majorTypes.negative, -1 - value)
    } else this.#wide(0xfb, (view, at) => view.setFloat64(at, value))
  }

  /** An integer from 0 to 2^64 - 1, in eight bytes. */
  bigint(value: bigint): void {
    this.#wide(0x1b, (view, at) => view.setBigUint64(at, value))
  }

  /** One of the simple values. */
  simple(value: boolean | null): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value === null ? 0xf6 : value ? 0xf5 : 0xf4
  }

  /** Text, as UTF-8. */
  text(value: string): void {
    const before = this.#length
    this.head(majorTypes.text, value.length)
    this.#reserve(value.length)
    const [buffer, start] = [this.#buffer, this.#length]
    let i = 0
    for (let code = 0; i < value.length && code < 128; i++) {
      code = value.charCodeAt(i)
      buffer[start + i] = code
      if (code >= 128) break
    }
    if (i === value.length) {
      this.#length = start + i
      return
    }
    // the length in bytes is another one
    buffer.fill(0, before, start + i + 1)
    this.#length = before
    const encoded = utf8(value)
    this.head(majorTypes.text, encoded.length)
    this.raw(encoded)
  }

  /** A byte string. */
  bytes(value: Uint8Array): void {
    this.head(majorTypes.bytes, value.length)
    this.raw(value)
  }

  /** Bytes that are encoded already. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
  }

  #wide(first: number, set: (view: DataView, at: number) => void): void {
    this.#reserve(9)
    this.#buffer[this.#length] = first
    set(new DataView(this.#buffer.buffer), this.#length + 1)
    this.#length += 9
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#buffer.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer.fill(0, 0, this.#length)
    this.#buffer = larger
  }
}

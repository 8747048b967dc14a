import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'

/** Copies of so many bytes are loops: a call of the engine costs more. */
const shortLength = 64

/** The largest length that RFC 9420 §2.1.2 can express, in bytes. */
export const maxVectorLength = 0x3fffffff

/**
 * Writes the presentation language of RFC 9420 §2.1 into one growing buffer. The header of a vector is reserved as one
 * byte and widened in place when the body is known, so no pass is made to compute sizes.
 */
export class Writer {
  #bytes: Bytes
  #view: DataView
  #length = 0

  /** `capacity`: bytes to reserve. */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** `count` zeros. */
  zeros(count: number): void {
    if (count === 0) return
    const offset = this.#reserve(count)
    this.#bytes.fill(0, offset, offset + count)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  uint8(value: number): void {
    range(value, 0xff)
    // reserved first: the buffer may be another one afterwards
    const offset = this.#reserve(1)
    this.#bytes[offset] = value
  }

  uint16(value: number): void {
    range(value, 0xffff)
    const offset = this.#reserve(2)
    this.#view.setUint16(offset, value)
  }

  uint32(value: number): void {
    range(value, 0xffffffff)
    const offset = this.#reserve(4)
    this.#view.setUint32(offset, value)
  }

  uint64(value: bigint): void {
    if (value < 0n || value > 0xffffffffffffffffn) throw new MlsError('codec/range', 'not a uint64')
    const offset = this.#reserve(8)
    this.#view.setBigUint64(offset, value)
  }

  /** The bytes themselves, without a length. */
  raw(bytes: Uint8Array): void {
    const offset = this.#reserve(bytes.length)
    this.#bytes.set(bytes, offset)
  }

  /** A variable-size vector length in its shortest form (RFC 9420 §2.1.2). */
  varint(value: number): void {
    const size = lengthOf(value)
    const offset = this.#reserve(size)
    this.#writeVarint(offset, value, size)
  }

  /** Makes room for `size` bytes at once. */
  expect(size: number): void {
    const length = this.#length
    this.#reserve(size)
    this.#length = length
  }

  /** A vector: length, then the bytes. */
  opaque(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.raw(bytes)
  }

  /** A vector whose body `write` writes. `expected`: bytes that its length will take; another number costs a move of the body. */
  vector(write: () => void, expected: 1 | 2 | 4 = 1): void {
    const start = this.#reserve(expected)
    write()
    const end = this.#length
    const length = end - start - expected
    const size = lengthOf(length)
    if (size !== expected) {
      if (size > expected) this.#reserve(size - expected)
      this.#bytes.copyWithin(start + size, start + expected, end)
      if (size < expected) this.#bytes.fill(0, start + size + length, end)
      this.#length = start + size + length
    }
    this.#writeVarint(start, length, size)
  }

  /** The bytes written, as a copy of their own. The writer may go on. */
  finish(): Bytes {
    const length = this.#length
    if (length > shortLength) return this.#bytes.slice(0, length)
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i++) out[i] = this.#bytes[i] as number
    return out
  }

  /** The bytes written, without a copy: until the writer goes on. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Overwrites what was written, and starts again; for writers that held secrets. */
  wipe(): void {
    this.#bytes.fill(0, 0, this.#length)
    this.#length = 0
  }

  /** Bytes that are reserved. */
  get capacity(): number {
    return this.#bytes.length
  }

  #writeVarint(offset: number, value: number, size: number): void {
    if (size === 1) this.#bytes[offset] = value
    else if (size === 2) this.#view.setUint16(offset, value | 0x4000)
    else this.#view.setUint32(offset, (value | 0x80000000) >>> 0)
  }

  #reserve(size: number): number {
    const offset = this.#length
    const needed = offset + size
    if (needed > this.#bytes.length) {
      // what follows a long string is short
      const grown = new Uint8Array(Math.max(needed + (needed >> 4), 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, offset))
      this.#bytes.fill(0, 0, offset)
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#length = needed
    return offset
  }
}

const idle: Writer[] = []
const idleCapacity = 4096
const mostIdle = 4
/** Larger buffers are left to the collector. */
const largestIdle = 1_048_576

/**
 * What `write` writes, as bytes of its own. The buffer behind it is used again and zeroed in between, so that neither a new one
 * nor its growth is paid for each time, and nothing secret stays in it.
 */
export function written(write: (writer: Writer) => void): Bytes {
  const writer = idle.pop() ?? new Writer(idleCapacity)
  try {
    write(writer)
    return writer.finish()
  } finally {
    putBack(writer)
  }
}

/** What `use` makes of that which `write` writes: as {@link written}, but the bytes are lent, and gone when it returns. */
export function lent<T>(write: (writer: Writer) => void, use: (bytes: Uint8Array) => T): T {
  const writer = idle.pop() ?? new Writer(idleCapacity)
  try {
    write(writer)
    return use(writer.view())
  } finally {
    putBack(writer)
  }
}

function putBack(writer: Writer): void {
  writer.wipe()
  if (writer.capacity <= largestIdle && idle.length < mostIdle) idle.push(writer)
}

function lengthOf(value: number): 1 | 2 | 4 {
  if (value < 0x40) return 1
  if (value < 0x4000) return 2
  if (value <= maxVectorLength) return 4
  throw new MlsError('codec/range', 'a vector of 2^30 bytes or more', { rule: 'V005' })
}

function range(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new MlsError('codec/range', 'an integer outside its type')
}

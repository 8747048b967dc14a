/** What a pool and its workers say to each other: a few numbers and one buffer, which changes hands without a copy. */

import type { ErrorCode } from '../../bytes/error-codes.ts'
import { errorKinds } from '../../bytes/error-codes.ts'
import { MlsError } from '../../bytes/errors.ts'

/** Byte strings back to back, and where each ends. */
export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly ends: Uint32Array<ArrayBuffer>
}

/** A part of one batch, or what makes a worker ready. `randomness` is what it may use in place of a random source. */
export interface Job {
  readonly id: number
  readonly suite: number
  /** `hpkeSealManyAlike`: for recipients that share `info` and `aad`, which may be long. */
  readonly operation: 'warmUp' | 'verifyMany' | 'hpkeSealMany' | 'hpkeSealManyAlike'
  readonly randomness: Uint8Array<ArrayBuffer>
  readonly input: Packed
}

/** What came of a job: byte strings, or an error code of this package. */
export interface Answer {
  readonly id: number
  readonly output?: Packed
  readonly error?: string
}

/** Copies byte strings into one buffer that shares memory with none of them. */
export function pack(items: readonly Uint8Array[]): Packed {
  const ends = new Uint32Array(items.length)
  let length = 0
  items.forEach((item, i) => {
    length += item.length
    ends[i] = length
  })
  const bytes = new Uint8Array(length)
  let at = 0
  for (const item of items) {
    bytes.set(item, at)
    at += item.length
  }
  return { bytes, ends }
}

/** Views of the byte strings. */
export function unpack({ bytes, ends }: Packed): Uint8Array<ArrayBuffer>[] {
  let start = 0
  return Array.from(ends, (end) => {
    const item = bytes.subarray(start, end)
    start = end
    return item
  })
}

/** The buffers that a message gives away. */
export function buffersOf(message: Job | Answer): ArrayBuffer[] {
  const packed = 'input' in message ? message.input : message.output
  const buffers = packed === undefined ? [] : [packed.bytes.buffer, packed.ends.buffer]
  return 'input' in message ? [...buffers, message.randomness.buffer] : buffers
}

/** The error of an answer. */
export function errorOf(code: string): MlsError {
  const known: ErrorCode = code in errorKinds ? (code as ErrorCode) : 'crypto/provider'
  return new MlsError(known, 'a worker could not finish its part of a batch')
}

/**
 * The log of the simulated store, format 1. Integers are big-endian.
 *
 * ```
 * frame = magic "XLF1" (4) | length of the payload (4) | number (8) | payload | SHA-256 of all before, cut to 16 bytes
 * payload = for each operation: kind (1: 0 put, 1 delete, 2 delete between) | length (2) and bytes of the address |
 *           for kind 2 length (2) and bytes of the end | for kind 0 length (4) and bytes of the value
 * ```
 *
 * Frames are numbered from 1 without gaps; a compacted log begins with a frame of a higher number that holds everything.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { ascii, type Bytes, concatBytes, copyBytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { RowOperation } from '../../storage/rows.ts'

const magic = ascii('XLF1')
const headerLength = 16
const checksumLength = 16

/** An operation as it is found in a log; `valueOffset` is where the value of a put begins. */
export interface LoggedOperation {
  readonly operation: RowOperation
  readonly valueOffset: number
}

/** A frame as it is found at an offset. */
export interface Frame {
  readonly number: number
  readonly operations: readonly LoggedOperation[]
  /** The offset behind the frame. */
  readonly end: number
}

function prefixed(bytes: Uint8Array, width: 2 | 4): Bytes {
  const out = new Uint8Array(width + bytes.length)
  const view = new DataView(out.buffer)
  if (width === 2) view.setUint16(0, bytes.length)
  else view.setUint32(0, bytes.length)
  out.set(bytes, width)
  return out
}

/** Bytes of a frame. */
export function encodeFrame(number: number, operations: readonly RowOperation[]): Bytes {
  const payload = concatBytes(
    ...operations.flatMap((row): Uint8Array[] => {
      if (row.kind === 'put') return [Uint8Array.of(0), prefixed(row.address, 2), prefixed(row.value, 4)]
      if (row.kind === 'delete') return [Uint8Array.of(1), prefixed(row.address, 2)]
      return [Uint8Array.of(2), prefixed(row.from, 2), prefixed(row.before, 2)]
    }),
  )
  const header = new Uint8Array(headerLength)
  header.set(magic)
  const view = new DataView(header.buffer)
  view.setUint32(4, payload.length)
  view.setBigUint64(8, BigInt(number))
  const body = concatBytes(header, payload)
  return concatBytes(body, sha256(body).subarray(0, checksumLength))
}

/** The frame at an offset, or `undefined` when there is no whole one with a right checksum. */
export function frameAt(log: Bytes, offset: number): Frame | undefined {
  if (offset + headerLength > log.length || !equalBytes(log.subarray(offset, offset + 4), magic)) return undefined
  const view = new DataView(log.buffer, offset)
  const bodyEnd = offset + headerLength + view.getUint32(4)
  const end = bodyEnd + checksumLength
  if (end > log.length) return undefined
  const checksum = sha256(log.subarray(offset, bodyEnd)).subarray(0, checksumLength)
  if (!equalBytes(checksum, log.subarray(bodyEnd, end))) return undefined
  const operations: LoggedOperation[] = []
  for (let at = offset + headerLength; at < bodyEnd; ) {
    const logged = operationAt(log, at)
    operations.push(logged)
    const { operation } = logged
    at = operation.kind === 'put' ? logged.valueOffset + operation.value.length : logged.valueOffset
  }
  return { number: Number(view.getBigUint64(8)), operations, end }
}

function operationAt(log: Bytes, offset: number): LoggedOperation {
  const view = new DataView(log.buffer)
  const kind = log[offset]
  const take = (at: number, width: 2 | 4) => {
    const start = at + width
    return copyBytes(log.subarray(start, start + (width === 2 ? view.getUint16(at) : view.getUint32(at))))
  }
  const address = take(offset + 1, 2)
  const next = offset + 3 + address.length
  if (kind === 1) return { operation: { kind: 'delete', address }, valueOffset: next }
  if (kind === 0) return { operation: { kind: 'put', address, value: take(next, 4) }, valueOffset: next + 4 }
  if (kind !== 2) throw new MlsError('storage/damaged', 'operation in a log')
  const before = take(next, 2)
  return { operation: { kind: 'delete_between', from: address, before }, valueOffset: next + 2 + before.length }
}

/** Everything that a log holds. */
export interface LogContent {
  readonly frames: readonly Frame[]
  /** The offset behind the last whole frame: what follows was under way when the power failed. */
  readonly end: number
}

/**
 * Reads a log. A tail that is no frame is what a crash leaves and is cut; a bad frame before a good one is not.
 * @throws `storage/damaged`
 */
export function readLog(log: Bytes): LogContent {
  const frames: Frame[] = []
  let end = 0
  for (;;) {
    const frame = frameAt(log, end)
    const last = frames.at(-1)
    if (frame === undefined || (last !== undefined && frame.number !== last.number + 1)) break
    frames.push(frame)
    end = frame.end
  }
  for (let at = end; at + headerLength <= log.length; at++)
    if (frameAt(log, at) !== undefined) throw new MlsError('storage/damaged', 'a log with a hole')
  return { frames, end }
}

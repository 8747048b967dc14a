/**
 * CBOR (RFC 8949) as records use it, read by the library `cbor-x` behind a check of the structure. Accepted are integers, floats,
 * byte strings, UTF-8 text, arrays, maps with text keys, true, false and null, all of definite length. Tags, other simple
 * values and anything nested deeper than 16 are refused before the library sees them, so that no input makes it construct an
 * object, a date, a pattern or a reference. Maps become `Map`, never objects: no key names a property.
 */
import { Decoder } from 'cbor-x'
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { CborWriter, majorTypes } from './cbor-writer.ts'

/** What a record is made of. */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<string, CborValue>

const decoder = new Decoder({ mapsAsObjects: false, useRecords: false })
const writer = new CborWriter()
const maxDepth = 16

/** Bytes of a value. Equal values built in the same order have equal bytes. */
export function encodeCbor(value: CborValue): Bytes {
  return collectCbor((to) => writeCbor(to, value))
}

/** The bytes of what `write` writes. */
export function collectCbor(write: (to: CborWriter) => void): Bytes {
  return writer.collect(write)
}

/** Writes a value of any kind. */
function writeCbor(to: CborWriter, value: CborValue): void {
  if (typeof value === 'string') to.text(value)
  else if (typeof value === 'number') to.number(value)
  else if (typeof value === 'bigint') to.bigint(value)
  else if (value === null || typeof value === 'boolean') to.simple(value)
  else if (value instanceof Uint8Array) to.bytes(value)
  else if (value instanceof Map) {
    to.head(majorTypes.map, value.size)
    for (const [key, item] of value as ReadonlyMap<string, CborValue>) {
      to.text(key)
      writeCbor(to, item)
    }
  } else {
    const items = value as readonly CborValue[]
    to.head(majorTypes.array, items.length)
    for (const item of items) writeCbor(to, item)
  }
}

/**
 * The value of bytes that hold exactly one.
 * @throws `storage/damaged`
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const end = skipItem(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, 0)
  if (end !== bytes.length) throw damaged('bytes after the value')
  try {
    // The library treats a Buffer specially; a copy is a plain Uint8Array and shares nothing with the caller.
    return decoder.decode(copyBytes(bytes) as Parameters<typeof decoder.decode>[0]) as CborValue
  } catch (cause) {
    throw damaged('not a value', cause)
  }
}

function damaged(what: string, cause?: unknown): MlsError {
  return new MlsError('storage/damaged', `record: ${what}`, cause === undefined ? {} : { cause })
}

/** The offset behind the item at `offset`. Reads headers only, so that its cost is bounded by the input. */
function skipItem(view: DataView, offset: number, depth: number): number {
  if (depth > maxDepth) throw damaged('nested too deeply')
  const first = byteAt(view, offset)
  const major = first >> 5
  const low = first & 31
  if (major === 7) return skipSimple(view, offset, low)
  if (low > 27) throw damaged('indefinite length')
  const wide = low < 24 ? 0 : 1 << (low - 24)
  const argument = wide === 0 ? low : readUint(view, offset + 1, wide)
  let next = offset + 1 + wide
  switch (major) {
    case 0:
    case 1:
      return next
    case 2:
    case 3:
      if (argument > view.byteLength - next) throw damaged('cut off')
      if (major === 3) checkUtf8(view, next, argument)
      return next + argument
    case 4:
    case 5: {
      // Every item takes at least one byte: a forged count ends here and not in the allocator.
      if (argument > view.byteLength - next) throw damaged('cut off')
      for (let i = 0; i < argument; i++) {
        if (major === 5) {
          if (byteAt(view, next) >> 5 !== 3) throw damaged('a key that is not text')
          next = skipItem(view, next, depth + 1)
        }
        next = skipItem(view, next, depth + 1)
      }
      return next
    }
    default:
      throw damaged('tag')
  }
}

function skipSimple(view: DataView, offset: number, low: number): number {
  if (low >= 20 && low <= 22) return offset + 1
  const width = low === 25 ? 2 : low === 26 ? 4 : low === 27 ? 8 : 0
  if (width === 0) throw damaged('simple value')
  if (offset + 1 + width > view.byteLength) throw damaged('cut off')
  return offset + 1 + width
}

function byteAt(view: DataView, offset: number): number {
  if (offset >= view.byteLength) throw damaged('cut off')
  return view.getUint8(offset)
}

function readUint(view: DataView, offset: number, width: number): number {
  if (offset + width > view.byteLength) throw damaged('cut off')
  if (width === 1) return view.getUint8(offset)
  if (width === 2) return view.getUint16(offset)
  return width === 4 ? view.getUint32(offset) : Number(view.getBigUint64(offset))
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function checkUtf8(view: DataView, offset: number, length: number): void {
  try {
    utf8.decode(new Uint8Array(view.buffer, view.byteOffset + offset, length))
  } catch (cause) {
    throw damaged('text that is not UTF-8', cause)
  }
}

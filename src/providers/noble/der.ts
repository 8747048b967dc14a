/**
 * ECDSA-Sig-Value of RFC 3279 §2.2.3, `SEQUENCE { r INTEGER, s INTEGER }`, in DER: one byte string for one pair, so that
 * nobody can alter a signature on its way without breaking it (V039).
 */
import { type Bytes, concatBytes } from '../../bytes/bytes.ts'
import { toHex } from '../../bytes/text.ts'

const sequenceTag = 0x30
const integerTag = 0x02

/** The DER form of r || s, two unsigned integers of equal length. */
export function encodeEcdsaSignature(compact: Uint8Array): Bytes {
  const half = compact.length / 2
  const body = concatBytes(encodeInteger(compact.subarray(0, half)), encodeInteger(compact.subarray(half)))
  return concatBytes(Uint8Array.of(sequenceTag), encodeLength(body.length), body)
}

function encodeInteger(unsigned: Uint8Array): Bytes {
  let start = 0
  while (start < unsigned.length - 1 && unsigned[start] === 0) start++
  const digits = unsigned.subarray(start)
  const sign = ((digits[0] ?? 0) & 0x80) === 0 ? 0 : 1
  return concatBytes(Uint8Array.of(integerTag, digits.length + sign), new Uint8Array(sign), digits)
}

function encodeLength(length: number): Bytes {
  return length < 0x80 ? Uint8Array.of(length) : Uint8Array.of(0x81, length)
}

/** r || s, each `scalarLength` bytes, when `signature` is DER and both lie in 1..order-1; else nothing. */
export function decodeEcdsaSignature(signature: Uint8Array, scalarLength: number, order: bigint): Bytes | undefined {
  let offset = 2
  let length = signature[1]
  if (signature[0] !== sequenceTag || length === undefined) return undefined
  if (length === 0x81) {
    length = signature[2]
    offset = 3
    // DER: the long form of a length only where the short form ends
    if (length === undefined || length < 0x80) return undefined
  } else if (length >= 0x80) return undefined
  if (signature.length !== offset + length) return undefined
  const r = decodeInteger(signature, offset)
  const s = r && decodeInteger(signature, r.end)
  if (r === undefined || s === undefined || s.end !== signature.length) return undefined
  const compact = new Uint8Array(2 * scalarLength)
  for (const [digits, at] of [
    [r.digits, scalarLength],
    [s.digits, 2 * scalarLength],
  ] as const) {
    if (digits.length > scalarLength) return undefined
    const value = BigInt(`0x${toHex(digits)}`)
    if (value === 0n || value >= order) return undefined
    compact.set(digits, at - digits.length)
  }
  return compact
}

/** A non-negative INTEGER in its shortest form, without the sign byte, and where it ends. */
function decodeInteger(bytes: Uint8Array, start: number): { digits: Uint8Array; end: number } | undefined {
  const length = bytes[start + 1]
  if (bytes[start] !== integerTag || length === undefined || length === 0 || length >= 0x80) return undefined
  const first = start + 2
  const end = first + length
  if (end > bytes.length) return undefined
  const sign = bytes[first] as number
  if (sign >= 0x80) return undefined
  if (sign !== 0 || length === 1) return { digits: bytes.subarray(first, end), end }
  // a leading zero only before a digit that would read as negative
  return (bytes[first + 1] as number) >= 0x80 ? { digits: bytes.subarray(first + 1, end), end } : undefined
}

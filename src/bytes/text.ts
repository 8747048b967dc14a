import type { Bytes } from './bytes.ts'
import { MlsError } from './errors.ts'

const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i++) out += pairs[bytes[i] as number] as string
  return out
}

/**
 * Bytes of a hexadecimal text in either case.
 * @throws `codec/text` when a character is no digit or the length is odd
 */
export function fromHex(text: string): Bytes {
  if (text.length % 2 !== 0) throw new MlsError('codec/text', 'odd number of hexadecimal digits')
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++)
    out[i] = (nibble(text.charCodeAt(2 * i)) << 4) | nibble(text.charCodeAt(2 * i + 1))
  return out
}

function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  if (lower >= 97 && lower <= 102) return lower - 87
  throw new MlsError('codec/text', 'not a hexadecimal digit')
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const padding = 61
const symbols = Uint8Array.from(alphabet, (symbol) => symbol.charCodeAt(0))
/** The value of each ASCII character; 64 for those that have none. */
const values = new Uint8Array(128).fill(64)
for (let i = 0; i < symbols.length; i++) values[symbols[i] as number] = i

/** Base64 of RFC 4648 §4, with padding. */
export function toBase64(bytes: Uint8Array): string {
  const rest = bytes.length % 3
  const whole = bytes.length - rest
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4)
  let at = 0
  for (let i = 0; i < whole; i += 3) {
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number)
    out[at++] = symbols[group >> 18] as number
    out[at++] = symbols[(group >> 12) & 63] as number
    out[at++] = symbols[(group >> 6) & 63] as number
    out[at++] = symbols[group & 63] as number
  }
  if (rest > 0) {
    const group = ((bytes[whole] as number) << 8) | (rest === 2 ? (bytes[whole + 1] as number) : 0)
    out[at++] = symbols[group >> 10] as number
    out[at++] = symbols[(group >> 4) & 63] as number
    out[at++] = rest === 2 ? (symbols[(group << 2) & 63] as number) : padding
    out[at] = padding
  }
  return mapKey(out)
}

/**
 * Bytes of a base64 text of RFC 4648 §4: canonical padding, no whitespace, zero trailing bits; one text for one value.
 * @throws `codec/text`
 */
export function fromBase64(text: string): Bytes {
  const { length } = text
  if (length % 4 !== 0) throw new MlsError('codec/text', 'not base64')
  const padded = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const out = new Uint8Array((length / 4) * 3 - padded)
  const whole = padded === 0 ? length : length - 4
  let at = 0
  let wrong = 0
  for (let i = 0; i < whole; i += 4) {
    const first = sextetAt(text, i)
    const second = sextetAt(text, i + 1)
    const third = sextetAt(text, i + 2)
    const fourth = sextetAt(text, i + 3)
    wrong |= first | second | third | fourth
    out[at++] = (first << 2) | (second >> 4)
    out[at++] = (second << 4) | (third >> 2)
    out[at++] = (third << 6) | fourth
  }
  if (padded > 0) {
    const first = sextetAt(text, whole)
    const second = sextetAt(text, whole + 1)
    const third = padded === 1 ? sextetAt(text, whole + 2) : 0
    wrong |= first | second | third
    out[at++] = (first << 2) | (second >> 4)
    if (padded === 1) out[at] = (second << 4) | (third >> 2)
    if (((padded === 1 ? third << 6 : second << 4) & 255) !== 0)
      throw new MlsError('codec/text', 'base64 with trailing bits')
  }
  if (wrong > 63) throw new MlsError('codec/text', 'not base64')
  return out
}

/** The value of a base64 character; 64 for any other. */
function sextetAt(text: string, index: number): number {
  const code = text.charCodeAt(index)
  return code < 128 ? (values[code] as number) : 64
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of a text. */
export function utf8(text: string): Bytes {
  return encoder.encode(text) as Bytes
}

/**
 * The text of UTF-8 bytes.
 * @throws `codec/text` when the bytes are not UTF-8
 */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new MlsError('codec/text', 'not UTF-8', { cause })
  }
}

/**
 * A string that is equal for equal bytes, one character a byte: the key of every `Map` over byte strings (V030, R25). Maps only, never
 * plain objects, so that no identity or group id of a peer can name a property.
 */
export function mapKey(bytes: Uint8Array): string {
  if (bytes.length <= 4096) return characters(bytes)
  let key = ''
  for (let i = 0; i < bytes.length; i += 4096) key += characters(bytes.subarray(i, i + 4096))
  return key
}

/** One call with all bytes is several times faster than a loop or a spread. */
function characters(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}

import type { Bytes } from './bytes.ts'
import { MlsError } from './errors.ts'

const digits = '0123456789abcdef'

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    out += (digits[byte >> 4] as string) + (digits[byte & 15] as string)
  }
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

/** Base64 of RFC 4648 §4, with padding. */
export function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192))
  return btoa(binary)
}

/**
 * Bytes of a base64 text of RFC 4648 §4: canonical padding, no whitespace, zero trailing bits; one text for one value.
 * @throws `codec/text`
 */
export function fromBase64(text: string): Bytes {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new MlsError('codec/text', 'not base64')
  const binary = atob(text)
  const out = new Uint8Array(binary.length)
  for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i)
  if (text.endsWith('=') && toBase64(out.subarray(out.length - (out.length % 3))) !== text.slice(-4))
    throw new MlsError('codec/text', 'base64 with trailing bits')
  return out
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

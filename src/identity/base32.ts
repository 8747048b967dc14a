import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'

/**
 * The 32 characters of all codes that people see: digits and upper-case letters without I, L, O and U, which people confuse
 * with others. The value of a character is its place. All of them are in the alphanumeric mode of QR codes.
 */
export const base32Alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Five bits for each character, most significant first, the last one filled with zero bits. */
export function toBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += base32Alphabet.charAt((held >> bits) & 31)
    }
  }
  return bits === 0 ? text : text + base32Alphabet.charAt((held << (5 - bits)) & 31)
}

/**
 * Bytes of a text of {@link toBase32}: upper case only, no character too many, zero bits at the end; one text for one value.
 * @throws `codec/text`
 */
export function fromBase32(text: string): Bytes {
  const out = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let held = 0
  let length = 0
  for (const character of text) {
    const value = base32Alphabet.indexOf(character)
    if (value < 0) throw new MlsError('codec/text', 'not a base-32 character')
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out[length++] = held >> bits
    }
  }
  const rest = held & ((1 << bits) - 1)
  if (bits >= 5 || rest !== 0) throw new MlsError('codec/text', 'base-32 text with bits left over')
  return out
}

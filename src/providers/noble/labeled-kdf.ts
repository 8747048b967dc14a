import { ascii, type Bytes, concatBytes } from '../../bytes/bytes.ts'
import type { Kdf } from './kdf.ts'

/** `LabeledExtract` and `LabeledExpand` of RFC 9180 §4, for one `suite_id`. */
export interface LabeledKdf {
  extract(salt: Uint8Array, label: string, ikm: Uint8Array): Bytes
  /** @throws `crypto/length` above 255 * Nh */
  expand(prk: Uint8Array, label: string, info: Uint8Array, length: number): Bytes
}

/** A number as two bytes, big-endian. */
export function uint16(value: number): Bytes {
  return Uint8Array.of(value >>> 8, value & 0xff)
}

/** The labelled functions over `kdf`; the `suite_id` is `name` with the code points that it covers. */
export function labeledKdf(kdf: Kdf, name: 'KEM' | 'HPKE', ...codePoints: readonly number[]): LabeledKdf {
  const prefix = concatBytes(ascii(`HPKE-v1${name}`), ...codePoints.map(uint16))
  return {
    extract: (salt, label, ikm) => kdf.extract(salt, concatBytes(prefix, ascii(label), ikm)),
    expand: (prk, label, info, length) =>
      kdf.expand(prk, concatBytes(uint16(length), prefix, ascii(label), info), length),
  }
}

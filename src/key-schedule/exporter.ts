/** The exporter of an epoch (RFC 9420 §8.5). */
import { type Bytes, wipe } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { deriveSecret, expandWithLabel } from '../crypto/labels.ts'

/**
 * `MLS-Exporter(Label, Context, Length)`: `length` bytes for a use outside of MLS. The exporter secret is not consumed.
 * @param label ASCII text; RFC 9420 §17.8 registers labels
 * @throws `crypto/label` for a label that is not ASCII; `crypto/length` above 65535 or 255 * Nh bytes (V031); `secret/consumed`
 */
export function exportSecret(
  suite: CipherSuite,
  exporterSecret: Secret<'exporter_secret'>,
  label: string,
  context: Uint8Array,
  length: number,
): Bytes {
  const { hashLength } = suite.parameters
  // a label of other characters would lose bits when it is encoded, and so collide with another label
  for (let i = 0; i < label.length; i++)
    check(label.charCodeAt(i) < 0x80, 'crypto/label', undefined, 'an exporter label that is not ASCII')
  // RFC 9420 §8 V031: a uint16, and what one expansion can give
  check(
    Number.isInteger(length) && length >= 0 && length <= Math.min(0xffff, 255 * hashLength),
    'crypto/length',
    'V031',
    'a length that the exporter cannot give',
  )
  const derived = exporterSecret.use((bytes) => deriveSecret(suite, bytes, label))
  try {
    return expandWithLabel(suite, derived, 'exported', suite.hash(context), length)
  } finally {
    wipe(derived)
  }
}

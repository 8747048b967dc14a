/** Pre-shared keys in the key schedule (RFC 9420 §8.4). */
import { wipe } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { Secret } from '../bytes/secret.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { expandWithLabel } from '../crypto/labels.ts'
import { wireLimits } from '../wire/limits.ts'
import { type PreSharedKeyId, PskLabel } from '../wire/psk.ts'

/** One PSK of an epoch: its id and its key. An external and a resumption PSK differ in the id alone. */
export interface PskInput {
  readonly id: PreSharedKeyId
  readonly psk: Uint8Array
}

/**
 * `psk_secret` over the PSKs of a commit, in the commit's order (V195):
 *
 * ```
 *               0                              0 = psk_secret[0]
 *               v                              v
 *   psk[i] -> Extract -> "derived psk" ----> Extract = psk_secret[i+1]
 *                        (id, i, count)
 * ```
 *
 * The keys stay the caller's. Without PSKs the result is Nh zeros.
 * @throws `psk/invalid` for more PSKs than `wireLimits.psks` (V208)
 */
export function derivePskSecret(suite: CipherSuite, psks: readonly PskInput[]): Secret<'psk_secret'> {
  // RFC 9420 §8.4 V208: the count is a uint16; our bound is far below
  check(psks.length <= wireLimits.psks, 'psk/invalid', 'V208', 'too many PSKs in one epoch')
  const { hashLength } = suite.parameters
  const zero = new Uint8Array(hashLength)
  let secret = new Uint8Array(hashLength)
  psks.forEach(({ id, psk }, index) => {
    const extracted = suite.extract(zero, psk)
    const label = encode(PskLabel, { id, index, count: psks.length })
    const input = expandWithLabel(suite, extracted, 'derived psk', label, hashLength)
    const next = suite.extract(input, secret)
    wipe(extracted, input, secret)
    secret = next
  })
  return new Secret(secret)
}

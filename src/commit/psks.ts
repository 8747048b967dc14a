/** Pre-shared keys of a commit (RFC 9420 §8.4): looked up in the order of the proposals (V195). */
import { check, MlsError } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { derivePskSecret } from '../key-schedule/psk-secret.ts'
import { wireLimits } from '../wire/limits.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'

/** Finds one pre-shared key; `undefined` when it is not known. */
export type PskLookup = (id: PreSharedKeyId) => Promise<Uint8Array | undefined>

/**
 * `psk_secret` of RFC 9420 §8.4. Nothing is changed when a key is missing: the commit can be staged again later.
 * @throws `psk/missing` (V201 for external, V202 for resumption PSKs), `psk/invalid` (V208)
 */
export async function resolvePskSecret(
  suite: CipherSuite,
  ids: readonly PreSharedKeyId[],
  lookup: PskLookup,
): Promise<Secret<'psk_secret'>> {
  // RFC 9420 §8.4 V208: before any look-up
  check(ids.length <= wireLimits.psks, 'psk/invalid', 'V208', 'too many PSKs in one epoch')
  const psks: { id: PreSharedKeyId; psk: Uint8Array }[] = []
  for (const id of ids) {
    const psk = await lookup(id)
    if (psk === undefined)
      // RFC 9420 §12.4.2 V201, §8.6 V202
      throw new MlsError('psk/missing', 'a pre-shared key that this client does not have', {
        rule: id.psktype === 'external' ? 'V201' : 'V202',
      })
    psks.push({ id, psk })
  }
  return derivePskSecret(suite, psks)
}

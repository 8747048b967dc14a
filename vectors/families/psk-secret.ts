import { derivePskSecret } from '../../src/key-schedule/psk-secret.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes } from '../expect.ts'
import type { Fields } from '../fields.ts'

/** Family `psk_secret`: external pre-shared keys into one secret, RFC 9420 §8.4. */
export function checkPskSecret(vector: Fields, engine: VectorEngine): void {
  const suite = engine.suite(vector.number('cipher_suite'))
  const psks = vector.objects('psks').map((psk) => ({
    id: { psktype: 'external' as const, pskId: psk.hex('psk_id'), pskNonce: psk.hex('psk_nonce') },
    psk: psk.hex('psk'),
  }))
  expectBytes('psk_secret', derivePskSecret(suite, psks).take(), vector.hex('psk_secret'))
}

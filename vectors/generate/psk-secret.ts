import { toHex } from '../../src/bytes/text.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { derivePskSecret } from '../../src/key-schedule/psk-secret.ts'

/** None to ten external PSKs. */
export function generatePskSecret(suite: CipherSuite): unknown[] {
  return Array.from({ length: 11 }, (_, count) => {
    const psks = Array.from({ length: count }, () => ({
      pskId: suite.randomBytes(32),
      psk: suite.randomBytes(32),
      pskNonce: suite.randomBytes(suite.parameters.hashLength),
    }))
    const inputs = psks.map(({ pskId, pskNonce, psk }) => ({
      id: { psktype: 'external' as const, pskId, pskNonce },
      psk,
    }))
    return {
      cipher_suite: suite.parameters.id,
      psks: psks.map(({ pskId, psk, pskNonce }) => ({
        psk_id: toHex(pskId),
        psk: toHex(psk),
        psk_nonce: toHex(pskNonce),
      })),
      psk_secret: toHex(derivePskSecret(suite, inputs).take()),
    }
  })
}

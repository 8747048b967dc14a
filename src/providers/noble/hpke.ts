/**
 * HPKE in base mode, single shot (RFC 9180 §5.1, §5.3, §6.1), over the KEM, KDF and AEAD of a suite.
 *
 * The key schedule is ours and not that of hpke-js because the library refuses `info` above 64 KiB, and RFC 9420 §7.6 puts
 * the whole GroupContext there, whose extensions may be larger.
 */
import { type Bytes, concatBytes, empty, wipe } from '../../bytes/bytes.ts'
import type { HpkeCiphertext, HpkeKeyPair, HpkeSealRequest } from '../../crypto/cipher-suite.ts'
import type { SuiteParameters } from '../../crypto/suites.ts'
import type { Aead } from './aead.ts'
import type { Kdf } from './kdf.ts'
import type { Kem } from './kem.ts'
import { labeledKdf } from './labeled-kdf.ts'

/** The operations of RFC 9420 §5.1.3 and §8.3; seeds are random bytes of `Kem.seedLength`. */
export interface Hpke {
  seal(request: HpkeSealRequest, seed: Uint8Array): Promise<HpkeCiphertext>
  open(
    keyPair: HpkeKeyPair,
    kemOutput: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ): Promise<Bytes>
  senderExport(
    publicKey: Uint8Array,
    seed: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): Promise<{ readonly kemOutput: Bytes; readonly exported: Bytes }>
  receiverExport(
    keyPair: HpkeKeyPair,
    kemOutput: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): Promise<Bytes>
}

const baseMode = Uint8Array.of(0)

/** HPKE over the given parts. */
export function createHpke(parameters: SuiteParameters, kem: Kem, kdf: Kdf, aead: Aead): Hpke {
  const { keyLength, nonceLength, hashLength } = parameters
  const labeled = labeledKdf(kdf, 'HPKE', parameters.kemId, parameters.kdfId, parameters.aeadId)
  const pskIdHash = labeled.extract(empty, 'psk_id_hash', empty)

  /** `KeySchedule` of RFC 9180 §5.1 in base mode; lends the secret to `use`. Consumes and wipes `sharedSecret`. */
  function withSchedule<T>(sharedSecret: Bytes, info: Uint8Array, use: (secret: Bytes, context: Bytes) => T): T {
    const secret = labeled.extract(sharedSecret, 'secret', empty)
    wipe(sharedSecret)
    try {
      return use(secret, concatBytes(baseMode, pskIdHash, labeled.extract(empty, 'info_hash', info)))
    } finally {
      wipe(secret)
    }
  }

  function withKey<T>(sharedSecret: Bytes, info: Uint8Array, use: (key: Bytes, nonce: Bytes) => T): T {
    return withSchedule(sharedSecret, info, (secret, context) => {
      const key = labeled.expand(secret, 'key', context, keyLength)
      const nonce = labeled.expand(secret, 'base_nonce', context, nonceLength)
      try {
        // one message only: the sequence number is 0 and the nonce is the base nonce
        return use(key, nonce)
      } finally {
        wipe(key, nonce)
      }
    })
  }

  function exported(sharedSecret: Bytes, info: Uint8Array, exporterContext: Uint8Array, length: number): Bytes {
    return withSchedule(sharedSecret, info, (secret, context) => {
      const exporterSecret = labeled.expand(secret, 'exp', context, hashLength)
      try {
        return labeled.expand(exporterSecret, 'sec', exporterContext, length)
      } finally {
        wipe(exporterSecret)
      }
    })
  }

  return {
    async seal({ publicKey, info, aad, plaintext }, seed) {
      const { kemOutput, sharedSecret } = await kem.encap(publicKey, seed)
      const ciphertext = withKey(sharedSecret, info, (key, nonce) => aead.seal(key, nonce, aad, plaintext))
      return { kemOutput, ciphertext }
    },
    async open(keyPair, kemOutput, info, aad, ciphertext) {
      const sharedSecret = await kem.decap(keyPair, kemOutput)
      return withKey(sharedSecret, info, (key, nonce) => aead.open(key, nonce, aad, ciphertext))
    },
    async senderExport(publicKey, seed, info, exporterContext, length) {
      const { kemOutput, sharedSecret } = await kem.encap(publicKey, seed)
      return { kemOutput, exported: exported(sharedSecret, info, exporterContext, length) }
    },
    async receiverExport(keyPair, kemOutput, info, exporterContext, length) {
      const sharedSecret = await kem.decap(keyPair, kemOutput)
      return exported(sharedSecret, info, exporterContext, length)
    },
  }
}

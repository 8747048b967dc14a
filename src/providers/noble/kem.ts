import { AeadId, CipherSuite as HpkeJs, KdfId, KemId } from 'hpke-js'
import { type Bytes, copyBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { HpkeKeyPair } from '../../crypto/cipher-suite.ts'
import type { AeadName, HashName, KemName, SuiteParameters } from '../../crypto/suites.ts'
import { decryptError } from './aead.ts'
import { isKemPublicKey } from './kem-key.ts'

/** A KEM of RFC 9180 §4.1 on serialised keys. */
export interface Kem {
  /** How many random bytes {@link Kem.encap} takes. */
  readonly seedLength: number
  /** `DeriveKeyPair`. @throws `crypto/key` */
  deriveKeyPair(ikm: Uint8Array): Promise<HpkeKeyPair>
  /** `Encap` with the ephemeral key pair `DeriveKeyPair(seed)`. @throws `crypto/key` */
  encap(publicKey: Uint8Array, seed: Uint8Array): Promise<{ readonly kemOutput: Bytes; readonly sharedSecret: Bytes }>
  /** `Decap`. @throws `crypto/decrypt` */
  decap(keyPair: HpkeKeyPair, kemOutput: Uint8Array): Promise<Bytes>
}

const kems: Readonly<Record<KemName, KemId>> = {
  DHKEMX25519: KemId.DhkemX25519HkdfSha256,
  DHKEMX448: KemId.DhkemX448HkdfSha512,
  DHKEMP256: KemId.DhkemP256HkdfSha256,
  DHKEMP384: KemId.DhkemP384HkdfSha384,
  DHKEMP521: KemId.DhkemP521HkdfSha512,
}
const kdfs: Readonly<Record<HashName, KdfId>> = {
  SHA256: KdfId.HkdfSha256,
  SHA384: KdfId.HkdfSha384,
  SHA512: KdfId.HkdfSha512,
}
const aeads: Readonly<Record<AeadName, AeadId>> = {
  AES128GCM: AeadId.Aes128Gcm,
  AES256GCM: AeadId.Aes256Gcm,
  CHACHA20POLY1305: AeadId.Chacha20Poly1305,
}

/** The KEM of a suite as hpke-js computes it; the random bytes come from the caller, never from the library. */
export function hpkeJsKem(parameters: SuiteParameters): Kem {
  const { kem: name, hash, aead } = parameters
  const { kem } = new HpkeJs({ kem: kems[name], kdf: kdfs[hash], aead: aeads[aead] })

  function checked(publicKey: Uint8Array): Uint8Array {
    // RFC 9420 §5.1.1 V032-V035
    if (!isKemPublicKey(name, publicKey)) throw new MlsError('crypto/key', 'not a public key of the KEM')
    return publicKey
  }

  return {
    seedLength: parameters.privateKeyLength,
    async deriveKeyPair(ikm) {
      try {
        const pair = await kem.deriveKeyPair(ikm)
        const privateKey = new Uint8Array(await kem.serializePrivateKey(pair.privateKey))
        return { publicKey: new Uint8Array(await kem.serializePublicKey(pair.publicKey)), privateKey }
      } catch (cause) {
        throw new MlsError('crypto/key', 'no key pair can be derived', { cause })
      }
    },
    async encap(publicKey, seed) {
      checked(publicKey)
      try {
        const recipientPublicKey = await kem.deserializePublicKey(publicKey)
        const { enc, sharedSecret } = await kem.encap({ recipientPublicKey, ekm: seed })
        return { kemOutput: new Uint8Array(enc), sharedSecret: new Uint8Array(sharedSecret) }
      } catch (cause) {
        throw new MlsError('crypto/key', 'the KEM refuses the public key', { cause })
      }
    },
    async decap(keyPair, kemOutput) {
      try {
        const enc = copyBytes(checked(kemOutput))
        const recipientKey = {
          privateKey: await kem.deserializePrivateKey(keyPair.privateKey),
          publicKey: await kem.deserializePublicKey(checked(keyPair.publicKey)),
        }
        return new Uint8Array(await kem.decap({ recipientKey, enc }))
      } catch {
        throw decryptError()
      }
    },
  }
}

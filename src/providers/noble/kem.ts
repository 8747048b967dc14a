import { x448 } from '@noble/curves/ed448.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { AeadId, CipherSuite as HpkeJs, KdfId, KemId } from 'hpke-js'
import { type Bytes, copyBytes, empty, wipe } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { HpkeKeyPair } from '../../crypto/cipher-suite.ts'
import type { AeadName, HashName, KemName, SuiteParameters } from '../../crypto/suites.ts'
import { decryptError } from '../decrypt-error.ts'
import { nobleKdf } from './kdf.ts'
import { isKemPublicKey } from './kem-key.ts'
import { labeledKdf } from './labeled-kdf.ts'

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

const montgomery = {
  DHKEMX25519: { curve: x25519, hash: 'SHA256' },
  DHKEMX448: { curve: x448, hash: 'SHA512' },
} as const

/**
 * `DeriveKeyPair` of RFC 9180 §7.1.3 for X25519 and X448. Not hpke-js: the tables of @noble/curves for the base point make
 * it several times faster, and a commit derives one pair for each node of its path.
 */
function deriveMontgomeryPair(
  name: keyof typeof montgomery,
  { kemId, privateKeyLength }: SuiteParameters,
): (ikm: Uint8Array) => HpkeKeyPair {
  const { curve, hash } = montgomery[name]
  const labeled = labeledKdf(nobleKdf(hash), 'KEM', kemId)
  return (ikm) => {
    const dkpPrk = labeled.extract(empty, 'dkp_prk', ikm)
    const privateKey = labeled.expand(dkpPrk, 'sk', empty, privateKeyLength)
    wipe(dkpPrk)
    return { publicKey: copyBytes(curve.getPublicKey(privateKey)), privateKey }
  }
}

/** The KEM of a suite as hpke-js computes it; the random bytes come from the caller, never from the library. */
export function hpkeJsKem(parameters: SuiteParameters): Kem {
  const { kem: name, hash, aead } = parameters
  const { kem } = new HpkeJs({ kem: kems[name], kdf: kdfs[hash], aead: aeads[aead] })

  const derive = name === 'DHKEMX25519' || name === 'DHKEMX448' ? deriveMontgomeryPair(name, parameters) : undefined

  async function importPair(keyPair: HpkeKeyPair): Promise<CryptoKeyPair> {
    const publicKey = await kem.deserializePublicKey(keyPair.publicKey)
    return { publicKey, privateKey: await kem.deserializePrivateKey(keyPair.privateKey) }
  }

  function checked(publicKey: Uint8Array): Uint8Array {
    // RFC 9420 §5.1.1 V032-V035
    if (!isKemPublicKey(name, publicKey)) throw new MlsError('crypto/key', 'not a public key of the KEM')
    return publicKey
  }

  return {
    seedLength: parameters.privateKeyLength,
    async deriveKeyPair(ikm) {
      if (derive !== undefined) return derive(ikm)
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
        const ekm = derive === undefined ? seed : await importPair(derive(seed))
        const { enc, sharedSecret } = await kem.encap({ recipientPublicKey, ekm })
        return { kemOutput: new Uint8Array(enc), sharedSecret: new Uint8Array(sharedSecret) }
      } catch (cause) {
        throw new MlsError('crypto/key', 'the KEM refuses the public key', { cause })
      }
    },
    async decap(keyPair, kemOutput) {
      try {
        const enc = copyBytes(checked(kemOutput))
        return new Uint8Array(await kem.decap({ recipientKey: await importPair(keyPair), enc }))
      } catch {
        throw decryptError()
      }
    },
  }
}

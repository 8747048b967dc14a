import type { Bytes } from '../bytes/bytes.ts'
import type { HpkeCiphertext, HpkeKeyPair, HpkeSealRequest } from '../crypto/cipher-suite.ts'
import type { Aead } from './noble/aead.ts'
import type { Kdf } from './noble/kdf.ts'
import type { SignatureScheme } from './noble/signature.ts'

/** The group of a DHKEM (RFC 9180 §4.1) on serialised keys, several at once. */
export interface DhGroup {
  /** Whether the bytes are the one valid encoding of a public key (V032-V035). */
  isPublicKey(publicKey: Uint8Array): boolean
  /** The public key of each private key; nothing for bytes that are no private key. */
  publicKeys(privateKeys: readonly Uint8Array[]): (Bytes | undefined)[]
  /**
   * `DH` of each pair, public keys checked before; nothing where the private key is none or the result is not allowed
   * (RFC 9180 §7.1.4).
   */
  agreements(privateKeys: readonly Uint8Array[], publicKeys: readonly Uint8Array[]): (Bytes | undefined)[]
}

/** The labels of RFC 9180 §4 for one suite, ready to be hashed. */
export interface HpkeLabels {
  readonly dkpPrk: Uint8Array
  readonly sk: Uint8Array
  readonly eaePrk: Uint8Array
  readonly sharedSecret: Uint8Array
  readonly secret: Uint8Array
}

/** What key and base nonce are expanded with (RFC 9180 §5.1). */
export interface HpkeInfos {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
}

/** HPKE in few steps (RFC 9180 §6.1). */
export interface HpkeKernel {
  /** `DeriveKeyPair` of inputs as long as a private key. */
  deriveKeyPairs(labels: HpkeLabels, ikms: readonly Uint8Array[]): HpkeKeyPair[]
  /** `OpenBase` of a short ciphertext; keys and lengths were checked before. @throws `crypto/decrypt` */
  open(
    labels: HpkeLabels,
    infos: HpkeInfos,
    keyPair: HpkeKeyPair,
    kemOutput: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ): Bytes
  /**
   * `SealBase` for requests with one and the same info, public keys checked before, one seed for each; nothing for requests that
   * are better sealed one by one.
   * @throws `crypto/key`
   */
  sealMany(
    labels: HpkeLabels,
    infos: HpkeInfos,
    requests: readonly HpkeSealRequest[],
    seeds: readonly Uint8Array[],
  ): HpkeCiphertext[] | undefined
}

/** What a suite is made of. */
export interface SuiteParts {
  readonly hpke?: HpkeKernel
  readonly kdf: Kdf
  readonly aead: Aead
  readonly group: DhGroup
  readonly signature: SignatureScheme
}

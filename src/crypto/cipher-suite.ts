import type { Bytes } from '../bytes/bytes.ts'
import type { SuiteParameters } from './suites.ts'

/** A key pair of the suite's KEM, both halves serialised as in RFC 9180 §7.1.1. */
export interface HpkeKeyPair {
  readonly publicKey: Bytes
  readonly privateKey: Bytes
}

/** A key pair of the suite's signature scheme; encodings of RFC 9420 §5.1.1. */
export interface SignatureKeyPair {
  readonly publicKey: Bytes
  readonly privateKey: Bytes
}

/** HPKECiphertext of RFC 9420 §7.6. */
export interface HpkeCiphertext {
  readonly kemOutput: Bytes
  readonly ciphertext: Bytes
}

/** One message for one recipient. */
export interface HpkeSealRequest {
  readonly publicKey: Uint8Array
  readonly info: Uint8Array
  readonly aad: Uint8Array
  readonly plaintext: Uint8Array
}

/** One signature to check. */
export interface VerifyRequest {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/**
 * The primitives of one cipher suite (RFC 9420 §5.1), as one provider computes them. All providers return the same bytes
 * for the same input.
 *
 * Hash, HMAC, HKDF, AEAD and signatures are synchronous, so that the key schedule, the ratchets, the transcript and the
 * framing are pure functions. HPKE and batches are asynchronous: platform keys and worker threads live there.
 * Signature verification has one rule for all providers, see `spec-notes/adr/0011-ed25519.md`.
 * Inputs are never kept nor changed; outputs own their memory.
 */
export interface CipherSuite {
  readonly parameters: SuiteParameters
  /** Which provider computes, e.g. `noble` or `wasm`. */
  readonly provider: string
  /** Threads that share a large batch; absent where one does all. Such a provider is given more at once. */
  readonly workers?: number

  /** `length` bytes of the random port. @throws `crypto/rng` */
  randomBytes(length: number): Bytes

  /** `Hash(data)`: Nh bytes. */
  hash(data: Uint8Array): Bytes
  /** `Hash` of each input. */
  hashMany(data: readonly Uint8Array[]): Bytes[]
  /** `MAC(key, data)`: HMAC with the suite's hash, Nh bytes. */
  hmac(key: Uint8Array, data: Uint8Array): Bytes
  /** `KDF.Extract(salt, ikm)`: Nh bytes. */
  extract(salt: Uint8Array, ikm: Uint8Array): Bytes
  /** `KDF.Expand(prk, info, length)`. @throws `crypto/length` above 255 * Nh (V031) */
  expand(prk: Uint8Array, info: Uint8Array, length: number): Bytes
  /** `KDF.Expand` of pairs of equal shape. */
  expandMany(prks: readonly Uint8Array[], infos: readonly Uint8Array[], length: number): Bytes[]
  /**
   * A chain of `count` expansions to Nh bytes, each output the key of the next.
   * @param infos of one length, back to back
   * @returns the outputs, back to back
   */
  expandChain(prk: Uint8Array, infos: Uint8Array, count: number): Bytes

  /** AEAD encryption: ciphertext and 16-byte tag. `key` is Nk bytes, `nonce` Nn bytes. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Bytes
  /** AEAD decryption. @throws `crypto/decrypt`, one error for every cause */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Bytes

  /** A signature in the encoding of RFC 9420 §5.1.1 (ECDSA: DER). The public key is derived, never an argument (B55). */
  sign(privateKey: Uint8Array, message: Uint8Array): Bytes
  /** Whether the signature holds; malformed keys and signatures are `false`. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** `verify` of each request, in one batch where the provider can. */
  verifyMany(requests: readonly VerifyRequest[]): Promise<boolean[]>
  /** A new signature key pair. */
  generateSignatureKeyPair(): SignatureKeyPair
  /** The public half of a private signature key. @throws `crypto/key` */
  signaturePublicKey(privateKey: Uint8Array): Bytes
  /** Whether the bytes are a valid public key of the signature scheme (length, encoding, on the curve; V036). */
  isSignaturePublicKey(publicKey: Uint8Array): boolean

  /** Whether the bytes are a valid, canonical public key of the KEM (V032-V035); low-order points are refused. */
  isHpkePublicKey(publicKey: Uint8Array): boolean
  /** `KEM.DeriveKeyPair(ikm)` (RFC 9180 §7.1.3). */
  deriveKeyPair(ikm: Uint8Array): Promise<HpkeKeyPair>
  /** `KEM.DeriveKeyPair` of each input. */
  deriveKeyPairs(ikms: readonly Uint8Array[]): Promise<HpkeKeyPair[]>
  /** Single-shot HPKE base-mode encryption. @throws `crypto/key` for a bad public key */
  hpkeSeal(request: HpkeSealRequest): Promise<HpkeCiphertext>
  /** Single-shot HPKE base-mode encryption to many recipients. @throws `crypto/key` */
  hpkeSealMany(requests: readonly HpkeSealRequest[]): Promise<HpkeCiphertext[]>
  /** Single-shot HPKE base-mode decryption. @throws `crypto/decrypt` */
  hpkeOpen(
    keyPair: HpkeKeyPair,
    kemOutput: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ): Promise<Bytes>
  /** `SetupBaseS` and `context.export` (RFC 9420 §8.3). @throws `crypto/key` */
  hpkeSenderExport(
    publicKey: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): Promise<{ readonly kemOutput: Bytes; readonly exported: Bytes }>
  /** `SetupBaseR` and `context.export` (RFC 9420 §8.3). @throws `crypto/decrypt` */
  hpkeReceiverExport(
    keyPair: HpkeKeyPair,
    kemOutput: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): Promise<Bytes>
}

/** Where randomness comes from. @throws `crypto/rng`: it never returns fewer or predictable bytes */
export interface Rng {
  randomBytes(length: number): Bytes
}

/** Opens cipher suites; chosen once by the caller. */
export interface CryptoProvider {
  readonly name: string
  /** Whether this provider computes all of a suite. */
  supports(parameters: SuiteParameters): boolean
  /** @throws `suite/unsupported` */
  open(parameters: SuiteParameters, rng: Rng): CipherSuite
}

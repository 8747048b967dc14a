import type { Bytes } from '../../bytes/bytes.ts'
import type { VerifyRequest } from '../../crypto/cipher-suite.ts'

/** A signature scheme with the encodings of RFC 9420 §5.1.1 and §5.1.2. */
export interface SignatureScheme {
  /** How many random bytes {@link SignatureScheme.privateKeyFrom} takes. */
  readonly seedLength: number
  /** A private key from uniform random bytes. */
  privateKeyFrom(seed: Uint8Array): Bytes
  /** @throws `crypto/key` */
  publicKey(privateKey: Uint8Array): Bytes
  /** @throws `crypto/key` */
  sign(privateKey: Uint8Array, message: Uint8Array): Bytes
  /** Malformed keys and signatures are `false`. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Fewer requests are checked faster one by one; 2 when absent. */
  readonly minBatch?: number
  /** Requests that one call of `verifyAll` takes, at most. */
  readonly maxBatch?: number
  /** Whether every request holds, faster than one by one; `random` yields unpredictable bytes. */
  verifyAll?(requests: readonly VerifyRequest[], random: (length: number) => Bytes): boolean
  /** The same scheme with another SHA-512 for messages of `from` bytes and more. */
  withSha512?(sha512: (...parts: readonly Uint8Array[]) => Bytes, from: number): SignatureScheme
  isPublicKey(publicKey: Uint8Array): boolean
}

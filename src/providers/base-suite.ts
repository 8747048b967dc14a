import { type Bytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { Rng, SignatureKeyPair, VerifyRequest } from '../crypto/cipher-suite.ts'
import type { SuiteParameters } from '../crypto/suites.ts'
import type { Aead } from './noble/aead.ts'
import type { Kdf } from './noble/kdf.ts'
import type { SignatureScheme } from './noble/signature.ts'
import { verifyMany } from './verify-many.ts'

/** What every suite computes without waiting. */
export interface BaseParts {
  readonly kdf: Kdf
  readonly aead: Aead
  readonly signature: SignatureScheme
}

/** What the suites of all providers have in common: everything of `CipherSuite` but the KEM and HPKE. */
export abstract class BaseSuite {
  readonly parameters: SuiteParameters
  readonly provider: string
  readonly #rng: Rng
  readonly #parts: BaseParts

  constructor(provider: string, parameters: SuiteParameters, parts: BaseParts, rng: Rng) {
    this.provider = provider
    this.parameters = parameters
    this.#parts = parts
    this.#rng = rng
  }

  randomBytes(length: number): Bytes {
    const bytes = this.#rng.randomBytes(length)
    if (bytes.length !== length) throw new MlsError('crypto/rng', 'the random source returned another length')
    return bytes
  }

  hash(data: Uint8Array): Bytes {
    return this.#parts.kdf.hash(data)
  }

  hashMany(data: readonly Uint8Array[]): Bytes[] {
    return this.#parts.kdf.hashMany(data)
  }

  hmac(key: Uint8Array, data: Uint8Array): Bytes {
    return this.#parts.kdf.hmac(key, data)
  }

  extract(salt: Uint8Array, ikm: Uint8Array): Bytes {
    return this.#parts.kdf.extract(salt, ikm)
  }

  expand(prk: Uint8Array, info: Uint8Array, length: number): Bytes {
    return this.#parts.kdf.expand(prk, info, length)
  }

  expandMany(prks: readonly Uint8Array[], infos: readonly Uint8Array[], length: number): Bytes[] {
    return this.#parts.kdf.expandMany(prks, infos, length)
  }

  expandChain(prk: Uint8Array, infos: Uint8Array, count: number): Bytes {
    return this.#parts.kdf.expandChain(prk, infos, count)
  }

  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Bytes {
    return this.#parts.aead.seal(key, nonce, aad, plaintext)
  }

  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Bytes {
    return this.#parts.aead.open(key, nonce, aad, ciphertext)
  }

  sign(privateKey: Uint8Array, message: Uint8Array): Bytes {
    return this.#parts.signature.sign(privateKey, message)
  }

  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    return this.#parts.signature.verify(publicKey, message, signature)
  }

  async verifyMany(requests: readonly VerifyRequest[]): Promise<boolean[]> {
    return verifyMany(this.#parts.signature, requests, (length) => this.randomBytes(length))
  }

  generateSignatureKeyPair(): SignatureKeyPair {
    const { signature } = this.#parts
    const seed = this.randomBytes(signature.seedLength)
    const privateKey = signature.privateKeyFrom(seed)
    wipe(seed)
    return { publicKey: signature.publicKey(privateKey), privateKey }
  }

  signaturePublicKey(privateKey: Uint8Array): Bytes {
    return this.#parts.signature.publicKey(privateKey)
  }

  isSignaturePublicKey(publicKey: Uint8Array): boolean {
    return this.#parts.signature.isPublicKey(publicKey)
  }
}

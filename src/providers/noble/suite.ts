import { type Bytes, wipe } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type {
  CipherSuite,
  HpkeCiphertext,
  HpkeKeyPair,
  HpkeSealRequest,
  Rng,
  SignatureKeyPair,
  VerifyRequest,
} from '../../crypto/cipher-suite.ts'
import type { SignatureName, SuiteParameters } from '../../crypto/suites.ts'
import { type Aead, nobleAead } from './aead.ts'
import { ecdsaP256, ecdsaP384, ecdsaP521 } from './ecdsa.ts'
import { ed448, ed25519 } from './edwards.ts'
import { createHpke, type Hpke } from './hpke.ts'
import { type Kdf, nobleKdf } from './kdf.ts'
import { hpkeJsKem, type Kem } from './kem.ts'
import { isKemPublicKey } from './kem-key.ts'
import type { SignatureScheme } from './signature.ts'

const schemes: Readonly<Record<SignatureName, SignatureScheme>> = {
  Ed25519: ed25519,
  Ed448: ed448,
  P256: ecdsaP256,
  P384: ecdsaP384,
  P521: ecdsaP521,
}

/** Fewer signatures are checked faster one by one. */
const minBatch = 16
/** More do not make a batch faster; one false signature then costs as much again for its own batch only. */
const maxBatch = 256

/** A cipher suite in plain JavaScript: @noble for the primitives, hpke-js for the KEM. */
export class NobleSuite implements CipherSuite {
  readonly parameters: SuiteParameters
  readonly provider = 'noble'
  readonly #rng: Rng
  readonly #kdf: Kdf
  readonly #aead: Aead
  readonly #scheme: SignatureScheme
  readonly #kem: Kem
  readonly #hpke: Hpke

  constructor(parameters: SuiteParameters, rng: Rng) {
    this.parameters = parameters
    this.#rng = rng
    this.#kdf = nobleKdf(parameters.hash)
    this.#aead = nobleAead(parameters.aead)
    this.#scheme = schemes[parameters.signature]
    this.#kem = hpkeJsKem(parameters)
    this.#hpke = createHpke(parameters, this.#kem, this.#kdf, this.#aead)
  }

  randomBytes(length: number): Bytes {
    const bytes = this.#rng.randomBytes(length)
    if (bytes.length !== length) throw new MlsError('crypto/rng', 'the random source returned another length')
    return bytes
  }

  hash(data: Uint8Array): Bytes {
    return this.#kdf.hash(data)
  }

  hashMany(data: readonly Uint8Array[]): Bytes[] {
    return data.map((item) => this.#kdf.hash(item))
  }

  hmac(key: Uint8Array, data: Uint8Array): Bytes {
    return this.#kdf.hmac(key, data)
  }

  extract(salt: Uint8Array, ikm: Uint8Array): Bytes {
    return this.#kdf.extract(salt, ikm)
  }

  expand(prk: Uint8Array, info: Uint8Array, length: number): Bytes {
    return this.#kdf.expand(prk, info, length)
  }

  expandMany(prks: readonly Uint8Array[], infos: readonly Uint8Array[], length: number): Bytes[] {
    if (prks.length !== infos.length) throw new MlsError('crypto/length', 'keys and infos differ in number')
    return prks.map((prk, i) => this.#kdf.expand(prk, infos[i] as Uint8Array, length))
  }

  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Bytes {
    return this.#aead.seal(key, nonce, aad, plaintext)
  }

  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Bytes {
    return this.#aead.open(key, nonce, aad, ciphertext)
  }

  sign(privateKey: Uint8Array, message: Uint8Array): Bytes {
    return this.#scheme.sign(privateKey, message)
  }

  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    return this.#scheme.verify(publicKey, message, signature)
  }

  async verifyMany(requests: readonly VerifyRequest[]): Promise<boolean[]> {
    const results: boolean[] = []
    for (let start = 0; start < requests.length; start += maxBatch)
      results.push(...this.#verifySome(requests.slice(start, start + maxBatch)))
    return results
  }

  #verifySome(requests: readonly VerifyRequest[]): boolean[] {
    const scheme = this.#scheme
    const random = (length: number) => this.randomBytes(length)
    if (requests.length >= minBatch && scheme.verifyAll?.(requests, random)) return requests.map(() => true)
    return requests.map(({ publicKey, message, signature }) => scheme.verify(publicKey, message, signature))
  }

  generateSignatureKeyPair(): SignatureKeyPair {
    const seed = this.randomBytes(this.#scheme.seedLength)
    const privateKey = this.#scheme.privateKeyFrom(seed)
    wipe(seed)
    return { publicKey: this.#scheme.publicKey(privateKey), privateKey }
  }

  signaturePublicKey(privateKey: Uint8Array): Bytes {
    return this.#scheme.publicKey(privateKey)
  }

  isSignaturePublicKey(publicKey: Uint8Array): boolean {
    return this.#scheme.isPublicKey(publicKey)
  }

  isHpkePublicKey(publicKey: Uint8Array): boolean {
    return isKemPublicKey(this.parameters.kem, publicKey)
  }

  deriveKeyPair(ikm: Uint8Array): Promise<HpkeKeyPair> {
    return this.#kem.deriveKeyPair(ikm)
  }

  deriveKeyPairs(ikms: readonly Uint8Array[]): Promise<HpkeKeyPair[]> {
    return Promise.all(ikms.map((ikm) => this.#kem.deriveKeyPair(ikm)))
  }

  async hpkeSeal(request: HpkeSealRequest): Promise<HpkeCiphertext> {
    const seed = this.randomBytes(this.#kem.seedLength)
    try {
      return await this.#hpke.seal(request, seed)
    } finally {
      wipe(seed)
    }
  }

  hpkeSealMany(requests: readonly HpkeSealRequest[]): Promise<HpkeCiphertext[]> {
    return Promise.all(requests.map((request) => this.hpkeSeal(request)))
  }

  hpkeOpen(
    keyPair: HpkeKeyPair,
    kemOutput: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ): Promise<Bytes> {
    return this.#hpke.open(keyPair, kemOutput, info, aad, ciphertext)
  }

  async hpkeSenderExport(
    publicKey: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): Promise<{ readonly kemOutput: Bytes; readonly exported: Bytes }> {
    const seed = this.randomBytes(this.#kem.seedLength)
    try {
      return await this.#hpke.senderExport(publicKey, seed, info, exporterContext, length)
    } finally {
      wipe(seed)
    }
  }

  hpkeReceiverExport(
    keyPair: HpkeKeyPair,
    kemOutput: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): Promise<Bytes> {
    return this.#hpke.receiverExport(keyPair, kemOutput, info, exporterContext, length)
  }
}

import { type Bytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type {
  CipherSuite,
  HpkeCiphertext,
  HpkeKeyPair,
  HpkeSealRequest,
  Rng,
  SignatureKeyPair,
  VerifyRequest,
} from '../crypto/cipher-suite.ts'
import type { SuiteParameters } from '../crypto/suites.ts'
import { type BatchHpke, createBatchHpke } from './hpke.ts'
import type { SuiteParts } from './parts.ts'
import { verifyMany } from './verify-many.ts'

/** A cipher suite whose parts all compute at once; what the WASM and Node providers open for suites 1, 2 and 3. */
export class PartsSuite implements CipherSuite {
  readonly parameters: SuiteParameters
  readonly provider: string
  readonly #rng: Rng
  readonly #parts: SuiteParts
  readonly #hpke: BatchHpke

  /** @param hpke what {@link createBatchHpke} made of the parts; it keeps nothing of a call */
  constructor(provider: string, parameters: SuiteParameters, parts: SuiteParts, rng: Rng, hpke?: BatchHpke) {
    this.provider = provider
    this.parameters = parameters
    this.#parts = parts
    this.#rng = rng
    this.#hpke = hpke ?? createBatchHpke(parameters, parts)
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

  isHpkePublicKey(publicKey: Uint8Array): boolean {
    return this.#parts.group.isPublicKey(publicKey)
  }

  async deriveKeyPair(ikm: Uint8Array): Promise<HpkeKeyPair> {
    const [pair] = this.#hpke.deriveKeyPairs([ikm])
    return pair as HpkeKeyPair
  }

  async deriveKeyPairs(ikms: readonly Uint8Array[]): Promise<HpkeKeyPair[]> {
    return this.#hpke.deriveKeyPairs(ikms)
  }

  async hpkeSeal(request: HpkeSealRequest): Promise<HpkeCiphertext> {
    const [sealed] = await this.hpkeSealMany([request])
    return sealed as HpkeCiphertext
  }

  async hpkeSealMany(requests: readonly HpkeSealRequest[]): Promise<HpkeCiphertext[]> {
    const seeds = requests.map(() => this.#seed())
    try {
      return this.#hpke.sealMany(requests, seeds)
    } finally {
      wipe(...seeds)
    }
  }

  async hpkeOpen(
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
    const seed = this.#seed()
    try {
      return this.#hpke.senderExport(publicKey, seed, info, exporterContext, length)
    } finally {
      wipe(seed)
    }
  }

  async hpkeReceiverExport(
    keyPair: HpkeKeyPair,
    kemOutput: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): Promise<Bytes> {
    return this.#hpke.receiverExport(keyPair, kemOutput, info, exporterContext, length)
  }

  #seed(): Bytes {
    return this.randomBytes(this.parameters.privateKeyLength)
  }
}

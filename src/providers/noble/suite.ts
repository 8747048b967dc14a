import { type Bytes, wipe } from '../../bytes/bytes.ts'
import type { CipherSuite, HpkeCiphertext, HpkeKeyPair, HpkeSealRequest, Rng } from '../../crypto/cipher-suite.ts'
import type { SignatureName, SuiteParameters } from '../../crypto/suites.ts'
import { BaseSuite } from '../base-suite.ts'
import { nobleAead } from './aead.ts'
import { ecdsaP256, ecdsaP384, ecdsaP521 } from './ecdsa.ts'
import { ed448, ed25519 } from './edwards.ts'
import { createHpke, type Hpke } from './hpke.ts'
import { nobleKdf } from './kdf.ts'
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

/** A cipher suite in plain JavaScript: @noble for the primitives, hpke-js for the KEM. */
export class NobleSuite extends BaseSuite implements CipherSuite {
  readonly #kem: Kem
  readonly #hpke: Hpke

  constructor(parameters: SuiteParameters, rng: Rng) {
    const kdf = nobleKdf(parameters.hash)
    const aead = nobleAead(parameters.aead)
    super('noble', parameters, { kdf, aead, signature: schemes[parameters.signature] }, rng)
    this.#kem = hpkeJsKem(parameters)
    this.#hpke = createHpke(parameters, this.#kem, kdf, aead)
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

import { type Bytes, wipe } from '../bytes/bytes.ts'
import type { CipherSuite, HpkeCiphertext, HpkeKeyPair, HpkeSealRequest, Rng } from '../crypto/cipher-suite.ts'
import type { SuiteParameters } from '../crypto/suites.ts'
import { BaseSuite } from './base-suite.ts'
import { type BatchHpke, createBatchHpke } from './hpke.ts'
import type { DhGroup, SuiteParts } from './parts.ts'

/** A cipher suite whose parts all compute at once; what the WASM and Node providers open for suites 1, 2 and 3. */
export class PartsSuite extends BaseSuite implements CipherSuite {
  readonly #group: DhGroup
  readonly #hpke: BatchHpke

  constructor(provider: string, parameters: SuiteParameters, parts: SuiteParts, rng: Rng) {
    super(provider, parameters, parts, rng)
    this.#group = parts.group
    this.#hpke = createBatchHpke(parameters, parts)
  }

  isHpkePublicKey(publicKey: Uint8Array): boolean {
    return this.#group.isPublicKey(publicKey)
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

/**
 * One sender ratchet (RFC 9420 §9.1):
 *
 * ```
 *   secret[j] --+--> "key", j    = key[j]
 *               +--> "nonce", j  = nonce[j]
 *               |
 *               v
 *               "secret", j = secret[j+1]
 * ```
 *
 * A ratchet holds the secret of the next generation alone. It never holds one of a generation that is over.
 */
import { type Bytes, wipe } from '../bytes/bytes.ts'
import { at, MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { deriveTreeSecretChain, deriveTreeSecrets, type LabelledOutput } from '../crypto/labels.ts'
import type { SuiteParameters } from '../crypto/suites.ts'

/** Handshake messages and application messages have a ratchet each (V094). */
export type RatchetType = 'handshake' | 'application'

/** Key and nonce of one generation: Nk and Nn bytes. The owner wipes them. */
export interface KeyAndNonce {
  readonly key: Bytes
  readonly nonce: Bytes
}

/** The number of generations of a ratchet: they are uint32, and the last of them is not used for sending (V213). */
export const generations = 2 ** 32

function keyOutputs({ keyLength, nonceLength }: SuiteParameters): LabelledOutput[] {
  return [
    { label: 'key', length: keyLength },
    { label: 'nonce', length: nonceLength },
  ]
}

/** Everything that a generation gives, and the secret of the one after. */
export interface Generation extends KeyAndNonce {
  readonly next: Bytes
}

/** Key, nonce and the secret of the generation after: three expansions in one batch. `secret` stays the caller's. */
export function deriveGeneration(suite: CipherSuite, secret: Uint8Array, generation: number): Generation {
  const { parameters } = suite
  const outputs = [...keyOutputs(parameters), { label: 'secret', length: parameters.hashLength }]
  const derived = deriveTreeSecrets(suite, secret, outputs, generation)
  return { key: at(derived, 0), nonce: at(derived, 1), next: at(derived, 2) }
}

/** Key and nonce of a generation: two expansions. `secret` stays the caller's. */
export function keyAndNonce(suite: CipherSuite, secret: Uint8Array, generation: number): KeyAndNonce {
  const derived = deriveTreeSecrets(suite, secret, keyOutputs(suite.parameters), generation)
  return { key: at(derived, 0), nonce: at(derived, 1) }
}

/** The secrets of consecutive generations up to the one of a message, on a copy. */
export interface Jump {
  /** The generation of the first secret. */
  readonly first: number
  /** The generation of the last secret. */
  readonly generation: number
  /** Of Nh bytes each, back to back. */
  readonly secrets: Bytes
}

/** Generations of one chain of a longer way: bounds what is held for it. */
const chainLength = 1024

/**
 * Runs ahead on a copy: one expansion a generation. Keys are not derived here, so that a message that fails costs least.
 * @param start the secret of generation `next`; consumed
 * @param keep how many generations before the last one to hold
 */
export function deriveJump(suite: CipherSuite, start: Bytes, next: number, generation: number, keep: number): Jump {
  const first = Math.max(next, generation - keep)
  if (next === generation) return { first, generation, secrets: start }
  const { hashLength } = suite.parameters
  const secrets = new Uint8Array((generation - first + 1) * hashLength)
  if (first === next) secrets.set(start)
  let secret = start
  for (let at = next; at < generation; ) {
    const count = Math.min(chainLength, generation - at)
    const chain = deriveTreeSecretChain(suite, secret, 'secret', at, count)
    wipe(secret)
    secret = chain.slice(-hashLength)
    // of generations from at + 1 on
    const passed = Math.max(0, first - at - 1)
    if (passed < count) secrets.set(chain.subarray(passed * hashLength), (at + 1 + passed - first) * hashLength)
    wipe(chain)
    at += count
  }
  wipe(secret)
  return { first, generation, secrets }
}

/** The secret of a generation of a jump, lent. */
export function secretOf({ first, generation, secrets }: Jump, wanted: number): Uint8Array {
  const length = secrets.length / (generation - first + 1)
  return secrets.subarray((wanted - first) * length, (wanted - first + 1) * length)
}

/** A ratchet as it is stored: the secret of generation `next`. */
export interface StoredRatchet {
  readonly next: number
  readonly secret: Bytes
}

/** A ratchet at its next generation. */
export class Ratchet {
  #secret: Bytes
  #next: number

  /** Takes ownership of `secret`, the secret of generation `next`. */
  constructor(secret: Bytes, next: number) {
    this.#secret = secret
    this.#next = next
  }

  /** The first generation that was not derived yet, 0..2^32. */
  get next(): number {
    return this.#next
  }

  /** The secret of generation {@link next}, lent: the borrower neither keeps nor changes it. */
  get secret(): Uint8Array {
    return this.#secret
  }

  /** What is stored of it; the secret is lent. */
  stored(): StoredRatchet {
    return { next: this.#next, secret: this.#secret }
  }

  /** Moves on; takes ownership of `secret`, wipes the one before. */
  replace(secret: Bytes, next: number): void {
    wipe(this.#secret)
    this.#secret = secret
    this.#next = next
  }

  /**
   * The key of the next generation, for sending: three expansions.
   * @throws `ratchet/exhausted` V213 at generation 2^32 - 1
   */
  advance(suite: CipherSuite): KeyAndNonce & { readonly generation: number } {
    const generation = this.#next
    // RFC 9420 §9.1 V213: a generation is a uint32 and must never come twice
    if (generation >= generations - 1)
      throw new MlsError('ratchet/exhausted', 'no generation is left in this epoch', { rule: 'V213' })
    const { key, nonce, next } = deriveGeneration(suite, this.#secret, generation)
    this.replace(next, generation + 1)
    return { generation, key, nonce }
  }

  wipe(): void {
    wipe(this.#secret)
  }
}

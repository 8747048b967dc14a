/**
 * Keys of generations that were skipped (RFC 9420 §9.2: "unconsumed values", §15.3): key and nonce, never a ratchet
 * secret. Bounded for each sender and for the group; the oldest go first (R06).
 */
import { wipe } from '../bytes/bytes.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { SecretTreeLimits } from './limits.ts'
import type { KeyAndNonce, RatchetType } from './ratchet.ts'

/** One kept key. `order` counts up in the order of storing. */
export interface SkippedKey extends KeyAndNonce {
  readonly leaf: LeafIndex
  readonly type: RatchetType
  readonly generation: number
  readonly order: number
}

/** One number for a ratchet type and a generation. */
function slot(type: RatchetType, generation: number): number {
  return 2 * generation + (type === 'application' ? 1 : 0)
}

/** The kept keys of one secret tree. */
export class SkippedKeys {
  readonly #limits: SecretTreeLimits
  /** By order; a Map iterates in the order of insertion, so the first one is the oldest. */
  readonly #all = new Map<number, SkippedKey>()
  readonly #bySender = new Map<LeafIndex, Map<number, SkippedKey>>()
  #order = 0

  constructor(limits: SecretTreeLimits) {
    this.#limits = limits
  }

  /** The number of kept keys. */
  get size(): number {
    return this.#all.size
  }

  /** The order that the next key will get: a mark in time for {@link forget}. */
  get order(): number {
    return this.#order
  }

  get(leaf: LeafIndex, type: RatchetType, generation: number): SkippedKey | undefined {
    return this.#bySender.get(leaf)?.get(slot(type, generation))
  }

  /** The kept keys of one sender, oldest first. */
  ofSender(leaf: LeafIndex): readonly SkippedKey[] {
    return [...(this.#bySender.get(leaf)?.values() ?? [])]
  }

  /** Keeps a key, which now belongs here; returns the senders that lost one for it. */
  add(leaf: LeafIndex, type: RatchetType, generation: number, keys: KeyAndNonce): readonly LeafIndex[] {
    return this.restore({ leaf, type, generation, order: this.#order, ...keys })
  }

  /** Keeps a key under the order that it had; callers restore in ascending order. */
  restore(key: SkippedKey): readonly LeafIndex[] {
    const losers: LeafIndex[] = []
    this.#order = key.order + 1
    if (this.#limits.skippedPerSender === 0 || this.#limits.skippedPerGroup === 0) {
      wipe(key.key, key.nonce)
      return losers
    }
    const own = this.#bySender.get(key.leaf)
    // R06: the oldest first, of this sender and of the group
    if (own !== undefined && own.size >= this.#limits.skippedPerSender) this.#drop(own.values().next().value)
    if (this.#all.size >= this.#limits.skippedPerGroup) {
      const oldest = this.#all.values().next().value
      if (oldest !== undefined) losers.push(oldest.leaf)
      this.#drop(oldest)
    }
    const keys = this.#bySender.get(key.leaf) ?? new Map<number, SkippedKey>()
    keys.set(slot(key.type, key.generation), key)
    this.#bySender.set(key.leaf, keys)
    this.#all.set(key.order, key)
    return losers
  }

  /** Deletes and wipes one key; whether it was there. */
  consume(leaf: LeafIndex, type: RatchetType, generation: number): boolean {
    const key = this.get(leaf, type, generation)
    this.#drop(key)
    return key !== undefined
  }

  /** Deletes and wipes the keys stored before a mark; returns their senders. */
  forget(mark: number): ReadonlySet<LeafIndex> {
    const losers = new Set<LeafIndex>()
    for (const [order, key] of this.#all) {
      if (order >= mark) break
      losers.add(key.leaf)
      this.#drop(key)
    }
    return losers
  }

  /** Lets the next key have an order of at least `order`; for snapshots. */
  continueAt(order: number): void {
    this.#order = Math.max(this.#order, order)
  }

  wipe(): void {
    this.forget(this.#order)
  }

  #drop(key: SkippedKey | undefined): void {
    if (key === undefined) return
    wipe(key.key, key.nonce)
    this.#all.delete(key.order)
    const own = this.#bySender.get(key.leaf)
    own?.delete(slot(key.type, key.generation))
    if (own?.size === 0) this.#bySender.delete(key.leaf)
  }
}

/**
 * The secret tree of an epoch and the sender ratchets below it (RFC 9420 §9); the one owner of mutable secrets.
 *
 * ```
 *   encryption_secret -> node secrets -> leaf --+--> handshake ratchet   -> key, nonce of each generation
 *   (NodeSecrets, lazily, O(log n))             +--> application ratchet -> key, nonce of each generation
 * ```
 *
 * Invariants (V209-V215):
 * - what was consumed is wiped before a call returns: node secrets above a used leaf, ratchet secrets of past generations,
 *   keys that were used. Skipped generations keep key and nonce alone (RFC 9420 §9.2);
 * - a message changes nothing until {@link OpeningKey.accept}: keys are derived on a copy;
 * - a generation opens once, and is sealed with once.
 *
 * Expansions: next message of a sender 3; first message 2 log2(n) + 5; a jump of d generations adds d, and 2 for each key
 * that is kept.
 */
import { type Bytes, copyBytes, wipe } from '../bytes/bytes.ts'
import { bug, check, MlsError } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { fullWidth, type LeafIndex, root } from '../tree-math/tree-math.ts'
import { Ahead, continueTo } from './ahead.ts'
import { type SecretTreeLimits, secretTreeLimits } from './limits.ts'
import { OpeningKey } from './opening-key.ts'
import {
  deriveGeneration,
  type Generation,
  generations,
  type KeyAndNonce,
  keyAndNonce,
  type RatchetType,
  secretOf,
} from './ratchet.ts'
import { decodeRows, encodeRows, type SecretTreeRow } from './snapshot.ts'
import { TreeSecrets, type Way, wipeWay } from './tree-secrets.ts'

/** Key and nonce for one message; the caller wipes them. */
export interface SealingKey extends KeyAndNonce {
  readonly generation: number
}

/** See the head of this file. */
export class SecretTree {
  readonly #suite: CipherSuite
  readonly #limits: SecretTreeLimits
  readonly #secrets: TreeSecrets
  readonly #reserved = new Map<string, SealingKey[]>()
  /** R05; not stored, so that a message that fails changes no stored byte. */
  readonly #failures = new Map<LeafIndex, number>()
  readonly #ahead = new Ahead()
  #wiped = false

  /**
   * The tree of a new epoch.
   * @param encryptionSecret consumed
   * @param leafCount width of the ratchet tree, a power of two
   * @throws `secret/consumed`
   */
  constructor(
    suite: CipherSuite,
    encryptionSecret: Secret<'encryption_secret'> | TreeSecrets,
    leafCount: number,
    limits: SecretTreeLimits = secretTreeLimits,
  ) {
    if (fullWidth(leafCount) !== leafCount) throw bug('a width that no tree has')
    this.#suite = suite
    this.#limits = limits
    if (encryptionSecret instanceof TreeSecrets) {
      this.#secrets = encryptionSecret
      return
    }
    this.#secrets = new TreeSecrets(suite, leafCount, new Map([[root(leafCount), encryptionSecret.take()]]), limits)
    this.#secrets.touchAll()
  }

  /** The width of the tree. */
  get leafCount(): number {
    return this.#secrets.leafCount
  }

  /** The generation that the next {@link seal} gives, 0..2^32 - 1. */
  nextGeneration(leaf: LeafIndex, type: RatchetType): number {
    const reserved = this.#reserved.get(`${type} ${leaf}`)?.[0]
    return reserved?.generation ?? this.#secrets.next(leaf, type)
  }

  /**
   * Key and nonce for one message of an own leaf; the ratchet has moved on when this returns.
   * @param length bytes that will be encrypted; they count against the bound of the epoch
   * @throws `ratchet/exhausted` when no generation is left (V213) or the bound of the epoch is reached (V214): commit first
   */
  seal(leaf: LeafIndex, type: RatchetType, length = 0): SealingKey {
    this.#enter(leaf)
    const { sealed } = this.#secrets
    // RFC 9420 §15.2 V214
    check(
      sealed.messages < this.#limits.sealedMessages && sealed.bytes + length <= this.#limits.sealedBytes,
      'ratchet/exhausted',
      'V214',
      'the AEAD bound of this epoch is reached',
    )
    const key = this.#reserved.get(`${type} ${leaf}`)?.shift() ?? this.#advance(leaf, type)
    this.#secrets.countSealed(length)
    return key
  }

  /**
   * Takes the keys of the next `amount` generations out of the ratchet, into memory alone: what is stored afterwards starts
   * behind them, so one write covers as many messages. After a crash the reserved generations are skipped.
   * @throws `ratchet/exhausted` V213, `limit/exceeded` R04 for more than `forwardSteps`, since no peer would follow
   */
  reserve(leaf: LeafIndex, type: RatchetType, amount: number): void {
    this.#enter(leaf)
    check(amount <= this.#limits.forwardSteps, 'limit/exceeded', 'R04', 'more generations than peers follow')
    const next = this.#secrets.next(leaf, type)
    // RFC 9420 §9.1 V213: all or none
    check(next + amount < generations, 'ratchet/exhausted', 'V213', 'no generation is left in this epoch')
    const keys = this.#reserved.get(`${type} ${leaf}`) ?? []
    for (let i = 0; i < amount; i++) keys.push(this.#advance(leaf, type))
    this.#reserved.set(`${type} ${leaf}`, keys)
  }

  /**
   * Key and nonce for a message that was received, derived on a copy. Nothing changes before `accept`.
   * @throws `tree/index` V092 outside the tree; `ratchet/generation_gone` V211 for one that was used or forgotten (V212);
   * `ratchet/too_far`, without any derivation, above the bounds (V209 for R04, R05 after failures)
   */
  openingKey(leaf: LeafIndex, type: RatchetType, generation: number): OpeningKey {
    this.#enter(leaf)
    check(
      Number.isInteger(generation) && generation >= 0 && generation < generations,
      'codec/range',
      'V026',
      'a generation is a uint32',
    )
    const next = this.#secrets.next(leaf, type)
    if (generation < next) {
      const kept = this.#secrets.skipped.get(leaf, type, generation)
      if (kept === undefined) throw gone()
      const copy = { key: copyBytes(kept.key), nonce: copyBytes(kept.nonce) }
      return new OpeningKey(copy, (outcome) => {
        if (outcome === 'accepted') this.#consume(leaf, type, generation)
        else if (outcome === 'failed') this.#countFailure(leaf)
      })
    }
    const steps = generation - next
    // RFC 9420 §15.3 V209, R04: before anything is derived
    check(steps <= this.#limits.forwardSteps, 'ratchet/too_far', 'V209', 'a generation too far ahead')
    // R05: each failure cost us the whole jump
    const { failures, stepsAfterFailures } = this.#limits
    check(
      (this.#failures.get(leaf) ?? 0) < failures || steps <= stepsAfterFailures,
      'ratchet/too_far',
      'R05',
      'a generation too far ahead after many failures',
    )
    const ahead = this.#ahead.find(leaf, type, generation)
    const way = ahead === undefined ? this.#wayTo(leaf, type, generation) : continueTo(this.#suite, ahead, generation)
    const derived = deriveGeneration(this.#suite, secretOf(way.jump, generation), generation)
    return new OpeningKey(derived, (outcome) => {
      try {
        if (outcome !== 'accepted' || this.#wiped) wipe(derived.next)
        if (outcome === 'accepted') this.#follow(leaf, type, generation, derived, ahead === undefined ? way : undefined)
        else if (outcome === 'failed') this.#countFailure(leaf)
        else if (!this.#wiped && generation >= this.#secrets.next(leaf, type))
          this.#ahead.keep({ leaf, type, generation, secret: secretOf(way.jump, generation) })
      } finally {
        wipeWay(way)
      }
    })
  }

  /** A mark in time for {@link forgetSkipped}. */
  get mark(): number {
    return this.#secrets.skipped.order
  }

  /** Deletes the keys of skipped generations that were stored before a mark (R06: after some days). */
  forgetSkipped(mark: number): void {
    this.#secrets.forget(mark)
  }

  /** The rows that changed since the last call, to be stored before anything leaves; the first call gives all rows. */
  takeChanges(): SecretTreeRow[] {
    this.#alive()
    return this.#secrets.takeChanges()
  }

  /** A snapshot; equal states have equal bytes. Reserved generations and counted failures are not part of it. */
  encode(): Bytes {
    this.#alive()
    const rows = this.#secrets.rows()
    const bytes = encodeRows(rows)
    for (const { value } of rows) wipe(value)
    return bytes
  }

  /** A tree from a snapshot. @throws `snapshot/version`, `snapshot/damaged` */
  static decode(suite: CipherSuite, bytes: Uint8Array, limits?: SecretTreeLimits): SecretTree {
    return SecretTree.fromRows(suite, decodeRows(bytes), limits)
  }

  /** A tree from all of its stored rows, whose values then belong to it. @throws `snapshot/damaged` */
  static fromRows(suite: CipherSuite, rows: Iterable<SecretTreeRow>, limits = secretTreeLimits): SecretTree {
    const secrets = TreeSecrets.fromRows(suite, rows, limits)
    return new SecretTree(suite, secrets, secrets.leafCount, limits)
  }

  /** A second owner with its own memory, reserved keys included: only one of the two may seal. */
  clone(): SecretTree {
    this.#alive()
    const copy = new SecretTree(this.#suite, this.#secrets.clone(this.#limits), this.leafCount, this.#limits)
    for (const [id, keys] of this.#reserved) {
      const own = ({ generation, key, nonce }: SealingKey) => ({
        generation,
        key: copyBytes(key),
        nonce: copyBytes(nonce),
      })
      copy.#reserved.set(id, keys.map(own))
    }
    for (const [leaf, failures] of this.#failures) copy.#failures.set(leaf, failures)
    return copy
  }

  /** Whether {@link wipe} was called; then there is nothing left to encode. */
  get wiped(): boolean {
    return this.#wiped
  }

  /** Zeroes every secret; later calls throw `secret/consumed`. */
  wipe(): void {
    this.#wiped = true
    this.#secrets.wipe()
    this.#ahead.wipe()
    for (const keys of this.#reserved.values()) for (const { key, nonce } of keys) wipe(key, nonce)
    this.#reserved.clear()
  }

  #enter(leaf: LeafIndex): void {
    this.#alive()
    // RFC 9420 §6.3.2 V092: before any walk
    check(Number.isInteger(leaf) && leaf >= 0 && leaf < this.leafCount, 'tree/index', 'V092', 'a leaf outside the tree')
  }

  #alive(): void {
    check(!this.#wiped, 'secret/consumed', undefined, 'the secret tree of a past epoch')
  }

  #advance(leaf: LeafIndex, type: RatchetType): SealingKey {
    const secrets = this.#secrets
    const ratchets = secrets.sender(leaf) ?? secrets.start(leaf, secrets.nodes.derivePath(leaf))
    const key = ratchets[type].advance(this.#suite)
    this.#ahead.wipe(leaf)
    secrets.touch(leaf)
    return key
  }

  #wayTo(leaf: LeafIndex, type: RatchetType, generation: number): Way {
    return this.#secrets.wayTo(leaf, type, generation, this.#limits.skippedPerSender)
  }

  /** Moves a ratchet behind the generation of a message that holds, and keeps the keys that it skipped. Consumes `next`. */
  #follow(leaf: LeafIndex, type: RatchetType, generation: number, { next }: Generation, known: Way | undefined): void {
    this.#alive()
    const tree = this.#secrets
    // another message of this sender was accepted since the key was derived
    if (generation < tree.next(leaf, type)) {
      wipe(next)
      this.#consume(leaf, type, generation)
      return
    }
    const way = known ?? this.#wayTo(leaf, type, generation)
    const ratchet = (tree.sender(leaf) ?? tree.start(leaf, way.path ?? tree.nodes.derivePath(leaf)))[type]
    for (let skipped = Math.max(way.jump.first, ratchet.next); skipped < generation; skipped++)
      tree.keep(leaf, type, skipped, keyAndNonce(this.#suite, secretOf(way.jump, skipped), skipped))
    ratchet.replace(next, generation + 1)
    wipeWay(way)
    this.#accepted(leaf)
  }

  /** Uses up a key that was kept. */
  #consume(leaf: LeafIndex, type: RatchetType, generation: number): void {
    this.#alive()
    // RFC 9420 §9.1 V211: a generation opens once
    if (!this.#secrets.skipped.consume(leaf, type, generation)) throw gone()
    this.#accepted(leaf)
  }

  #accepted(leaf: LeafIndex): void {
    this.#ahead.wipe(leaf)
    this.#failures.delete(leaf)
    this.#secrets.touch(leaf)
  }

  #countFailure(leaf: LeafIndex): void {
    this.#failures.set(leaf, (this.#failures.get(leaf) ?? 0) + 1)
  }
}

function gone(): MlsError {
  return new MlsError('ratchet/generation_gone', 'a generation that was used or forgotten', { rule: 'V211' })
}

/**
 * What a secret tree holds, and how it is stored: node secrets, ratchets, kept keys, counters. Every change is noted, so
 * that storing one message writes the rows of that message alone.
 */
import { type Bytes, copyBytes, empty, wipe } from '../bytes/bytes.ts'
import { bug } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { expandWithLabel } from '../crypto/labels.ts'
import type { LeafIndex, NodeIndex } from '../tree-math/tree-math.ts'
import type { SecretTreeLimits } from './limits.ts'
import { type DerivedPath, NodeSecrets, wipePath } from './node-secrets.ts'
import { deriveJump, type Jump, type KeyAndNonce, Ratchet, type RatchetType, type StoredRatchet } from './ratchet.ts'
import { SkippedKeys } from './skipped-keys.ts'
import { encodeSender, encodeState, readRows, type SecretTreeRow, type StoredRow } from './snapshot.ts'

/** The two ratchets of a member. */
export type SenderRatchets = Readonly<Record<RatchetType, Ratchet>>

/** A copy of the secrets up to those of a generation, and down to the leaf where that was not used yet. */
export interface Way {
  readonly jump: Jump
  readonly path: DerivedPath | undefined
}

/** Wipes what is left of a copy. */
export function wipeWay({ jump, path }: Way): void {
  wipe(jump.secrets)
  if (path !== undefined) wipePath(path)
}

/** The secrets of one tree. */
export class TreeSecrets {
  readonly leafCount: number
  readonly nodes: NodeSecrets
  readonly skipped: SkippedKeys
  readonly #suite: CipherSuite
  readonly #senders = new Map<LeafIndex, SenderRatchets>()
  #sealedMessages = 0
  #sealedBytes = 0
  readonly #changed = { state: false, nodes: new Set<NodeIndex>(), senders: new Set<LeafIndex>() }

  /** Takes ownership of the secrets. */
  constructor(suite: CipherSuite, leafCount: number, nodes: Map<NodeIndex, Bytes>, limits: SecretTreeLimits) {
    this.#suite = suite
    this.leafCount = leafCount
    this.nodes = new NodeSecrets(suite, leafCount, nodes)
    this.skipped = new SkippedKeys(limits)
  }

  /** What this client encrypted in the epoch (V214). */
  get sealed(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#sealedMessages, bytes: this.#sealedBytes }
  }

  /** Counts a message that is encrypted. */
  countSealed(length: number): void {
    this.#sealedMessages += 1
    this.#sealedBytes += length
    this.#changed.state = true
  }

  /** The ratchets of a leaf that was used. */
  sender(leaf: LeafIndex): SenderRatchets | undefined {
    return this.#senders.get(leaf)
  }

  /** The first generation that a ratchet did not pass. */
  next(leaf: LeafIndex, type: RatchetType): number {
    return this.#senders.get(leaf)?.[type].next ?? 0
  }

  /** Derives on a copy up to a generation that is not over; see {@link deriveJump} for `keep`. */
  wayTo(leaf: LeafIndex, type: RatchetType, generation: number, keep: number): Way {
    const ratchet = this.#senders.get(leaf)?.[type]
    const path = ratchet === undefined ? this.nodes.derivePath(leaf) : undefined
    const start =
      path === undefined
        ? copyBytes((ratchet as Ratchet).secret)
        : this.ratchetSecret(this.nodes.leafSecret(path), type)
    return { jump: deriveJump(this.#suite, start, ratchet?.next ?? 0, generation, keep), path }
  }

  /** `handshake_ratchet_secret` or `application_ratchet_secret` of generation 0 (RFC 9420 §9). */
  ratchetSecret(leafSecret: Uint8Array, type: RatchetType): Bytes {
    return expandWithLabel(this.#suite, leafSecret, type, empty, this.#suite.parameters.hashLength)
  }

  /** Uses up the leaf secret of a new sender: both ratchets start, and the way to the leaf is forgotten. Consumes the copy. */
  start(leaf: LeafIndex, path: DerivedPath): SenderRatchets {
    const { secret, changed } = this.nodes.install(path)
    const ratchets = {
      handshake: new Ratchet(this.ratchetSecret(secret, 'handshake'), 0),
      application: new Ratchet(this.ratchetSecret(secret, 'application'), 0),
    }
    wipe(secret)
    this.#senders.set(leaf, ratchets)
    for (const node of changed) this.#changed.nodes.add(node)
    return ratchets
  }

  /** Keeps the key of a skipped generation. */
  keep(leaf: LeafIndex, type: RatchetType, generation: number, keys: KeyAndNonce): void {
    for (const loser of this.skipped.add(leaf, type, generation, keys)) this.#changed.senders.add(loser)
    this.#changed.state = true
  }

  /** Deletes kept keys that were stored before a mark. */
  forget(mark: number): void {
    for (const leaf of this.skipped.forget(mark)) this.#changed.senders.add(leaf)
  }

  /** Notes that the ratchets or kept keys of a sender changed. */
  touch(leaf: LeafIndex): void {
    this.#changed.senders.add(leaf)
  }

  /** Notes everything as changed; for a tree that was never stored. */
  touchAll(): void {
    this.#changed.state = true
    for (const [node] of this.nodes.entries()) this.#changed.nodes.add(node)
  }

  /** All rows, in an order that depends on the state alone. Their values are copies. */
  rows(): StoredRow[] {
    return [
      this.#stateRow(),
      ...ascending([...this.nodes.entries()].map(([node]) => node)).map((node) => this.#nodeRow(node) as StoredRow),
      ...ascending(this.#senders.keys()).map((leaf) => this.#senderRow(leaf)),
    ]
  }

  /** The rows that changed since the last call. */
  takeChanges(): SecretTreeRow[] {
    const { nodes, senders } = this.#changed
    const rows: SecretTreeRow[] = this.#changed.state ? [this.#stateRow()] : []
    rows.push(...ascending(nodes).map((node) => this.#nodeRow(node)))
    rows.push(...ascending(senders).map((leaf) => this.#senderRow(leaf)))
    this.#changed.state = false
    nodes.clear()
    senders.clear()
    return rows
  }

  /** The secrets of stored rows, whose values then belong here. @throws `snapshot/damaged` */
  static fromRows(suite: CipherSuite, rows: Iterable<SecretTreeRow>, limits: SecretTreeLimits): TreeSecrets {
    const { state, nodes, senders } = readRows(suite.parameters, rows)
    const secrets = new TreeSecrets(suite, state.leafCount, nodes, limits)
    const ratchet = ({ secret, next }: StoredRatchet) => new Ratchet(secret, next)
    const kept = []
    for (const [leaf, { handshake, application, skipped }] of senders) {
      secrets.#senders.set(leaf, { handshake: ratchet(handshake), application: ratchet(application) })
      for (const key of skipped) kept.push({ leaf, ...key })
    }
    for (const key of kept.sort((a, b) => a.order - b.order)) secrets.skipped.restore(key)
    secrets.skipped.continueAt(state.order)
    secrets.#sealedMessages = state.sealedMessages
    secrets.#sealedBytes = state.sealedBytes
    return secrets
  }

  /** A second owner with its own memory. */
  clone(limits: SecretTreeLimits): TreeSecrets {
    const copy = TreeSecrets.fromRows(this.#suite, this.rows(), limits)
    copy.#changed.state = this.#changed.state
    for (const node of this.#changed.nodes) copy.#changed.nodes.add(node)
    for (const leaf of this.#changed.senders) copy.#changed.senders.add(leaf)
    return copy
  }

  /** Zeroes every secret. */
  wipe(): void {
    this.nodes.wipe()
    this.skipped.wipe()
    for (const { handshake, application } of this.#senders.values()) {
      handshake.wipe()
      application.wipe()
    }
    this.#senders.clear()
  }

  #stateRow(): StoredRow {
    const { messages, bytes } = this.sealed
    const value = encodeState({
      leafCount: this.leafCount,
      sealedMessages: messages,
      sealedBytes: bytes,
      order: this.skipped.order,
    })
    return { kind: 'state', index: 0, value }
  }

  #nodeRow(node: NodeIndex): SecretTreeRow {
    const secret = this.nodes.get(node)
    return { kind: 'node', index: node, value: secret === undefined ? undefined : copyBytes(secret) }
  }

  #senderRow(leaf: LeafIndex): StoredRow {
    const sender = this.#senders.get(leaf)
    if (sender === undefined) throw bug('a sender without ratchets')
    const value = encodeSender(sender.handshake, sender.application, this.skipped.ofSender(leaf))
    return { kind: 'sender', index: leaf, value }
  }
}

function ascending(indexes: Iterable<number>): number[] {
  return [...indexes].sort((a, b) => a - b)
}

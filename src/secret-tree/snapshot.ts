/**
 * The stored form of a secret tree: rows, so that one message writes the few bytes that it changed, and a snapshot that is
 * all rows in one byte string. Version 1. Rows hold secrets: they are stored encrypted, and wiped by whoever holds them.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Codec, decode, enumeration, opaque, struct, uint8, uint32, vec } from '../codec/codec.ts'
import { Writer } from '../codec/writer.ts'
import type { SuiteParameters } from '../crypto/suites.ts'
import { fullWidth, leafToNode, level, type NodeIndex } from '../tree-math/tree-math.ts'
import { wireLimits } from '../wire/limits.ts'
import { generations, type Ratchet, type StoredRatchet } from './ratchet.ts'
import type { SkippedKey } from './skipped-keys.ts'

/** One row. `index` is a node or leaf index, 0 for the state row. An absent value: the row is to be deleted. */
export interface SecretTreeRow {
  readonly kind: 'state' | 'node' | 'sender'
  readonly index: number
  readonly value: Bytes | undefined
}

/** A row that is there. */
export type StoredRow = SecretTreeRow & { readonly value: Bytes }

const formatVersion = 1

/** A number up to 2^53 - 1 in eight bytes. */
const count: Codec<number> = {
  read(reader) {
    const value = Number(reader.uint64())
    if (!Number.isSafeInteger(value)) throw damaged('a counter out of range')
    return value
  },
  write: (writer, value) => writer.uint64(BigInt(value)),
}

const RatchetState = struct({ next: count, secret: opaque })
const StoredKey = struct({
  type: enumeration(uint8, { handshake: 1, application: 2 }, 'V094'),
  generation: uint32,
  order: count,
  key: opaque,
  nonce: opaque,
})
const SenderRow = struct({ handshake: RatchetState, application: RatchetState, skipped: vec(StoredKey) })
const StateRow = struct({ leafCount: uint32, sealedMessages: count, sealedBytes: count, order: count })
const Snapshot = vec(
  struct({ kind: enumeration(uint8, { state: 1, node: 2, sender: 3 }, 'V001'), index: uint32, value: opaque }),
)

/** Counters of a tree. `order` is that of the next kept key. */
export interface TreeState {
  readonly leafCount: number
  readonly sealedMessages: number
  readonly sealedBytes: number
  readonly order: number
}

/** A sender as it is stored; `skipped` in ascending order. */
export interface StoredSender {
  readonly handshake: StoredRatchet
  readonly application: StoredRatchet
  readonly skipped: readonly Omit<SkippedKey, 'leaf'>[]
}

/** Everything that the rows of one tree hold. */
export interface StoredTree {
  readonly state: TreeState
  readonly nodes: Map<NodeIndex, Bytes>
  readonly senders: Map<number, StoredSender>
}

/** The row of a tree itself. */
export function encodeState(state: TreeState): Bytes {
  return write(StateRow, state)
}

/** Lends the secrets of the ratchets. */
export function encodeSender(handshake: Ratchet, application: Ratchet, skipped: readonly SkippedKey[]): Bytes {
  return write(SenderRow, { handshake: handshake.stored(), application: application.stored(), skipped })
}

/** All rows as one byte string. The rows stay the caller's. */
export function encodeRows(rows: readonly StoredRow[]): Bytes {
  const writer = new Writer(256)
  writer.uint8(formatVersion)
  Snapshot.write(writer, rows)
  const bytes = writer.finish()
  writer.wipe()
  return bytes
}

/** @throws `snapshot/version` for another version, `snapshot/damaged` for anything else */
export function decodeRows(bytes: Uint8Array): readonly SecretTreeRow[] {
  if (bytes[0] !== formatVersion) throw new MlsError('snapshot/version', 'a secret tree of another format')
  return intact(() => decode(Snapshot, bytes.subarray(1)))
}

/**
 * Reads all rows of a tree and checks that they fit together: every leaf is used or lies below one stored node.
 * @throws `snapshot/damaged`
 */
export function readRows(parameters: SuiteParameters, rows: Iterable<SecretTreeRow>): StoredTree {
  let state: TreeState | undefined
  const nodes = new Map<NodeIndex, Bytes>()
  const senders = new Map<number, StoredSender>()
  for (const { kind, index, value } of rows) {
    if (value === undefined) throw damaged('a row without a value')
    if (kind === 'state') {
      if (state !== undefined) throw damaged('two state rows')
      state = intact(() => decode(StateRow, value))
    } else if (kind === 'node') {
      if (nodes.has(index)) throw damaged('a node twice')
      nodes.set(index, value)
    } else {
      if (senders.has(index)) throw damaged('a sender twice')
      senders.set(
        index,
        intact(() => decode(SenderRow, value)),
      )
    }
  }
  if (state === undefined) throw damaged('no state row')
  if (state.leafCount > wireLimits.members || fullWidth(state.leafCount) !== state.leafCount)
    throw damaged('a number of leaves that no tree has')
  const tree = { state, nodes, senders }
  checkCover(tree)
  checkSecrets(parameters, tree)
  return tree
}

/** The stored nodes and the used leaves tile the leaves of the tree, without gap and overlap. */
function checkCover({ state, nodes, senders }: StoredTree): void {
  const parts = [...nodes.keys(), ...[...senders.keys()].map(leafToNode)].sort((a, b) => a - b)
  let end = -2
  for (const node of parts) {
    const reach = 2 ** level(node) - 1
    if (node - reach !== end + 2) throw damaged('nodes that do not cover the tree')
    end = node + reach
  }
  if (end !== 2 * state.leafCount - 2) throw damaged('nodes that do not cover the tree')
}

function checkSecrets({ hashLength, keyLength, nonceLength }: SuiteParameters, { state, nodes, senders }: StoredTree) {
  const orders = new Set<number>()
  for (const secret of nodes.values()) if (secret.length !== hashLength) throw damaged('a secret of another length')
  for (const sender of senders.values()) {
    for (const { next, secret } of [sender.handshake, sender.application])
      if (secret.length !== hashLength || next > generations) throw damaged('a ratchet out of range')
    const slots = new Set<string>()
    for (const { type, generation, order, key, nonce } of sender.skipped) {
      const slot = `${type} ${generation}`
      if (generation >= sender[type].next || slots.has(slot) || orders.has(order) || order >= state.order)
        throw damaged('a kept key that was not skipped')
      if (key.length !== keyLength || nonce.length !== nonceLength) throw damaged('a key of another length')
      slots.add(slot)
      orders.add(order)
    }
  }
}

function write<T>(codec: Codec<T>, value: T): Bytes {
  const writer = new Writer(256)
  codec.write(writer, value)
  const bytes = writer.finish()
  writer.wipe()
  return bytes
}

function intact<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new MlsError('snapshot/damaged', 'the bytes are not a secret tree', { cause })
  }
}

function damaged(message: string): MlsError {
  return new MlsError('snapshot/damaged', message)
}

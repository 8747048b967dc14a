/**
 * What is known about all members without looking at them: who holds a key, and how many members support a type. The
 * indexes share structure between epochs; a commit changes O(log n) of them.
 *
 * They also keep the invariant that every key of a tree is there once (RFC 9420 §7.3, §12.4.3.1, §16.7): a tree that
 * breaks it is never made.
 */
import { equalBytes } from '../bytes/bytes.ts'
import { bug, MlsError } from '../bytes/errors.ts'
import type { LeafIndex, NodeIndex } from '../tree-math/tree-math.ts'
import { type Capabilities, readLeafSummary } from '../wire/leaf-node.ts'
import type { ParentNode } from '../wire/ratchet-tree.ts'
import { TreeLeaf } from './node.ts'
import { Entry, type MapDraft, PersistentMap, trieKey } from './persistent-map.ts'

/** The lists of RFC 9420 §7.2 Capabilities. */
export type CapabilityKind = keyof Capabilities

const kinds = {
  versions: 0,
  cipherSuites: 1,
  extensions: 2,
  proposals: 3,
  credentials: 4,
} as const satisfies Record<CapabilityKind, number>
const kindNames = Object.keys(kinds) as readonly CapabilityKind[]

/** Nodes of a whole tree between two stops. */
const stride = 256
/** Longest key that is indexed, in bytes: twice the largest of any suite. */
const maxKeyLength = 266

/** The indexes of one tree. */
export interface TreeIndexes {
  /** Node of each encryption key, leaves and parents. */
  readonly encryptionKeys: PersistentMap<NodeIndex>
  /** Leaf of each signature key. */
  readonly signatureKeys: PersistentMap<LeafIndex>
  /** Members that list a type, by {@link supportKey}. */
  readonly support: PersistentMap<number>
  /** Members with a credential of a type. */
  readonly credentialTypes: ReadonlyMap<number, number>
}

/** The indexes of a tree without nodes. */
export const emptyIndexes: TreeIndexes = {
  encryptionKeys: PersistentMap.empty(),
  signatureKeys: PersistentMap.empty(),
  support: PersistentMap.empty(),
  credentialTypes: new Map(),
}

/** The key of a type in {@link TreeIndexes.support}. */
export function supportKey(kind: CapabilityKind, type: number): string {
  return String.fromCharCode(kinds[kind], (type >> 8) & 0xff, type & 0xff)
}

/** A node that enters or leaves a tree. */
export type IndexedNode = TreeLeaf | ParentNode

/**
 * The next version of the indexes. All nodes that leave are dropped before those that enter are put, so that a key may move
 * from one node to another in one step.
 */
export class IndexDraft {
  #encryptionKeys: MapDraft<NodeIndex>
  #signatureKeys: MapDraft<LeafIndex>
  readonly #base: TreeIndexes
  /** Changes of the numbers of members that list exactly this; most members list the same. */
  readonly #capabilities = new Map<Capabilities, number>()
  readonly #credentialTypes = new Map<number, number>()

  constructor(base: TreeIndexes) {
    this.#base = base
    this.#encryptionKeys = base.encryptionKeys.draft()
    this.#signatureKeys = base.signatureKeys.draft()
  }

  /** Takes a node out; `next` takes its place later. */
  drop(item: IndexedNode, next?: IndexedNode): void {
    if (!(item instanceof TreeLeaf)) {
      this.#encryptionKeys.delete(keyOf(item.encryptionKey))
      return
    }
    const { encryptionKey, signatureKey, credentialType, capabilities } = readLeafSummary(item.bytes)
    this.#encryptionKeys.delete(keyOf(encryptionKey))
    if (!keepsSigner(item, next)) this.#signatureKeys.delete(keyOf(signatureKey))
    add(this.#capabilities, capabilities, -1)
    add(this.#credentialTypes, credentialType, -1)
  }

  /**
   * Puts a node in, in the place of `last` if there was one.
   * @throws `leaf/key_reuse` when another node has its encryption key (V124 two leaves, V125 leaf and parent, V161 two
   *   parents) or another leaf its signature key (V123); `crypto/key` for a key longer than that of any suite (V032, V036)
   */
  put(node: NodeIndex, item: IndexedNode, last?: IndexedNode): void {
    if (!(item instanceof TreeLeaf)) {
      this.#putEncryptionKey(node, item.encryptionKey)
      return
    }
    const { encryptionKey, signatureKey, credentialType, capabilities } = readLeafSummary(item.bytes)
    this.#putEncryptionKey(node, encryptionKey)
    const other = keepsSigner(item, last) ? undefined : this.#signatureKeys.insert(keyOf(signatureKey), node / 2)
    // RFC 9420 §7.3 V123: signature keys are unique among the members, so nobody is there twice (V169)
    if (other !== undefined) throw twoSignatureKeys()
    add(this.#capabilities, capabilities, 1)
    add(this.#credentialTypes, credentialType, 1)
  }

  /**
   * Puts the nodes of a whole tree into indexes of none; much faster than one by one. Stops after some nodes, so that the
   * caller can give way to other work.
   * @throws as {@link put}
   */
  *putAll(nodes: Iterable<readonly [NodeIndex, IndexedNode | undefined]>): Generator<void> {
    if (this.#encryptionKeys.size > 0) throw bug('a whole tree into indexes of another')
    const encryptionKeys: Entry<NodeIndex>[] = []
    const signatureKeys: Entry<LeafIndex>[] = []
    let count = 0
    for (const [node, item] of nodes) {
      if (++count % stride === 0) yield
      if (item === undefined) continue
      if (!(item instanceof TreeLeaf)) {
        encryptionKeys.push(new Entry(keyOf(item.encryptionKey), node))
        continue
      }
      const { encryptionKey, signatureKey, credentialType, capabilities } = readLeafSummary(item.bytes)
      encryptionKeys.push(new Entry(keyOf(encryptionKey), node))
      signatureKeys.push(new Entry(keyOf(signatureKey), node / 2))
      add(this.#capabilities, capabilities, 1)
      add(this.#credentialTypes, credentialType, 1)
    }
    yield
    this.#encryptionKeys = (yield* PersistentMap.of(encryptionKeys, twoEncryptionKeys)).draft()
    yield
    this.#signatureKeys = (yield* PersistentMap.of(signatureKeys, twoSignatureKeys)).draft()
    yield
  }

  #putEncryptionKey(node: NodeIndex, encryptionKey: Uint8Array): void {
    const other = this.#encryptionKeys.insert(keyOf(encryptionKey), node)
    if (other !== undefined) throw twoEncryptionKeys(node, other)
  }

  /** Ends the draft. */
  finish(): TreeIndexes {
    return {
      encryptionKeys: this.#encryptionKeys.finish(),
      signatureKeys: this.#signatureKeys.finish(),
      support: this.#finishSupport(),
      credentialTypes: this.#finishCredentialTypes(),
    }
  }

  #finishSupport(): PersistentMap<number> {
    /** Changes of counts, by kind * 65536 + type. */
    const changes = new Map<number, number>()
    // a member counts once for a type that it lists twice
    for (const [capabilities, members] of this.#capabilities)
      if (members !== 0)
        for (const kind of kindNames)
          for (const type of new Set(capabilities[kind])) add(changes, kinds[kind] * 65536 + type, members)
    if (changes.size === 0) return this.#base.support
    const draft = this.#base.support.draft()
    for (const [code, change] of changes) {
      if (change === 0) continue
      const key = String.fromCharCode(code >> 16, (code >> 8) & 0xff, code & 0xff)
      const count = (draft.get(key) ?? 0) + change
      if (count === 0) draft.delete(key)
      else draft.set(key, count)
    }
    return draft.finish()
  }

  #finishCredentialTypes(): ReadonlyMap<number, number> {
    const counts = new Map(this.#base.credentialTypes)
    for (const [type, change] of this.#credentialTypes) {
      add(counts, type, change)
      if (counts.get(type) === 0) counts.delete(type)
    }
    return counts
  }
}

/** Whether two nodes, one after the other in one place, are leaves with one signature key. */
function keepsSigner(a: IndexedNode, b: IndexedNode | undefined): boolean {
  return a instanceof TreeLeaf && b instanceof TreeLeaf && equalBytes(a.signatureKey, b.signatureKey)
}

function add<K>(counts: Map<K, number>, key: K, change: number): void {
  counts.set(key, (counts.get(key) ?? 0) + change)
}

function keyOf(key: Uint8Array): string {
  if (key.length > maxKeyLength) throw new MlsError('crypto/key', 'a key longer than any suite has', { rule: 'V032' })
  return trieKey(key)
}

/** The value of a byte string in a map of keys. */
export function lookUp<V>(map: PersistentMap<V>, key: Uint8Array): V | undefined {
  return key.length > maxKeyLength ? undefined : map.get(trieKey(key))
}

/** Which rule two nodes with one encryption key break. */
function encryptionKeyRule(a: NodeIndex, b: NodeIndex): 'V124' | 'V125' | 'V161' {
  const parents = (a % 2) + (b % 2)
  return parents === 0 ? 'V124' : parents === 1 ? 'V125' : 'V161'
}

function twoEncryptionKeys(a: NodeIndex, b: NodeIndex): MlsError {
  return reuse(encryptionKeyRule(a, b), 'two nodes with one encryption key')
}

function twoSignatureKeys(): MlsError {
  return reuse('V123', 'two members with one signature key')
}

function reuse(rule: string, message: string): MlsError {
  return new MlsError('leaf/key_reuse', message, { rule })
}

/**
 * The private keys that one member holds: of its leaf and of parents above it. Immutable, with at most one key for each
 * level of the tree, so a new version costs O(log n).
 */
import { equalBytes, wipe } from '../bytes/bytes.ts'
import type { HpkeKeyPair } from '../crypto/cipher-suite.ts'
import { isInSubtree, type LeafIndex, leafToNode, type NodeIndex } from '../tree-math/tree-math.ts'
import type { Tree } from './tree.ts'

/** The key pairs of a member. */
export class PrivateTree {
  readonly leafIndex: LeafIndex
  readonly #keyPairs: ReadonlyMap<NodeIndex, HpkeKeyPair>

  /** Key pairs by node; the member's leaf is one of them. */
  constructor(leafIndex: LeafIndex, keyPairs: Iterable<readonly [NodeIndex, HpkeKeyPair]>) {
    this.leafIndex = leafIndex
    this.#keyPairs = new Map(keyPairs)
  }

  /** The key pair of a node. */
  keyPair(node: NodeIndex): HpkeKeyPair | undefined {
    return this.#keyPairs.get(node)
  }

  /** All key pairs with their nodes, for storage. */
  entries(): Iterable<readonly [NodeIndex, HpkeKeyPair]> {
    return this.#keyPairs.entries()
  }

  /** A version with other key pairs for some nodes. */
  with(keyPairs: Iterable<readonly [NodeIndex, HpkeKeyPair]>): PrivateTree {
    return new PrivateTree(this.leafIndex, [...this.#keyPairs, ...keyPairs])
  }

  /** A version with another key pair for the leaf, after an Update proposal of the member. */
  withLeaf(keyPair: HpkeKeyPair): PrivateTree {
    return this.with([[leafToNode(this.leafIndex), keyPair]])
  }

  /** A version without the keys of nodes that are blank or have another public key in `tree`, or are no longer in it. */
  withoutBlanked(tree: Tree): PrivateTree {
    const leaf = leafToNode(this.leafIndex)
    const kept = [...this.#keyPairs].filter(([node, { publicKey }]) => {
      const key = tree.encryptionKey(node)
      return key !== undefined && equalBytes(key, publicKey) && isInSubtree(leaf, node)
    })
    return kept.length === this.#keyPairs.size ? this : new PrivateTree(this.leafIndex, kept)
  }

  /**
   * Zeroes the private keys that `next` does not hold any more (RFC 9420 §7.5: outdated keys are deleted). To be called when
   * no earlier epoch and no pending commit needs this version.
   */
  wipeReplaced(next: PrivateTree | undefined): void {
    for (const [node, keyPair] of this.#keyPairs)
      if (next?.keyPair(node)?.privateKey !== keyPair.privateKey) wipe(keyPair.privateKey)
  }

  /** Zeroes all private keys. To be called when nothing shares them any more: the group is closed or left. */
  wipe(): void {
    for (const { privateKey } of this.#keyPairs.values()) wipe(privateKey)
  }
}

/**
 * The inner part of the secret tree (RFC 9420 §9): secrets of nodes, derived when the first message of a leaf below needs
 * them.
 *
 * ```
 *   before:  G          after leaf D was used:   only E and C are left;
 *          /   \        G, F and D are wiped (RFC 9420 §9.2)
 *         E     F
 *        / \   / \
 *       A   B C   D
 * ```
 *
 * Invariant: the stored nodes are roots of subtrees that do not overlap and of which no leaf was used.
 */
import { ascii, type Bytes, wipe } from '../bytes/bytes.ts'
import { bug } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { expandWithLabel } from '../crypto/labels.ts'
import {
  type LeafIndex,
  leafToNode,
  left,
  type NodeIndex,
  nodeToLeaf,
  parent,
  right,
  root,
} from '../tree-math/tree-math.ts'

const contexts = { left: ascii('left'), right: ascii('right') } as const

/** A copy of the secrets from a stored node down to a leaf. Nothing in the tree changes until it is installed. */
export interface DerivedPath {
  /** The stored node that the copy starts from. */
  readonly top: NodeIndex
  /** The nodes below `top` down to the leaf, with their secrets. */
  readonly nodes: readonly NodeIndex[]
  readonly secrets: readonly Bytes[]
}

/** The secrets of nodes without a used leaf below. */
export class NodeSecrets {
  readonly #suite: CipherSuite
  readonly #leafCount: number
  readonly #secrets: Map<NodeIndex, Bytes>

  /** Takes ownership of the map and its secrets. */
  constructor(suite: CipherSuite, leafCount: number, secrets: Map<NodeIndex, Bytes>) {
    this.#suite = suite
    this.#leafCount = leafCount
    this.#secrets = secrets
  }

  /** The stored secrets, in no order that means anything. */
  entries(): Iterable<readonly [NodeIndex, Uint8Array]> {
    return this.#secrets
  }

  get(node: NodeIndex): Uint8Array | undefined {
    return this.#secrets.get(node)
  }

  /** The secrets down to a leaf that was not used: one expansion a level, on a copy. */
  derivePath(leaf: LeafIndex): DerivedPath {
    const node = leafToNode(leaf)
    const top = this.#above(node)
    const nodes: NodeIndex[] = []
    const secrets: Bytes[] = []
    let secret = this.#stored(top)
    for (let at = top; at !== node; ) {
      const goLeft = node < at
      const child = goLeft ? left(at) : right(at)
      const derived = this.#child(secret, goLeft)
      nodes.push(child)
      secrets.push(derived)
      at = child
      secret = derived
    }
    return { top, nodes, secrets }
  }

  /** The secret of the leaf at the end of a copy, lent. */
  leafSecret(path: DerivedPath): Uint8Array {
    return path.secrets.at(-1) ?? this.#stored(path.top)
  }

  /**
   * Uses a leaf up: stores the secrets beside the path, one expansion a level, and wipes the path. Consumes the copy.
   * Returns the secret of the leaf, which belongs to the caller, and the nodes that changed.
   */
  install(path: DerivedPath): { readonly secret: Bytes; readonly changed: readonly NodeIndex[] } {
    if (!this.#secrets.has(path.top)) {
      // the leaves beside were used since the copy was made: the way down is shorter now
      const node = path.nodes.at(-1)
      wipePath(path)
      if (node === undefined) throw bug('a leaf that was used before')
      return this.install(this.derivePath(nodeToLeaf(node)))
    }
    const changed: NodeIndex[] = [path.top]
    let above = path.top
    let secret = this.#stored(path.top)
    path.nodes.forEach((node, depth) => {
      const goLeft = node < above
      const beside = goLeft ? right(above) : left(above)
      this.#secrets.set(beside, this.#child(secret, !goLeft))
      changed.push(beside)
      wipe(secret)
      above = node
      secret = path.secrets[depth] as Bytes
    })
    this.#secrets.delete(path.top)
    return { secret, changed }
  }

  wipe(): void {
    for (const secret of this.#secrets.values()) wipe(secret)
    this.#secrets.clear()
  }

  /** The stored node above a leaf that was not used. */
  #above(node: NodeIndex): NodeIndex {
    const top = root(this.#leafCount)
    for (let at = node; ; at = parent(at)) {
      if (this.#secrets.has(at)) return at
      if (at === top) throw bug('a leaf that was used before')
    }
  }

  #stored(node: NodeIndex): Bytes {
    const secret = this.#secrets.get(node)
    if (secret === undefined) throw bug('a node without a secret')
    return secret
  }

  #child(secret: Uint8Array, isLeft: boolean): Bytes {
    const context = isLeft ? contexts.left : contexts.right
    return expandWithLabel(this.#suite, secret, 'tree', context, this.#suite.parameters.hashLength)
  }
}

/** Wipes a copy that is not installed. */
export function wipePath(path: DerivedPath): void {
  wipe(...path.secrets)
}

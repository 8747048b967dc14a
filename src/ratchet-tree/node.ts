/**
 * The nodes of a tree in memory. A subtree is `undefined` when all of it is blank, a {@link TreeLeaf} at height 0, or a
 * {@link Branch}. Nodes are shared between epochs and never change once they are part of a `Tree`; a draft edits only the
 * branches that carry its own token (see draft.ts).
 *
 * A subtree does not know where it is: height and position (the number of its equals to the left) are passed beside it.
 * Its tree hash does depend on the position, so a subtree never moves.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { bug } from '../bytes/errors.ts'
import { decode } from '../codec/codec.ts'
import { Reader } from '../codec/reader.ts'
import type { NodeIndex } from '../tree-math/tree-math.ts'
import { type EncodedLeafNode, LeafNode, readBinding } from '../wire/leaf-node.ts'
import type { ParentNode } from '../wire/ratchet-tree.ts'

/** A leaf of a tree. It keeps the bytes as received and decodes them on demand, for the sake of memory. */
export class TreeLeaf implements EncodedLeafNode {
  readonly bytes: Bytes
  /** The tree hash of RFC 9420 §7.8; set once, when the tree is made. */
  treeHash: Bytes | undefined = undefined

  constructor(bytes: Bytes) {
    this.bytes = bytes
  }

  /** The decoded leaf, decoded anew on every access: keep it in a variable. */
  get leafNode(): LeafNode {
    return decode(LeafNode, this.bytes)
  }

  /** `signature_key` and `credential`, decoded anew on every access: for the authentication service. */
  get binding(): Pick<LeafNode, 'signatureKey' | 'credential'> {
    return readBinding(this.bytes)
  }

  /** The `encryption_key`, the first field of a leaf, as a view that must not be kept. */
  get encryptionKey(): Uint8Array {
    const reader = new Reader(this.bytes)
    return reader.view(reader.varint())
  }

  /** The `signature_key`, the second field of a leaf, as a view that must not be kept. */
  get signatureKey(): Uint8Array {
    const reader = new Reader(this.bytes)
    reader.view(reader.varint())
    return reader.view(reader.varint())
  }
}

/** What is below a branch, and the node itself: `undefined` for a blank one. */
export interface BranchContent {
  readonly left: Subtree
  readonly right: Subtree
  readonly parent: ParentNode | undefined
}

/** A node above the leaves, with at least one leaf below it. */
export class Branch {
  #left: Subtree
  #right: Subtree
  #parent: ParentNode | undefined
  /** Gives the content, while that was not asked for. */
  #read: (() => BranchContent) | undefined
  /** Leaves below that are not blank. */
  memberCount: number
  /** The tree hash of RFC 9420 §7.8; absent only inside a draft. */
  treeHash: Bytes | undefined
  /** The token of the draft that made this branch. */
  readonly owner: object | undefined

  constructor(left: Subtree, right: Subtree, parent: ParentNode | undefined, owner?: object) {
    this.#left = left
    this.#right = right
    this.#parent = parent
    this.#read = undefined
    this.memberCount = memberCountOf(left) + memberCountOf(right)
    this.treeHash = undefined
    this.owner = owner
  }

  /** A branch whose content is read when somebody looks at it; what `read` throws, whoever looks sees. */
  static stored(memberCount: number, treeHash: Bytes, read: () => BranchContent): Branch {
    const made = new Branch(undefined, undefined, undefined)
    made.#read = read
    made.memberCount = memberCount
    made.treeHash = treeHash
    return made
  }

  /** The half with the smaller indices. */
  get left(): Subtree {
    if (this.#read !== undefined) this.#open(this.#read)
    return this.#left
  }

  set left(subtree: Subtree) {
    if (this.#read !== undefined) this.#open(this.#read)
    this.#left = subtree
  }

  /** The half with the greater indices. */
  get right(): Subtree {
    if (this.#read !== undefined) this.#open(this.#read)
    return this.#right
  }

  set right(subtree: Subtree) {
    if (this.#read !== undefined) this.#open(this.#read)
    this.#right = subtree
  }

  /** The node; `undefined` for a blank one. */
  get parent(): ParentNode | undefined {
    if (this.#read !== undefined) this.#open(this.#read)
    return this.#parent
  }

  set parent(parent: ParentNode | undefined) {
    if (this.#read !== undefined) this.#open(this.#read)
    this.#parent = parent
  }

  #open(read: () => BranchContent): void {
    const { left, right, parent } = read()
    this.#left = left
    this.#right = right
    this.#parent = parent
    this.#read = undefined
  }
}

/** A part of a tree; `undefined` when it has no leaf. */
export type Subtree = TreeLeaf | Branch | undefined

/** A subtree with its place. */
export interface PlacedSubtree {
  readonly subtree: Subtree
  /** 0 for a leaf. */
  readonly height: number
  /** The number of subtrees of the same height to the left. */
  readonly position: number
}

/** The leaves of a subtree that are not blank. */
export function memberCountOf(subtree: Subtree): number {
  if (subtree === undefined) return 0
  return subtree instanceof Branch ? subtree.memberCount : 1
}

/** The node index of the top of a subtree. */
export function nodeAt(height: number, position: number): NodeIndex {
  return position * (2 << height) + (1 << height) - 1
}

/** A subtree that must be a branch, because its height says so. */
export function branch(subtree: Subtree): Branch | undefined {
  if (subtree instanceof TreeLeaf) throw bug('a leaf above height 0')
  return subtree
}

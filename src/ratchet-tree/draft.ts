/**
 * Changes on their way from one tree to the next, RFC 9420 §7.7 and §12.1. A draft copies the branches on the path of each
 * change once and then edits its own copies, so that one change costs O(log n) and a hundred thousand cost little more than
 * their own leaves. Tree hashes are left open until {@link TreeDraft.finish}.
 */
import { bug, MlsError } from '../bytes/errors.ts'
import { atOnce } from '../bytes/slices.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { LeafIndex, NodeIndex } from '../tree-math/tree-math.ts'
import type { EncodedLeafNode } from '../wire/leaf-node.ts'
import { wireLimits } from '../wire/limits.ts'
import type { ParentNode } from '../wire/ratchet-tree.ts'
import { IndexDraft, type IndexedNode } from './indexes.ts'
import { Branch, branch, memberCountOf, nodeAt, type Subtree, TreeLeaf } from './node.ts'
import { freeLeaf, leafAt } from './resolution.ts'
import { Tree } from './tree.ts'
import { hashSubtreeSteps } from './tree-hash.ts'

/** Changed nodes between two stops. */
const stride = 64

interface Change {
  readonly before: IndexedNode | undefined
  after: IndexedNode | undefined
}

/** An editable copy of a tree, which itself never changes. Used up by {@link finish}. */
export class TreeDraft {
  readonly #base: Tree
  #root: Subtree
  #height: number
  /** The token that marks branches as ours. */
  readonly #owner = {}
  /** Nodes that differ from the base. */
  readonly #changes = new Map<NodeIndex, Change>()
  /** New members that a parent does not know yet, in the order of their adding. */
  readonly #unmerged = new Map<Branch, LeafIndex[]>()
  #finished = false

  constructor(tree: Tree) {
    this.#base = tree
    this.#root = tree.root
    this.#height = tree.height
  }

  /** The number of leaves, blank ones included. Truncation waits for {@link finish}. */
  get leafCount(): number {
    return 1 << this.#height
  }

  /** The number of leaves that are not blank. */
  get memberCount(): number {
    return memberCountOf(this.#root)
  }

  /** The leaf at an index; `undefined` for a blank one and for any number that is no index of the tree. */
  leaf(index: LeafIndex): TreeLeaf | undefined {
    return leafAt(this.#root, this.#height, index)
  }

  /**
   * Adds a member at the leftmost blank leaf, or extends the tree (RFC 9420 §12.1.1); it becomes unmerged in every parent
   * above that is not blank.
   * @throws `limit/exceeded` beyond the largest tree (R10)
   */
  add(added: EncodedLeafNode): LeafIndex {
    const index = freeLeaf(this.#root, this.#height)
    this.#edit(index, added, (node) => {
      if (node.parent === undefined) return
      const list = this.#unmerged.get(node)
      if (list === undefined) this.#unmerged.set(node, [index])
      else list.push(index)
    })
    return index
  }

  /**
   * Replaces a leaf and blanks its direct path (RFC 9420 §12.1.2).
   * @throws `tree/index` for a leaf that is blank or outside (V065)
   */
  update(index: LeafIndex, updated: EncodedLeafNode): void {
    this.#requireMember(index)
    this.#edit(index, updated, (node, at) => this.#setParent(node, at, undefined))
  }

  /**
   * Blanks a leaf and its direct path (RFC 9420 §12.1.3).
   * @throws `tree/index` for a leaf that is blank or outside (V065)
   */
  remove(index: LeafIndex): void {
    this.#requireMember(index)
    this.#edit(index, undefined, (node, at) => this.#setParent(node, at, undefined))
  }

  /**
   * Merges an UpdatePath (RFC 9420 §7.5): the leaf, and the given nodes of its direct path, of which all others become
   * blank. The leaf may be the free one, for an external commit.
   */
  setPath(index: LeafIndex, committer: EncodedLeafNode, nodes: ReadonlyMap<NodeIndex, ParentNode>): void {
    this.#edit(index, committer, (node, at) => this.#setParent(node, at, nodes.get(at)))
  }

  /**
   * The new tree: truncated (RFC 9420 §7.7), indexed and hashed. `mayBeEmpty` says that the path of an external commit
   * follows, which fills a tree that the commit's Remove emptied (RFC 9420 §12.4.3.2).
   * @throws `leaf/key_reuse` when a key is there twice (V123, V124, V125, V161); `tree/structure` when no member is left
   */
  finish(suite: CipherSuite, mayBeEmpty = false): Tree {
    return atOnce(this.finishSteps(suite, mayBeEmpty))
  }

  /** As {@link finish}; stops after some nodes, so that the caller can give way to other work. */
  *finishSteps(suite: CipherSuite, mayBeEmpty = false): Generator<void, Tree> {
    if (this.#finished) throw bug('a tree draft after its end')
    this.#finished = true
    this.#mergeUnmerged()
    while (this.#root instanceof Branch && this.#root.right === undefined) {
      if (this.#root.parent !== undefined) throw bug('a parent above a blank half')
      this.#root = this.#root.left
      this.#height--
    }
    if (this.#root === undefined) {
      if (!mayBeEmpty) throw new MlsError('tree/structure', 'a group without members')
      this.#height = 0
    }
    const indexes = new IndexDraft(this.#base.indexes)
    for (const { before, after } of this.#changes.values()) if (before !== undefined) indexes.drop(before, after)
    let count = 0
    for (const [node, { before, after }] of this.#changes) {
      if (++count % stride === 0) yield
      if (after !== undefined) indexes.put(node, after, before)
    }
    yield* hashSubtreeSteps(suite, this.#root, this.#height, 0)
    return new Tree(suite, this.#root, this.#height, indexes.finish())
  }

  #requireMember(index: LeafIndex): void {
    // RFC 9420 §6.1 V065: an index is checked before any walk
    if (this.leaf(index) === undefined) throw new MlsError('tree/index', 'no member at this leaf', { rule: 'V065' })
  }

  /** Sets a leaf; `visit` sees our own copy of every branch above it, from the top. */
  #edit(index: LeafIndex, item: EncodedLeafNode | undefined, visit: (node: Branch, at: NodeIndex) => void): void {
    if (this.#finished) throw bug('a tree draft after its end')
    if (index >= this.leafCount) this.#extend()
    const before = this.leaf(index)
    const next = item === undefined ? undefined : new TreeLeaf(item.bytes)
    this.#record(2 * index, before, next)
    const step = (next === undefined ? 0 : 1) - (before === undefined ? 0 : 1)
    const path: Branch[] = []
    let subtree = this.#root
    for (let h = this.#height; h > 0; h--) {
      const node = this.#own(branch(subtree))
      this.#place(path.at(-1), h, index, node)
      path.push(node)
      visit(node, nodeAt(h, index >>> h))
      node.memberCount += step
      subtree = turnsRight(index, h) ? node.right : node.left
    }
    this.#place(path.at(-1), 0, index, next)
    if (step < 0) this.#prune(path)
  }

  /** Puts a subtree of some height on the way to a leaf under the branch above it. */
  #place(above: Branch | undefined, height: number, index: LeafIndex, subtree: Subtree): void {
    if (above === undefined) this.#root = subtree
    else if (turnsRight(index, height + 1)) above.right = subtree
    else above.left = subtree
  }

  /** Turns branches without members into blank subtrees. */
  #prune(path: readonly Branch[]): void {
    if (path[0]?.memberCount === 0) this.#root = undefined
    for (const node of path) {
      if (memberCountOf(node.left) === 0) node.left = undefined
      if (memberCountOf(node.right) === 0) node.right = undefined
    }
  }

  #extend(): void {
    if (2 * this.leafCount > wireLimits.members)
      throw new MlsError('limit/exceeded', 'more members than a tree may have', { rule: 'R10' })
    this.#root = new Branch(this.#root, undefined, undefined, this.#owner)
    this.#height++
  }

  #own(node: Branch | undefined): Branch {
    if (node === undefined) return new Branch(undefined, undefined, undefined, this.#owner)
    if (node.owner !== this.#owner) return new Branch(node.left, node.right, node.parent, this.#owner)
    return node
  }

  #setParent(node: Branch, at: NodeIndex, parent: ParentNode | undefined): void {
    if (node.parent !== parent) this.#record(at, node.parent, parent)
    node.parent = parent
    this.#unmerged.delete(node)
  }

  #record(node: NodeIndex, before: IndexedNode | undefined, after: IndexedNode | undefined): void {
    const change = this.#changes.get(node)
    if (change === undefined) this.#changes.set(node, { before, after })
    else change.after = after
  }

  /** RFC 9420 §7.1: unmerged leaves are in increasing order. */
  #mergeUnmerged(): void {
    for (const [node, added] of this.#unmerged) {
      if (node.parent === undefined) throw bug('unmerged leaves of a blank node')
      const all = [...node.parent.unmergedLeaves, ...added].sort((a, b) => a - b)
      const { encryptionKey, parentHash } = node.parent
      node.parent = { encryptionKey, parentHash, unmergedLeaves: all }
    }
  }
}

/** Whether the way to a leaf turns right at a branch of some height. */
function turnsRight(index: LeafIndex, height: number): boolean {
  return ((index >>> (height - 1)) & 1) === 1
}

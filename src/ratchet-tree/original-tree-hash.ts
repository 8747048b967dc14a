/**
 * The `original_sibling_tree_hash` of RFC 9420 §7.9: the tree hash of a subtree as it was before some leaves were added to
 * it. Where none of those leaves lies in a subtree, its cached hash is the answer; what must be hashed again is remembered
 * by subtree and set of leaves, and counted against a budget (R12), since a crafted tree could ask for quadratic work.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { Branch, type PlacedSubtree } from './node.ts'
import { blankTreeHash, parentTreeHash } from './tree-hash.ts'
import { includesSorted, lowerBound } from './unmerged.ts'

interface Known {
  readonly removed: readonly number[]
  readonly hash: Bytes
}

/** Versions of one subtree that are remembered. */
const versions = 4

/** Computes original tree hashes of the subtrees of one tree. */
export class OriginalTreeHash {
  readonly #suite: CipherSuite
  readonly #memo = new Map<Branch, Known[]>()
  #budget: number

  constructor(suite: CipherSuite, leafCount: number) {
    this.#suite = suite
    // R12: 64 hashes for each leaf
    this.#budget = 64 * leafCount
  }

  /**
   * The tree hash of a subtree without the `removed` leaves, which are in increasing order and may lie elsewhere.
   * @throws `limit/exceeded` R12
   */
  of(placed: PlacedSubtree, removed: readonly number[]): Bytes {
    const first = placed.position * 2 ** placed.height
    const from = lowerBound(removed, first)
    const to = lowerBound(removed, first + 2 ** placed.height)
    const { subtree, height, position } = placed
    if (subtree === undefined) return blankTreeHash(this.#suite, height, position)
    if (from === to && subtree.treeHash !== undefined) return subtree.treeHash
    const inside = from === 0 && to === removed.length ? removed : removed.slice(from, to)
    if (!(subtree instanceof Branch)) return this.#spend(() => blankTreeHash(this.#suite, 0, position))
    const known = this.#memo.get(subtree)
    const same = known?.find((version) => equalLists(version.removed, inside))
    if (same !== undefined) return same.hash
    const hash = this.#ofBranch(subtree, height, position, inside)
    if (known === undefined) this.#memo.set(subtree, [{ removed: inside, hash }])
    else if (known.length < versions) known.push({ removed: inside, hash })
    return hash
  }

  /** The recursion is as deep as the tree is high, and that is bounded on import. */
  #ofBranch(branch: Branch, height: number, position: number, removed: readonly number[]): Bytes {
    const left = this.of({ subtree: branch.left, height: height - 1, position: 2 * position }, removed)
    const right = this.of({ subtree: branch.right, height: height - 1, position: 2 * position + 1 }, removed)
    const parent = branch.parent && {
      encryptionKey: branch.parent.encryptionKey,
      parentHash: branch.parent.parentHash,
      unmergedLeaves: branch.parent.unmergedLeaves.filter((index) => !includesSorted(removed, index)),
    }
    return this.#spend(() => parentTreeHash(this.#suite, parent, left, right))
  }

  #spend(hash: () => Bytes): Bytes {
    if (--this.#budget < 0) throw new MlsError('limit/exceeded', 'too much parent hash work', { rule: 'R12' })
    return hash()
  }
}

function equalLists(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}

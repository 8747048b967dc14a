/**
 * Parent hashes of a whole tree, RFC 9420 §7.9.2: on joining, each parent node must be vouched for by exactly one chain from
 * a leaf. We go "top down": each parent P has exactly one descendant D whose parent hash is valid with respect to P. D is a
 * leaf or a parent with a D of its own, so the chains follow by induction.
 *
 * D is never searched for. It must be the one node of the resolution of P's child that is not an unmerged leaf of P, so a
 * resolution that is longer than one more than those leaves ends the search; the work is linear in the size of the lists.
 */

import { empty, equalBytes } from '../bytes/bytes.ts'
import { at, MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { readParentHash } from '../wire/leaf-node.ts'
import type { ParentNode } from '../wire/ratchet-tree.ts'
import { HashInputs } from './hash-inputs.ts'
import { Branch, type PlacedSubtree, type Subtree, TreeLeaf } from './node.ts'
import { OriginalTreeHash } from './original-tree-hash.ts'
import { resolutionOf, subtreeAt } from './resolution.ts'
import type { Tree } from './tree.ts'
import { lowerBound } from './unmerged.ts'

/** What one child of a parent says about it. */
interface Evidence {
  /** The resolution of the child is D and unmerged leaves of P. */
  readonly structure: boolean
  /** The parent hash that D claims; `undefined` when D is a leaf without one. */
  readonly claimed: Uint8Array | undefined
  /** Whether it is that of P, which is found out for the parents of one batch at once. */
  equal: boolean
  readonly blankChild: boolean
}

/** Parents whose hashes are computed in one batch. */
const batch = 128
/** Their inputs. */
const inputs = new HashInputs()

/**
 * Checks the parent hashes of a tree; stops after some parent nodes, so that the caller can give way to other work.
 * @throws `tree/parent_hash` V152-V159; `limit/exceeded` R12
 */
export function* checkParentHashes(suite: CipherSuite, tree: Tree): Generator<void> {
  const top = tree.root instanceof Branch ? tree.root.parent : undefined
  // RFC 9420 §7.9 V155: the parent hash of the root is empty
  if (top !== undefined && top.parentHash.length > 0) throw invalid('V155', 'a root with a parent hash')
  const open: PlacedSubtree[] = [{ subtree: tree.root, height: tree.height, position: 0 }]
  const original = new OriginalTreeHash(suite, tree.leafCount)
  let waiting: PlacedBranch[] = []
  for (let placed = open.pop(); placed !== undefined; placed = open.pop()) {
    const { subtree, height, position } = placed
    if (!(subtree instanceof Branch)) continue
    const left = { subtree: subtree.left, height: height - 1, position: 2 * position }
    const right = { subtree: subtree.right, height: height - 1, position: 2 * position + 1 }
    if (subtree.parent !== undefined) waiting.push({ parent: subtree.parent, left, right })
    if (waiting.length === batch) {
      checkBatch(suite, tree, original, waiting)
      waiting = []
      yield
    }
    open.push(left, right)
  }
  checkBatch(suite, tree, original, waiting)
}

interface PlacedBranch {
  readonly parent: ParentNode
  readonly left: PlacedSubtree
  readonly right: PlacedSubtree
}

function checkBatch(
  suite: CipherSuite,
  tree: Tree,
  original: OriginalTreeHash,
  branches: readonly PlacedBranch[],
): void {
  inputs.clear()
  const hashed: Evidence[] = []
  /** What child C says about parent P, with sibling S. */
  const evidence = (parent: ParentNode, child: PlacedSubtree, sibling: PlacedSubtree): Evidence => {
    const { found, structure } = descendant(tree, parent, child)
    const blankChild = !(child.subtree instanceof Branch && child.subtree.parent !== undefined)
    const made: Evidence = { structure, claimed: claimedHash(found), equal: false, blankChild }
    if (made.claimed !== undefined && made.claimed.length > 0) {
      inputs.addParentHash(parent, original.of(sibling, parent.unmergedLeaves))
      hashed.push(made)
    }
    return made
  }
  const sides = branches.map(({ parent, left, right }) => [
    evidence(parent, left, right),
    evidence(parent, right, left),
  ])
  const expected = suite.hashMany(inputs.take())
  for (const [i, one] of hashed.entries()) one.equal = equalBytes(one.claimed ?? empty, at(expected, i))
  for (const each of sides) judge(each)
}

/** The node D of child C, and whether the resolution of C is D and unmerged leaves of P (RFC 9420 §7.9.2). */
function descendant(
  tree: Tree,
  parent: ParentNode,
  child: PlacedSubtree,
): { readonly found: Subtree; readonly structure: boolean } {
  const { subtree } = child
  // nearly always: a leaf, or a node without unmerged leaves, and none of P
  if (parent.unmergedLeaves.length === 0) {
    if (subtree instanceof TreeLeaf) return { found: subtree, structure: true }
    if (subtree?.parent?.unmergedLeaves.length === 0) return { found: subtree, structure: true }
  }
  const first = child.position * 2 ** child.height
  const unmerged = parent.unmergedLeaves.slice(
    lowerBound(parent.unmergedLeaves, first),
    lowerBound(parent.unmergedLeaves, first + 2 ** child.height),
  )
  const resolution = resolutionOf(child, unmerged.length + 1)
  const expected = new Set(unmerged.map((leaf) => 2 * leaf))
  const rest = resolution.filter((node) => !expected.has(node))
  const structure = rest.length === 1 && resolution.length === unmerged.length + 1
  const [node] = rest
  return { found: node === undefined ? undefined : subtreeAt(tree.root, tree.height, node).subtree, structure }
}

function claimedHash(node: Subtree): Uint8Array | undefined {
  if (node instanceof Branch) return node.parent?.parentHash
  return node === undefined ? undefined : readParentHash(node.bytes)
}

function judge(sides: readonly Evidence[]): void {
  const valid = sides.filter(({ structure, equal }) => structure && equal).length
  if (valid === 1) return
  // RFC 9420 §7.9.2 V157: covered by exactly one chain
  if (valid === 2) throw invalid('V157', 'a parent node with two chains')
  const wrong = sides.find(({ equal }) => equal)
  // RFC 9420 §7.9.2 V152, V158: D is in the resolution of C, and what remains of it are P's unmerged leaves
  if (wrong !== undefined) throw invalid(wrong.blankChild ? 'V158' : 'V152', 'a parent hash of another resolution')
  // RFC 9420 §7.9.2 V154: only the root has no parent hash
  if (sides.some(({ claimed }) => claimed?.length === 0)) throw invalid('V154', 'an empty parent hash below a parent')
  // RFC 9420 §7.9.2 V153, V159: no part of the tree is passed over
  if (sides.some(({ structure, claimed }) => structure && claimed !== undefined))
    throw invalid('V153', 'a wrong parent hash')
  // RFC 9420 §7.9.2 V156: every parent node is covered
  if (sides.every(({ claimed }) => claimed === undefined))
    throw invalid('V156', 'a parent node that no leaf vouches for')
  throw invalid('V158', 'a parent node without a descendant in its resolution')
}

function invalid(rule: string, message: string): MlsError {
  return new MlsError('tree/parent_hash', message, { rule })
}

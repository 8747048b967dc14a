/**
 * Parent hashes of a whole tree, RFC 9420 §7.9.2: on joining, each parent node must be vouched for by exactly one chain from
 * a leaf. We go "top down": each parent P has exactly one descendant D whose parent hash is valid with respect to P. D is a
 * leaf or a parent with a D of its own, so the chains follow by induction.
 *
 * D is never searched for. It must be the one node of the resolution of P's child that is not an unmerged leaf of P, so a
 * resolution that is longer than one more than those leaves ends the search; the work is linear in the size of the lists.
 */

import { equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { ParentNode } from '../wire/ratchet-tree.ts'
import { Branch, type PlacedSubtree, type Subtree, TreeLeaf } from './node.ts'
import { OriginalTreeHash } from './original-tree-hash.ts'
import { parentHash } from './parent-hash.ts'
import { resolutionOf, subtreeAt } from './resolution.ts'
import type { Tree } from './tree.ts'
import { lowerBound } from './unmerged.ts'

/** What one child of a parent says about it. */
interface Evidence {
  /** The resolution of the child is D and unmerged leaves of P. */
  readonly structure: boolean
  /** The parent hash of D is that of P; `absent` when D is a leaf without one, `empty` when it has no bytes. */
  readonly hash: 'equal' | 'other' | 'empty' | 'absent'
  readonly blankChild: boolean
}

/**
 * Checks the parent hashes of a tree; stops after each parent node, so that the caller can give way to other work.
 * @throws `tree/parent_hash` V152-V159; `limit/exceeded` R12
 */
export function* checkParentHashes(suite: CipherSuite, tree: Tree): Generator<void> {
  const original = new OriginalTreeHash(suite, tree.leafCount)
  const top = tree.root instanceof Branch ? tree.root.parent : undefined
  // RFC 9420 §7.9 V155: the parent hash of the root is empty
  if (top !== undefined && top.parentHash.length > 0) throw invalid('V155', 'a root with a parent hash')
  const open: PlacedSubtree[] = [{ subtree: tree.root, height: tree.height, position: 0 }]
  for (let placed = open.pop(); placed !== undefined; placed = open.pop()) {
    const { subtree, height, position } = placed
    if (!(subtree instanceof Branch)) continue
    const left = { subtree: subtree.left, height: height - 1, position: 2 * position }
    const right = { subtree: subtree.right, height: height - 1, position: 2 * position + 1 }
    if (subtree.parent !== undefined) {
      judge(
        evidence(suite, tree, original, subtree.parent, left, right),
        evidence(suite, tree, original, subtree.parent, right, left),
      )
      yield
    }
    open.push(left, right)
  }
}

/** What child C says about parent P, with sibling S. */
function evidence(
  suite: CipherSuite,
  tree: Tree,
  original: OriginalTreeHash,
  parent: ParentNode,
  child: PlacedSubtree,
  sibling: PlacedSubtree,
): Evidence {
  const { found, structure } = descendant(tree, parent, child)
  const blankChild = !(child.subtree instanceof Branch && child.subtree.parent !== undefined)
  const claimed = claimedHash(found)
  if (claimed === undefined) return { structure, hash: 'absent', blankChild }
  if (claimed.length === 0) return { structure, hash: 'empty', blankChild }
  const expected = parentHash(suite, parent, original.of(sibling, parent.unmergedLeaves))
  return { structure, hash: equalBytes(claimed, expected) ? 'equal' : 'other', blankChild }
}

/** The node D of child C, and whether the resolution of C is D and unmerged leaves of P (RFC 9420 §7.9.2). */
function descendant(
  tree: Tree,
  parent: ParentNode,
  child: PlacedSubtree,
): { readonly found: Subtree; readonly structure: boolean } {
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
  if (!(node instanceof TreeLeaf)) return undefined
  const leafNode = node.leafNode
  return leafNode.leafNodeSource === 'commit' ? leafNode.parentHash : undefined
}

function judge(left: Evidence, right: Evidence): void {
  const valid = [left, right].filter(({ structure, hash }) => structure && hash === 'equal').length
  if (valid === 1) return
  // RFC 9420 §7.9.2 V157: covered by exactly one chain
  if (valid === 2) throw invalid('V157', 'a parent node with two chains')
  const sides = [left, right]
  const wrong = sides.find(({ hash }) => hash === 'equal')
  // RFC 9420 §7.9.2 V152, V158: D is in the resolution of C, and what remains of it are P's unmerged leaves
  if (wrong !== undefined) throw invalid(wrong.blankChild ? 'V158' : 'V152', 'a parent hash of another resolution')
  // RFC 9420 §7.9.2 V154: only the root has no parent hash
  if (sides.some(({ hash }) => hash === 'empty')) throw invalid('V154', 'an empty parent hash below a parent')
  // RFC 9420 §7.9.2 V153, V159: no part of the tree is passed over
  if (sides.some(({ structure, hash }) => structure && hash === 'other')) throw invalid('V153', 'a wrong parent hash')
  // RFC 9420 §7.9.2 V156: every parent node is covered
  if (sides.every(({ hash }) => hash === 'absent')) throw invalid('V156', 'a parent node that no leaf vouches for')
  throw invalid('V158', 'a parent node without a descendant in its resolution')
}

function invalid(rule: string, message: string): MlsError {
  return new MlsError('tree/parent_hash', message, { rule })
}

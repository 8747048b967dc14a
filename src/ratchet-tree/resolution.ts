/**
 * Walks through a tree: look-up, resolution (RFC 9420 §4.1.1), direct path and copath (§4.1.2). Blank subtrees have no
 * nodes, so a walk costs O(log n) for each node that it finds. All walks are loops, bounded by the height of the tree and
 * the number of its nodes.
 */
import type { LeafIndex, NodeIndex } from '../tree-math/tree-math.ts'
import { level } from '../tree-math/tree-math.ts'
import { Branch, branch, nodeAt, type PlacedSubtree, type Subtree, TreeLeaf } from './node.ts'

/** The subtree under a node index; blank for every index outside the tree. */
export function subtreeAt(root: Subtree, height: number, node: NodeIndex): PlacedSubtree {
  const target = level(node)
  const position = Math.floor(node / 2 ** (target + 1))
  if (target > height || position >= 1 << (height - target)) return { subtree: undefined, height: target, position }
  let subtree = root
  for (let h = height - 1; h >= target && subtree instanceof Branch; h--)
    subtree = isRight(position, h - target) ? subtree.right : subtree.left
  return { subtree, height: target, position }
}

/** Whether the way down to a position turns right when `bit` more steps follow. */
function isRight(position: number, bit: number): boolean {
  return ((position >>> bit) & 1) === 1
}

/** The leaf at an index; `undefined` for blank leaves and for every number that is no index of the tree. */
export function leafAt(root: Subtree, height: number, index: LeafIndex): TreeLeaf | undefined {
  if (!Number.isInteger(index) || index < 0 || index >= 1 << height) return undefined
  let subtree = root
  for (let h = height - 1; h >= 0 && subtree instanceof Branch; h--)
    subtree = isRight(index, h) ? subtree.right : subtree.left
  return subtree instanceof TreeLeaf ? subtree : undefined
}

/**
 * The resolution of a subtree, RFC 9420 §4.1.1: a node that is not blank and its unmerged leaves, or the resolutions of its
 * children from left to right. Stops when more than `limit` nodes are found.
 */
export function resolutionOf(placed: PlacedSubtree, limit = Number.POSITIVE_INFINITY): NodeIndex[] {
  const found: NodeIndex[] = []
  const open: PlacedSubtree[] = [placed]
  while (found.length <= limit) {
    const next = open.pop()
    if (next === undefined) break
    const { subtree, height, position } = next
    if (subtree === undefined) continue
    if (subtree instanceof TreeLeaf) found.push(2 * position)
    else if (subtree.parent !== undefined) {
      found.push(nodeAt(height, position))
      for (const leaf of subtree.parent.unmergedLeaves) found.push(2 * leaf)
    } else {
      open.push({ subtree: subtree.right, height: height - 1, position: 2 * position + 1 })
      open.push({ subtree: subtree.left, height: height - 1, position: 2 * position })
    }
  }
  return found
}

/** A node of a leaf's direct path and its child on the copath. */
export interface PathStep {
  readonly node: NodeIndex
  /** `undefined` when the subtree of the node is blank, or the node is above the tree's root. */
  readonly branch: Branch | undefined
  readonly sibling: PlacedSubtree
}

/**
 * The direct path of a leaf with its copath, from the bottom up. The leaf may be the first one beyond the tree, which an
 * external commit takes when no leaf is blank: the path then ends at the root of the tree of twice the size.
 */
export function pathOf(root: Subtree, height: number, leaf: LeafIndex): PathStep[] {
  const steps: PathStep[] = []
  const beyond = leaf >= 1 << height
  if (beyond)
    steps.push({
      node: nodeAt(height + 1, 0),
      branch: undefined,
      sibling: { subtree: root, height, position: 0 },
    })
  let subtree = beyond ? undefined : root
  for (let h = height; h > 0; h--) {
    const here = branch(subtree)
    const right = isRight(leaf, h - 1)
    const position = leaf >>> h
    const sibling = right ? here?.left : here?.right
    steps.push({
      node: nodeAt(h, position),
      branch: here,
      sibling: { subtree: sibling, height: h - 1, position: 2 * position + (right ? 0 : 1) },
    })
    subtree = right ? here?.right : here?.left
  }
  return steps.reverse()
}

/** The filtered direct path of RFC 9420 §4.1.2: without nodes whose child on the copath has an empty resolution. */
export function filteredPathOf(root: Subtree, height: number, leaf: LeafIndex): PathStep[] {
  return pathOf(root, height, leaf).filter(({ sibling }) => sibling.subtree !== undefined)
}

/** The leftmost blank leaf, or the first one beyond the tree when none is blank. */
export function freeLeaf(root: Subtree, height: number): LeafIndex {
  let subtree = root
  let index = 0
  for (let h = height; h > 0; h--) {
    if (!(subtree instanceof Branch)) return index
    const half = 1 << (h - 1)
    const full = subtree.left instanceof Branch ? subtree.left.memberCount === half : subtree.left !== undefined
    if (full) index += half
    subtree = full ? subtree.right : subtree.left
  }
  return subtree === undefined ? index : index + 1
}

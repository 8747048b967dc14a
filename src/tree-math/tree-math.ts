/**
 * The array-based binary tree of RFC 9420 Appendix C, on pure integers.
 *
 * ```
 *              7                  node indices of a tree of 8 leaves;
 *        3           11           leaf i is node 2i, parents are odd;
 *     1     5     9     13        a node at level k has k trailing one bits
 *    0 2   4 6   8 10  12 14
 * ```
 *
 * Trees hold a power of two of leaves, at most 2^31, so that a node index is a uint32; bit operations are signed in JavaScript,
 * and their results are made unsigned before anything else is done with them (V026, R10).
 */
import { bug } from '../bytes/errors.ts'

declare const leafIndex: unique symbol
declare const nodeIndex: unique symbol

/** The position of a leaf, counted from the left, from 0. */
export type LeafIndex = number & { readonly [leafIndex]?: never }
/** The position of a node in the array form of the tree. */
export type NodeIndex = number & { readonly [nodeIndex]?: never }

/** The leaves below a node, from 1 to 2^31: its lowest bit that is not set. */
function breadth(node: NodeIndex): number {
  return (~node & (node + 1)) >>> 0
}

/** The level of a node: 0 for leaves. */
export function level(node: NodeIndex): number {
  return 31 - Math.clz32(breadth(node))
}

/** The number of nodes of a tree with `leafCount` leaves (`node_width`). */
export function nodeWidth(leafCount: number): number {
  return leafCount === 0 ? 0 : 2 * leafCount - 1
}

/** The smallest power of two that is at least `leafCount`, at least 1. */
export function fullWidth(leafCount: number): number {
  let width = 1
  while (width < leafCount) width *= 2
  return width
}

/** The root of a tree with `leafCount` leaves, a power of two. */
export function root(leafCount: number): NodeIndex {
  return leafCount - 1
}

/** The left child of a parent node. */
export function left(node: NodeIndex): NodeIndex {
  const leaves = breadth(node)
  if (leaves === 1) throw bug('a leaf has no children')
  return node - leaves / 2
}

/** The right child of a parent node. */
export function right(node: NodeIndex): NodeIndex {
  const leaves = breadth(node)
  if (leaves === 1) throw bug('a leaf has no children')
  return node + leaves / 2
}

/** The parent of a node that is not the root of its tree. */
export function parent(node: NodeIndex): NodeIndex {
  const leaves = breadth(node)
  return ((node | leaves) & ~(2 * leaves)) >>> 0
}

/** The other child of the same parent. */
export function sibling(node: NodeIndex): NodeIndex {
  const above = parent(node)
  return node < above ? right(above) : left(above)
}

/** From the parent of `node` up to the root, both included; empty for the root. */
export function directPath(node: NodeIndex, leafCount: number): NodeIndex[] {
  const path: NodeIndex[] = []
  const top = root(leafCount)
  for (let at = node; at !== top; ) {
    at = parent(at)
    path.push(at)
  }
  return path
}

/** The siblings of `node` and of its direct path but the root, from the bottom up. */
export function copath(node: NodeIndex, leafCount: number): NodeIndex[] {
  const path: NodeIndex[] = []
  const top = root(leafCount)
  for (let at = node; at !== top; at = parent(at)) path.push(sibling(at))
  return path
}

/** Whether `descendant` lies in the subtree of `ancestor`; every node lies in its own. */
export function isInSubtree(descendant: NodeIndex, ancestor: NodeIndex): boolean {
  const reach = breadth(ancestor) - 1
  return descendant >= ancestor - reach && descendant <= ancestor + reach
}

/** The node of a leaf. */
export function leafToNode(leaf: LeafIndex): NodeIndex {
  return 2 * leaf
}

/** The leaf of an even node index. */
export function nodeToLeaf(node: NodeIndex): LeafIndex {
  if (node % 2 !== 0) throw bug('a parent is no leaf')
  return node / 2
}

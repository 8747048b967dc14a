/** What both ends of a path share, RFC 9420 §7.5 and §7.6. */
import { check } from '../bytes/errors.ts'
import type { LeafIndex, NodeIndex } from '../tree-math/tree-math.ts'
import type { Tree } from './tree.ts'

/**
 * Checks the committer of a path: a member, or for an external commit the free leaf of the tree.
 * @throws `tree/index` V065
 */
export function requireCommitter(tree: Tree, leafIndex: LeafIndex, external: boolean): void {
  const fits = external ? leafIndex === tree.freeLeaf : tree.leaf(leafIndex) !== undefined
  // RFC 9420 §6.1 V065: an index is checked before any walk
  check(fits, 'tree/index', 'V065', 'a committer without a leaf')
}

/** The resolution of a node without the leaves that the same commit adds (RFC 9420 §7.6). */
export function resolutionWithoutNew(tree: Tree, node: NodeIndex, newLeaves: ReadonlySet<LeafIndex>): NodeIndex[] {
  return withoutNew(tree.resolution(node), newLeaves)
}

/** A resolution without the leaves that the same commit adds. */
export function withoutNew(resolution: NodeIndex[], newLeaves: ReadonlySet<LeafIndex>): NodeIndex[] {
  if (newLeaves.size === 0) return resolution
  return resolution.filter((item) => item % 2 === 1 || !newLeaves.has(item / 2))
}

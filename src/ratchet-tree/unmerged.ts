/**
 * The lists of unmerged leaves of a tree that came from outside, RFC 9420 §7.1 and §12.4.3.1. Every index is compared with
 * the size of the tree before it leads anywhere (V149, V150). R13: a list is left at the first entry that is out of order or
 * of another subtree, so no more than one entry for each leaf and level is ever looked at.
 */
import { check, MlsError } from '../bytes/errors.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { ParentNode } from '../wire/ratchet-tree.ts'
import { Branch, type PlacedSubtree } from './node.ts'

/** Branches between two stops. */
const stride = 256

/**
 * Checks all lists of a tree; stops after some branches, so that the caller can give way to other work.
 * @throws `tree/unmerged_leaves` V147-V151
 */
export function* checkUnmergedLeaves(root: PlacedSubtree): Generator<void> {
  let count = 0
  const open: PlacedSubtree[] = [root]
  for (let placed = open.pop(); placed !== undefined; placed = open.pop()) {
    const { subtree, height, position } = placed
    if (!(subtree instanceof Branch)) continue
    if (++count % stride === 0) yield
    if (subtree.parent !== undefined) checkList(subtree, subtree.parent, height, position, 2 ** root.height)
    open.push({ subtree: subtree.left, height: height - 1, position: 2 * position })
    open.push({ subtree: subtree.right, height: height - 1, position: 2 * position + 1 })
  }
}

function checkList(top: Branch, parent: ParentNode, height: number, position: number, leafCount: number): void {
  const first = position * 2 ** height
  let previous = -1
  for (const index of parent.unmergedLeaves) {
    // RFC 9420 §7.1 V147, V148: in strictly increasing order
    if (index <= previous)
      throw new MlsError('tree/unmerged_leaves', 'unmerged leaves out of order', {
        rule: index === previous ? 'V148' : 'V147',
      })
    previous = index
    // RFC 9420 §12.4.3.1 V149: a leaf of the tree
    check(index < leafCount, 'tree/unmerged_leaves', 'V149', 'an unmerged leaf outside the tree')
    // RFC 9420 §12.4.3.1 V150: a descendant of the node
    check(
      index >= first && index < first + 2 ** height,
      'tree/unmerged_leaves',
      'V150',
      'an unmerged leaf of another subtree',
    )
    checkWayDown(top, height, index)
  }
}

/** The way from a node to one of its unmerged leaves, down to the next node that is not blank; lower ones have a turn of their own. */
function checkWayDown(top: Branch, height: number, index: LeafIndex): void {
  let subtree: PlacedSubtree['subtree'] = top
  for (let h = height; h > 0; h--) {
    if (!(subtree instanceof Branch)) break
    // RFC 9420 §12.4.3.1 V151: the nodes between list the leaf as well
    if (h < height && subtree.parent !== undefined) {
      const listed = includesSorted(subtree.parent.unmergedLeaves, index)
      check(listed, 'tree/unmerged_leaves', 'V151', 'an unmerged leaf that a node below does not list')
      return
    }
    subtree = Math.floor(index / 2 ** (h - 1)) % 2 === 1 ? subtree.right : subtree.left
  }
  // RFC 9420 §12.4.3.1 V149: the leaf is not blank
  check(subtree !== undefined, 'tree/unmerged_leaves', 'V149', 'an unmerged leaf that is blank')
}

/** The first place in an increasing list that holds `value` or more. */
export function lowerBound(list: readonly number[], value: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Whether an increasing list holds `value`. */
export function includesSorted(list: readonly number[], value: number): boolean {
  return list[lowerBound(list, value)] === value
}

/**
 * An order of tree nodes in pages that keeps a direct path in few of them. In the array order of RFC 9420 Appendix C a path
 * of 17 nodes lies in about 12 pages of 64 entries; here a page holds six levels of a subtree (63 nodes), so that it lies in
 * three. Nodes of levels 6b to 6b + 5 form band b, and each band is a sequence of its own.
 */
import { pageSlots } from './page-format.ts'

/** Levels of a band. */
const bandLevels = 6

/** The place of a node: a band, and an index in the sequence of that band. Slot 0 of every page stays blank. */
export interface NodePlace {
  readonly band: number
  readonly index: number
}

/** The place of the node with a node index of RFC 9420 Appendix C (leaf i is node 2 i). */
export function nodePlace(node: number): NodePlace {
  let level = 0
  let rest = node
  while (rest % 2 === 1) {
    level++
    rest = (rest - 1) / 2
  }
  // Among the nodes of its level, counted from the left.
  const ordinal = rest / 2
  const band = Math.floor(level / bandLevels)
  // Levels between this node and the top of its band.
  const depth = bandLevels - 1 - (level % bandLevels)
  const width = 2 ** depth
  return { band, index: Math.floor(ordinal / width) * pageSlots + width + (ordinal % width) }
}

/** The length of the sequence of each band, from band 0, for a tree with `leaves` leaves (a power of two). */
export function bandLengths(leaves: number): number[] {
  const lengths: number[] = []
  for (let nodes = leaves; nodes >= 1; nodes /= 2 ** bandLevels)
    lengths.push(Math.ceil(nodes / 2 ** (bandLevels - 1)) * pageSlots)
  return lengths
}

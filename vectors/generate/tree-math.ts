import { left, level, nodeWidth, parent, right, root, sibling } from '../../src/tree-math/tree-math.ts'

/** Trees of 1 to 512 leaves. */
export function generateTreeMath(): unknown[] {
  return Array.from({ length: 10 }, (_, height) => {
    const leaves = 2 ** height
    const nodes = Array.from({ length: nodeWidth(leaves) }, (_, node) => node)
    const top = root(leaves)
    return {
      n_leaves: leaves,
      n_nodes: nodes.length,
      root: top,
      left: nodes.map((node) => (level(node) === 0 ? null : left(node))),
      right: nodes.map((node) => (level(node) === 0 ? null : right(node))),
      parent: nodes.map((node) => (node === top ? null : parent(node))),
      sibling: nodes.map((node) => (node === top ? null : sibling(node))),
    }
  })
}

import { left, level, nodeWidth, parent, right, root, sibling } from '../../src/tree-math/tree-math.ts'
import { expectEqual } from '../expect.ts'
import type { Fields } from '../fields.ts'

/** Family `tree-math`: the relations of Appendix C of RFC 9420, for every node of a tree. */
export function checkTreeMath(vector: Fields): void {
  const leaves = vector.number('n_leaves')
  const width = nodeWidth(leaves)
  expectEqual('n_nodes', width, vector.number('n_nodes'))
  expectEqual('root', root(leaves), vector.number('root'))
  const relations = {
    left: (node: number) => (level(node) === 0 ? undefined : left(node)),
    right: (node: number) => (level(node) === 0 ? undefined : right(node)),
    parent: (node: number) => (node === root(leaves) ? undefined : parent(node)),
    sibling: (node: number) => (node === root(leaves) ? undefined : sibling(node)),
  }
  for (const [name, relation] of Object.entries(relations)) {
    const expected = vector.numbersOrNull(name)
    expectEqual(`${name}: number of entries`, expected.length, width)
    expected.forEach((value, node) => {
      expectEqual(`${name}[${node}]`, relation(node), value)
    })
  }
}

import { toHex } from '../../src/bytes/text.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { nodeWidth } from '../../src/tree-math/tree-math.ts'
import { subtreeHash } from '../families/tree-validation.ts'
import { growingGroups, type SimulatedGroup, unevenGroups } from './simulated-group.ts'

/** Sizes of the trees that were only grown. */
const sizes = [2, 3, 4, 5, 6, 7, 8, 9, 32, 33, 34]

/** Full trees, trees with trailing blanks, with inner blanks, and with unmerged leaves. */
export async function generateTreeValidation(suite: CipherSuite): Promise<unknown[]> {
  const groups = await growingGroups(suite, Math.max(...sizes))
  const grown = groups.filter((_, i) => sizes.includes(i + 1))
  return [...grown, ...(await unevenGroups(groups))].map(describeTree)
}

function describeTree({ suite, tree, groupId }: SimulatedGroup) {
  const nodes = Array.from({ length: nodeWidth(tree.leafCount) }, (_, node) => node)
  return {
    cipher_suite: suite.parameters.id,
    tree: toHex(tree.encode()),
    group_id: toHex(groupId),
    resolutions: nodes.map((node) => tree.resolution(node)),
    tree_hashes: nodes.map((node) => toHex(subtreeHash(suite, tree, node))),
  }
}

import type { Bytes } from '../../src/bytes/bytes.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import { blankTreeHash } from '../../src/ratchet-tree/tree-hash.ts'
import { validateTree } from '../../src/ratchet-tree/validate-tree.ts'
import { level, type NodeIndex, nodeWidth } from '../../src/tree-math/tree-math.ts'
import { mls10 } from '../../src/wire/registries.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes, expectEqual, expectNumbers } from '../expect.ts'
import type { Fields } from '../fields.ts'

/** Family `tree-validation`: resolutions, tree hashes, parent hashes and leaf signatures, RFC 9420 §4.1.1, §7.8, §7.9. */
export async function checkTreeValidation(vector: Fields, engine: VectorEngine): Promise<void> {
  const suite = engine.suite(vector.number('cipher_suite'))
  const bytes = vector.hex('tree')
  const tree = importTree(suite, bytes)
  expectBytes('tree, encoded again', tree.encode(), bytes)

  const width = nodeWidth(tree.leafCount)
  const resolutions = vector.numberLists('resolutions')
  expectEqual('number of resolutions', resolutions.length, width)
  resolutions.forEach((expected, node) => {
    expectNumbers(`resolutions[${node}]`, tree.resolution(node), expected)
  })

  const hashes = vector.hexes('tree_hashes')
  expectEqual('number of tree hashes', hashes.length, width)
  hashes.forEach((expected, node) => {
    expectBytes(`tree_hashes[${node}]`, subtreeHash(suite, tree, node), expected)
  })
  // parent hashes, the rules of every leaf, and the signatures, as on joining
  const cipherSuite = suite.parameters.id
  await validateTree(suite, tree, { groupId: vector.hex('group_id'), version: mls10, cipherSuite, extensions: [] })
}

/** The tree hash of any subtree, also of one without members. */
export function subtreeHash(suite: CipherSuite, tree: Tree, node: NodeIndex): Bytes {
  const height = level(node)
  return tree.subtreeHash(node) ?? blankTreeHash(suite, height, Math.floor(node / 2 ** (height + 1)))
}

import type { Bytes } from '../../src/bytes/bytes.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { checkParentHashes } from '../../src/ratchet-tree/parent-hash-validation.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import { blankTreeHash } from '../../src/ratchet-tree/tree-hash.ts'
import { leafNodeVerifyRequest } from '../../src/signed/leaf-node.ts'
import { level, type NodeIndex, nodeWidth } from '../../src/tree-math/tree-math.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes, expectEqual, expectNumbers, expectTrue } from '../expect.ts'
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
  // a generator that checks one parent node a step
  for (const _ of checkParentHashes(suite, tree));
  await expectLeafSignatures(suite, tree, vector.hex('group_id'))
}

/** The tree hash of any subtree, also of one without members. */
export function subtreeHash(suite: CipherSuite, tree: Tree, node: NodeIndex): Bytes {
  const height = level(node)
  return tree.subtreeHash(node) ?? blankTreeHash(suite, height, Math.floor(node / 2 ** (height + 1)))
}

/** Checks the signature of every leaf for its place in the group. */
export async function expectLeafSignatures(suite: CipherSuite, tree: Tree, groupId: Uint8Array): Promise<void> {
  const members = [...tree.members()]
  const results = await suite.verifyMany(
    members.map(([leafIndex, { leafNode, bytes }]) =>
      leafNodeVerifyRequest({ leafNode, bytes }, { groupId, leafIndex }),
    ),
  )
  members.forEach(([leafIndex], i) => {
    expectTrue(`the signature of leaf ${leafIndex} does not hold`, results[i] === true)
  })
}

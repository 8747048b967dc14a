/** Group H: UpdatePath (RFC 9420 §7.4-§7.6, §12.4.2), by a malicious member. */
import { beforeAll, expect, test } from 'vitest'
import { encode } from '../../src/codec/codec.ts'
import { encryptWithLabel } from '../../src/crypto/labels.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import type { LeafNodeContent } from '../../src/wire/leaf-node.ts'
import type { UpdatePathNode } from '../../src/wire/update-path.ts'
import { type CommitForgery, forgeCommit } from '../support/forge.ts'
import {
  bothFormats,
  expectAccepted,
  expectRejected,
  flip,
  makeWorld,
  newcomer,
  suite,
  type World,
} from '../support/world.ts'

// leaves 0 1 2 3, all nodes set; leaf 1 commits: nodes 1 (sealed to leaf 0) and 3 (sealed to node 5)
let world: World
beforeAll(async () => {
  world = await makeWorld({ members: 4, capabilities: { extensions: [0xf00d] } })
})

test('V279 a genuine forgery is accepted in both formats: the builder breaks nothing by itself', async () => {
  for (const format of ['mls_public_message', 'mls_private_message'] as const) {
    await expectAccepted(world, 0, await forgeCommit(world, 1, { format }))
    const bundle = await newcomer(world)
    const proposals = [
      { proposalType: 'remove', removed: 3 },
      { proposalType: 'add', keyPackage: bundle.keyPackage },
    ] as const
    await expectAccepted(world, 0, await forgeCommit(world, 1, { format, proposals }))
  }
})

/** Leaf 1 commits, leaf 0 and leaf 2 must both see it. */
function broken(title: string, rule: string, forgery: CommitForgery, victims = [0, 2]): void {
  bothFormats(title, async (format) => {
    const message = await forgeCommit(world, 1, { ...forgery, format })
    for (const victim of victims) await expectRejected(world, victim, message, rule)
  })
}

type Nodes = readonly UpdatePathNode[]
const node = (i: number, change: (node: UpdatePathNode) => UpdatePathNode) => (nodes: Nodes) =>
  nodes.map((one, at) => (at === i ? change(one) : one))
const ciphertexts = (
  i: number,
  change: (list: UpdatePathNode['encryptedPathSecret']) => UpdatePathNode['encryptedPathSecret'],
) => node(i, (one) => ({ ...one, encryptedPathSecret: change(one.encryptedPathSecret) }))

broken('V170 one node too few: the last', 'V170', { nodes: (nodes) => nodes.slice(0, -1) })
broken('V170 one node too few: the first', 'V170', { nodes: (nodes) => nodes.slice(1) })
broken('V171 one node too many', 'V171', { nodes: (nodes) => [...nodes, nodes[1]!] })
broken('V172 two nodes swapped: their keys are not those of the parent hash', 'V181', {
  nodes: (nodes) => nodes.map((one, i) => ({ ...one, encryptionKey: nodes[1 - i]!.encryptionKey })),
})
broken(
  'V173 a ciphertext too few, on a node of others',
  'V173',
  { nodes: ciphertexts(0, (list) => list.slice(1)) },
  [2],
)
broken('V173 a ciphertext too few, on the own node', 'V173', { nodes: ciphertexts(1, () => []) }, [2])
broken('V174 a ciphertext too many', 'V174', { nodes: ciphertexts(0, (list) => [...list, list[0]!]) })
broken(
  'V176 garbage for us',
  'V176',
  {
    nodes: ciphertexts(1, (list) => list.map((one) => ({ ...one, ciphertext: flip(one.ciphertext, 5) }))),
  },
  [2],
)
broken(
  'V042 a KEM output that is longer, shorter or empty is no ciphertext for us',
  'V176',
  {
    nodes: ciphertexts(1, (list) => list.map((one) => ({ ...one, kemOutput: one.kemOutput.slice(1) }))),
  },
  [2],
)
broken(
  'V042 an empty KEM output',
  'V176',
  {
    nodes: ciphertexts(1, (list) => list.map((one) => ({ ...one, kemOutput: new Uint8Array(0) }))),
  },
  [2],
)
broken(
  'V189 valid for leaf 2, garbage for leaf 0: who sees it rejects',
  'V176',
  {
    nodes: ciphertexts(0, (list) => list.map((one) => ({ ...one, ciphertext: flip(one.ciphertext) }))),
  },
  [0],
)
broken('V179 a path secret of another length', 'V179', { secrets: (all) => all.map((one) => one.slice(1)) })
broken('V179 a path secret that is longer', 'V179', { secrets: (all) => all.map((one) => new Uint8Array([...one, 0])) })
broken('V179 an empty path secret', 'V179', { secrets: (all) => all.map(() => new Uint8Array(0)) })
broken('V041 a path secret sealed under the label of a Welcome', 'V176', { label: 'Welcome' })
broken('V041 a path secret sealed to an empty context', 'V176', { sealedContext: new Uint8Array(0) })
broken('V181 a flipped parent hash', 'V181', {
  leaf: (leaf) => (leaf.leafNodeSource === 'commit' ? { ...leaf, parentHash: flip(leaf.parentHash) } : leaf),
})
broken('V181 an empty parent hash', 'V181', {
  leaf: (leaf) => (leaf.leafNodeSource === 'commit' ? { ...leaf, parentHash: new Uint8Array(0) } : leaf),
})
broken('V098 the leaf of a path with a flipped signature', 'V098', {
  signedLeaf: ({ leafNode, bytes }) => ({
    leafNode: { ...leafNode, signature: flip(leafNode.signature) },
    bytes: flip(bytes, -leafNode.signature.length),
  }),
})
broken('V099 the leaf of a path signed for another group', 'V098', { position: { groupId: new Uint8Array([1]) } })
broken('V100 the leaf of a path signed for another position', 'V098', { position: { leafIndex: 2 } })
broken('V103 the leaf of a path with source update', 'V103', {
  leaf: (leaf) => ({ ...leaf, leafNodeSource: 'update' }) as LeafNodeContent,
})
broken('V103 the leaf of a path with source key_package', 'V103', {
  leaf: (leaf) => ({ ...leaf, leafNodeSource: 'key_package', lifetime: { notBefore: 0n, notAfter: 2n ** 40n } }),
})
broken('V185 one key for two nodes', 'V185', { keys: ([first]) => [first!, first!] })
broken('V032 a path node with a key of 31 bytes', 'V032', { keys: ([first, ...rest]) => [first!.slice(1), ...rest] })

bothFormats('V177 the right secret and another public key at our node', async (format) => {
  const { publicKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  const message = await forgeCommit(world, 1, { format, keys: ([, root]) => [publicKey, root!] })
  await expectRejected(world, 0, message, 'V177')
})
bothFormats('V178 another public key only at the root', async (format) => {
  const { publicKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  const message = await forgeCommit(world, 1, { format, keys: ([first]) => [first!, publicKey] })
  await expectRejected(world, 0, message, 'V178')
})
bothFormats('V182 the leaf keeps its encryption key', async (format) => {
  const encryptionKey = Uint8Array.from(world.state(1).current.tree.encryptionKey(2)!)
  const message = await forgeCommit(world, 1, { format, leaf: (leaf) => ({ ...leaf, encryptionKey }) })
  await expectRejected(world, 0, message, 'V182')
})
bothFormats('V183 the leaf takes the key of another leaf, or of a parent', async (format) => {
  for (const place of [0, 4, 3, 5]) {
    const encryptionKey = Uint8Array.from(world.state(1).current.tree.encryptionKey(place)!)
    const message = await forgeCommit(world, 1, { format, leaf: (leaf) => ({ ...leaf, encryptionKey }) })
    await expectRejected(world, 2, message, 'V183')
  }
})
bothFormats(
  'V184 a path node takes a key of the tree: of a leaf, of another parent, its own old one',
  async (format) => {
    for (const place of [0, 4, 5, 1]) {
      const used = Uint8Array.from(world.state(1).current.tree.encryptionKey(place)!)
      const message = await forgeCommit(world, 1, { format, keys: ([, root]) => [used, root!] })
      await expectRejected(world, 2, message, 'V184')
    }
  },
)
bothFormats('V185 a path node with the key of the path leaf', async (format) => {
  const { publicKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  const message = await forgeCommit(world, 1, {
    format,
    keys: ([first]) => [first!, publicKey],
    leaf: (leaf) => ({ ...leaf, encryptionKey: publicKey }),
  })
  await expectRejected(world, 2, message, 'V185')
})
bothFormats('V186 the leaf takes the signature key of another member', async (format) => {
  const signatureKey = world.identities[2]!.signer.publicKey
  const message = await forgeCommit(world, 1, {
    format,
    leaf: (leaf) => ({ ...leaf, signatureKey }),
    leafSigner: world.identities[2]!.signer,
  })
  await expectRejected(world, 0, message, 'V186')
})
bothFormats('V180 sealed to the context of the old epoch, the old tree, the old extensions', async (format) => {
  const { context } = world.state(1).current
  const old = encode(GroupContext, context)
  const oldTree = encode(GroupContext, { ...context, epoch: context.epoch + 1n })
  for (const sealedContext of [old, oldTree])
    await expectRejected(world, 2, await forgeCommit(world, 1, { format, sealedContext }), 'V176')
  const proposals = [
    {
      proposalType: 'group_context_extensions',
      extensions: [{ extensionType: 0xf00d, extensionData: new Uint8Array(0) }],
    },
  ] as const
  const message = await forgeCommit(world, 1, { format, proposals, sealedContext: oldTree })
  await expectRejected(world, 2, message, 'V176')
})
bothFormats('V175 a ciphertext for a leaf that the commit adds', async (format) => {
  const { keyPackage } = await newcomer(world)
  const proposals = [
    { proposalType: 'remove', removed: 3 },
    { proposalType: 'add', keyPackage },
  ] as const
  const message = await forgeCommit(world, 1, { format, proposals, newLeaves: new Set() })
  await expectRejected(world, 2, message, 'V175')
})
bothFormats('V187 resolutions of the tree before the Remove of the same commit', async (format) => {
  const proposals = [{ proposalType: 'remove', removed: 3 }] as const
  const resolutions = world.state(1).current.tree
  // before: node 5 alone; after: leaf 2 alone, so the number is equal and the key is not
  await expectRejected(world, 2, await forgeCommit(world, 1, { format, proposals, resolutions }), 'V181')
  const spoiled = (nodes: Nodes) => ciphertexts(1, (list) => [...list, list[0]!])(nodes)
  const message = await forgeCommit(world, 1, { format, proposals, nodes: spoiled })
  await expectRejected(world, 2, message, 'V174')
})
test('V188 groups of one and two members: the path is empty or has one node', async () => {
  const two = await makeWorld({ members: 2 })
  await expectAccepted(two, 0, await forgeCommit(two, 1))
  const group = (await makeWorld({ members: 1 })).restore(0)
  const epoch = group.epoch
  group.merge((await group.commit()).staged)
  expect(group.epoch).toBe(epoch + 1n)
  const removal = await expectAccepted(
    two,
    1,
    await forgeCommit(two, 0, { proposals: [{ proposalType: 'remove', removed: 1 }] }),
  )
  expect(removal.status).toBe('removed')
})

test('V041 a genuine path secret sealed for the Welcome of somebody else does not open', async () => {
  const sealed = await encryptWithLabel(
    suite,
    Uint8Array.from(world.state(1).current.tree.encryptionKey(5)!),
    'Welcome',
    new Uint8Array(0),
    new Uint8Array(32),
  )
  const message = await forgeCommit(world, 1, { nodes: ciphertexts(1, () => [sealed]) })
  await expectRejected(world, 2, message, 'V176')
})

/** Group G, continued: the leaves of the tree of a Welcome, the own leaf, and trees beside the GroupInfo. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii, type Bytes } from '../../src/bytes/bytes.ts'
import { createIdentity, joinExternal, joinGroup } from '../../src/index.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import type { Capabilities, LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { wireLimits } from '../../src/wire/limits.ts'
import { encodeTree, type TreeForgery } from '../support/flat-tree.ts'
import { forgeWelcome } from '../support/forge-welcome.ts'
import { expectJoinRejected, type JoinWorld, joinCases, makeJoinWorld } from '../support/join-cases.ts'
import { flip, makeWorld, newcomer, outcomeOf, suite } from '../support/world.ts'

// as in g-tree-join: leaf 0 adds leaf 6; leaf 3 set the node above leaf 2
let all: JoinWorld
beforeAll(async () => {
  all = await makeJoinWorld({ members: 6, commits: [3, 5, 0] })
})
const join = joinCases(() => all)

describe('leaves', () => {
  /** Bends leaf 2, the sibling of leaf 3 below node 5. */
  const leaf2 = (
    change: (leaf: LeafNodeContent) => LeafNodeContent,
    by: Parameters<TreeForgery['setLeaf']>[2] = {},
  ) => ({
    tree: async (tree: TreeForgery) => {
      await tree.setLeaf(2, change, by)
      await tree.commitPath(3, 1)
      await tree.commitPath(0)
    },
  })
  const capabilities = (change: Partial<Capabilities>) =>
    leaf2((leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, ...change } }))
  join('V163 V108 a default proposal in capabilities', 'V108', capabilities({ proposals: [3] }))
  join('V163 V109 a default extension in capabilities', 'V109', capabilities({ extensions: [2] }))
  join('V163 V110 without the version of the group', 'V110', capabilities({ versions: [] }))
  join('V163 V111 without the suite of the group', 'V111', capabilities({ cipherSuites: [3] }))
  join('V163 V112 without the own credential type', 'V112', capabilities({ credentials: [2] }))
  join(
    'V163 V114 an extension twice',
    'V114',
    leaf2((leaf) => ({ ...leaf, extensions: [extension(1), extension(1)] })),
  )
  join(
    'V163 V115 an extension that belongs elsewhere',
    'V115',
    leaf2((leaf) => ({ ...leaf, extensions: [extension(4)] })),
  )
  join(
    'V163 V113 an extension outside the capabilities',
    'V113',
    leaf2((leaf) => ({ ...leaf, extensions: [extension(0xf00b)] })),
  )
  join(
    'V163 V104 a lifetime that ends before it begins',
    'V104',
    leaf2((leaf) => ({ ...leaf, leafNodeSource: 'key_package', lifetime: { notBefore: 2n, notAfter: 1n } })),
  )
  join('V098 a leaf signed with another key', 'V098', () =>
    leaf2((leaf) => leaf, { signer: all.world.identities[1]!.signer }),
  )
  join(
    'V098 V099 a leaf signed for another group',
    'V098',
    leaf2((leaf) => ({ ...leaf, leafNodeSource: 'update' }) as LeafNodeContent, {
      position: { groupId: ascii('other') },
    }),
  )
  join(
    'V098 V100 a leaf signed for another position',
    'V098',
    leaf2((leaf) => ({ ...leaf, leafNodeSource: 'update' }) as LeafNodeContent, { position: { leafIndex: 1 } }),
  )
  const extension = (extensionType: number) => ({ extensionType, extensionData: new Uint8Array(0) })
})

describe('the own leaf', () => {
  join('V167 it is not there', 'V167', {
    tree: async (tree) => {
      tree.nodes.length = 11
      await tree.commitPath(0)
    },
  })
  join('V168 it has other capabilities, signed with the same key', 'V168', () => ({
    tree: async (tree) => {
      const { signer } = all.bundle
      await tree.setLeaf(6, (leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, proposals: [0xf001] } }), {
        signer,
      })
      await tree.commitPath(0)
    },
  }))
  join('V168 its lists are in another order', 'V168', () => ({
    tree: async (tree) => {
      const change = (leaf: LeafNodeContent) => ({
        ...leaf,
        capabilities: { ...leaf.capabilities, credentials: [2, 1] },
      })
      await tree.setLeaf(6, change, { signer: all.bundle.signer })
      await tree.commitPath(0)
    },
  }))
  join('V169 it is there twice', 'V124', { tree: (tree) => void tree.nodes.push(undefined, tree.nodes[12]) })
})

describe('trees beside the GroupInfo', () => {
  test('V165 the tree of another epoch, and of another group', async () => {
    const own = all.world.restore(0).ratchetTree()
    const other = (await makeWorld({ members: 1 })).restore(0).ratchetTree()
    for (const ratchetTree of [own, other])
      await expectJoinRejected(all, 'V142', { treeExtension: false }, { ratchetTree })
  })
  test('V166 two trees that differ', async () => {
    await expectJoinRejected(all, 'V166', {}, { ratchetTree: all.world.restore(0).ratchetTree() })
  })
  test('V164 a tree that is given beside is taken', async () => {
    let given: Bytes = new Uint8Array(0)
    const welcome = await forgeWelcome(all.world, 0, all.bundle, {
      treeExtension: false,
      tree: (tree) => {
        given = encodeTree(tree.nodes)
      },
    })
    expect(await outcomeOf(() => joinGroup({ suite, keyPackage: all.bundle, welcome, ratchetTree: given }))).toBe(
      undefined,
    )
  })
  test('R01 V146 a tree of too many bytes is not decoded', async () => {
    const groupInfo = await all.world.restore(0).groupInfo({ ratchetTree: false, externalPub: true })
    const input = { suite, groupInfo, identity: createIdentity(suite, 'erin') }
    const ratchetTree = new Uint8Array(wireLimits.treeBytes + 1)
    expect(await outcomeOf(() => joinExternal({ ...input, ratchetTree }))).toBe('R01')
    expect(await outcomeOf(() => importTree(suite, ratchetTree))).toBe('V146')
  })
  test('V142 V164 an external join checks its tree in the same way', async () => {
    const group = all.world.restore(0)
    const groupInfo = await group.groupInfo({ ratchetTree: false, externalPub: true })
    const input = { suite, groupInfo, identity: createIdentity(suite, 'erin') }
    expect(await outcomeOf(() => joinExternal(input))).toBe('V164')
    expect(await outcomeOf(() => joinExternal({ ...input, ratchetTree: flip(group.ratchetTree(), -1) }))).toBe('V142')
  })
})

test('V160 the tree of a removed member and a new one', async () => {
  const world = await makeWorld({ members: 5, commits: [4, 1], removed: 2 })
  const bundle = await newcomer(world)
  const group = world.restore(0)
  group.merge((await group.commit({ remove: [1] })).staged)
  const welcome = group.merge((await group.commit({ add: [bundle], path: false })).staged).welcome!
  const joined = await joinGroup({ suite, keyPackage: bundle, welcome })
  expect(joined.treeHash).toEqual(group.treeHash)
})

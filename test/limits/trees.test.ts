/** R10-R14: trees of an inviter who wants the newcomer to work. */
import { beforeAll, describe, expect, test } from 'vitest'
import { type Bytes, concatBytes, empty } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { type CipherSuite, joinExternal, joinGroup, wireLimits } from '../../src/index.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { checkParentHashes } from '../../src/ratchet-tree/parent-hash-validation.ts'
import type { EncodedLeafNode } from '../../src/wire/leaf-node.ts'
import { type Node, RatchetTree } from '../../src/wire/ratchet-tree.ts'
import { forgeWelcome } from '../support/forge-welcome.ts'
import { populatedTree } from '../support/populated-tree.ts'
import { makeWorld, newcomer, outcomeOf, suite, type World } from '../support/world.ts'
import { costOf, slack } from './support.ts'

let world: World
let leaf: EncodedLeafNode
beforeAll(async () => {
  world = await makeWorld({ members: 4 })
  const { leafNode, bytes } = world.state(0).current.tree.leaf(0)!
  leaf = { leafNode, bytes }
})

const treeOf = (nodes: readonly (Node | undefined)[]): Bytes => encode(RatchetTree, nodes)
const blanks = (count: number): undefined[] => new Array<undefined>(count).fill(undefined)

describe('R10 R11 enormous and lopsided trees', () => {
  test('R10 a leaf beyond the largest tree', async () => {
    const encoded = treeOf([...blanks(2 * wireLimits.members - 2), { nodeType: 'leaf', ...leaf }])
    const over = concatBytes(encoded.subarray(0, 4), Uint8Array.of(0, 0), encoded.subarray(4))
    new DataView(over.buffer).setUint32(0, (0x80000000 | (over.length - 4)) >>> 0)
    expect((await costOf(() => importTree(suite, encoded))).refused).toBe(undefined)
    const cost = await costOf(() => importTree(suite, over))
    expect(cost.refused).toBe('V146')
    expect(cost.milliseconds).toBeLessThan(slack * 500)
    expect(cost.mebibytes).toBeLessThan(32)
  })

  test('R11 one leaf at the far end of a tree of full height costs its height', async () => {
    const encoded = treeOf([...blanks(2 * wireLimits.members - 2), { nodeType: 'leaf', ...leaf }])
    let tree = importTree(suite, encoded)
    const cost = await costOf(() => {
      tree = importTree(suite, encoded)
      for (const _ of checkParentHashes(suite, tree));
      expect(tree.resolution(wireLimits.members - 1)).toEqual([2 * (wireLimits.members - 1)])
      expect(tree.filteredDirectPath(wireLimits.members - 1)).toEqual([])
      expect(tree.encode().length).toBe(encoded.length)
    })
    expect(cost.refused).toBe(undefined)
    expect(cost.milliseconds).toBeLessThan(slack * 1000)
    expect(cost.mebibytes).toBeLessThan(16)
  })
})

describe('R12 R13 unmerged leaves everywhere', () => {
  // each parent names all leaves below it but one as unmerged: the most that lists can hold
  const members = 512
  const worst = (): Bytes => {
    const fixture = populatedTree(suite, members)
    const nodes: (Node | undefined)[] = []
    for (let node = 0; node < 2 * members - 1; node++) {
      if (node % 2 === 0) {
        const own = fixture.tree.leaf(node / 2)!
        nodes.push({ nodeType: 'leaf', leafNode: own.leafNode, bytes: own.bytes })
        continue
      }
      const half = ((node + 1) & -(node + 1)) - 1
      const first = (node - half) / 2
      const unmergedLeaves = Array.from({ length: half }, (_, i) => first + i + 1)
      const encryptionKey = fixture.tree.encryptionKey(node)!.slice()
      nodes.push({ nodeType: 'parent', parentNode: { encryptionKey, parentHash: empty, unmergedLeaves } })
    }
    return treeOf(nodes)
  }

  test('R12 R13 lists that contradict each other are refused before they are hashed', async () => {
    const encoded = worst()
    let hashes = 0
    const counting: CipherSuite = new Proxy(suite, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        return (...input: unknown[]) => {
          if (key === 'hash') hashes++
          if (key === 'hashMany') hashes += (input[0] as unknown[]).length
          return value.apply(target, input)
        }
      },
    })
    const cost = await costOf(() => {
      const tree = importTree(counting, encoded)
      for (const _ of checkParentHashes(counting, tree));
    })
    // a leaf that is unmerged above, and not in between
    expect(cost.refused).toBe('V151')
    expect(hashes).toBeLessThan(2 * members)
    expect(cost.milliseconds).toBeLessThan(slack * 3000)
    expect(cost.mebibytes).toBeLessThan(32)
  })
})

describe('R14 signatures of all leaves', () => {
  /** Counts what the joiner verifies. */
  function counted(): { readonly suite: CipherSuite; readonly verified: () => number } {
    let verified = 0
    const counting = new Proxy(suite, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        return (...input: unknown[]) => {
          if (key === 'verify') verified++
          if (key === 'verifyMany') verified += (input[0] as unknown[]).length
          return value.apply(target, input)
        }
      },
    })
    return { suite: counting, verified: () => verified }
  }

  test('R14 a Welcome that is not for us, or does not open, costs no signature', async () => {
    const [bundle, other] = [await newcomer(world), await newcomer(world, 'other')]
    const welcome = await forgeWelcome(world, 0, other)
    const { suite: counting, verified } = counted()
    expect(await outcomeOf(() => joinGroup({ suite: counting, keyPackage: bundle, welcome }))).toBe('V302')
    const damaged = await forgeWelcome(world, 0, bundle, {
      encryptedGroupInfo: (bytes) => bytes.map((byte) => byte ^ 1),
    })
    expect(await outcomeOf(() => joinGroup({ suite: counting, keyPackage: bundle, welcome: damaged }))).toBe('V308')
    expect(verified()).toBe(0)
  })

  test('R14 a tree of another hash, or a GroupInfo with a bad signature, costs one at most', async () => {
    const bundle = await newcomer(world)
    const { suite: counting, verified } = counted()
    const join = (welcome: Uint8Array) => outcomeOf(() => joinGroup({ suite: counting, keyPackage: bundle, welcome }))
    const otherHash = { sentContext: <T extends object>(context: T) => ({ ...context, treeHash: new Uint8Array(32) }) }
    expect(await join(await forgeWelcome(world, 0, bundle, otherHash))).toBe('V142')
    expect(verified()).toBe(0)
    const unsigned = { groupInfo: <T extends object>(info: T) => ({ ...info, signature: new Uint8Array(64) }) }
    expect(await join(await forgeWelcome(world, 0, bundle, unsigned))).toBe('V310')
    expect(verified()).toBe(1)
    // and the genuine one works
    const group = world.restore(0)
    const { staged } = await group.commit({ add: [bundle] })
    expect(await join(group.merge(staged).welcome!)).toBe(undefined)
    expect(verified()).toBe(7)
  })

  test('R14 an external joiner looks at the hash and the one signature first', async () => {
    const { suite: counting, verified } = counted()
    const groupInfo = await world.restore(0).groupInfo()
    groupInfo[groupInfo.length - 1]! ^= 1
    const [identity] = world.identities
    expect(await outcomeOf(() => joinExternal({ suite: counting, identity: identity!, groupInfo }))).toBe('V310')
    expect(verified()).toBe(1)
  })
})

/** R01-R03 at a live group: sizes are looked at before anything is made of them. */
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, equalBytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { joinExternal, joinGroup, wireLimits } from '../../src/index.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'
import { makeWorld, newcomer, outcomeOf, suite, type World } from '../support/world.ts'
import { type Cost, costOf, longLength, longVector, slack } from './support.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld({ members: 3 })
})

/** A live group gets the bytes some times, holds nothing of them, and goes on. */
async function received(message: Uint8Array, times = 1): Promise<Cost> {
  const group = world.restore(0)
  const before = group.snapshot()
  const refused = new Set<string | undefined>()
  const cost = await costOf(async () => {
    for (let i = 0; i < times; i++) refused.add(await outcomeOf(() => group.receive(message)))
  })
  expect(equalBytes(group.snapshot(), before)).toBe(true)
  expect((await group.receive(world.genuine(0))).kind).toBe('message')
  return { ...cost, refused: [...refused].join() }
}

/** The start of a PublicMessage with a commit, up to its proposals. */
const commitHead = (): Uint8Array =>
  concatBytes(Uint8Array.of(0, 1, 0, 1, 1, 7), new Uint8Array(8), Uint8Array.of(1, 0, 0, 0, 0, 0, 3))

describe('R01 huge messages', () => {
  test('R01 one byte more than a message may have', async () => {
    const message = new Uint8Array(wireLimits.messageBytes + 1)
    message.set([0, 1, 0, 2])
    const cost = await received(message)
    expect(cost.refused).toBe('R01')
    expect(cost.milliseconds).toBeLessThan(slack * 50)
    expect(cost.mebibytes).toBeLessThan(8)
  })

  test('R01 one byte more than a Welcome, a GroupInfo or a tree may have', async () => {
    const [identity] = world.identities
    const bundle = await newcomer(world)
    const message = new Uint8Array(wireLimits.treeBytes + 1)
    message.set([0, 1, 0, 3])
    const welcome = await costOf(() => joinGroup({ suite, welcome: message, keyPackage: bundle }))
    message.set([0, 1, 0, 4])
    const groupInfo = await costOf(() => joinExternal({ suite, groupInfo: message, identity: identity! }))
    const beside = await world.restore(0).groupInfo({ ratchetTree: false })
    const tree = await costOf(() =>
      joinExternal({ suite, groupInfo: beside, ratchetTree: message, identity: identity! }),
    )
    for (const cost of [welcome, groupInfo, tree]) {
      expect(cost.refused).toBe('R01')
      expect(cost.milliseconds).toBeLessThan(slack * 100)
      expect(cost.mebibytes).toBeLessThan(8)
    }
  })
})

describe('R02 lengths that promise too much', () => {
  test('R02 V007 nothing is allocated for bytes that are not there', async () => {
    const heads = [
      // a group id, a Welcome's entries, a GroupInfo's group id, an init key
      Uint8Array.of(0, 1, 0, 1),
      Uint8Array.of(0, 1, 0, 2),
      Uint8Array.of(0, 1, 0, 3, 0, 1),
      Uint8Array.of(0, 1, 0, 4, 0, 1, 0, 1),
      Uint8Array.of(0, 1, 0, 5, 0, 1, 0, 1),
      commitHead(),
    ]
    for (const head of heads) {
      const cost = await received(concatBytes(head, longLength(0x3fffffff), new Uint8Array(100)), 2000)
      expect(cost.refused).toBe('V006')
      expect(cost.milliseconds).toBeLessThan(slack * 2000)
      expect(cost.mebibytes).toBeLessThan(8)
    }
  })
})

describe('R03 very many tiny elements', () => {
  test('R03 proposals: empty references as far as a message reaches', async () => {
    // each is a type and an empty hash
    const body = new Uint8Array(8 * 2 ** 20)
    for (let i = 0; i < body.length; i += 2) body[i] = 2
    const cost = await received(concatBytes(commitHead(), longLength(body.length), body))
    expect(cost.refused).toBe('R03')
    expect(cost.milliseconds).toBeLessThan(slack * 500)
    expect(cost.mebibytes).toBeLessThan(32)
  })

  test('R03 path secrets: empty ciphertexts in all nodes of a path', async () => {
    const leaf = encode(LeafNode, world.state(0).current.tree.leaf(0)!.leafNode)
    const node = concatBytes(Uint8Array.of(0), longVector(2 * wireLimits.members))
    const nodes = concatBytes(...new Array<Uint8Array>(32).fill(node))
    const message = concatBytes(commitHead(), Uint8Array.of(0, 1), leaf, longLength(nodes.length), nodes)
    expect(message.length).toBeLessThan(wireLimits.messageBytes)
    const cost = await received(message)
    expect(cost.refused).toBe('R03')
    expect(cost.milliseconds).toBeLessThan(slack * 3000)
    expect(cost.mebibytes).toBeLessThan(32)
  })

  test('R03 entries of a Welcome', async () => {
    const bundle = await newcomer(world)
    const entries = longVector(3 * (wireLimits.welcomeSecrets + 1))
    const welcome = concatBytes(Uint8Array.of(0, 1, 0, 3, 0, 1), entries, Uint8Array.of(0))
    const cost = await costOf(() => joinGroup({ suite, welcome, keyPackage: bundle }))
    expect(cost.refused).toBe('R03')
    expect(cost.milliseconds).toBeLessThan(slack * 500)
    expect(cost.mebibytes).toBeLessThan(32)
  })

  test('R03 V146 nodes of a tree: more than the largest group has', async () => {
    const [identity] = world.identities
    const groupInfo = await world.restore(0).groupInfo({ ratchetTree: false })
    const leaf = encode(LeafNode, world.state(0).current.tree.leaf(0)!.leafNode)
    const nodes = concatBytes(new Uint8Array(2 * wireLimits.members), Uint8Array.of(1, 1), leaf)
    const ratchetTree = concatBytes(longLength(nodes.length), nodes)
    const cost = await costOf(() => joinExternal({ suite, groupInfo, ratchetTree, identity: identity! }))
    expect(cost.refused).toBe('V146')
    expect(cost.milliseconds).toBeLessThan(slack * 500)
    expect(cost.mebibytes).toBeLessThan(32)
  })
})

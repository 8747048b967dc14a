/** Limits R01-R30 that no other test names, and the validity of the tree after commits (V262). */
import { beforeAll, expect, test } from 'vitest'
import { ascii, equalBytes } from '../../src/bytes/bytes.ts'
import { mapKey } from '../../src/bytes/text.ts'
import { createIdentity, joinExternal, joinGroup } from '../../src/index.ts'
import { applyProposals } from '../../src/proposals/apply.ts'
import { sortProposals } from '../../src/proposals/proposal-list.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { OriginalTreeHash } from '../../src/ratchet-tree/original-tree-hash.ts'
import { wireLimits } from '../../src/wire/limits.ts'
import { forgeCommit, forgeProposal } from '../support/forge.ts'
import { add, forgeUpdate, remove } from '../support/values.ts'
import { capabilitiesOf, expectAccepted, makeWorld, newcomer, outcomeOf, suite, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld({ members: 5, commits: [0, 3] })
})

test('V262 after each commit the tree is one that a stranger accepts', async () => {
  const sent = await forgeProposal(world, 2, await forgeUpdate(world, 2))
  const [x, y] = [await newcomer(world, 'x'), await newcomer(world, 'y')]
  const lists = [
    [3, []],
    [3, [remove(4)]],
    [0, [remove(3), remove(4)]],
    [0, [add(x.keyPackage), add(y.keyPackage)]],
    [3, [remove(0), add(x.keyPackage), sent]],
    [0, [sent, remove(4), add(x.keyPackage), add(y.keyPackage)]],
  ] as const
  for (const [member, proposals] of lists) {
    const group = await expectAccepted(world, member, await forgeCommit(world, 1, { proposals }), [sent.message])
    const input = { suite, identity: createIdentity(suite, 'stranger'), capabilities: capabilitiesOf({}) }
    expect(await outcomeOf(async () => joinExternal({ ...input, groupInfo: await group.groupInfo() }))).toBe(undefined)
  }
})

test('R10 a commit does not bring more members than a group may have', async () => {
  const { current, config } = world.state(0)
  const { keyPackage } = await newcomer(world)
  const list = sortProposals([
    { proposal: add(keyPackage), sender: { senderType: 'member', leafIndex: 1 }, reference: undefined },
  ])
  const full = Object.create(current.tree, { memberCount: { value: wireLimits.members } }) as typeof current.tree
  const input = { suite, tree: full, groupContext: current.context, authentication: config.authentication }
  expect(await outcomeOf(() => applyProposals(list, input))).toBe('R10')
})

test('R12 the hashes that a tree may ask for are bounded', async () => {
  const tree = importTree(suite, world.restore(0).ratchetTree())
  const hashes = new OriginalTreeHash(suite, 1)
  const root = { subtree: tree.root, height: tree.height, position: 0 }
  const ask = () => {
    for (let set = 1; set < 32; set++)
      hashes.of(
        root,
        [0, 1, 2, 3, 4].filter((leaf) => (set >> leaf) % 2 === 1),
      )
  }
  expect(await outcomeOf(ask)).toBe('R12')
})

test('R22 padding is counted as a part of the message', async () => {
  const group = world.restore(0)
  const padded = group.protect(ascii('x'), { padding: { kind: 'multiple', of: 4096 } })
  expect(padded.length).toBeGreaterThan(4096)
  expect(wireLimits.messageBytes).toBe(16 * 1024 * 1024)
  const huge = new Uint8Array(wireLimits.messageBytes)
  const before = group.snapshot()
  expect(await outcomeOf(() => group.protect(huge))).toBe('R01')
  expect(equalBytes(group.snapshot(), before)).toBe(true)
})

test('R25 the keys of look-ups are strings with one character a byte, different for different bytes', () => {
  expect(mapKey(ascii('__proto__'))).toHaveLength(9)
  const keys = new Set(Array.from({ length: 256 }, (_, i) => mapKey(new Uint8Array([i, 0]))))
  expect(keys.size).toBe(256)
  expect(mapKey(new Uint8Array([1]))).not.toBe(mapKey(new Uint8Array([1, 0])))
})

test('R26 a uint64 comes from eight bytes: an epoch of a message is a bigint at once', () => {
  expect(typeof world.restore(0).epoch).toBe('bigint')
})

test('R28 joining gives way to other work between two slices', async () => {
  const big = await makeWorld({ members: 6 })
  const bundle = await newcomer(big)
  const group = big.restore(0)
  const welcome = group.merge((await group.commit({ add: [bundle] })).staged).welcome!
  let now = 0
  let pauses = 0
  const clock = { now: () => (now += 5) }
  const pause = async () => void pauses++
  const join = (sliceMilliseconds: number) =>
    joinGroup({ suite, keyPackage: bundle, welcome, options: { clock, pause, limits: { sliceMilliseconds } } })
  await join(1)
  expect(pauses).toBeGreaterThan(0)
  pauses = 0
  await join(1_000_000)
  expect(pauses).toBe(0)
})

test('R29 calls on one group wait for each other', async () => {
  const group = world.restore(0)
  const outcomes = await Promise.allSettled([group.commit(), group.commit(), group.receive(world.genuine(0))])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const [, second] = outcomes
  expect(second?.status === 'rejected' ? String(second.reason) : '').toContain('group/pending')
})

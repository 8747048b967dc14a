/** R04-R09 and R15 at a live group: members and strangers who send what costs the receiver most. */
import { beforeAll, expect, test } from 'vitest'
import { type Bytes, equalBytes } from '../../src/bytes/bytes.ts'
import type { GroupState } from '../../src/group/state.ts'
import { defaultLimits, type Group } from '../../src/index.ts'
import { populatedGroup } from '../support/populated-group.ts'
import { makeWorld, outcomeOf, suite, type World } from '../support/world.ts'
import { badMessage, costOf, slack } from './support.ts'

const { forwardSteps, failures, skippedPerSender, skippedPerGroup } = defaultLimits
const none = { kind: 'none' } as const
const text = new Uint8Array(8)

let world: World
let attacker: GroupState
beforeAll(async () => {
  world = await makeWorld({ members: 3 })
  attacker = world.state(1)
})

/** Messages of one member, in order. */
function messagesOf(group: Group, count: number): Bytes[] {
  return Array.from({ length: count }, () => group.protect(text, { padding: none }))
}

async function kindOf(group: Group, message: Uint8Array): Promise<string> {
  return (await group.receive(message)).kind
}

test('R04 V209 generations far ahead are refused at once', async () => {
  const group = world.restore(0)
  const before = group.snapshot()
  for (const generation of [forwardSteps + 1, 2 ** 16, 2 ** 31, 2 ** 32 - 1]) {
    const message = badMessage(attacker, 1, generation)
    const cost = await costOf(() => group.receive(message))
    expect(cost.refused).toBe('V209')
    expect(cost.milliseconds).toBeLessThan(slack * 50)
  }
  expect(equalBytes(group.snapshot(), before)).toBe(true)
  expect(await kindOf(group, world.genuine(0))).toBe('message')
})

test('R04 as far as a genuine message may be ahead, within a second', async () => {
  const [sender, group] = [world.restore(1), world.restore(0)]
  const message = messagesOf(sender, forwardSteps + 1).at(-1)!
  const cost = await costOf(() => kindOf(group, message))
  expect(cost.refused).toBe(undefined)
  expect(cost.milliseconds).toBeLessThan(slack * 1000)
  expect(cost.mebibytes).toBeLessThan(8)
  expect(await kindOf(group, sender.protect(text))).toBe('message')
})

test('R05 jumps that hold nothing: after some of them only short steps are followed', async () => {
  const group = world.restore(0)
  const before = group.snapshot()
  for (let i = 0; i < failures; i++)
    expect(await outcomeOf(() => group.receive(badMessage(attacker, 1, forwardSteps)))).toBe('crypto/decrypt')
  // the flood after that is cheap
  const flood = await costOf(async () => {
    for (let i = 0; i < 200; i++)
      expect(await outcomeOf(() => group.receive(badMessage(attacker, 1, forwardSteps)))).toBe('R05')
  })
  expect(flood.milliseconds).toBeLessThan(slack * 1000)
  expect(flood.mebibytes).toBeLessThan(8)
  expect(equalBytes(group.snapshot(), before)).toBe(true)
  // others are not held against, and a genuine message lifts it
  const other = world.restore(2)
  expect(await kindOf(group, messagesOf(other, 500).at(-1)!)).toBe('message')
  const genuine = world.restore(1)
  expect(await kindOf(group, genuine.protect(text))).toBe('message')
  expect(await kindOf(group, messagesOf(genuine, 500).at(-1)!)).toBe('message')
})

test('R06 V212 keys of skipped generations are bounded for a sender and for the group', async () => {
  const [perSender, perGroup] = [32, 128]
  const { member } = populatedGroup(suite, 16, { limits: { skippedPerSender: perSender, skippedPerGroup: perGroup } })
  const victim = member(0)
  const growth = async (leaf: number): Promise<number> => {
    const before = victim.snapshot().length
    expect(await kindOf(victim, messagesOf(member(leaf), 60).at(-1)!)).toBe('message')
    return victim.snapshot().length - before
  }
  const sizes: number[] = []
  for (let leaf = 1; leaf <= 8; leaf++) sizes.push(await growth(leaf))
  // a key with its nonce takes less than 100 bytes where it is stored
  expect(sizes[0]).toBeGreaterThan(28 * perSender)
  expect(sizes[0]).toBeLessThan(100 * perSender + 500)
  // four senders fill what the group may keep; then the oldest make room
  expect(sizes[3]).toBeGreaterThan(28 * perSender)
  for (const size of sizes.slice(4)) expect(size).toBeLessThan(28 * perSender)
  expect(skippedPerSender).toBe(256)
  expect(skippedPerGroup).toBe(4096)
})

test('R07 messages in any order, as far as keys are kept', async () => {
  const [sender, group] = [world.restore(1), world.restore(0)]
  const messages = messagesOf(sender, skippedPerSender + 2)
  const last = messages.pop()!
  expect(await kindOf(group, last)).toBe('message')
  // the first one fell out of the window, all others wait
  const [beyond, ...within] = messages
  for (const message of within.reverse()) expect(await kindOf(group, message)).toBe('message')
  expect(await kindOf(group, beyond!)).toBe('duplicate')
  for (const message of within) expect(await kindOf(group, message)).toBe('duplicate')
})

test('R08 epochs that are over are not kept for ever', async () => {
  const [group, other] = [world.restore(0), world.restore(1)]
  const sizes: number[] = []
  const cost = await costOf(async () => {
    for (let i = 0; i < 12; i++) {
      const { commit, staged } = await other.commit()
      other.merge(staged)
      await group.receive(commit)
      await group.receive(other.protect(text))
      sizes.push(group.snapshot().length)
    }
  })
  expect(cost.mebibytes).toBeLessThan(8)
  expect(group.state.past).toHaveLength(defaultLimits.pastEpochs)
  // what grows is the list of resumption PSKs, which has a bound of its own
  expect(sizes[11]! - sizes[5]!).toBeLessThan(6 * 64)
})

test('R09 a flood of future epochs: reported, not kept, not decrypted', async () => {
  const group = world.restore(0)
  const before = group.snapshot()
  const ahead = world.restore(1)
  ahead.merge((await ahead.commit()).staged)
  const message = ahead.protect(new Uint8Array(10_000))
  const cost = await costOf(async () => {
    for (let i = 0; i < 2000; i++) expect(await kindOf(group, message)).toBe('future-epoch')
  })
  expect(cost.milliseconds).toBeLessThan(slack * 1500)
  expect(cost.mebibytes).toBeLessThan(8)
  expect(equalBytes(group.snapshot(), before)).toBe(true)
  expect(await kindOf(group, world.genuine(0))).toBe('message')
})

test('R15 a flood of proposals is held, and the next commit ends it', async () => {
  const [group, other] = [world.restore(0), world.restore(2)]
  const wide = { limits: { proposalsPerSender: 10_000, proposalsPerEpoch: 10_000, proposalBytes: 2 ** 30 } }
  const careless = world.restore(1, wide)
  const outcomes = new Map<string | undefined, number>()
  const pskId = (i: number) => ({
    psktype: 'external' as const,
    pskId: Uint8Array.of(i >> 8, i & 0xff),
    pskNonce: new Uint8Array(32),
  })
  const cost = await costOf(async () => {
    for (let i = 0; i < 150; i++) {
      const { proposal } = await careless.propose({ psk: pskId(i) })
      const outcome = await outcomeOf(() => group.receive(proposal))
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  })
  expect(outcomes).toEqual(
    new Map([
      [undefined, defaultLimits.proposalsPerSender],
      ['R15', 150 - defaultLimits.proposalsPerSender],
    ]),
  )
  expect(cost.mebibytes).toBeLessThan(8)
  // what was genuine is no failure of its sender (R05): its next message is followed however far ahead it is
  const { commit } = await careless.commit({ references: 'none' })
  for (const one of [group, other]) expect((await one.receive(commit)).kind).toBe('commit')
  expect(group.proposals).toHaveLength(0)
})

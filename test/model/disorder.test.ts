/**
 * Members of one group behind a server that decides which commit of an epoch counts, and a network that repeats messages and
 * changes their order. Whatever the order: nothing but results and typed errors that say "later"; afterwards one epoch, and
 * every message was read once by everybody.
 */
import { env } from 'node:process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Bytes, MlsError, restoreGroup } from '../../src/index.ts'
import { members, suite } from '../group/support.ts'

const { DISORDER_RUNS = '12', DISORDER_STEPS = '70' } = env

interface Step {
  readonly action: 'send' | 'propose' | 'commit' | 'deliver' | 'stage' | 'restore' | 'catch up'
  readonly who: number
  readonly what: number
}
const number = fc.nat(10_000)
const step: fc.Arbitrary<Step> = fc.record({
  action: fc.noBias(
    fc.constantFrom(
      'send',
      'send',
      'propose',
      'commit',
      'deliver',
      'deliver',
      'deliver',
      'stage',
      'restore',
      'catch up',
    ),
  ),
  who: number,
  what: number,
})

/** What the network carries, in the order in which the server saw it. */
interface Sent {
  readonly bytes: Bytes
  readonly kind: 'message' | 'proposal' | 'commit'
  readonly by: number
}

/** Errors that say that something must come first. */
const later = ['proposal/unknown_ref']

async function run(steps: readonly Step[]): Promise<{ readonly epochs: bigint; readonly read: number }> {
  const options = { limits: { pastEpochs: 1000, proposalsPerSender: 1000, proposalsPerEpoch: 1000 } }
  const { groups, identities } = await members(4, { options })
  const log: Sent[] = []
  let head = 1n
  const reads = groups.map(() => new Map<Bytes, number>())

  const deliver = async (who: number, sent: Sent): Promise<void> => {
    const group = groups[who]!
    try {
      const result = await group.receive(sent.bytes)
      if (result.kind !== 'message') return
      const seen = reads[who]!
      seen.set(sent.bytes, (seen.get(sent.bytes) ?? 0) + 1)
    } catch (error) {
      if (!(error instanceof MlsError) || !later.includes(error.code)) throw error
    }
  }
  /** What has the epoch of a member, so that it commits what the others know too. */
  const catchUp = async (who: number): Promise<void> => {
    for (const sent of log) await deliver(who, sent)
  }

  for (const { action, who: n, what } of steps) {
    const who = n % groups.length
    const group = groups[who]!
    const wireFormat = what % 2 === 0 ? 'mls_public_message' : 'mls_private_message'
    const sent = log[what % Math.max(1, log.length)]
    if (action === 'send' && group.proposals.length === 0)
      log.push({ bytes: group.protect(Uint8Array.of(what & 0xff)), kind: 'message', by: who })
    // the server refuses proposals of epochs that are over
    if (action === 'propose' && group.epoch === head)
      log.push({ bytes: (await group.propose({ update: true, wireFormat })).proposal, kind: 'proposal', by: who })
    if (action === 'commit' && group.pending === undefined) {
      const { commit } = await group.commit({ wireFormat, references: what % 3 === 0 ? 'none' : 'all' })
      // the server takes the first commit of an epoch; half of the others notice at once that they lost
      if (group.epoch === head) {
        log.push({ bytes: commit, kind: 'commit', by: who })
        head++
      } else if (what % 2 === 0) group.discard()
    }
    if (action === 'deliver' && sent !== undefined) await deliver(who, sent)
    if (action === 'stage' && sent?.kind === 'commit') {
      const result = await group.stage(sent.bytes).catch((error: unknown) => {
        if (!(error instanceof MlsError) || !later.includes(error.code)) throw error
      })
      if (result?.kind === 'commit' && what % 2 === 0) group.merge(result.staged)
      else if (result?.kind === 'commit') group.discard(result.staged)
    }
    if (action === 'restore') groups[who] = restoreGroup(group.snapshot(), { suite, signers: identities, options })
    if (action === 'catch up') await catchUp(who)
  }
  for (const who of groups.keys()) {
    await catchUp(who)
    // nothing is read twice
    await catchUp(who)
  }
  let read = 0
  for (const [who, group] of groups.entries()) {
    expect(group.epoch).toBe(head)
    expect(group.epochAuthenticator).toEqual(groups[0]!.epochAuthenticator)
    for (const { bytes, kind, by } of log) {
      if (kind !== 'message' || by === who) continue
      expect(reads[who]!.get(bytes)).toBe(1)
      read++
    }
  }
  return { epochs: head, read }
}

test(`${DISORDER_RUNS} runs of ${DISORDER_STEPS} steps in disorder: one epoch, every message read once`, async () => {
  let [epochs, read] = [0n, 0]
  const length = Number(DISORDER_STEPS)
  const property = fc.asyncProperty(fc.array(step, { minLength: length, maxLength: length }), async (steps) => {
    const result = await run(steps)
    epochs += result.epochs
    read += result.read
  })
  await fc.assert(property, { numRuns: Number(DISORDER_RUNS), endOnFailure: true })
  console.log(`${epochs} epochs, ${read} messages read`)
  expect(read).toBeGreaterThan(Number(DISORDER_RUNS))
})

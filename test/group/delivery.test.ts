import { describe, expect, test } from 'vitest'
import { createKeyPackage, joinGroup, systemClock } from '../../src/index.ts'
import { bytes, codeOf, commitIn, members, suite } from './support.ts'

describe('what comes again, too early or too late is a result', () => {
  test('the own message, proposal and commit come back', async () => {
    const { groups } = await members(2)
    const alice = groups[0]!
    const before = alice.protect(bytes(1))
    const snapshot = alice.snapshot()
    expect(await alice.receive(before)).toMatchObject({ kind: 'own-message', contentType: 'application', epoch: 1n })
    expect(alice.snapshot()).toEqual(snapshot)
    for (const wireFormat of ['mls_public_message', 'mls_private_message'] as const) {
      const { proposal } = await alice.propose({ update: true, wireFormat })
      expect(await alice.receive(proposal)).toMatchObject({ kind: 'own-message', contentType: 'proposal' })
    }
    const { commit, staged } = await alice.commit()
    const echo = await alice.receive(commit)
    expect(echo).toMatchObject({ kind: 'own-commit', changes: { epoch: 2n, path: true } })
    expect(echo.kind === 'own-commit' && echo.staged === staged).toBe(true)
    expect(alice.epoch).toBe(2n)
    expect(alice.pending).toBe(undefined)
  })

  test('duplicates: messages, proposals and the commit that began the epoch', async () => {
    const { groups } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const message = alice.protect(bytes(1))
    expect((await bob.receive(message)).kind).toBe('message')
    const { proposal } = await alice.propose({ update: true })
    expect((await bob.receive(proposal)).kind).toBe('proposal')
    const snapshot = bob.snapshot()
    expect(await bob.receive(message)).toEqual({ kind: 'duplicate', contentType: 'application', epoch: 1n })
    expect(await bob.receive(proposal)).toEqual({ kind: 'duplicate', contentType: 'proposal', epoch: 1n })
    expect(bob.snapshot()).toEqual(snapshot)
    expect(bob.proposals).toHaveLength(1)
    const { commit } = await bob.commit()
    for (const group of groups) await group.receive(commit)
    for (const group of groups)
      expect(await group.receive(commit)).toEqual({ kind: 'duplicate', contentType: 'commit', epoch: 1n })
    // a message of the epoch before, read before it ended
    expect(await bob.receive(message)).toEqual({ kind: 'duplicate', contentType: 'application', epoch: 1n })
  })

  test('future epochs wait, past handshakes are over', async () => {
    const { groups } = await members(3)
    const [alice, bob, carol] = [groups[0]!, groups[1]!, groups[2]!]
    const { proposal: late } = await carol.propose({ update: true })
    const lost = await carol.commit()
    const first = await commitIn([alice, bob], 0)
    const message = alice.protect(bytes(5))
    const snapshot = carol.snapshot()
    expect(await carol.receive(message)).toEqual({ kind: 'future-epoch', contentType: 'application', epoch: 2n })
    expect(carol.snapshot()).toEqual(snapshot)
    expect(await bob.receive(lost.commit)).toMatchObject({ kind: 'past-epoch', contentType: 'commit', epoch: 1n })
    expect(await bob.receive(late)).toMatchObject({ kind: 'past-epoch', contentType: 'proposal' })
    await carol.receive(first)
    expect(await carol.receive(message)).toMatchObject({ kind: 'message', data: bytes(5) })
  })
})

describe('an own commit that waits', () => {
  test('survives a snapshot, and merges with its Welcome when it comes back', async () => {
    const all = await members(2)
    const { groups, restored } = all
    const keyPackage = await createKeyPackage({ suite, identity: all.identities[0]! })
    const identity = (await members(1)).identities[0]!
    const newcomer = await createKeyPackage({ suite, identity })
    expect(keyPackage.reference).not.toEqual(newcomer.reference)
    const { commit } = await groups[0]!.commit({ add: [newcomer], groupInfo: true })
    const copy = restored(0)
    expect(copy.pending?.changes).toEqual(groups[0]!.pending?.changes)
    expect(await codeOf(() => copy.commit())).toBe('group/pending')
    const echo = await copy.receive(commit)
    await groups[1]!.receive(commit)
    expect(echo.kind).toBe('own-commit')
    if (echo.kind !== 'own-commit') return
    expect(echo.groupInfo).toBeInstanceOf(Uint8Array)
    const joined = await joinGroup({ suite, keyPackage: newcomer, welcome: echo.welcome! })
    expect(joined.epochAuthenticator).toEqual(copy.epochAuthenticator)
    expect(groups[1]!.epochAuthenticator).toEqual(copy.epochAuthenticator)
    expect((await groups[1]!.receive(joined.protect(bytes(1)))).kind).toBe('message')
  })

  test('gives way to the commit of another member', async () => {
    const { groups } = await members(3)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const mine = await alice.commit({ remove: [2] })
    const theirs = await bob.commit()
    expect((await alice.receive(theirs.commit)).kind).toBe('commit')
    expect(alice.pending).toBe(undefined)
    expect(await codeOf(() => alice.merge(mine.staged))).toBe('group/staged')
    expect(await alice.receive(mine.commit)).toMatchObject({ kind: 'past-epoch', contentType: 'commit' })
    bob.merge(theirs.staged)
    expect(alice.epochAuthenticator).toEqual(bob.epochAuthenticator)
    expect(alice.memberCount).toBe(3)
  })

  test('discarded, another commit is another ciphertext with another generation', async () => {
    const { groups } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const first = await alice.commit({ wireFormat: 'mls_private_message' })
    alice.discard()
    const second = await alice.commit({ wireFormat: 'mls_private_message' })
    // bob sees both: under one generation, the second one would be a duplicate
    const staged = await bob.stage(first.commit)
    expect(staged.kind).toBe('commit')
    const next = await bob.stage(second.commit)
    expect(next.kind).toBe('commit')
    expect(bob.state.current.secretTree.nextGeneration(0, 'handshake')).toBe(0)
    if (next.kind === 'commit') bob.merge(next.staged)
    alice.merge(second.staged)
    expect(bob.epochAuthenticator).toEqual(alice.epochAuthenticator)
    const past = bob.state.past[0]!.epoch
    expect(past.secretTree.nextGeneration(0, 'handshake')).toBe(2)
  })

  test('what was discarded cannot be merged', async () => {
    const { groups } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const own = await alice.commit()
    const received = await bob.stage(own.commit)
    alice.discard(own.staged)
    expect(await codeOf(() => alice.merge(own.staged))).toBe('group/staged')
    if (received.kind !== 'commit') throw new Error('no commit')
    const before = bob.snapshot()
    bob.discard(received.staged)
    expect(bob.snapshot()).toEqual(before)
    expect(await codeOf(() => bob.merge(received.staged))).toBe('group/staged')
    expect(bob.snapshot()).toEqual(before)
    // the same message can be looked at again
    const again = await bob.stage(own.commit)
    expect(again.kind === 'commit' && bob.merge(again.staged)).toEqual({ welcome: undefined, groupInfo: undefined })
    expect(await codeOf(() => bob.merge((again as { staged: Parameters<typeof bob.merge>[0] }).staged))).toBe(
      'group/staged',
    )
  })
})

describe('messages of epochs that are over (R08)', () => {
  const limits = { pastEpochs: 2, pastEpochMilliseconds: 1000 }

  test('R08 by their number', async () => {
    const { groups } = await members(2, { options: { limits } })
    const [alice, bob] = [groups[0]!, groups[1]!]
    const messages = [alice.protect(bytes(0))]
    for (let i = 1; i <= 3; i++) {
      await commitIn(groups, 0)
      messages.push(alice.protect(bytes(i)))
    }
    const kinds: string[] = []
    for (const message of messages) kinds.push((await bob.receive(message)).kind)
    expect(kinds).toEqual(['past-epoch', 'message', 'message', 'message'])
    expect(bob.state.past).toHaveLength(2)
  })

  test('R08 by their age, and the secrets go', async () => {
    let now = systemClock.now()
    const { groups } = await members(2, { options: { limits, clock: { now: () => now } } })
    const [alice, bob] = [groups[0]!, groups[1]!]
    const [early, later] = [alice.protect(bytes(1)), alice.protect(bytes(2))]
    await commitIn(groups, 0)
    now += 1000
    expect((await bob.receive(early)).kind).toBe('message')
    const { epoch } = bob.state.past[0]!
    now += 1
    expect(await bob.receive(later)).toEqual({ kind: 'past-epoch', contentType: 'application', epoch: 1n })
    expect(bob.state.past).toHaveLength(0)
    expect(epoch.secretTree.wiped).toBe(true)
  })

  test('a past epoch knows its own members', async () => {
    const { groups } = await members(3)
    const [alice, bob, carol] = [groups[0]!, groups[1]!, groups[2]!]
    const [message, second] = [carol.protect(bytes(1)), carol.protect(bytes(2))]
    await commitIn([alice, bob], 0, { remove: [2] })
    expect(alice.member(2)).toBe(undefined)
    expect(await alice.receive(message)).toMatchObject({ kind: 'message', epoch: 1n, sender: { leafIndex: 2 } })
    // also after a restart
    const snapshot = alice.snapshot()
    expect(snapshot.length).toBeGreaterThan(0)
    expect((await bob.receive(second)).kind).toBe('message')
  })
})

describe("the bytes of a message are the caller's again", () => {
  const long = Uint8Array.from({ length: 300 }, (_, i) => i)

  test('what was received does not change with them', async () => {
    const { groups } = await members(2)
    const message = groups[0]!.protect(long, { authenticatedData: long })
    const received = await groups[1]!.receive(message)
    message.fill(0)
    expect(received).toMatchObject({ kind: 'message', data: long, authenticatedData: long })
    const { proposal } = await groups[0]!.propose({
      update: true,
      wireFormat: 'mls_private_message',
      authenticatedData: long,
    })
    const cached = await groups[1]!.receive(proposal)
    proposal.fill(0)
    expect(cached).toMatchObject({ kind: 'proposal', authenticatedData: long })
    await commitIn(groups, 1)
    expect(groups[0]!.epochAuthenticator).toEqual(groups[1]!.epochAuthenticator)
  })

  test('a commit goes on without them once it is decrypted', async () => {
    const { groups } = await members(3)
    const { commit } = await groups[0]!.commit({ authenticatedData: long })
    const sent = Uint8Array.from(commit)
    const work = groups[1]!.receive(commit)
    // the turn in which the message is opened
    await Promise.resolve()
    commit.fill(0)
    expect(await work).toMatchObject({ kind: 'commit', authenticatedData: long })
    for (const group of [groups[0]!, groups[2]!]) await group.receive(sent)
    for (const group of groups) expect(group.epochAuthenticator).toEqual(groups[0]!.epochAuthenticator)
  })
})

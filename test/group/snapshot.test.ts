import { describe, expect, test } from 'vitest'
import { cipherSuite, createIdentity, createKeyPackage, type Group, joinGroup, restoreGroup } from '../../src/index.ts'
import { bytes, codeOf, commitIn, members, suite } from './support.ts'

describe('a group from its snapshot', () => {
  test('is the same, with everything that waits', async () => {
    const { groups, restored } = await members(3)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const late = [bob.protect(bytes(1)), bob.protect(bytes(2)), bob.protect(bytes(3))]
    await commitIn(groups, 0)
    await alice.receive(late[2]!)
    await alice.receive(late[0]!)
    const { proposal } = await bob.propose({ update: true })
    await alice.receive(proposal)
    const keyPackage = await createKeyPackage({ suite, identity: createIdentity(suite, 'dave') })
    const { commit } = await alice.commit({ add: [keyPackage], remove: [2] })
    const copy = restored(0)
    expect(copy.snapshot()).toEqual(alice.snapshot())
    expect(copy.pending?.changes).toEqual(alice.pending?.changes)
    expect(copy.proposals).toEqual(alice.proposals)
    // keys that were used are gone, keys of skipped generations are there
    expect((await copy.receive(late[0]!)).kind).toBe('duplicate')
    expect((await copy.receive(late[1]!)).kind).toBe('message')
    const echo = await copy.receive(commit)
    await bob.receive(commit)
    expect(echo.kind).toBe('own-commit')
    const { welcome } = echo as { welcome: Uint8Array }
    const dave = await joinGroup({ suite, keyPackage, welcome })
    for (const group of [bob, dave]) expect(group.epochAuthenticator).toEqual(copy.epochAuthenticator)
  })

  test('an own Update that somebody commits after a restart', async () => {
    const { groups, restored } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const { proposal } = await bob.propose({ update: true })
    const copy = restored(1)
    await alice.receive(proposal)
    const { commit, staged } = await alice.commit()
    expect(staged.changes.updated.map(({ leafIndex }) => leafIndex)).toEqual([1])
    alice.merge(staged)
    await copy.receive(commit)
    expect(copy.epochAuthenticator).toEqual(alice.epochAuthenticator)
    const { commit: next, staged: own } = await copy.commit()
    copy.merge(own)
    expect((await alice.receive(next)).kind).toBe('commit')
  })

  test('a generation that was used is not used again', async () => {
    const { groups, restored } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const first = alice.protect(bytes(1))
    const second = restored(0).protect(bytes(2))
    const generations: number[] = []
    for (const message of [first, second]) {
      const result = await bob.receive(message)
      if (result.kind === 'message') generations.push(result.generation)
    }
    expect(generations).toEqual([0, 1])
  })

  test('of a group that was left says that it was left', async () => {
    const { groups, restored } = await members(3)
    await commitIn(groups, 0, { remove: [2] })
    groups[1]!.close()
    const [closed, removed] = [restored(1), restored(2)]
    expect([closed.status, removed.status]).toEqual(['closed', 'removed'])
    expect(await codeOf(() => closed.protect(bytes(1)))).toBe('group/closed')
    expect(await codeOf(() => removed.receive(bytes(1)))).toBe('group/removed')
    for (const [group, old] of [
      [closed, groups[1]!],
      [removed, groups[2]!],
    ] as [Group, Group][])
      expect(group.snapshot()).toEqual(old.snapshot())
  })

  test('needs its signers and its suite', async () => {
    const { groups, identities } = await members(2)
    const [alice] = groups
    const next = createIdentity(suite, 'member 0')
    await alice!.commit({ leaf: { signer: next.signer } })
    const snapshot = alice!.snapshot()
    const [identity] = identities
    const open = (signers: readonly (typeof next)['signer'][], other = suite) =>
      codeOf(() => restoreGroup(snapshot, { suite: other, signers }))
    expect(await open([])).toBe('group/staged')
    expect(await open([identity!.signer])).toBe('group/staged')
    expect(await open([identity!.signer, next.signer])).toBe(undefined)
    expect(await open([identity!.signer, next.signer], await cipherSuite(3))).toBe('suite/unsupported')
  })

  test('of another version, or damaged, is refused', async () => {
    const { groups, identities } = await members(2)
    const snapshot = groups[0]!.snapshot()
    const open = (bytes_: Uint8Array) => codeOf(() => restoreGroup(bytes_, { suite, signers: identities }))
    const other = snapshot.slice()
    other[1] = 2
    expect(await open(other)).toBe('snapshot/version')
    expect(await open(bytes())).toBe('snapshot/version')
    for (const length of [2, 10, snapshot.length - 1])
      expect(await open(snapshot.slice(0, length))).toBe('snapshot/damaged')
    expect(await open(Uint8Array.of(...snapshot, 0))).toBe('snapshot/damaged')
  })
})

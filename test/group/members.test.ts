import { describe, expect, test } from 'vitest'
import { createIdentity, createKeyPackage, type Group, joinExternal, joinGroup, type Signer } from '../../src/index.ts'
import { bytes, codeOf, commitIn, members, suite } from './support.ts'

/** Every call of a group, by name. */
function calls(group: Group): Readonly<Record<string, () => unknown>> {
  return {
    commit: () => group.commit(),
    propose: () => group.propose({ update: true }),
    protect: () => group.protect(bytes(1)),
    receive: () => group.receive(bytes(0, 1, 0, 2)),
    stage: () => group.stage(bytes(0, 1, 0, 2)),
    groupInfo: () => group.groupInfo(),
    exportSecret: () => group.exportSecret('x', bytes(), 16),
    epochAuthenticator: () => group.epochAuthenticator,
    safetyNumber: () => group.safetyNumber,
  }
}

describe('who leaves', () => {
  test('V274 a removed member: the result says so, every later call is refused, no secret is left', async () => {
    const { groups } = await members(3)
    const [alice, bob, carol] = [groups[0]!, groups[1]!, groups[2]!]
    await commitIn(groups, 1)
    const { current, past } = carol.state
    const epochs = [current, ...past.map(({ epoch }) => epoch)]
    const privateKeys = [...current.privateTree.entries()].map(([, { privateKey }]) => privateKey)
    expect(privateKeys.some((key) => key.some(Boolean))).toBe(true)
    const psks = [...carol.state.resumptionPsks.values()]
    await carol.commit()
    const { commit } = await alice.commit({ remove: [2] })
    for (const group of [alice, bob]) await group.receive(commit)
    const result = await carol.receive(commit)
    expect(result).toMatchObject({ kind: 'commit', removed: true, changes: { removed: [{ leafIndex: 2 }] } })
    expect(carol.status).toBe('removed')
    expect(carol.pending).toBe(undefined)
    for (const [name, call] of Object.entries(calls(carol)))
      expect([name, await codeOf(call)]).toEqual([name, 'group/removed'])
    for (const { secretTree, secrets } of epochs) {
      expect(secretTree.wiped).toBe(true)
      const { epochAuthenticator, ...others } = secrets
      expect(epochAuthenticator.every((byte) => byte === 0)).toBe(true)
      for (const secret of Object.values(others)) expect(secret.consumed).toBe(true)
    }
    for (const secret of [...privateKeys, ...psks]) expect(secret.every((byte) => byte === 0)).toBe(true)
    expect(alice.memberCount).toBe(2)
    expect(await codeOf(() => carol.receive(alice.protect(bytes(1))))).toBe('group/removed')
  })

  test('staged, a removal takes effect when it is merged', async () => {
    const { groups } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const { commit } = await alice.commit({ remove: [1] })
    const staged = await bob.stage(commit)
    expect(staged).toMatchObject({ kind: 'commit', removed: true })
    expect(bob.status).toBe('active')
    bob.protect(bytes(1))
    if (staged.kind === 'commit') expect(bob.merge(staged.staged)).toEqual({ welcome: undefined, groupInfo: undefined })
    expect(bob.status).toBe('removed')
  })

  test('a closed group refuses every call', async () => {
    const { groups } = await members(2)
    const alice = groups[0]!
    const { staged } = await alice.commit()
    alice.close()
    alice.close()
    for (const [name, call] of Object.entries(calls(alice)))
      expect([name, await codeOf(call)]).toEqual([name, 'group/closed'])
    expect(await codeOf(() => alice.merge(staged))).toBe('group/closed')
    expect(staged.next?.secretTree.wiped).toBe(true)
  })

  test('somebody who was removed can be added again, and rejoin by external commit', async () => {
    const { groups, identities } = await members(3)
    const [alice, bob] = [groups[0]!, groups[1]!]
    await commitIn(groups, 0, { remove: [2] })
    const keyPackage = await createKeyPackage({ suite, identity: identities[2]! })
    const { commit, staged } = await alice.commit({ add: [keyPackage] })
    const { welcome } = alice.merge(staged)
    await bob.receive(commit)
    const carol = await joinGroup({ suite, keyPackage, welcome: welcome! })
    expect(carol.leafIndex).toBe(2)
    // resync: the old leaf of the same client goes with the commit
    const groupInfo = await alice.groupInfo()
    const join = await joinExternal({ suite, identity: identities[2]!, groupInfo, replaces: 2 })
    const results = [await alice.receive(join.commit), await bob.receive(join.commit), await carol.receive(join.commit)]
    expect(results.map((one) => one.kind === 'commit' && one.removed)).toEqual([false, false, true])
    const again = join.complete()
    expect(again.epochAuthenticator).toEqual(alice.epochAuthenticator)
    expect(again.memberCount).toBe(3)
    expect((await again.receive(join.commit)).kind).toBe('duplicate')
  })
})

describe('the only member', () => {
  test.each([
    ['in a tree of one leaf', 1],
    ['at the right of a tree that others left', 4],
  ])('%s comes back by an external commit that removes its old leaf', async (_name, count) => {
    const { groups, identities } = await members(count)
    const last = count - 1
    const [alone, identity] = [groups[last]!, identities[last]!]
    if (count > 1) await commitIn(groups, last, { remove: [...Array(last).keys()] })
    expect([alone.memberCount, alone.leafIndex]).toEqual([1, last])
    const groupInfo = await alone.groupInfo()
    const { epoch } = alone
    const join = await joinExternal({ suite, identity, groupInfo, replaces: last })
    // RFC 9420 §12.4.3.2: the leftmost leaf of a tree that is empty by then
    const result = await alone.receive(join.commit)
    expect(result.kind === 'commit' && [result.removed, result.staged.changes]).toMatchObject([
      true,
      { external: true, committer: { leafIndex: 0 }, removed: [{ leafIndex: last }] },
    ])
    expect(alone.status).toBe('removed')
    const again = join.complete()
    expect([again.epoch, again.memberCount, again.leafIndex]).toEqual([epoch + 1n, 1, 0])
    // the epoch is one that others can join, by Welcome and by what the commit left behind
    const bob = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob') })
    const carol = await joinExternal({
      suite,
      identity: createIdentity(suite, 'carol'),
      groupInfo: join.groupInfo!,
    })
    await again.receive(carol.commit)
    const { commit, staged } = await again.commit({ add: [bob] })
    const { welcome } = again.merge(staged)
    const carols = carol.complete()
    await carols.receive(commit)
    const bobs = await joinGroup({ suite, keyPackage: bob, welcome: welcome! })
    await commitIn([again, bobs, carols], 1)
    expect(bobs.epochAuthenticator).toEqual(again.epochAuthenticator)
    expect(carols.epochAuthenticator).toEqual(again.epochAuthenticator)
    expect(again.memberCount).toBe(3)
  })

  test('does not leave by a commit of its own, and a stranger does not take its place', async () => {
    const { groups, identities } = await members(1)
    const alone = groups[0]!
    expect(await codeOf(() => alone.commit({ remove: [0] }))).toBe('commit/proposals')
    const groupInfo = await alone.groupInfo()
    const eve = createIdentity(suite, 'eve')
    expect(await codeOf(() => joinExternal({ suite, identity: eve, groupInfo, replaces: 0 }))).toBe('auth/successor')
    expect(await codeOf(() => joinExternal({ suite, identity: identities[0]!, groupInfo }))).toBe('leaf/key_reuse')
    expect(await codeOf(() => joinExternal({ suite, identity: eve, groupInfo, replaces: 1 }))).toBe('commit/external')
  })
})

describe('signers', () => {
  test('one that answers later signs commits and proposals, and cannot protect', async () => {
    const slow = (identity: ReturnType<typeof createIdentity>) => {
      const signer: Signer = {
        publicKey: identity.signer.publicKey,
        sign: async (message) => {
          await new Promise((resolve) => setTimeout(resolve, 1))
          return identity.signer.sign(message)
        },
      }
      return { ...identity, signer }
    }
    const { groups } = await members(2, { identity: (i) => slow(createIdentity(suite, `slow ${i}`)) })
    const [alice, bob] = [groups[0]!, groups[1]!]
    const before = alice.snapshot()
    expect(await codeOf(() => alice.protect(bytes(1)))).toBe('group/blocked')
    expect(alice.snapshot()).toEqual(before)
    const { proposal } = await bob.propose({ update: true })
    await alice.receive(proposal)
    await commitIn(groups, 0)
    expect(alice.epochAuthenticator).toEqual(bob.epochAuthenticator)
  })

  test('one that fails changes nothing, and its error reaches the caller', async () => {
    const { groups } = await members(2)
    const broken = {
      publicKey: suite.generateSignatureKeyPair().publicKey,
      sign: () => Promise.reject(new RangeError('the key store is gone')),
    }
    const before = groups[0]!.snapshot()
    await expect(groups[0]!.commit({ leaf: { signer: broken } })).rejects.toThrow('the key store is gone')
    expect(groups[0]!.snapshot()).toEqual(before)
    await commitIn(groups, 0)
  })

  test('a new signature key begins with the epoch of its commit', async () => {
    const { groups, identities } = await members(2)
    const next = createIdentity(suite, 'member 0')
    await commitIn(groups, 0, { leaf: { signer: next.signer } })
    expect(groups[1]!.member(0)?.signatureKey).toEqual(next.signer.publicKey)
    expect(groups[1]!.memberWithSignatureKey(identities[0]!.signer.publicKey)).toBe(undefined)
    expect((await groups[1]!.receive(groups[0]!.protect(bytes(4)))).kind).toBe('message')
    await commitIn(groups, 1)
    await commitIn(groups, 0)
  })
})

describe('what all members of an epoch share', () => {
  test('exported secrets, safety numbers, roster', async () => {
    const { groups } = await members(3)
    await commitIn(groups, 1)
    const [alice, ...others] = groups
    const label = 'application'
    const secret = alice!.exportSecret(label, bytes(1, 2), 48)
    for (const group of others) {
      expect(group.exportSecret(label, bytes(1, 2), 48)).toEqual(secret)
      expect(group.exportSecret(label, bytes(1, 3), 48)).not.toEqual(secret)
      expect(group.exportSecret('other', bytes(1, 2), 48)).not.toEqual(secret)
      expect(group.safetyNumber).toBe(alice!.safetyNumber)
      expect([...group.members()]).toEqual([...alice!.members()])
    }
    expect(alice!.safetyNumber).toMatch(/^(\d{5} ){11}\d{5}$/)
    expect(await codeOf(() => alice!.exportSecret(label, bytes(), 255 * 32 + 1))).toBe('crypto/length')
    const number = alice!.safetyNumber
    await commitIn(groups, 2)
    expect(alice!.exportSecret(label, bytes(1, 2), 48)).not.toEqual(secret)
    expect(alice!.safetyNumber).not.toBe(number)
    expect(new Set(groups.map((group) => group.safetyNumber)).size).toBe(1)
  })

  test('what a caller is given is its own: changing it changes no group', async () => {
    const { groups } = await members(2)
    const alice = groups[0]!
    const before = alice.snapshot()
    for (const given of [
      alice.id,
      alice.treeHash,
      alice.epochAuthenticator,
      alice.ratchetTree(),
      alice.resumptionPsk(1n)!,
    ])
      given.fill(0xee)
    expect(alice.snapshot()).toEqual(before)
  })
})

import { describe, expect, test } from 'vitest'
import {
  branchGroup,
  cipherSuite,
  createIdentity,
  createKeyPackage,
  type Group,
  joinGroup,
  type KeyPackageBundle,
  reinitGroup,
} from '../../src/index.ts'
import { bytes, codeOf, commitIn, members, suite } from './support.ts'

/** What a joiner of a following group says: nothing when it joins. */
function join(
  welcome: Uint8Array | undefined,
  keyPackage: KeyPackageBundle,
  follows?: { readonly group: Group; readonly usage: 'reinit' | 'branch' },
  with_ = suite,
): Promise<string | undefined> {
  const input = { suite: with_, keyPackage, welcome: welcome! }
  return codeOf(() => joinGroup(follows === undefined ? input : { ...input, follows }))
}

describe('branch', () => {
  test('some members of a group begin another one, and check that it is one of theirs', async () => {
    const { groups, identities } = await members(3)
    await commitIn(groups, 1)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const bundle = await createKeyPackage({ suite, identity: identities[1]! })
    const branch = await branchGroup({ group: alice, identity: identities[0]!, add: [bundle] })
    expect(branch.group.epoch).toBe(0n)
    const { welcome } = branch.group.merge(branch.staged)
    const joined = await joinGroup({
      suite,
      keyPackage: bundle,
      welcome: welcome!,
      follows: { group: bob, usage: 'branch' },
    })
    expect(joined.epochAuthenticator).toEqual(branch.group.epochAuthenticator)
    expect(joined.memberCount).toBe(2)
    expect(joined.id).not.toEqual(alice.id)
    // the old group goes on
    expect((await bob.receive(alice.protect(bytes(1)))).kind).toBe('message')
    // who does not say which group it follows, or names another one, does not join
    expect(await join(welcome, bundle)).toBe('group/reinit')
    expect(await join(welcome, bundle, { group: bob, usage: 'reinit' })).toMatch(/^group\//)
    const elsewhere = (await members(2)).groups[0]!
    expect(await join(welcome, bundle, { group: elsewhere, usage: 'branch' })).toBe('group/branch')
  })

  test('an outsider in a branch is noticed by those who join', async () => {
    const { groups, identities } = await members(2)
    const bundle = await createKeyPackage({ suite, identity: identities[1]! })
    const outsider = await createKeyPackage({ suite, identity: createIdentity(suite, 'mallory') })
    const branch = await branchGroup({ group: groups[0]!, identity: identities[0]!, add: [bundle, outsider] })
    const { welcome } = branch.group.merge(branch.staged)
    expect(await join(welcome, bundle, { group: groups[1]!, usage: 'branch' })).toBe('group/branch')
  })
})

describe('re-initialisation', () => {
  test('the old group ends, the new one is the one that was announced', async () => {
    const p256 = await cipherSuite(2)
    const { groups } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const reinit = { groupId: bytes(1, 2, 3), cipherSuite: 2, extensions: [] }
    await commitIn(groups, 0, { reinit })
    for (const group of groups) {
      expect(group.status).toBe('reinitialized')
      expect(group.reinit).toMatchObject({ groupId: bytes(1, 2, 3), cipherSuite: 2 })
      expect(await codeOf(() => group.commit())).toBe('group/closed')
      expect(await codeOf(() => group.protect(bytes(1)))).toBe('group/closed')
    }
    const named = (name: string) => createIdentity(p256, name)
    const bundle = await createKeyPackage({ suite: p256, identity: named('member 1') })
    const input = { suite: p256, group: alice, identity: named('member 0') }
    const next = await reinitGroup({ ...input, add: [bundle] })
    expect(next.group.id).toEqual(bytes(1, 2, 3))
    const { welcome } = next.group.merge(next.staged)
    expect(await join(welcome, bundle, undefined, p256)).toBe('group/reinit')
    expect(await join(welcome, bundle, { group: bob, usage: 'branch' }, p256)).toMatch(/^group\//)
    expect(await join(welcome, bundle, { group: bob, usage: 'reinit' }, p256)).toBe(undefined)
    // somebody is missing, and somebody else is there
    const stranger = await createKeyPackage({ suite: p256, identity: named('eve') })
    const other = await reinitGroup({ ...input, add: [stranger] })
    const invitation = other.group.merge(other.staged).welcome
    expect(await join(invitation, stranger, { group: bob, usage: 'reinit' }, p256)).toBe('group/reinit')
    // another suite than was announced
    const wrong = { ...input, suite, identity: createIdentity(suite, 'member 0'), add: [] }
    expect(await codeOf(() => reinitGroup(wrong))).toBe('group/reinit')
  })

  test('a group that was not re-initialised has no successor', async () => {
    const { groups, identities } = await members(2)
    const input = { suite, group: groups[0]!, identity: identities[0]!, add: [] }
    expect(await codeOf(() => reinitGroup(input))).toBe('group/reinit')
  })

  test('it survives a snapshot', async () => {
    const all = await members(2)
    await commitIn(all.groups, 1, { reinit: { groupId: bytes(8), cipherSuite: 1, extensions: [] } })
    const restored = all.restored(0)
    expect(restored.status).toBe('reinitialized')
    const bundle = await createKeyPackage({ suite, identity: all.identities[1]! })
    const next = await reinitGroup({ suite, group: restored, identity: all.identities[0]!, add: [bundle] })
    const { welcome } = next.group.merge(next.staged)
    expect(await join(welcome, bundle, { group: all.restored(1), usage: 'reinit' })).toBe(undefined)
  })
})

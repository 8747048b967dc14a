import { describe, expect, test } from 'vitest'
import {
  basicAuthentication,
  cipherSuite,
  createGroup,
  createIdentity,
  createKeyPackage,
  fromUtf8,
  type Group,
  joinExternal,
  joinGroup,
} from '../../src/index.ts'

/** The application's rule: the part before the slash names the client. */
const authentication = basicAuthentication({
  validate: () => true,
  isSuccessor: () => true,
  clientKey: (identity) => fromUtf8(identity).split('/')[0]!,
})
const options = { authentication }
const suite = await cipherSuite(1)

async function keysOf(name: string) {
  return createKeyPackage({ suite, identity: createIdentity(suite, name) })
}

async function add(group: Group, name: string): Promise<Group> {
  const keys = await keysOf(name)
  const { welcome } = group.merge((await group.commit({ add: [keys] })).staged)
  return joinGroup({ suite, welcome: welcome!, keyPackage: keys, options })
}

describe('one client, one leaf', () => {
  test('V247 the rule holds over commits that change who is who', async () => {
    const alice = await createGroup({ suite, identity: createIdentity(suite, 'alice/1'), options })
    const bob = await add(alice, 'bob/1')
    await expect(keysOf('bob/2').then((keys) => alice.commit({ add: [keys] }))).rejects.toMatchObject({ rule: 'V247' })
    await expect(keysOf('alice/2').then((keys) => bob.commit({ add: [keys] }))).rejects.toMatchObject({ rule: 'V247' })

    // Bob becomes Carol by his own commit: his old name is free, his new one is taken, for Alice and for himself
    const carol = { credential: { credentialType: 'basic' as const, identity: new TextEncoder().encode('carol/1') } }
    const { commit } = await bob.commit({ leaf: carol })
    await alice.receive(commit)
    await bob.receive(commit)
    for (const group of [alice, bob]) {
      await expect(keysOf('carol/2').then((keys) => group.commit({ add: [keys] }))).rejects.toMatchObject({
        rule: 'V247',
      })
      await keysOf('bob/3').then((keys) => group.commit({ add: [keys] }))
      group.discard()
    }

    // and Carol's name is free when she goes with the same commit (V248), or has gone before
    const keys = await keysOf('carol/3')
    await alice.commit({ add: [keys], remove: [bob.leafIndex] })
    alice.discard()
    alice.merge((await alice.commit({ remove: [bob.leafIndex] })).staged)
    const back = await add(alice, 'carol/4')
    await expect(keysOf('carol/5').then((more) => back.commit({ add: [more] }))).rejects.toMatchObject({ rule: 'V247' })
  })

  test('V247 a newcomer by external commit is no second leaf of a client, but may replace it', async () => {
    const alice = await createGroup({ suite, identity: createIdentity(suite, 'alice/1'), options })
    await add(alice, 'bob/1')
    const groupInfo = await alice.groupInfo()
    const input = { suite, identity: createIdentity(suite, 'bob/2'), groupInfo }
    await expect(joinExternal({ ...input, options })).rejects.toMatchObject({ rule: 'V247' })
    // one that does not check by itself is refused by the others
    const careless = await joinExternal(input)
    await expect(alice.receive(careless.commit)).rejects.toMatchObject({ rule: 'V247' })
    const { commit } = await joinExternal({ ...input, options, replaces: 1 })
    expect((await alice.receive(commit)).kind).toBe('commit')
  })
})

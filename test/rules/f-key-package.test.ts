/** Group F: KeyPackages (RFC 9420 §10). */
import { beforeAll, expect, test } from 'vitest'
import { equalBytes } from '../../src/bytes/bytes.ts'
import { type Clock, createIdentity, createKeyPackage, joinGroup } from '../../src/index.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { encodeMlsMessage } from '../../src/wire/mls-message.ts'
import { extensionTypes } from '../../src/wire/registries.ts'
import { forgeCommit, forgeProposal } from '../support/forge.ts'
import { add, forgeKeyPackage, type KeyPackageForgery, remove } from '../support/values.ts'
import {
  expectAccepted,
  expectRejected,
  flip,
  makeWorld,
  newcomer,
  outcomeOf,
  suite,
  type World,
} from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld({ members: 3, commits: [1] })
})

/** A bent KeyPackage: as a proposal, in a commit by value in both formats, and given to our own builder. */
function keyPackage(title: string, rule: string, forgery: () => KeyPackageForgery | Promise<KeyPackageForgery>): void {
  test(title, async () => {
    const bent = await forgeKeyPackage(world, await forgery())
    await expectRejected(world, 0, (await forgeProposal(world, 1, add(bent))).message, rule)
    for (const format of ['mls_public_message', 'mls_private_message'] as const)
      await expectRejected(world, 0, await forgeCommit(world, 1, { format, proposals: [add(bent)] }), rule)
    const group = world.restore(0)
    const before = group.snapshot()
    expect(await outcomeOf(() => group.commit({ add: [bent] }))).toBe(rule)
    expect(equalBytes(group.snapshot(), before)).toBe(true)
  })
}
const extension = (extensionType: number) => ({ extensionType, extensionData: new Uint8Array(0) })

keyPackage('V130 V221 another version', 'V130', () => ({ content: (all) => ({ ...all, version: 2 }) }))
keyPackage('V131 another cipher suite', 'V131', () => ({ content: (all) => ({ ...all, cipherSuite: 3 }) }))
keyPackage('V132 a flipped signature', 'V132', () => ({
  signed: (all) => ({ ...all, signature: flip(all.signature) }),
}))
keyPackage('V132 signed with another key', 'V132', () => ({ signer: world.identities[1]!.signer }))
keyPackage('V132 an init_key that was changed after signing', 'V132', async () => {
  const { publicKey: initKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  return { signed: (all) => ({ ...all, initKey }) }
})
keyPackage('V040 signed under the label of a leaf', 'V132', () => ({
  signed: (all) => ({ ...all, signature: all.leafNode.signature }),
}))
keyPackage('V133 init_key and encryption_key are equal', 'V133', () => ({
  content: (all) => ({ ...all, initKey: all.leafNode.encryptionKey }),
}))
keyPackage('V134 an init_key of 31 bytes', 'V134', () => ({
  content: (all) => ({ ...all, initKey: all.initKey.slice(1) }),
}))
keyPackage('V134 V034 a low-order init_key', 'V134', () => ({
  content: (all) => ({ ...all, initKey: new Uint8Array(32) }),
}))
keyPackage('V136 an extension outside the capabilities', 'V136', () => ({
  content: (all) => ({ ...all, extensions: [extension(0xf00b)] }),
}))
keyPackage('V137 two last_resort', 'V137', () => ({
  content: (all) => ({
    ...all,
    extensions: [extension(extensionTypes.lastResort), extension(extensionTypes.lastResort)],
  }),
}))
test('V136 an unknown extension that is listed', async () => {
  const bent = await forgeKeyPackage(world, {
    leaf: (leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, extensions: [0xf00b] } }),
    content: (all) => ({ ...all, extensions: [extension(0xf00b)] }),
  })
  await expectAccepted(world, 0, await forgeCommit(world, 1, { proposals: [add(bent)] }))
})
test('V129 the version of the message is that of the KeyPackage', async () => {
  const bent = await forgeKeyPackage(world, { content: (all) => ({ ...all, version: 2 }) })
  const message = encodeMlsMessage({ wireFormat: 'mls_key_package', keyPackage: bent })
  expect(await outcomeOf(() => world.restore(0).commit({ add: [message] }))).toBe('V129')
})
test('V140 an expired KeyPackage is not used, one that is made now has a lifetime from before now', async () => {
  const clock: Clock = { now: () => Date.now() - 100 * 86_400_000 }
  const old = await createKeyPackage({ suite, identity: createIdentity(suite, 'old'), clock })
  expect(await outcomeOf(() => world.restore(0).commit({ add: [old] }))).toBe('V106')
})
test('V135 a random source that repeats itself is noticed', async () => {
  const stuck = nobleProvider.open(suite.parameters, { randomBytes: (length) => new Uint8Array(length) })
  const identity = createIdentity(suite, 'stuck')
  expect(await outcomeOf(() => createKeyPackage({ suite: stuck, identity }))).toBe('V135')
})
test('V139 V141 a failed Welcome uses nothing up; a used KeyPackage is the one that the join names', async () => {
  const bundle = await newcomer(world)
  const group = world.restore(0)
  const { staged } = await group.commit({ add: [bundle], remove: [2] })
  const welcome = group.merge(staged).welcome!
  const join = (message: Uint8Array) => joinGroup({ suite, keyPackage: bundle, welcome: message })
  expect(await outcomeOf(() => join(flip(welcome, -1)))).toBe('V307')
  expect((await join(welcome)).epoch).toBe(group.epoch)
  expect(await outcomeOf(() => joinGroup({ suite, keyPackage: [], welcome }))).toBe('V302')
  expect((await expectAccepted(world, 0, await forgeCommit(world, 1, { proposals: [remove(2)] }))).memberCount).toBe(2)
})

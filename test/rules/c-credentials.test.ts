/** Group C: credentials and the authentication service (RFC 9420 §5.3). */
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { ascii, equalBytes } from '../../src/bytes/bytes.ts'
import { createGroup, createIdentity, joinExternal, joinGroup, keySigner } from '../../src/index.ts'
import type { AuthenticationService, CredentialBinding } from '../../src/ports/authentication-service.ts'
import type { LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { forgeCommit, forgeProposal } from '../support/forge.ts'
import { add, externalSenders, forgeKeyPackage, forgeUpdate, remove, setExtensions } from '../support/values.ts'
import {
  bothFormats,
  capabilitiesOf,
  expectAccepted,
  expectRejected,
  makeWorld,
  newcomer,
  outcomeOf,
  suite,
  type World,
} from '../support/world.ts'

/** Says no to one name at a time. */
let refused = ''
const named = ({ credential }: CredentialBinding, name: string) =>
  credential.credentialType === 'basic' && equalBytes(credential.identity, ascii(name))
const authentication: AuthenticationService = {
  validate: (binding) => refused === '' || !named(binding, refused),
  isSuccessor: ({ credential: a }, { credential: b }) =>
    a.credentialType === 'basic' && b.credentialType === 'basic' && a.identity[0] === b.identity[0],
}
const options = { authentication }
let world: World
beforeAll(async () => {
  world = await makeWorld({ members: 3, commits: [1], options })
})
beforeEach(() => {
  refused = ''
})
const as =
  (name: string) =>
  (leaf: LeafNodeContent): LeafNodeContent => ({
    ...leaf,
    credential: { credentialType: 'basic', identity: ascii(name) },
  })

bothFormats('V047 an Add of a credential that is refused', async (format) => {
  refused = 'mallory'
  const keyPackage = await forgeKeyPackage(world, { name: 'mallory' })
  await expectRejected(world, 0, (await forgeProposal(world, 1, add(keyPackage), { format })).message, 'V047')
  await expectRejected(world, 0, await forgeCommit(world, 1, { format, proposals: [add(keyPackage)] }), 'V047')
  for (const call of [
    () => world.restore(0).commit({ add: [keyPackage] }),
    () => world.restore(0).propose({ add: keyPackage }),
  ])
    expect(await outcomeOf(call)).toBe('V047')
})
test('V047 nobody creates a group with a credential that is refused', async () => {
  refused = 'mallory'
  expect(await outcomeOf(() => createGroup({ suite, identity: createIdentity(suite, 'mallory'), options }))).toBe(
    'V047',
  )
})
bothFormats('V048 an Update with a credential that is refused', async (format) => {
  refused = 'bob2'
  const proposal = await forgeUpdate(world, 1, { leaf: as('bob2') })
  await expectRejected(world, 0, (await forgeProposal(world, 1, proposal, { format })).message, 'V048')
})
bothFormats('V049 a path with a credential that is refused', async (format) => {
  refused = 'bob2'
  await expectRejected(world, 0, await forgeCommit(world, 1, { format, leaf: as('bob2') }), 'V049')
})
bothFormats('V050 an Update to the name of another', async (format) => {
  const proposal = await forgeUpdate(world, 1, { leaf: as('mallory') })
  await expectRejected(world, 0, (await forgeProposal(world, 1, proposal, { format })).message, 'V050')
})
bothFormats('V051 a path with the name of another', async (format) =>
  expectRejected(world, 0, await forgeCommit(world, 1, { format, leaf: as('mallory') }), 'V051'),
)
test('V049 V051 V048 V050 own commits and Updates are held against the same rules', async () => {
  const credential = { credentialType: 'basic' as const, identity: ascii('mallory') }
  const own = { ...credential, identity: ascii('alice2') }
  expect(await outcomeOf(() => world.restore(0).commit({ leaf: { credential } }))).toBe('V051')
  expect(await outcomeOf(() => world.restore(0).propose({ update: { credential } }))).toBe('V050')
  refused = 'alice2'
  expect(await outcomeOf(() => world.restore(0).commit({ leaf: { credential: own } }))).toBe('V049')
  expect(await outcomeOf(() => world.restore(0).propose({ update: { credential: own } }))).toBe('V048')
})
test('V050 V051 a new signature key with the same name is fine', async () => {
  const signer = keySigner(suite, createIdentity(suite, 'x').privateKey)
  const renew = { leaf: (leaf: LeafNodeContent) => ({ ...leaf, signatureKey: signer.publicKey }), leafSigner: signer }
  const sent = await forgeProposal(world, 1, await forgeUpdate(world, 1, renew))
  await expectAccepted(world, 0, await forgeCommit(world, 2, { proposals: [sent] }), [sent.message])
  await expectAccepted(world, 0, await forgeCommit(world, 1, renew))
})
test('V058 a member whose old credential has expired may change to a valid one', async () => {
  refused = 'bob'
  await expectAccepted(world, 0, await forgeCommit(world, 1, { leaf: as('bob2') }))
  const sent = await forgeProposal(world, 1, await forgeUpdate(world, 1, { leaf: as('bob2') }))
  await expectAccepted(world, 0, await forgeCommit(world, 2, { proposals: [sent] }), [sent.message])
})
test('V052 one refused leaf in the tree of a Welcome', async () => {
  const bundle = await newcomer(world)
  const group = world.restore(0)
  const { staged } = await group.commit({ add: [bundle] })
  const welcome = group.merge(staged).welcome!
  refused = 'carol'
  expect(await outcomeOf(() => joinGroup({ suite, keyPackage: bundle, welcome, options }))).toBe('V052')
  refused = ''
  expect((await joinGroup({ suite, keyPackage: bundle, welcome, options })).memberCount).toBe(4)
})
test('V053 one refused leaf in the tree of an external join, and a refused newcomer', async () => {
  const groupInfo = await world.restore(0).groupInfo()
  const input = { suite, groupInfo, options, capabilities: capabilitiesOf({}) }
  const join = () => joinExternal({ ...input, identity: createIdentity(suite, 'mallory') })
  const { commit } = await join()
  for (refused of ['carol', 'mallory']) expect(await outcomeOf(join)).toBe('V053')
  refused = 'mallory'
  await expectRejected(world, 0, commit, 'V053')
})
test('V054 external senders that are refused: in an extension, a Welcome, an external join', async () => {
  const extensions = [externalSenders(createIdentity(suite, 'service').signer)]
  const proposal = setExtensions(extensions)
  const bundle = await newcomer(world)
  const group = world.restore(0)
  const { staged } = await group.commit({ extensions, add: [bundle] })
  const welcome = group.merge(staged).welcome!
  const groupInfo = await group.groupInfo()
  refused = '\0'
  await expectRejected(world, 0, (await forgeProposal(world, 1, proposal)).message, 'V054')
  await expectRejected(world, 0, await forgeCommit(world, 1, { proposals: [proposal] }), 'V054')
  expect(await outcomeOf(() => joinGroup({ suite, keyPackage: bundle, welcome, options }))).toBe('V054')
  const identity = createIdentity(suite, 'erin')
  expect(await outcomeOf(() => joinExternal({ suite, groupInfo, identity, options }))).toBe('V054')
})
test('V057 application_id is no identity: two members may have the same one', async () => {
  const id = { extensionType: 1, extensionData: ascii('same') }
  const bend = (leaf: LeafNodeContent) => ({ ...leaf, extensions: [id] })
  const proposals = [add(await forgeKeyPackage(world, { name: 'x', leaf: bend })), remove(2)]
  const group = await expectAccepted(world, 0, await forgeCommit(world, 1, { leaf: bend, proposals }))
  expect([...group.members()].filter(({ extensions }) => extensions.length === 1).length).toBe(2)
})

test('V120 V121 credential types that members do not support: an Add, an Update and a path', async () => {
  const basicOnly = await makeWorld({ members: 3, commits: [], options, capabilities: { credentials: [1] } })
  const x509 = { credentialType: 'x509' as const, certificates: [new Uint8Array([1])] }
  const credentials = (leaf: LeafNodeContent, list: readonly number[]): LeafNodeContent => ({
    ...leaf,
    capabilities: { ...leaf.capabilities, credentials: list },
  })
  const trusting = { ...authentication, isSuccessor: () => true }
  for (const [rule, leaf] of [
    ['V120', (content: LeafNodeContent) => ({ ...credentials(content, [1, 2]), credential: x509 })],
    ['V121', (content: LeafNodeContent) => ({ ...credentials(content, [2]), credential: x509 })],
  ] as const) {
    const here = { ...basicOnly, restore: restoreWith(basicOnly, trusting) }
    await expectRejected(
      here,
      0,
      (await forgeProposal(here, 1, add(await forgeKeyPackage(here, { leaf })))).message,
      rule,
    )
    await expectRejected(here, 0, (await forgeProposal(here, 1, await forgeUpdate(here, 1, { leaf }))).message, rule)
    // a path is judged by itself, and the first of the two rules is seen first
    await expectRejected(here, 0, await forgeCommit(here, 1, { leaf }), 'V120')
  }
  const path = (content: LeafNodeContent) => credentials(content, [2])
  await expectRejected(basicOnly, 0, await forgeCommit(basicOnly, 1, { leaf: path }), 'V112')
})

function restoreWith(base: World, service: AuthenticationService): World['restore'] {
  return (member) => base.restore(member, { authentication: service })
}

import { describe, expect, test } from 'vitest'
import {
  createIdentity,
  createKeyPackage,
  decodeMlsMessage,
  ExternalSenders,
  encodeMlsMessage,
  extensionTypes,
  externalPskId,
  findExtension,
  joinExternal,
  joinGroup,
  makeCapabilities,
  proposeAsExternalSender,
  proposeJoin,
  RequiredCapabilities,
  setExtension,
} from '../../src/index.ts'
import { signGroupInfo } from '../../src/signed/group-info.ts'
import { bytes, codeOf, commitIn, members, suite } from './support.ts'

const outside = createIdentity(suite, 'the server')
const externalSenders = setExtension([], extensionTypes.externalSenders, ExternalSenders, [
  { signatureKey: outside.signer.publicKey, credential: outside.credential },
])

describe('external senders', () => {
  test('an Add and a Remove by one are committed by reference', async () => {
    const { groups } = await members(3, { extensions: externalSenders })
    const [alice, bob] = [groups[0]!, groups[1]!]
    const bundle = await createKeyPackage({ suite, identity: createIdentity(suite, 'dave') })
    const target = { groupId: alice.id, epoch: alice.epoch }
    const by = { senderIndex: 0, signer: outside.signer }
    const { keyPackage } = bundle
    const messages = [
      await proposeAsExternalSender(target, { proposalType: 'add', keyPackage }, by),
      await proposeAsExternalSender(target, { proposalType: 'remove', removed: 2 }, by),
    ]
    for (const message of messages)
      for (const group of groups)
        expect(await group.receive(message)).toMatchObject({
          kind: 'proposal',
          sender: { senderType: 'external', senderIndex: 0 },
        })
    const { commit, staged } = await alice.commit()
    expect(staged.changes).toMatchObject({ removed: [{ leafIndex: 2 }], added: [{ leafIndex: 2 }] })
    const { welcome } = alice.merge(staged)
    expect(await bob.receive(commit)).toMatchObject({ kind: 'commit', removed: false })
    expect(await groups[2]!.receive(commit)).toMatchObject({ kind: 'commit', removed: true })
    const dave = await joinGroup({ suite, keyPackage: bundle, welcome: welcome! })
    expect(dave.epochAuthenticator).toEqual(bob.epochAuthenticator)
    expect(
      await codeOf(() => proposeAsExternalSender(target, { proposalType: 'external_init', kemOutput: bytes() }, by)),
    ).toBe('framing/sender')
  })

  test('one that is not listed, or of another key, is refused', async () => {
    const { groups } = await members(2, { extensions: externalSenders })
    const target = { groupId: groups[0]!.id, epoch: 1n }
    const remove = { proposalType: 'remove', removed: 1 } as const
    const { signer } = outside
    const stranger = createIdentity(suite, 'stranger')
    const notListed = await proposeAsExternalSender(target, remove, { senderIndex: 1, signer })
    const otherKey = await proposeAsExternalSender(target, remove, { senderIndex: 0, signer: stranger.signer })
    expect(await codeOf(() => groups[0]!.receive(notListed))).toBe('framing/sender')
    expect(await codeOf(() => groups[0]!.receive(otherKey))).toBe('crypto/signature')
    expect(groups[0]!.proposals).toHaveLength(0)
  })
})

test('a newcomer asks to be added, and is added by reference', async () => {
  const { groups } = await members(2)
  const [alice, bob] = [groups[0]!, groups[1]!]
  const keyPackage = await createKeyPackage({ suite, identity: createIdentity(suite, 'carol') })
  const message = await proposeJoin({ groupId: alice.id, epoch: alice.epoch, authenticatedData: bytes(7) }, keyPackage)
  for (const group of groups)
    expect(await group.receive(message)).toMatchObject({
      kind: 'proposal',
      sender: { senderType: 'new_member_proposal' },
      authenticatedData: bytes(7),
    })
  const { commit, staged } = await bob.commit()
  const { welcome } = bob.merge(staged)
  await alice.receive(commit)
  const carol = await joinGroup({ suite, keyPackage, welcome: welcome! })
  expect((await carol.receive(alice.protect(bytes(1)))).kind).toBe('message')
})

describe('required capabilities', () => {
  const custom = 0xf123
  const required = setExtension([], extensionTypes.requiredCapabilities, RequiredCapabilities, {
    extensionTypes: [],
    proposalTypes: [custom],
    credentialTypes: [1],
  })
  const able = makeCapabilities(suite, { proposals: [custom] })

  test('who lacks one is not added, and cannot join', async () => {
    const { groups } = await members(2, { extensions: required, capabilities: able })
    const alice = groups[0]!
    const identity = createIdentity(suite, 'old client')
    const keyPackage = await createKeyPackage({ suite, identity })
    const before = alice.snapshot()
    expect(await codeOf(() => alice.commit({ add: [keyPackage] }))).toMatch(/^leaf\//)
    expect(alice.snapshot()).toEqual(before)
    const groupInfo = await alice.groupInfo()
    expect(await codeOf(() => joinExternal({ suite, identity, groupInfo }))).toMatch(/^leaf\//)
    const capable = await createKeyPackage({ suite, identity, capabilities: able })
    await commitIn(groups, 0, { add: [capable] })
    expect(alice.memberCount).toBe(3)
  })

  test('they are not asked for while a member lacks one', async () => {
    const { groups } = await members(2)
    expect(await codeOf(() => groups[0]!.commit({ extensions: required }))).toMatch(/^(leaf|extension)\//)
    await commitIn(groups, 0)
  })
})

describe('custom proposals', () => {
  const type = 0xf100
  const capabilities = makeCapabilities(suite, { proposals: [type] })
  const known = { customProposals: [{ type, pathRequired: false }] }

  test('by value and by reference, without and with a path', async () => {
    const { groups } = await members(2, { capabilities, options: known })
    const [alice, bob] = [groups[0]!, groups[1]!]
    const body = bytes(1, 2, 3)
    const { proposal } = await bob.propose({ custom: { type, body } })
    expect(await alice.receive(proposal)).toMatchObject({
      kind: 'proposal',
      proposal: { proposalType: 'custom', type, body },
    })
    const { commit, staged } = await alice.commit({ custom: [{ type, body: bytes(9) }], path: false })
    expect(staged.changes.path).toBe(false)
    const received = await bob.receive(commit)
    alice.merge(staged)
    expect(received.kind === 'commit' && received.changes.custom.map((one) => one.body)).toEqual([body, bytes(9)])
    expect(bob.epochAuthenticator).toEqual(alice.epochAuthenticator)
  })

  test('a type that needs a path gets one; one that nobody registered is refused', async () => {
    const strict = { customProposals: [{ type, pathRequired: true }] }
    const { groups } = await members(2, { capabilities, options: strict })
    const { staged } = await groups[0]!.commit({ custom: [{ type, body: bytes() }], path: false })
    expect(staged.changes.path).toBe(true)
    groups[0]!.discard()
    expect(await codeOf(() => groups[0]!.commit({ custom: [{ type: type + 1, body: bytes() }] }))).toBe(
      'proposal/unsupported',
    )
  })
})

describe('KeyPackages', () => {
  test('a last resort is used more than once, by two groups', async () => {
    const identity = createIdentity(suite, 'bob')
    const bundle = await createKeyPackage({ suite, identity, lastResort: true })
    expect(bundle.lastResort).toBe(true)
    expect(findExtension(bundle.keyPackage.extensions, extensionTypes.lastResort)?.extensionData).toEqual(bytes())
    for (let i = 0; i < 2; i++) {
      const [alice] = (await members(1)).groups
      const { staged } = await alice!.commit({ add: [bundle.message] })
      const { welcome } = alice!.merge(staged)
      const bob = await joinGroup({ suite, keyPackage: bundle, welcome: welcome! })
      expect((await bob.receive(alice!.protect(bytes(i)))).kind).toBe('message')
    }
  })

  test('two KeyPackages of one signature key are not two members', async () => {
    const { groups } = await members(1)
    const identity = createIdentity(suite, 'bob')
    const [one, two] = [await createKeyPackage({ suite, identity }), await createKeyPackage({ suite, identity })]
    expect(await codeOf(() => groups[0]!.commit({ add: [one, two] }))).toBe('leaf/key_reuse')
    expect(groups[0]!.pending).toBe(undefined)
  })
})

describe('pre-shared keys', () => {
  test('a commit whose key is not there yet can be tried again, and changes nothing before', async () => {
    const keys = new Map<string, Uint8Array>()
    const options = { psks: { externalPsk: (id: Uint8Array) => keys.get(id.join()) } }
    const { groups } = await members(2, { options })
    const [alice, bob] = [groups[0]!, groups[1]!]
    const id = externalPskId(suite, bytes(5))
    expect(await codeOf(() => alice.commit({ psk: [id] }))).toBe('psk/missing')
    keys.set('5', new Uint8Array(32).fill(1))
    // 40 generations ahead, which is more than a sender with failures is followed
    for (let i = 0; i < 40; i++) {
      await alice.commit({ wireFormat: 'mls_private_message' })
      alice.discard()
    }
    const { commit } = await alice.commit({ psk: [id], wireFormat: 'mls_private_message' })
    keys.clear()
    const before = bob.snapshot()
    // more often than failures are forgiven: these are none (R05)
    for (let i = 0; i < 12; i++) expect(await codeOf(() => bob.receive(commit))).toBe('psk/missing')
    expect(bob.snapshot()).toEqual(before)
    keys.set('5', new Uint8Array(32).fill(1))
    expect((await bob.receive(commit)).kind).toBe('commit')
  })
})

test('V025 nothing follows the last epoch: a newcomer is told so, not that it made a mistake', async () => {
  const { groups, identities } = await members(2)
  const message = decodeMlsMessage(await groups[0]!.groupInfo())
  if (message.wireFormat !== 'mls_group_info') throw new Error('no GroupInfo')
  const { groupContext, ...rest } = message.groupInfo
  const last = { ...rest, groupContext: { ...groupContext, epoch: 2n ** 64n - 1n } }
  const groupInfo = await signGroupInfo(identities[0]!.signer, last)
  const bytesOf = encodeMlsMessage({ wireFormat: 'mls_group_info', groupInfo })
  expect(await codeOf(() => joinExternal({ suite, identity: outside, groupInfo: bytesOf }))).toBe('limit/exceeded')
})

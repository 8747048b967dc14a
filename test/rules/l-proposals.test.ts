/** Group L: single proposals (RFC 9420 §12.1), as messages and in commits; group D's rules that need a live group. */
import { beforeAll, describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/bytes/bytes.ts'
import { createIdentity, proposeAsExternalSender, proposeJoin } from '../../src/index.ts'
import { sortProposals } from '../../src/proposals/proposal-list.ts'
import { validateProposal } from '../../src/proposals/proposal-rules.ts'
import type { Sender } from '../../src/wire/framed-content.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import { forgeCommit, forgeProposal } from '../support/forge.ts'
import {
  add,
  custom,
  externalInit,
  externalPsk,
  externalSenders,
  forgeKeyPackage,
  forgeUpdate,
  psk,
  reinit,
  remove,
  requiredCapabilities,
  setExtensions,
  unknownExtension,
} from '../support/values.ts'
import {
  bothFormats,
  expectAccepted,
  expectRejected,
  flip,
  makeWorld,
  newcomer,
  outcomeOf,
  suite,
  type World,
} from '../support/world.ts'

const service = createIdentity(suite, 'service')
const options = {
  psks: { externalPsk: () => new Uint8Array(32) },
  customProposals: [
    { type: 0xf00e, pathRequired: false },
    { type: 0xf00c, pathRequired: false, fromExternal: true },
  ],
}
let world: World
let mixed: World
beforeAll(async () => {
  const capabilities = { extensions: [0xf00d], proposals: [0xf00e, 0xf00c] }
  world = await makeWorld({
    members: 4,
    commits: [1],
    removed: 2,
    options,
    capabilities,
    extensions: [externalSenders(service.signer)],
  })
  // carol supports less than the others
  mixed = await makeWorld({ members: 3, commits: [], options, capabilities: {} })
})

/** As a message and by value, in both formats. */
function proposal(title: string, rule: string, make: () => Proposal | Promise<Proposal>): void {
  bothFormats(title, async (format) => {
    const bent = await make()
    await expectRejected(world, 0, (await forgeProposal(world, 1, bent, { format })).message, rule)
    await expectRejected(world, 0, await forgeCommit(world, 1, { format, proposals: [bent] }), rule)
  })
}

proposal('V224 a Remove of a blank leaf', 'V224', () => remove(2))
for (const leaf of [4, 2 ** 31, 2 ** 32 - 1]) proposal(`V224 V026 a Remove of leaf ${leaf}`, 'V224', () => remove(leaf))
proposal('V225 a ReInit to version 0', 'V225', () => reinit({ version: 0 }))
proposal('V226 a ReInit to a suite that is not known', 'V226', () => reinit({ cipherSuite: 0xf00d }))
proposal('V226 a ReInit to a version that is not known', 'V226', () => reinit({ version: 2 }))
proposal('V227 V338 a ReInit with an extension twice', 'V227', () =>
  reinit({ extensions: [unknownExtension, unknownExtension] }),
)
proposal('V227 V340 a ReInit with a GREASE extension', 'V234', () =>
  reinit({ extensions: [{ ...unknownExtension, extensionType: 0x1a1a }] }),
)
proposal('V022 a custom proposal that is not registered', 'V022', () => custom(0xf0aa))
proposal('V022 V340 a GREASE proposal', 'V022', () => custom(0x0a0a))
proposal('V233 V338 two extensions of one type', 'V233', () => setExtensions([unknownExtension, unknownExtension]))
for (const type of [0x0a0a, 0x7a7a, 0xeaea])
  proposal(`V234 V340 the GREASE extension ${type.toString(16)}`, 'V234', () =>
    setExtensions([{ ...unknownExtension, extensionType: type }]),
  )
for (const type of [1, 2, 4, 10])
  proposal(`V235 V339 the extension ${type} in a GroupContext`, 'V235', () =>
    setExtensions([{ ...unknownExtension, extensionType: type }]),
  )
proposal('V232 an extension that nobody supports', 'V232', () =>
  setExtensions([{ ...unknownExtension, extensionType: 0xf0bb }]),
)
proposal('V229 a requirement that nobody meets', 'V229', () =>
  setExtensions([requiredCapabilities({ extensionTypes: [0xf0bb] })]),
)
proposal('V229 a required proposal that nobody supports', 'V229', () =>
  setExtensions([requiredCapabilities({ proposalTypes: [0xf0bb] })]),
)
proposal('V229 a required credential that nobody supports', 'V229', () =>
  setExtensions([requiredCapabilities({ credentialTypes: [7] })]),
)
proposal('V010 a byte after required_capabilities', 'V010', () => {
  const extension = requiredCapabilities({})
  return setExtensions([{ ...extension, extensionData: new Uint8Array([...extension.extensionData, 0]) }])
})
bothFormats('V228 ExternalInit as a message of its own', async (format) =>
  expectRejected(world, 0, (await forgeProposal(world, 1, externalInit, { format })).message, 'V228'),
)

describe('support by all members', () => {
  const lacks = {
    leaf: <T extends { capabilities: object }>(leaf: T) => ({
      ...leaf,
      capabilities: { ...leaf.capabilities, extensions: [], proposals: [] },
    }),
  }
  test('V239 V253 a registered proposal that one member does not list', async () => {
    await expectRejected(mixed, 0, (await forgeProposal(mixed, 1, custom(0xf00e))).message, 'V253')
    await expectRejected(mixed, 0, await forgeCommit(mixed, 1, { proposals: [custom(0xf00e)] }), 'V253')
  })
  test('V253 members that the commit adds or removes need not support it', async () => {
    const keyPackage = await forgeKeyPackage(world, lacks)
    await expectAccepted(world, 0, await forgeCommit(world, 1, { proposals: [custom(0xf00e), add(keyPackage)] }))
  })
  test('V230 a requirement that a member added by the same commit lacks', async () => {
    const proposals = [
      add(await forgeKeyPackage(world, lacks)),
      setExtensions([requiredCapabilities({ proposalTypes: [0xf00e] })]),
    ]
    await expectRejected(world, 0, await forgeCommit(world, 1, { proposals }), 'V117')
  })
  test('V231 a requirement that only a removed member lacks', async () => {
    const added = await expectAccepted(
      world,
      0,
      await forgeCommit(world, 1, { proposals: [add(await forgeKeyPackage(world, lacks))] }),
    )
    const group = added
    const extensions = [requiredCapabilities({ proposalTypes: [0xf00e] })]
    expect(await outcomeOf(() => group.commit({ extensions }))).toBe('V229')
    expect(await outcomeOf(() => group.commit({ extensions, remove: [2] }))).toBe(undefined)
  })
  test('V236 the new extensions replace all old ones', async () => {
    const group = await expectAccepted(world, 0, await forgeCommit(world, 1, { proposals: [setExtensions([])] }))
    expect(group.extensions).toEqual([])
  })
})

describe('who may propose what', () => {
  const external: Sender = { senderType: 'external', senderIndex: 0 }
  const signer = service.signer
  const target = () => ({
    groupId: world.state(0).current.context.groupId,
    epoch: world.state(0).current.context.epoch,
  })
  test('V222 V069 an Update by an external sender or a newcomer', async () => {
    const update = await forgeUpdate(world, 1)
    const message = (await forgeProposal(world, 1, update, { sender: external, signer })).message
    await expectRejected(world, 0, message, 'V222')
    const other = (await forgeProposal(world, 1, update, { sender: { senderType: 'new_member_proposal' }, signer }))
      .message
    await expectRejected(world, 0, other, 'V072')
    expect(await outcomeOf(() => proposeAsExternalSender(target(), update, { senderIndex: 0, signer }))).toBe('V069')
  })
  test('V066 V067 V069 V072 V222 the list checks senders again, whatever the framing let pass', async () => {
    const update = await forgeUpdate(world, 1)
    const context = (group: World) => ({
      suite,
      tree: group.state(0).current.tree,
      extensions: group.state(0).current.context.extensions,
      version: 1,
      committer: 1,
      customProposals: options.customProposals,
    })
    const newcomers: Sender = { senderType: 'new_member_proposal' }
    for (const [rule, proposal, sender, group] of [
      ['V072', remove(3), newcomers, world],
      ['V222', update, newcomers, world],
      ['V066', remove(1), external, mixed],
      ['V067', remove(3), { ...external, senderIndex: 1 }, world],
      ['V069', custom(0xf00e), external, world],
    ] as const)
      expect(await outcomeOf(() => validateProposal({ proposal, sender, reference: undefined }, context(group)))).toBe(
        rule,
      )
    expect(await outcomeOf(() => sortProposals([{ proposal: update, sender: external, reference: undefined }]))).toBe(
      'V222',
    )
  })
  test('V069 ExternalInit and unknown types by an external sender', async () => {
    for (const bent of [externalInit, custom(0xf00e)])
      await expectRejected(
        world,
        0,
        (await forgeProposal(world, 1, bent, { sender: external, signer })).message,
        'V069',
      )
  })
  test('V069 what an external sender may propose', async () => {
    const { keyPackage } = await newcomer(world)
    for (const fine of [add(keyPackage), remove(3), psk(externalPsk(1)), reinit(), setExtensions([]), custom(0xf00c)]) {
      const group = world.restore(0)
      const message = await proposeAsExternalSender(target(), fine, { senderIndex: 0, signer })
      expect((await group.receive(message)).kind).toBe('proposal')
    }
  })
  test('V070 an external proposal signed with another key', async () => {
    const other = createIdentity(suite, 'other').signer
    await expectRejected(
      world,
      0,
      (await forgeProposal(world, 1, remove(3), { sender: external, signer: other })).message,
      'V080',
    )
  })
  test('V067 V026 an external sender that is not listed', async () => {
    for (const senderIndex of [1, 2 ** 31, 2 ** 32 - 1]) {
      const sender = { ...external, senderIndex } as Sender
      await expectRejected(world, 0, (await forgeProposal(world, 1, remove(3), { sender, signer })).message, 'V067')
    }
  })
  test('V066 an external proposal in a group without external senders', async () => {
    await expectRejected(
      mixed,
      0,
      (await forgeProposal(mixed, 1, remove(2), { sender: external, signer })).message,
      'V066',
    )
  })
  test('V260 an external proposal is committed; after the senders are gone it is refused', async () => {
    const sent = await forgeProposal(world, 1, remove(3), { sender: external, signer, signedContext: undefined })
    await expectAccepted(world, 0, await forgeCommit(world, 1, { proposals: [sent] }), [sent.message])
    const group = await expectAccepted(world, 0, await forgeCommit(world, 1, { proposals: [setExtensions([])] }))
    const late = await proposeAsExternalSender({ ...target(), epoch: group.epoch }, remove(3), {
      senderIndex: 0,
      signer,
    })
    expect(await outcomeOf(() => group.receive(late))).toBe('V066')
  })
  test('V073 a request to join, and one signed by another', async () => {
    const bundle = await newcomer(world)
    const message = await proposeJoin(target(), bundle)
    expect((await world.restore(0).receive(message)).kind).toBe('proposal')
    const forged = await proposeJoin(target(), { ...bundle, signer })
    await expectRejected(world, 0, forged, 'V080')
  })
})

describe('epoch and cache', () => {
  test('V237 a proposal of another epoch is not cached', async () => {
    const group = world.restore(0)
    const before = group.snapshot()
    for (const step of [-1n, 1n]) {
      const content = <T extends { epoch: bigint }>(all: T) => ({ ...all, epoch: all.epoch + step })
      const { message } = await forgeProposal(world, 1, remove(3), { content })
      expect((await group.receive(message)).kind).toBe(step < 0n ? 'past-epoch' : 'future-epoch')
    }
    expect(equalBytes(group.snapshot(), before)).toBe(true)
  })
  bothFormats('V238 a proposal with a bad signature is not cached', async (format) => {
    const { signer } = world.identities[0]!
    const sent = await forgeProposal(world, 1, remove(3), { format, signer })
    await expectRejected(world, 0, sent.message, 'V080')
    await expectRejected(world, 0, await forgeCommit(world, 1, { format, proposals: [sent] }), 'V257')
  })
  test('V095 the same proposal twice is one entry', async () => {
    const group = world.restore(0)
    const { message } = await forgeProposal(world, 1, remove(3))
    expect((await group.receive(message)).kind).toBe('proposal')
    const before = group.snapshot()
    expect((await group.receive(message)).kind).toBe('duplicate')
    expect(equalBytes(group.snapshot(), before)).toBe(true)
  })
  test('R15 a member that floods the cache is refused', async () => {
    const limited = await makeWorld({
      members: 2,
      commits: [],
      options: { ...options, limits: { proposalsPerSender: 2 } },
    })
    const group = limited.restore(0)
    for (const id of [1, 2]) await group.receive((await forgeProposal(limited, 1, psk(externalPsk(id)))).message)
    const { message } = await forgeProposal(limited, 1, psk(externalPsk(3)))
    expect(await outcomeOf(() => group.receive(message))).toBe('R15')
    expect(group.proposals.length).toBe(2)
  })
})
test('V223 V221 the leaves and KeyPackages of proposals are those of groups E and F: one of each', async () => {
  const flipped = await forgeKeyPackage(world, { signed: (all) => ({ ...all, signature: flip(all.signature) }) })
  await expectRejected(world, 0, (await forgeProposal(world, 1, add(flipped))).message, 'V132')
  const update = await forgeUpdate(world, 1, { leafSigner: world.identities[0]!.signer })
  await expectRejected(world, 0, (await forgeProposal(world, 1, update)).message, 'V098')
})

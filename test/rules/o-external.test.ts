/** Group O: external commits (RFC 9420 §12.2, §12.4.3.2), by a joiner with a credential of its own. */
import { beforeAll, describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { createIdentity, decodeMlsMessage, encodeMlsMessage, type Identity, joinExternal } from '../../src/index.ts'
import { signGroupInfo } from '../../src/signed/group-info.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import type { LeafNodeContent } from '../../src/wire/leaf-node.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import { forgeCommit, forgeProposal } from '../support/forge.ts'
import { type ExternalForgery, forgeExternalCommit } from '../support/forge-external.ts'
import { externalPub } from '../support/forge-welcome.ts'
import {
  add,
  custom,
  externalInit,
  externalPsk,
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
  capabilitiesOf,
  expectAccepted,
  expectRejected,
  flip,
  makeWorld,
  newcomer,
  outcomeOf,
  suite,
  type World,
} from '../support/world.ts'

const options = {
  psks: { externalPsk: () => new Uint8Array(32) },
  customProposals: [{ type: 0xf00e, pathRequired: false }],
}
let world: World
let joiner: Identity
beforeAll(async () => {
  // leaf 2 is blank; bob and dave have devices of the same name outside
  world = await makeWorld({
    members: 4,
    commits: [1],
    removed: 2,
    options,
    extensions: [unknownExtension, requiredCapabilities({ proposalTypes: [0xf00e] })],
    capabilities: { extensions: [0xf00d], proposals: [0xf00e] },
  })
  joiner = createIdentity(suite, 'joiner')
})

function external(
  title: string,
  rule: string,
  forgery: () => ExternalForgery | Promise<ExternalForgery>,
  identity = () => joiner,
): void {
  test(title, async () => {
    const message = await forgeExternalCommit(world, identity(), await forgery())
    for (const victim of [0, 3]) await expectRejected(world, victim, message, rule)
  })
}
const list = (change: (init: Proposal) => ReturnType<NonNullable<ExternalForgery['list']>>) => () => ({ list: change })

test('V280 a genuine external commit is accepted: the builder breaks nothing by itself', async () => {
  const group = await expectAccepted(world, 0, await forgeExternalCommit(world, joiner))
  expect(group.member(2)?.signatureKey).toEqual(joiner.signer.publicKey)
})
describe('the list', () => {
  external(
    'V280 no ExternalInit',
    'V280',
    list(() => [psk(externalPsk(1))]),
  )
  external(
    'V288 a new_member_commit without any proposal',
    'V280',
    list(() => []),
  )
  external(
    'V281 two ExternalInit',
    'V281',
    list((init) => [init, init]),
  )
  external(
    'V282 two Removes',
    'V282',
    list((init) => [init, remove(1), remove(3)]),
  )
  external(
    'V283 a Remove of somebody else',
    'V283',
    list((init) => [init, remove(1)]),
  )
  external(
    'V284 a Remove of a blank leaf',
    'V284',
    list((init) => [init, remove(2)]),
  )
  external(
    'V284 V026 a Remove far outside the tree',
    'V284',
    list((init) => [init, remove(2 ** 32 - 1)]),
  )
  external('V285 an Add', 'V285', async () => {
    const { keyPackage } = await newcomer(world)
    return { list: (init) => [init, add(keyPackage)] }
  })
  external('V285 an Update', 'V285', async () => {
    const update = await forgeUpdate(world, 1)
    return { list: (init) => [init, update] }
  })
  external(
    'V285 GroupContextExtensions',
    'V285',
    list((init) => [init, setExtensions([])]),
  )
  external(
    'V285 a ReInit',
    'V285',
    list((init) => [init, reinit()]),
  )
  external(
    'V285 a custom proposal',
    'V285',
    list((init) => [init, custom(0xf00e)]),
  )
  external(
    'V198 a psk_nonce of another length',
    'V198',
    list((init) => [init, psk({ ...externalPsk(1), pskNonce: new Uint8Array(31) })]),
  )
  external(
    'V199 a PSK of a re-initialisation',
    'V199',
    list((init) => [
      init,
      psk({
        psktype: 'resumption',
        usage: 'reinit',
        pskGroupId: new Uint8Array(1),
        pskEpoch: 1n,
        pskNonce: new Uint8Array(32),
      }),
    ]),
  )
  external(
    'V203 one PSK twice',
    'V203',
    list((init) => [init, psk(externalPsk(1)), psk(externalPsk(1))]),
  )
  test('V286 a reference', async () => {
    const sent = await forgeProposal(world, 1, remove(3))
    const message = await forgeExternalCommit(world, joiner, { list: (init) => [init, sent] })
    await expectRejected(world, 0, message, 'V286', { earlier: [sent.message], after: async () => undefined })
  })
  bothFormats('V288 V291 ExternalInit by a member, and so in any PrivateMessage', async (format) =>
    expectRejected(world, 0, await forgeCommit(world, 1, { format, proposals: [externalInit] }), 'V252'),
  )
})

describe('the path and the signature', () => {
  external('V287 V267 no path', 'V287', () => ({ path: false }))
  external('V289 signed with another key', 'V080', () => ({ signer: createIdentity(suite, 'x').signer }))
  external('V290 signed without the context', 'V080', () => ({ signedContext: new Uint8Array(0) }))
  external('V290 signed over the context of another epoch', 'V080', () => {
    const { context } = world.state(0).current
    return { signedContext: encode(GroupContext, { ...context, epoch: context.epoch - 1n }) }
  })
  test('V292 V077 a membership tag: the structure of a newcomer has no place for it', async () => {
    const message = await forgeExternalCommit(world, joiner)
    await expectRejected(world, 0, new Uint8Array([...message, 32, ...new Uint8Array(32)]), 'V009')
  })
  external('V294 a leaf of source key_package', 'V103', () => ({
    leaf: (leaf) =>
      ({ ...leaf, leafNodeSource: 'key_package', lifetime: { notBefore: 0n, notAfter: 2n ** 40n } }) as LeafNodeContent,
  }))
  external('V294 a leaf signed for another index', 'V098', () => ({ position: { leafIndex: 3 } }))
  external('V297 a leaf without a required capability', 'V117', () => ({
    leaf: (leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, proposals: [] } }),
  }))
  external('V297 a leaf without an extension of the group', 'V119', () => ({
    leaf: (leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, extensions: [] } }),
  }))
  external(
    'V296 the signature key of a member that stays',
    'V296',
    () => ({}),
    () => world.identities[1]!,
  )
  test('V296 V295 the same key with a Remove of its leaf: resync into the own slot', async () => {
    const message = await forgeExternalCommit(world, world.identities[1]!, { list: (init) => [init, remove(1)] })
    const group = await expectAccepted(world, 0, message)
    expect(group.member(1)?.signatureKey).toEqual(world.identities[1]!.signer.publicKey)
  })
  test('V295 the leftmost blank leaf, and a tree that must grow', async () => {
    const full = await makeWorld({ members: 2, commits: [] })
    const group = await expectAccepted(full, 0, await forgeExternalCommit(full, joiner))
    expect(group.member(2)?.signatureKey).toEqual(joiner.signer.publicKey)
  })
})

describe('secrets', () => {
  external('V293 a KEM output of another length', 'V293', () => ({ kemOutput: (bytes) => bytes.slice(1) }))
  external('V293 V034 a low-order KEM output', 'V293', () => ({ kemOutput: () => new Uint8Array(32) }))
  external('V293 another KEM output', 'V084', () => ({
    kemOutput: () => world.identities[0]!.signer.publicKey.map((_, i) => (i === 0 ? 9 : 0)),
  }))
  external('V194 the old init secret', 'V084', () => ({ initSecret: world.state(0).current.secrets.initSecret.take() }))
  external('V084 a flipped confirmation tag', 'V084', () => ({ tag: (tag) => flip(tag) }))
})

describe('policy and freshness', () => {
  test('V298 the application allows no external joins', async () => {
    const closed = {
      ...world,
      restore: (i: number) => world.restore(i, { policy: ({ external: outside }) => !outside }),
    }
    await expectRejected(closed, 0, await forgeExternalCommit(world, joiner), 'V298')
    const groupInfo = await world.restore(0).groupInfo()
    const policy = () => false
    const input = {
      suite,
      groupInfo,
      identity: joiner,
      capabilities: capabilitiesOf(world.input),
      options: { ...options, policy },
    }
    expect(await outcomeOf(() => joinExternal(input))).toBe('V298')
  })
  test('V299 the joiner does not support an extension of the group', async () => {
    const groupInfo = await world.restore(0).groupInfo()
    expect(await outcomeOf(() => joinExternal({ suite, groupInfo, identity: joiner, options }))).toBe('V117')
    const capabilities = capabilitiesOf({ capabilities: { proposals: [0xf00e] } })
    expect(await outcomeOf(() => joinExternal({ suite, groupInfo, identity: joiner, capabilities, options }))).toBe(
      'V119',
    )
  })
  test('V300 an old GroupInfo: the joiner refuses, members do not apply', async () => {
    const groupInfo = await world.restore(0).groupInfo()
    const minimumEpoch = world.restore(0).epoch + 1n
    expect(await outcomeOf(() => joinExternal({ suite, groupInfo, identity: joiner, minimumEpoch }))).toBe('V300')
    const late = await forgeExternalCommit(world, joiner)
    const group = await expectAccepted(world, 0, await forgeCommit(world, 1))
    const before = group.snapshot()
    expect((await group.receive(late)).kind).toBe('past-epoch')
    expect(equalBytes(group.snapshot(), before)).toBe(true)
  })
  test('V301 a GroupInfo without external_pub, and V293 V032 with a bad one', async () => {
    const without = await world.restore(0).groupInfo({ externalPub: false })
    const capabilities = capabilitiesOf(world.input)
    const input = { suite, identity: joiner, capabilities, options }
    expect(await outcomeOf(() => joinExternal({ ...input, groupInfo: without }))).toBe('V301')
    const message = decodeMlsMessage(without)
    if (message.wireFormat !== 'mls_group_info') throw new Error('no GroupInfo')
    const { signature: _, ...content } = message.groupInfo
    for (const key of [new Uint8Array(31), new Uint8Array(32)]) {
      const bent = { ...content, extensions: [...content.extensions, externalPub(key)] }
      const groupInfo = encodeMlsMessage({
        wireFormat: 'mls_group_info',
        groupInfo: await signGroupInfo(world.identities[0]!.signer, bent),
      })
      expect(await outcomeOf(() => joinExternal({ ...input, groupInfo }))).toBe('V293')
    }
  })
  test('V310 V309 an external join checks who signed the GroupInfo', async () => {
    const message = decodeMlsMessage(await world.restore(0).groupInfo())
    if (message.wireFormat !== 'mls_group_info') throw new Error('no GroupInfo')
    const input = { suite, identity: joiner, capabilities: capabilitiesOf(world.input), options }
    const flipped = { ...message.groupInfo, signature: flip(message.groupInfo.signature) }
    for (const [groupInfo, rule] of [
      [flipped, 'V310'],
      [{ ...flipped, signer: 2 }, 'V309'],
    ] as const) {
      const bytes = encodeMlsMessage({ wireFormat: 'mls_group_info', groupInfo })
      expect(await outcomeOf(() => joinExternal({ ...input, groupInfo: bytes }))).toBe(rule)
    }
  })
})

/** Group M: the list of proposals of a member's commit (RFC 9420 §12.2, §12.3). */
import { beforeAll, expect, test } from 'vitest'
import { ascii, equalBytes } from '../../src/bytes/bytes.ts'
import { basicAuthentication, createIdentity, fromUtf8 } from '../../src/index.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import type { PreSharedKeyId } from '../../src/wire/psk.ts'
import { forgeCommit, forgeProposal, type SentForgery } from '../support/forge.ts'
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
  makeWorld,
  newcomer,
  outcomeOf,
  suite,
  type World,
} from '../support/world.ts'

const outside = createIdentity(suite, 'service')
const psks = { externalPsk: (id: Uint8Array) => (id[0]! < 10 ? new Uint8Array(32).fill(id[0]!) : undefined) }
const pskOf = (id: PreSharedKeyId) => new Uint8Array(32).fill(id.psktype === 'external' ? id.pskId[0]! : 0)

let world: World
beforeAll(async () => {
  world = await makeWorld({
    members: 4,
    extensions: [externalSenders(outside.signer)],
    capabilities: { extensions: [0xf00d], proposals: [0xf00e] },
    options: {
      psks,
      customProposals: [{ type: 0xf00e, pathRequired: false }],
      policy: ({ psks }) => !psks.some((id) => id.psktype === 'external' && id.pskId[0] === 9),
      authentication: basicAuthentication({
        validate: () => true,
        // one client a device: what stands before the slash
        clientKey: (identity) => fromUtf8(identity).split('/')[0]!,
      }),
    },
  })
})

/** Leaf 1 commits the list, by value. */
function list(title: string, rule: string, proposals: () => readonly Proposal[] | Promise<readonly Proposal[]>): void {
  bothFormats(title, async (format) => {
    const message = await forgeCommit(world, 1, { format, proposals: await proposals(), psk: pskOf })
    await expectRejected(world, 0, message, rule)
  })
}

/** Leaf 1 commits what was sent before. */
function references(title: string, rule: string, sent: () => Promise<readonly (SentForgery | Proposal)[]>): void {
  bothFormats(title, async (format) => {
    const proposals = await sent()
    const earlier = proposals.flatMap((one) => ('message' in one ? [one.message] : []))
    const message = await forgeCommit(world, 1, { format, proposals })
    await expectRejected(world, 0, message, rule, { earlier, after: async () => undefined })
  })
}

references('V240 an own Update of the committer by reference', 'V240', async () => [
  await forgeProposal(world, 1, await forgeUpdate(world, 1)),
])
list('V240 an own Update of the committer by value', 'V240', async () => [await forgeUpdate(world, 1)])
list('V241 the committer removes itself', 'V241', () => [remove(1)])
references('V241 the committer commits its own removal by another', 'V241', async () => [
  await forgeProposal(world, 2, remove(1)),
])
references('V242 two Updates of one leaf', 'V242', async () => [
  await forgeProposal(world, 2, await forgeUpdate(world, 2)),
  await forgeProposal(world, 2, await forgeUpdate(world, 2)),
])
references('V243 an Update and a Remove of one leaf', 'V243', async () => [
  await forgeProposal(world, 2, await forgeUpdate(world, 2)),
  remove(2),
])
references('V243 a Remove and an Update of one leaf', 'V243', async () => [
  remove(2),
  await forgeProposal(world, 2, await forgeUpdate(world, 2)),
])
list('V244 two Removes of one leaf by value', 'V244', () => [remove(3), remove(3)])
references('V244 a Remove by reference and one by value', 'V244', async () => [
  await forgeProposal(world, 2, remove(3)),
  remove(3),
])
list('V245 two Adds with one signature key', 'V245', async () => {
  const { publicKey: signatureKey } = outside.signer
  const leaf = <T extends object>(content: T) => ({ ...content, signatureKey })
  const same = { leaf, leafSigner: outside.signer, signer: outside.signer }
  return [
    add(await forgeKeyPackage(world, { name: 'x', ...same })),
    add(await forgeKeyPackage(world, { name: 'y', ...same })),
  ]
})
list('V246 two Adds of one client by the rule of the application', 'V246', async () => [
  add((await newcomer(world, 'grace/1')).keyPackage),
  add((await newcomer(world, 'grace/2')).keyPackage),
])
list('V247 an Add with the signature key of a member', 'V247', async () => {
  const { signer } = world.identities[2]!
  const leaf = <T extends object>(content: T) => ({ ...content, signatureKey: signer.publicKey })
  return [add(await forgeKeyPackage(world, { leaf, leafSigner: signer, signer }))]
})
list('V247 an Add of a client that is a member by the rule of the application', 'V247', async () => [
  add((await newcomer(world, 'carol/2')).keyPackage),
])
bothFormats('V248 an Add and a Remove of one client', async (format) => {
  const { signer } = world.identities[2]!
  const leaf = <T extends object>(content: T) => ({ ...content, signatureKey: signer.publicKey })
  const again = await forgeKeyPackage(world, { name: 'carol', leaf, leafSigner: signer, signer })
  await expectAccepted(world, 0, await forgeCommit(world, 1, { format, proposals: [add(again), remove(2)] }))
})
list('V249 two Adds with one encryption key', 'V249', async () => {
  const { publicKey: encryptionKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  const leaf = <T extends object>(content: T) => ({ ...content, encryptionKey })
  return [
    add(await forgeKeyPackage(world, { name: 'x', leaf })),
    add(await forgeKeyPackage(world, { name: 'y', leaf })),
  ]
})
references('V249 an Add with the encryption key of an Update', 'V249', async () => {
  const update = await forgeUpdate(world, 2)
  const encryptionKey = update.proposalType === 'update' ? update.leafNode.leafNode.encryptionKey : new Uint8Array(0)
  const keyPackage = await forgeKeyPackage(world, { leaf: (content) => ({ ...content, encryptionKey }) })
  return [await forgeProposal(world, 2, update), add(keyPackage)]
})
list('V138 two Adds with one init_key', 'V138', async () => {
  const { publicKey: initKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  const content = <T extends object>(all: T) => ({ ...all, initKey })
  return [
    add(await forgeKeyPackage(world, { name: 'x', content })),
    add(await forgeKeyPackage(world, { name: 'y', content })),
  ]
})
list('V250 two GroupContextExtensions', 'V250', () => [setExtensions([]), setExtensions([])])
list('V251 a ReInit and an Add', 'V251', async () => [reinit(), add((await newcomer(world)).keyPackage)])
list('V251 a ReInit and a PSK', 'V251', () => [reinit(), psk(externalPsk(1))])
list('V251 two ReInits', 'V251', () => [reinit(), reinit()])
list('V252 ExternalInit in the commit of a member', 'V252', () => [externalInit])
list('V288 a member sends what a newcomer must send: ExternalInit', 'V252', () => [externalInit])
list('V253 a custom proposal that a newcomer alone lists is for all others', 'V022', () => [custom(0xf00f)])
list('V254 extensions apply first: an Add lacks what the list requires', 'V119', async () => {
  const keyPackage = await forgeKeyPackage(world, {
    leaf: (leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, extensions: [] } }),
  })
  return [add(keyPackage), setExtensions([unknownExtension])]
})
list('V254 extensions apply first: an Add lacks a capability that the list requires', 'V117', async () => {
  const keyPackage = await forgeKeyPackage(world, {
    leaf: (leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, proposals: [] } }),
  })
  return [add(keyPackage), setExtensions([requiredCapabilities({ proposalTypes: [0xf00e] })])]
})
test('V255 Adds fill the leftmost blank leaves in the order of the list', async () => {
  const [x, y] = [await newcomer(world, 'x'), await newcomer(world, 'y')]
  const proposals = [add(x.keyPackage), add(y.keyPackage), remove(2), remove(0)]
  const group = await expectAccepted(world, 3, await forgeCommit(world, 1, { proposals }))
  const at = (leaf: number) => group.member(leaf)?.signatureKey ?? new Uint8Array(0)
  expect(equalBytes(at(0), x.signer.publicKey)).toBe(true)
  expect(equalBytes(at(2), y.signer.publicKey)).toBe(true)
  expect(group.memberCount).toBe(4)
})
test('V256 the tree is truncated after all proposals', async () => {
  const { keyPackage } = await newcomer(world)
  const proposals = [remove(2), remove(3), add(keyPackage)]
  const group = await expectAccepted(world, 0, await forgeCommit(world, 1, { proposals }))
  expect(group.member(2)).toBeDefined()
  const smaller = await expectAccepted(world, 0, await forgeCommit(world, 1, { proposals: [remove(2), remove(3)] }))
  expect(smaller.memberCount).toBe(2)
})
test('V257 an unknown reference, and references of other lengths', async () => {
  const sent = await forgeProposal(world, 2, remove(3))
  for (const reference of [sent.reference, new Uint8Array(31), new Uint8Array(33), new Uint8Array(0)])
    await expectRejected(world, 0, await forgeCommit(world, 1, { proposals: [{ ...sent, reference }] }), 'V257')
})
test('V046 a reference of Nh - 1, Nh + 1 or 0 bytes is not found', async () => {
  const sent = await forgeProposal(world, 2, remove(3))
  const { reference } = sent
  for (const wrong of [reference.slice(1), new Uint8Array([...reference, 0]), new Uint8Array(0)]) {
    const message = await forgeCommit(world, 1, { proposals: [{ ...sent, reference: wrong }] })
    await expectRejected(world, 0, message, 'V257', { earlier: [sent.message], after: async () => undefined })
  }
})
test('V258 a reference of the epoch before is unknown', async () => {
  const sent = await forgeProposal(world, 2, remove(3))
  const [alice, bob] = [world.restore(0), world.restore(1)]
  await alice.receive(sent.message)
  const { commit, staged } = await bob.commit()
  bob.merge(staged)
  await alice.receive(commit)
  expect(alice.proposals).toEqual([])
})
references('V259 one reference twice', 'V259', async () => {
  const sent = await forgeProposal(world, 2, remove(3))
  return [sent, sent]
})
list('V261 the policy of the application refuses', 'V261', () => [psk(externalPsk(9))])

test('V022 V203 V224 V241 V244 V245 V251 V261 the own builder refuses the same lists', async () => {
  const x = await newcomer(world, 'x')
  const y = await newcomer(world, 'y')
  const cases: readonly [string, Parameters<ReturnType<World['restore']>['commit']>[0]][] = [
    ['V241', { remove: [0] }],
    ['V244', { remove: [3, 3] }],
    ['V245', { add: [x, x] }],
    ['V224', { remove: [7] }],
    ['V251', { reinit: { groupId: ascii('new'), cipherSuite: 1, extensions: [] }, add: [y] }],
    ['V203', { psk: [externalPsk(1), externalPsk(1)] }],
    ['V022', { custom: [{ type: 0xf00f, body: new Uint8Array(0) }] }],
    ['V261', { psk: [externalPsk(9)] }],
  ]
  for (const [rule, options] of cases) {
    const group = world.restore(0)
    const before = group.snapshot()
    expect(await outcomeOf(() => group.commit(options))).toBe(rule)
    expect(equalBytes(group.snapshot(), before)).toBe(true)
  }
})

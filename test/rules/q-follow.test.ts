/** Group Q: groups that follow another one (RFC 9420 §11), by a malicious inviter; and the creation of groups. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import type { Group } from '../../src/group/group.ts'
import type { KeyPackageBundle } from '../../src/group/key-package.ts'
import { createGroup, createIdentity, joinGroup, reinitGroup } from '../../src/index.ts'
import type { GroupContext } from '../../src/wire/group-context.ts'
import type { PreSharedKeyId } from '../../src/wire/psk.ts'
import { forgeWelcome, type WelcomeForgery } from '../support/forge-welcome.ts'
import { openSuite } from '../support/suite.ts'
import { unknownExtension } from '../support/values.ts'
import { makeWorld, newcomer, outcomeOf, suite, type World } from '../support/world.ts'

// the new group: alice in epoch 0, who adds bob; leaves of KeyPackages, which are signed for any group
const second = { ...unknownExtension, extensionType: 0xf00e }
const capabilities = { extensions: [0xf00d, 0xf00e] }
let next: World
let bob: KeyPackageBundle
let old: World
beforeAll(async () => {
  next = await makeWorld({ members: 1, commits: [], capabilities })
  bob = await newcomer(next, 'bob')
  old = await makeWorld({ members: 2, commits: [], capabilities })
})

const newId = ascii('the new group')
const extensions = [unknownExtension, second]

/** Bob in a group after its ReInit. */
async function reinitialised(world: World, cipherSuite: 1 | 3 = 1): Promise<Group> {
  const group = world.restore(1)
  const { commit } = await world.restore(0).commit({ reinit: { groupId: newId, cipherSuite, extensions } })
  await group.receive(commit)
  return group
}

interface FollowForgery {
  readonly usage: 'reinit' | 'branch'
  readonly context?: Partial<GroupContext>
  readonly psks?: (id: PreSharedKeyId) => readonly PreSharedKeyId[]
  readonly bundle?: KeyPackageBundle
}

async function follow(
  group: Group,
  { usage, context, psks, bundle = bob }: FollowForgery,
): Promise<string | undefined> {
  const id = group.resumptionPskId(usage)
  const forgery: WelcomeForgery = {
    path: false,
    context: (honest) => ({ ...honest, ...(usage === 'reinit' ? { groupId: newId, extensions } : {}), ...context }),
    psks: psks?.(id) ?? [id],
    psk: (one) => (one.psktype === 'resumption' ? group.resumptionPsk(one.pskEpoch) : undefined) ?? new Uint8Array(32),
  }
  const welcome = await forgeWelcome(next, 0, bundle, forgery)
  return outcomeOf(() => joinGroup({ suite, keyPackage: bundle, welcome, follows: { group, usage } }))
}
type Resumption = Extract<PreSharedKeyId, { psktype: 'resumption' }>
const bent = (change: Partial<Resumption>) => (id: PreSharedKeyId) => [{ ...(id as Resumption), ...change }]

describe('re-initialisation', () => {
  let group: Group
  beforeAll(async () => {
    group = await reinitialised(old)
  })
  const usage = 'reinit'
  test('V326 what the builder makes is accepted', async () => expect(await follow(group, { usage })).toBe(undefined))
  for (const [title, rule, forgery] of [
    ['V326 another group id', 'V326', { context: { groupId: ascii('other') } }],
    ['V327 another version, which nobody supports', 'V306', { context: { version: 2 } }],
    ['V329 an extension more', 'V329', { context: { extensions: [unknownExtension] } }],
    ['V329 the extensions in another order', 'V329', { context: { extensions: [second, unknownExtension] } }],
    ['V330 epoch 0', 'V330', { context: { epoch: 0n } }],
    ['V330 epoch 2', 'V330', { context: { epoch: 2n } }],
    ['V331 no PSK', 'V331', { psks: () => [] }],
    ['V331 a PSK of another epoch', 'V331', { psks: bent({ pskEpoch: 0n }) }],
    ['V331 a PSK of another group', 'V331', { psks: bent({ pskGroupId: ascii('other') }) }],
    ['V331 a PSK with usage branch', 'V331', { psks: bent({ usage: 'branch' }) }],
    [
      'V205 two PSKs that begin a group',
      'V205',
      { psks: (id: PreSharedKeyId) => [id, { ...id, pskNonce: new Uint8Array(32) }] },
    ],
  ] as const)
    test(title, async () => expect(await follow(group, { usage, ...forgery })).toBe(rule))
  test('V328 another suite than the ReInit says', async () => {
    expect(await follow(await reinitialised(old, 3), { usage })).toBe('V328')
  })
  test('V332 a group that was never re-initialised', async () => {
    expect(await follow(old.restore(1), { usage })).toBe('V332')
    expect(
      await outcomeOf(() => reinitGroup({ group: old.restore(1), suite, identity: old.identities[1]!, add: [] })),
    ).toBe('V332')
  })
  test('V328 the creator takes the suite of the ReInit', async () => {
    const input = { group: await reinitialised(old, 3), suite, identity: old.identities[1]!, add: [] }
    expect(await outcomeOf(() => reinitGroup(input))).toBe('V328')
  })
  test('V333 a member of the old group is missing', async () => {
    const three = await makeWorld({ members: 3, commits: [], capabilities })
    expect(await follow(await reinitialised(three), { usage })).toBe('V333')
  })
})

describe('branches', () => {
  const usage = 'branch'
  test('V334 what the builder makes is accepted', async () =>
    expect(await follow(old.restore(1), { usage })).toBe(undefined))
  test('V334 another suite', async () => {
    const other = openSuite(3)
    const group = await createGroup({ suite: other, identity: createIdentity(other, 'bob') })
    expect(await follow(group, { usage })).toBe('V334')
  })
  test('V335 epoch 2', async () => expect(await follow(old.restore(1), { usage, context: { epoch: 2n } })).toBe('V335'))
  test('V336 an outsider is added', async () => {
    const bundle = await newcomer(next, 'mallory')
    expect(await follow(old.restore(1), { usage, bundle })).toBe('V336')
  })
  test('V337 no PSK, one of another group or kind', async () => {
    for (const psks of [() => [], bent({ pskGroupId: ascii('other') }), bent({ usage: 'reinit' })])
      expect(await follow(old.restore(1), { usage, psks })).toBe('V337')
  })
  test('V337 V202 a PSK of an epoch that is not known', async () =>
    expect(await follow(old.restore(1), { usage, psks: bent({ pskEpoch: 77n }) })).toBe('V202'))
})

test('V325 group ids are random and of Nh bytes', async () => {
  const identity = createIdentity(suite, 'alice')
  const [a, b] = [await createGroup({ suite, identity }), await createGroup({ suite, identity })]
  expect(a.id.length).toBe(32)
  expect(a.id).not.toEqual(b.id)
})
test('V338 V339 V340 V119 a group is not created with extensions that it may not have', async () => {
  const identity = createIdentity(suite, 'alice')
  for (const [rule, list] of [
    ['V338', [unknownExtension, unknownExtension]],
    ['V235', [{ ...unknownExtension, extensionType: 2 }]],
    ['V234', [{ ...unknownExtension, extensionType: 0x2a2a }]],
    ['V119', [unknownExtension]],
  ] as const)
    expect(await outcomeOf(() => createGroup({ suite, identity, extensions: list }))).toBe(rule)
})

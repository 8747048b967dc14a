/** Soft rules: what a member warns about, withholds and proposes. None of it decides about a commit. */
import { beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/bytes/text.ts'
import { confusableKey } from '../../../src/identity/confusable.ts'
import { advance } from '../../../src/identity/contact.ts'
import { type ContactPin, unknownContact } from '../../../src/identity/contact-state.ts'
import {
  defaultIdentityPolicy,
  type IdentityMode,
  withIdentityContext,
} from '../../../src/identity/group-components.ts'
import { evidenceProposal } from '../../../src/identity/group-evidence.ts'
import { type GroupFact, type GroupKnowledge, groupFacts, sendingOf } from '../../../src/identity/group-facts.ts'
import { type ManifestTbs, signManifest } from '../../../src/identity/manifest.ts'
import type { RuleGroup } from '../../../src/index.ts'
import { contentOf, day, now, person, revocation } from '../fixture.ts'
import { makeWorld, type Phone, phone, suite, type World } from './support.ts'

let phones: Phone[]
let world: World
beforeAll(async () => {
  phones = [await phone('alice'), await phone('bob'), await phone('bob', 'tablet')]
  world = await makeWorld({ members: phones, admins: ['alice'] })
})
const key = (account: Uint8Array): string => String(account)

async function pinOf(
  name: string,
  changes: Partial<ManifestTbs>,
  more: { readonly trust?: 'VERIFIED'; readonly generation?: number } = {},
): Promise<ContactPin> {
  const of = await person(name, more.generation ?? 0)
  const current = await signManifest(suite, of.byOps, contentOf(of, changes))
  const { pin } = advance(suite, unknownContact(of.account), { kind: 'published', current }, now)
  return more.trust === undefined ? pin : advance(suite, pin, { kind: 'verified', rootHash: current.rootHash }, now).pin
}
const listed = (...list: readonly Phone[]) => ({ devices: list.map(({ entry }) => entry) })

function groupOf(mode: IdentityMode = 'tofu'): RuleGroup {
  const { context, tree } = world.groups[0]!.state.current
  const extensions = withIdentityContext(context.extensions, { policy: { ...defaultIdentityPolicy, mode } })
  return { groupId: context.groupId, epoch: context.epoch, extensions, tree }
}
function facts(
  bob: ContactPin | undefined,
  changes: Partial<GroupKnowledge> & { readonly mode?: IdentityMode } = {},
): readonly GroupFact[] {
  const { mode, ...knowledge } = changes
  const alice = phones[0]!.of.account
  return groupFacts(
    groupOf(mode),
    {
      suite,
      now,
      own: alice,
      pin: (account) => (key(account) === key(phones[1]!.of.account) ? bob : undefined),
      ...knowledge,
    },
    [1, 2],
  )
}
const kinds = (list: readonly GroupFact[]) =>
  list.map(({ leafIndex, kind, sending }) => `${leafIndex} ${kind} ${sending}`)

test('nothing to say about people who are as they were', async () => {
  expect(kinds(facts(await pinOf('bob', listed(phones[1]!, phones[2]!))))).toEqual([])
  expect(sendingOf([])).toBe('send')
})

test('somebody of whom nothing is known: by the policy of the group', async () => {
  expect(kinds(facts(undefined))).toEqual(['1 unknown send', '2 unknown send'])
  expect(kinds(facts(undefined, { mode: 'pinned' }))).toEqual(['1 unknown block', '2 unknown block'])
})

test('a policy that asks for verification', async () => {
  const devices = listed(phones[1]!, phones[2]!)
  expect(kinds(facts(await pinOf('bob', devices), { mode: 'verified' }))).toEqual([
    '1 unverified block',
    '2 unverified block',
  ])
  expect(kinds(facts(await pinOf('bob', devices), { mode: 'pinned' }))).toEqual([])
  expect(kinds(facts(await pinOf('bob', devices, { trust: 'VERIFIED' }), { mode: 'verified' }))).toEqual([])
})

test('a revoked key: sending stops, and the Remove with its evidence is taken by everybody', async () => {
  const pin = await pinOf('bob', { ...listed(phones[1]!), revoked: [revocation(phones[2]!.entry)] })
  const found = facts(pin)
  expect(kinds(found)).toEqual(['2 revoked block'])
  expect(sendingOf(found)).toBe('block')
  const evidence = found[0]!.remove!.evidence!
  const group = world.at(0)
  const carolless = await group.commit({ remove: [2], custom: [evidenceProposal(evidence)] })
  expect(carolless.staged.changes.removed).toHaveLength(1)
  // by somebody without the right to remove
  const flat = await makeWorld({ members: [...phones, await phone('carol')], admins: ['alice'] })
  expect(await flat.outcome(3, { remove: [2], custom: [evidenceProposal(evidence)] })).toBe('accepted')
})

test('a device that the list does not name', async () => {
  expect(kinds(facts(await pinOf('bob', listed(phones[1]!))))).toEqual(['2 unlisted warn'])
  expect(kinds(facts(await pinOf('bob', listed(phones[1]!), { trust: 'VERIFIED' })))).toEqual(['2 unlisted block'])
})

test('another root than the pinned one', async () => {
  const pin = await pinOf('bob', listed(phones[1]!, phones[2]!), { generation: 1 })
  expect(kinds(facts(pin))).toEqual(['1 pin_mismatch warn', '2 pin_mismatch warn'])
  const sure = await pinOf('bob', listed(phones[1]!, phones[2]!), { generation: 1, trust: 'VERIFIED' })
  expect(sendingOf(facts(sure))).toBe('block')
})

test('clocks: an old list warns, an old certificate warns', async () => {
  const pin = await pinOf('bob', listed(phones[1]!, phones[2]!))
  expect(kinds(facts(pin, { now: now + 40n * day }))).toEqual(['1 stale warn', '2 stale warn'])
  expect(kinds(facts(pin, { now: now + 101n * day }))).toEqual([
    '1 expired warn',
    '1 stale warn',
    '2 expired warn',
    '2 stale warn',
  ])
})

test('an account in trouble', async () => {
  const pin = await pinOf('bob', listed(phones[1]!, phones[2]!), { trust: 'VERIFIED' })
  const bad = advance(suite, pin, { kind: 'root_compromised', rootHash: pin.rootHash! }, now).pin
  expect(kinds(facts(bad))).toEqual(['1 account block', '2 account block'])
})

test('an account that looks like a contact', async () => {
  const pin = await pinOf('bob', listed(phones[1]!, phones[2]!))
  const contacts = [utf8('bоb@example.org')]
  expect(kinds(facts(pin, { contacts }))).toEqual(['1 confusable warn', '2 confusable warn'])
  expect(kinds(facts(pin, { contacts: [utf8('rob@example.org')] }))).toEqual([])
})

test('in a group without policy there is nothing to say', () => {
  const bare = { ...groupOf(), extensions: [] }
  expect(groupFacts(bare, { suite, now, own: utf8('a@b'), pin: () => undefined })).toEqual([])
})

describe('addresses that look alike', () => {
  test.each([
    ['alice@example.org', 'аlice@example.org'],
    ['alice@example.org', 'Alice@Example.org'],
    ['bill@example.org', 'bi11@example.org'],
    ['marc@example.org', 'rnarc@example.org'],
    ['alice@example.org', 'ali\u200bce@example.org'],
    ['alice@example.org', 'alicé@example.org'],
    ['alice@example.org', 'ａｌｉｃｅ@example.org'],
  ])('%s and %s', (a, b) => {
    expect(confusableKey(utf8(a))).toBe(confusableKey(utf8(b)))
  })
  test('others do not, and bytes that are no text have a key too', () => {
    const list = ['alice@example.org', 'alicia@example.org', 'bob@example.org', 'alice@example.net'].map(utf8)
    expect(new Set(list.map(confusableKey)).size).toBe(4)
    expect(confusableKey(Uint8Array.of(0xff, 1))).not.toBe(confusableKey(Uint8Array.of(0xff, 2)))
  })
})

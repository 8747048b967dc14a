/** Attacks on groups by members, newcomers and services with software of their own, judged by members with ours. */
import { concatBytes, equalBytes } from '../../../src/bytes/bytes.ts'
import { utf8 } from '../../../src/bytes/text.ts'
import { advance } from '../../../src/identity/contact.ts'
import { type ContactPin, unknownContact } from '../../../src/identity/contact-state.ts'
import { makeRootDeviceCert } from '../../../src/identity/device-cert.ts'
import { identityPolicyFlags, withCertificate } from '../../../src/identity/group-components.ts'
import { evidenceProposal } from '../../../src/identity/group-evidence.ts'
import { type GroupFact, groupFacts, sendingOf } from '../../../src/identity/group-facts.ts'
import { compareHeadsRoot, headsRootProposal } from '../../../src/identity/group-gossip.ts'
import { headsRoot } from '../../../src/identity/heads-tree.ts'
import { type ManifestTbs, signManifest, type VerifiedManifest } from '../../../src/identity/manifest.ts'
import { headOf } from '../../../src/identity/manifest-head.ts'
import {
  createIdentity,
  ExternalSenders,
  type Group,
  proposeAsExternalSender,
  setExtension,
} from '../../../src/index.ts'
import { extensionTypes } from '../../../src/wire/registries.ts'
import { contentOf, device, following, now, person, revocation, signed } from '../../identity/fixture.ts'
import {
  commitAll,
  contextOf,
  external,
  lawless,
  makeWorld,
  outcomeOf,
  type Phone,
  packageOf,
  phone,
  rulesAlone,
  seeded,
  suite,
  type World,
} from '../../identity/group/support.ts'
import { type Attack, stopped, succeeded, type Verdict, verdict } from '../attack.ts'

/** Accepted is what the attacker wants. */
const judged = (outcome: string, goal: string): Verdict => (outcome === 'accepted' ? succeeded(goal) : stopped(outcome))

/** What somebody believes about a person with these devices and revocations. */
async function pinOf(name: string, changes: Partial<ManifestTbs>): Promise<ContactPin> {
  const of = await person(name)
  const current = await signManifest(suite, of.byOps, contentOf(of, changes))
  return advance(suite, unknownContact(of.account), { kind: 'published', current }, now).pin
}

/** What a member is told about the leaves of a group, when this is what he knows. */
function factsAt(group: Group, own: Phone, pins: readonly ContactPin[], leaves?: readonly number[]): GroupFact[] {
  const { context, tree } = group.state.current
  const seen = { groupId: context.groupId, epoch: context.epoch, extensions: context.extensions, tree }
  const pin = (account: Uint8Array) => pins.find((one) => equalBytes(one.account, account))
  return groupFacts(seen, { suite, now, own: own.of.account, pin }, leaves)
}

const told = (facts: readonly GroupFact[]): string =>
  facts.map(({ kind, sending }) => `${kind}, ${sending}`).join('; ') || 'nothing'

/** 5: two members are shown two lists of one account. */
const splitView: Attack = {
  id: '5',
  name: 'the server shows two members two lists',
  stoppedBy: 'heads root different',
  async run() {
    const world = await makeWorld({ members: [await phone('alice'), await phone('bob')] })
    const carol = await person('carol')
    const first = await signed(contentOf(carol), carol.byOps)
    const shown: readonly VerifiedManifest[] = [
      await signed(following(first), carol.byOps),
      await signed(following(first, { devices: [...first.devices, device('thief', 'ghost')] }), carol.byOps),
    ]
    const [mine, theirs] = shown.map((one) => headsRoot(suite, [headOf(one)]))
    const custom = [headsRootProposal(mine!)]
    const { commit } = await world.at(0).commit({ custom, wireFormat: 'mls_public_message' })
    const result = await world.at(1).receive(commit)
    if (result.kind !== 'commit') throw new Error(result.kind)
    const comparison = compareHeadsRoot(result.changes.custom, theirs!)
    return verdict(comparison !== 'different', 'nobody notices that there are two lists', `heads root ${comparison}`)
  },
}

/** A group of which a revoked device is a member again; what a plain member knows and does about it. */
async function returned(world: World, tablet: Phone, commit: Uint8Array): Promise<Verdict> {
  const carol = world.at(2)
  const taken = await outcomeOf(() => carol.receive(commit))
  if (taken !== 'accepted') return stopped(taken)
  const leaf = [...carol.members()].find(({ signatureKey }) =>
    equalBytes(signatureKey, tablet.identity.signer.publicKey),
  )
  if (leaf === undefined) throw new Error('the device did not come in')
  const [phoneOfBob] = [world.phones[1]!]
  const pin = await pinOf('bob', { devices: [phoneOfBob.entry], revoked: [revocation(tablet.entry)] })
  const facts = factsAt(carol, world.phones[2]!, [pin], [leaf.leafIndex])
  const evidence = facts.find(({ remove }) => remove?.evidence !== undefined)?.remove?.evidence
  if (sendingOf(facts) !== 'block' || evidence === undefined)
    return succeeded(`the revoked device reads on; told: ${told(facts)}`)
  // a member without any right removes it, by evidence alone
  const removal = await carol.commit({
    remove: [leaf.leafIndex],
    custom: [evidenceProposal(evidence)],
    wireFormat: 'mls_public_message',
  })
  const bob = world.at(1)
  await bob.receive(commit)
  const outcome = await outcomeOf(() => bob.receive(removal.commit))
  if (outcome !== 'accepted') throw new Error(`the evidence does not remove it: ${outcome}`)
  return stopped(`${told(facts)}; removed by evidence`)
}

async function revokedWorld() {
  const [phones, tablet] = [
    [await phone('alice'), await phone('bob'), await phone('carol')],
    await phone('bob', 'tablet'),
  ]
  return { tablet, world: await makeWorld({ members: phones, admins: ['alice'] }) }
}

/** 6: the server hands out a KeyPackage of a device that is gone. */
const oldKeyPackage: Attack = {
  id: '6',
  name: 'a revoked device re-appears with an old KeyPackage',
  stoppedBy: 'revoked, block; removed by evidence',
  async run() {
    const { tablet, world } = await revokedWorld()
    return returned(world, tablet, await world.forge(0, { add: [await packageOf(tablet)] }))
  },
}

/** 7a: a revoked device comes back by itself, after its account has left the group. */
const externalStranger: Attack = {
  id: '7a',
  name: 'a revoked device re-joins by external commit',
  stoppedBy: 'identity_group/adder H6',
  async run() {
    const tablet = await phone('bob', 'tablet')
    const world = await makeWorld({ members: [await phone('alice'), tablet, await phone('carol')], admins: ['alice'] })
    await commitAll(world, 0, { remove: [1] })
    return judged(await world.judge(2, await external(world, 0, tablet)), 'the revoked device is a member again')
  },
}

/** 7b: the same while another device of its account is there. */
const externalSibling: Attack = {
  id: '7b',
  name: 'a revoked device re-joins by external commit beside its account',
  stoppedBy: 'revoked, block; removed by evidence',
  async run() {
    const { tablet, world } = await revokedWorld()
    return returned(world, tablet, await external(world, 0, tablet))
  },
}

/** 8b: the same on the level of commits, by a member who adds it. */
const stolenName: Attack = {
  id: '8b',
  name: 'a member adds a KeyPackage of his own under the name of a victim',
  stoppedBy: 'identity_group/certificate H2',
  async run() {
    const world = await makeWorld({ members: [await phone('alice'), await phone('mallory')] })
    const victim = await phone('dave')
    const swapped = await phone('dave', 'phone', { key: 'mallory', cert: victim.cert })
    return judged(
      await world.outcome(1, { add: [await packageOf(swapped)] }),
      'the key of mallory stands under the name of dave',
    )
  },
}

/** 9: a certificate that is good, of another account or device with the same key. */
const replayed = (id: string, name: string, asWhom: (of: Phone) => Uint8Array): Attack => ({
  id,
  name,
  stoppedBy: 'identity_group/certificate H2',
  async run() {
    const world = await makeWorld({ members: [await phone('alice'), await phone('bob')] })
    const mallory = await phone('mallory', 'phone', { signer: 'root' })
    const { credential } = (await phone('mallory', 'phone', { identity: asWhom(mallory) })).identity
    const other = { ...mallory, identity: { ...mallory.identity, credential } }
    return judged(await world.outcome(0, { add: [await packageOf(other)] }), 'one certificate stands for two names')
  },
})
const otherAccount = replayed('9a', 'a certificate is shown for another account', ({ entry }) =>
  concatBytes(utf8('alice@b.example'), Uint8Array.of(0), entry.deviceId),
)
const otherDevice = replayed('9b', 'a certificate is shown for another device', ({ of }) =>
  concatBytes(of.account, Uint8Array.of(0), seeded('another id', 16)),
)

/** 10a: a Cyrillic letter. */
const confusable: Attack = {
  id: '10a',
  name: 'an address that looks like that of a contact',
  stoppedBy: 'confusable, warn',
  async run() {
    const [own, twin] = [await phone('alice'), await phoneNamed('\u0430lice@example.org')]
    const world = await makeWorld({ members: [await phone('bob'), twin] })
    const group = world.at(0)
    const outcome = await outcomeOf(() => group.commit({}))
    if (outcome !== 'accepted') throw new Error('a name is no reason to refuse a commit')
    const facts = factsAt(group, own, [], [1]).filter(({ kind }) => kind === 'confusable')
    return verdict(facts.length === 0, 'the twin passes for the contact', told(facts))
  },
}

/** 10b: an address that some software takes for that of the admin. */
const otherCase: Attack = {
  id: '10b',
  name: 'an address that normalises to that of the admin',
  stoppedBy: 'identity_group/remover H7',
  async run() {
    const shouting = await person('ALICE')
    const mallory = await phone('ALICE')
    if (!equalBytes(shouting.account, utf8('ALICE@example.org'))) throw new Error('another address')
    const world = await makeWorld({ members: [await phone('alice'), mallory, await phone('bob')], admins: ['alice'] })
    return judged(await world.outcome(1, { remove: [2] }), 'somebody else has the rights of the admin')
  },
}

/** 11a: a thief of OPS certifies his key under the id of a device that is there. */
const sameDevice: Attack = {
  id: '11a',
  name: 'a second leaf under the id of a trusted device',
  stoppedBy: 'identity_group/device H4',
  async run() {
    const world = await makeWorld({ members: [await phone('alice'), await phone('bob')] })
    const thief = await phone('bob', 'phone', { key: 'thief' })
    return judged(
      await world.judge(0, await external(world, 0, thief)),
      'the thief stands beside the victim under one name',
    )
  },
}

/** 21: members with other clocks. In the broken build a soft rule was made hard. */
const fork: Attack = {
  id: '21',
  name: 'a certificate that has ended by the clock of some divides the group',
  stoppedBy: 'all in one epoch',
  async run() {
    const world = await makeWorld({ members: [await phone('alice'), await phone('bob'), await phone('carol')] })
    const commit = await world.forge(0, { add: [await packageOf(await phone('dave'))] })
    const clock = Date.now
    const answers: string[] = []
    // 90 and 200 days after the certificate was made; it is good for 100
    for (const [member, days] of [
      [1, 90n],
      [2, 200n],
    ] as const) {
      Date.now = () => Number(now + days * 86_400n) * 1000
      answers.push(await world.judge(member, commit))
      Date.now = clock
    }
    const divided = new Set(answers).size > 1
    return verdict(divided, `one says ${answers.join(', the other ')}`, `all in one epoch: ${answers[0]}`)
  },
}

/** 22a: a member without the right to. */
const uninvited: Attack = {
  id: '22a',
  name: 'a member who may not inserts somebody',
  stoppedBy: 'identity_group/adder H6',
  async run() {
    const world = await makeWorld({
      members: [await phone('alice'), await phone('bob'), await phone('carol')],
      admins: ['alice'],
      policy: { flags: 0 },
    })
    return judged(await world.outcome(1, { add: [await packageOf(await phone('mallory'))] }), 'mallory is a member')
  },
}

/** 22b: the room service, which the group knows as an external sender and gave no rights. */
const insertedByService: Attack = {
  id: '22b',
  name: 'the room service inserts somebody',
  stoppedBy: 'identity_group/adder H6',
  async run() {
    const identity = concatBytes(utf8('conference.example.org'), Uint8Array.of(0), seeded('service id', 16))
    const service = createIdentity(suite, identity)
    const senders = [{ signatureKey: service.signer.publicKey, credential: service.credential }]
    const policy = { flags: identityPolicyFlags.membersAdd }
    const own = contextOf({ admins: ['alice'], policy })
    const extensions = setExtension(own, extensionTypes.externalSenders, ExternalSenders, senders)
    const world = await makeWorld({ members: [await phone('alice'), await phone('bob')], admins: ['alice'], policy })
    await commitAll(world, 0, { extensions })
    const { id, epoch } = world.groups[0]!
    const { keyPackage } = await packageOf(await phone('mallory'))
    const sender = { senderIndex: 0, signer: service.signer }
    const proposal = await proposeAsExternalSender({ groupId: id, epoch }, { proposalType: 'add', keyPackage }, sender)
    const [committing, judging] = [world.at(1, lawless), world.at(0, rulesAlone())]
    for (const group of [committing, judging]) await group.receive(proposal)
    const { commit } = await committing.commit({ wireFormat: 'mls_public_message' })
    return judged(await outcomeOf(() => judging.receive(commit)), 'the service has put mallory into the group')
  },
}

/** 24a: a commit that takes the policy away. */
const downgrade: Attack = {
  id: '24a',
  name: 'a commit drops the identity policy of the group',
  stoppedBy: 'identity_group/downgrade H9',
  async run() {
    const world = await makeWorld({ members: [await phone('alice'), await phone('bob')], admins: ['alice'] })
    return judged(await world.outcome(0, { extensions: [] }), 'from now on leaves need no certificate')
  },
}

/** 24b: a leaf without certificate. */
const uncertified: Attack = {
  id: '24b',
  name: 'a leaf without certificate is added',
  stoppedBy: 'identity_group/certificate H2',
  async run() {
    const world = await makeWorld({ members: [await phone('alice'), await phone('bob')] })
    const naked = await phone('dave', 'phone', { cert: undefined })
    return judged(await world.outcome(0, { add: [await packageOf(naked)] }), 'anybody can be dave')
  },
}

/** A device of somebody with an address of his choice, and a certificate that is good. */
async function phoneNamed(address: string): Promise<Phone> {
  const other = await phone('stranger', 'phone', { signer: 'root' })
  const account = utf8(address)
  const { entry, of } = other
  const subject = { account, deviceId: entry.deviceId, leafKey: entry.leafKeys[0]! }
  const terms = { generation: 0, manifestSeq: 0n, notAfter: now + 100n * 86_400n }
  const cert = await makeRootDeviceCert(of.root, subject, terms)
  const credential = {
    credentialType: 'basic',
    identity: concatBytes(account, Uint8Array.of(0), entry.deviceId),
  } as const
  return {
    ...other,
    of: { ...of, account },
    cert,
    identity: { ...other.identity, credential },
    leafExtensions: withCertificate([], cert),
  }
}

export const groupAttacks: readonly Attack[] = [
  splitView,
  oldKeyPackage,
  externalStranger,
  externalSibling,
  stolenName,
  otherAccount,
  otherDevice,
  confusable,
  otherCase,
  sameDevice,
  fork,
  uninvited,
  insertedByService,
  downgrade,
  uncertified,
]

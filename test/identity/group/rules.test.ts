/** The hard rules H1 to H9: for each a commit that holds and one that does not, made by a member who has no rules. */
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes } from '../../../src/bytes/bytes.ts'
import { utf8 } from '../../../src/bytes/text.ts'
import { deviceCertInput } from '../../../src/identity/device-cert.ts'
import {
  defaultIdentityPolicy,
  groupRoles,
  identityPolicyFlags,
  withCertificate,
  withIdentityContext,
} from '../../../src/identity/group-components.ts'
import { changeIndex, emptyGroupIndex, type LeafChange } from '../../../src/identity/group-index.ts'
import { leafIdentity } from '../../../src/identity/group-leaf.ts'
import {
  createGroup,
  createIdentity,
  ExternalSenders,
  type KeyPackageBundle,
  proposeAsExternalSender,
  proposeJoin,
  setExtension,
} from '../../../src/index.ts'
import { extensionTypes } from '../../../src/wire/registries.ts'
import { signerOf } from '../fixture.ts'
import {
  capabilities,
  certify,
  commitAll,
  contextOf,
  external,
  honest,
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
} from './support.ts'

const certificate = 'identity_group/certificate H2'
const credential = 'identity_group/credential H1'
const successor = 'identity_group/successor H5'
const adder = 'identity_group/adder H6'
const remover = 'identity_group/remover H7'
const policy = 'identity_group/policy H8'

let alice: Phone
let bob: Phone
let carol: Phone
let world: World
beforeAll(async () => {
  alice = await phone('alice')
  bob = await phone('bob', 'phone', { signer: 'root' })
  carol = await phone('carol')
  world = await makeWorld({ members: [alice, bob, carol], admins: ['alice'] })
})
const add = async (by: number, who: Phone, at: World = world) => at.outcome(by, { add: [await packageOf(who)] })

describe('H1 names', () => {
  test('a device of somebody new is added', async () => {
    expect(await add(0, await phone('dave'))).toBe('accepted')
  })
  test.each([
    ['without zero byte', concatBytes(utf8('dave@example.org'), seeded('id', 17))],
    ['without account', concatBytes(Uint8Array.of(0), seeded('id', 16))],
    ['not UTF-8', concatBytes(Uint8Array.of(0xff, 0x40, 0x61, 0), seeded('id', 16))],
    ['a control', concatBytes(utf8('da\u0007ve@example.org'), Uint8Array.of(0), seeded('id', 16))],
    ['a C1 control', concatBytes(utf8('da\u0085ve@example.org'), Uint8Array.of(0), seeded('id', 16))],
    ['a zero in the account', concatBytes(utf8('da\u0000ve@example.org'), Uint8Array.of(0), seeded('id', 16))],
    ['a resource', concatBytes(utf8('dave@example.org/phone'), Uint8Array.of(0), seeded('id', 16))],
    ['a space', concatBytes(utf8('dave @example.org'), Uint8Array.of(0), seeded('id', 16))],
    ['too long', concatBytes(new Uint8Array(3072).fill(97), Uint8Array.of(0), seeded('id', 16))],
    ['short device id', concatBytes(utf8('dave@example.org'), Uint8Array.of(0), seeded('id', 15))],
  ])('a credential %s', async (_, identity) => {
    const dave = await phone('dave', 'phone', { identity })
    expect(await add(0, dave)).toBe(credential)
    // and the authentication service that goes with the rules says so before
    const commit = await world.forge(0, { add: [await packageOf(dave)] })
    expect(await outcomeOf(() => world.at(1).receive(commit))).toBe('auth/credential V047')
  })
  test('looks do not count: a confusable name is another name', async () => {
    const twin = await phone('alicе')
    expect(await add(0, twin)).toBe('accepted')
  })
})

describe('H2 certificates', () => {
  test('signed by the root, signed by OPS, in either dictionary', async () => {
    for (const signer of ['root', 'ops'] as const)
      for (const type of [extensionTypes.appDataDictionary, extensionTypes.privateDictionary])
        expect(await add(0, await phone('dave', 'phone', { signer, type }))).toBe('accepted')
  })
  test('none', async () => {
    expect(await add(0, await phone('dave', 'phone', { cert: undefined }))).toBe(certificate)
  })
  test('of another key: a KeyPackage with the name of a victim', async () => {
    const dave = await phone('dave')
    expect(await add(0, await phone('dave', 'phone', { key: 'mallory', cert: dave.cert }))).toBe(certificate)
  })
  test('of another device, of another account', async () => {
    const dave = await phone('dave')
    const other = await phone('dave', 'tablet')
    const erin = await phone('erin')
    for (const cert of [other.cert, erin.cert])
      expect(await add(0, { ...dave, leafExtensions: withCertificate([], cert) })).toBe(certificate)
  })
  test('every bent byte', async () => {
    const dave = await phone('dave')
    const { extensionData, extensionType } = dave.leafExtensions[0]!
    const rules = honest().rules!
    let checked = 0
    for (let i = extensionData.length - 226; i < extensionData.length; i += 15) {
      const bent = Uint8Array.from(extensionData)
      bent[i]! ^= 1
      const group = await createGroup({
        suite,
        identity: dave.identity,
        capabilities,
        leafExtensions: [{ extensionType, extensionData: bent }],
        options: lawless,
        extensions: contextOf({}),
      })
      const check = group.state.current
      expect(
        await outcomeOf(() =>
          rules.checkGroup({ groupId: group.id, epoch: 0n, extensions: group.extensions, tree: check.tree }),
        ),
      ).toBe(certificate)
      checked++
    }
    expect(checked).toBeGreaterThan(10)
  })
  test('signed, and against its own rules: it outlives the OPS key, or that key lives too long', async () => {
    const dave = await phone('dave')
    const subject = { account: dave.of.account, deviceId: dave.entry.deviceId, leafKey: dave.entry.leafKeys[0]! }
    const { cert } = dave
    if (cert.signer !== 'ops') throw new Error('not by OPS')
    const sign = (message: Uint8Array) => dave.of.ops.sign(message)
    const longer = { ...cert, notAfter: cert.opsNotAfter + 1n }
    const outliving = { ...longer, signature: sign(deviceCertInput(subject, longer)[0]!.message) }
    const forever = { ...cert, opsNotAfter: cert.opsNotBefore + 401n * 86_400n }
    const [own, byRoot] = deviceCertInput(subject, forever)
    const lasting = {
      ...forever,
      signature: sign(own!.message),
      opsSignature: (await dave.of.root.sign(byRoot!.message)).ed25519,
    }
    for (const bad of [outliving, lasting])
      expect(await add(0, { ...dave, leafExtensions: withCertificate([], bad) })).toBe(certificate)
  })
  test('two dictionaries in one leaf', async () => {
    const dave = await phone('dave')
    const [first] = dave.leafExtensions
    const leafExtensions = [first!, { ...first!, extensionType: extensionTypes.privateDictionary }]
    expect(await add(0, { ...dave, leafExtensions })).toBe(certificate)
  })
  test('a commit and an Update drop it', async () => {
    expect(await world.outcome(1, { leaf: { extensions: [] } })).toBe(certificate)
    expect(await updated(world, 1, { extensions: [] })).toBe(certificate)
  })
})

describe('H3 roots', () => {
  test('a second device on the same root', async () => {
    expect(await add(1, await phone('bob', 'tablet'))).toBe('accepted')
  })
  test('a second device on another root, whoever adds it', async () => {
    const ghost = await phone('bob', 'tablet', { generation: 1 })
    for (const by of [0, 1]) expect(await add(by, ghost)).toBe('identity_group/root H3')
  })
  test('two devices of a new account on two roots', async () => {
    const keyPackages = await Promise.all([
      packageOf(await phone('dave')),
      packageOf(await phone('dave', 'tablet', { generation: 1 })),
    ])
    expect(await world.outcome(0, { add: keyPackages })).toBe('identity_group/root H3')
  })
  test('no more roots at a time than anybody can be asked to compare', async () => {
    const bare = await phone('bob')
    const reading = { mode: 'tofu' as const, x509Device: undefined }
    const change = (generation: number): LeafChange => ({
      leafIndex: generation,
      before: undefined,
      after: {
        ...leafIdentity({ ...bare.identity, extensions: bare.leafExtensions } as never, reading),
        deviceKey: String(generation),
        certificate: { cert: { ...bare.cert, generation }, bytes: new Uint8Array(0) },
      },
    })
    const changes = (count: number) => Array.from({ length: count }, (_, i) => change(i))
    expect(await outcomeOf(() => changeIndex(emptyGroupIndex, changes(16)))).toBe('accepted')
    expect(await outcomeOf(() => changeIndex(emptyGroupIndex, changes(17)))).toBe('identity_group/root H3')
  })
  test('another root once all leaves of the old one are gone', async () => {
    const fresh = await phone('bob', 'tablet', { generation: 1 })
    expect(await world.outcome(0, { remove: [1], add: [await packageOf(fresh)] }, 2)).toBe('accepted')
  })
})

describe('H4 devices', () => {
  test('the id of a member under another key', async () => {
    // certified by its own account, so that nothing but the id is wrong
    const entry = { ...bob.entry, leafKeys: [signerOf('bob other key').publicKey] }
    const cert = await certify(bob.of, entry)
    const double = await phone('bob', 'phone', { key: 'bob other key', cert })
    expect(await add(1, double)).toBe('identity_group/device H4')
    // and the authentication service that goes with the rules says so before
    const commit = await world.forge(1, { add: [await packageOf(double)] })
    expect(await outcomeOf(() => world.at(0).receive(commit))).toBe('commit/proposals V247')
  })
  test('the id of another account is another device', async () => {
    const other = await phone('dave')
    const entry = { ...other.entry, deviceId: bob.entry.deviceId }
    const cert = await certify(other.of, entry)
    const identity = concatBytes(other.of.account, Uint8Array.of(0), bob.entry.deviceId)
    expect(await add(0, await phone('dave', 'phone', { cert, identity }))).toBe('accepted')
  })
})

describe('H5 successors', () => {
  test('fresh keys, by path and by Update', async () => {
    expect(await world.outcome(1, {})).toBe('accepted')
    expect(await updated(world, 1, {})).toBe('accepted')
  })
  test('a renewed signature key with its certificate', async () => {
    const signer = signerOf('bob renewed')
    const cert = await certify(bob.of, { ...bob.entry, leafKeys: [signer.publicKey] }, { seq: 1n })
    expect(await world.outcome(1, { leaf: { signer, extensions: withCertificate([], cert) } })).toBe('accepted')
    expect(await updated(world, 1, { signer, extensions: withCertificate([], cert) })).toBe('accepted')
  })
  test('another device of the account', async () => {
    const tablet = await phone('bob', 'tablet')
    const leaf = {
      signer: tablet.identity.signer,
      credential: tablet.identity.credential,
      extensions: tablet.leafExtensions,
    }
    expect(await world.outcome(1, { leaf })).toBe(successor)
    expect(await updated(world, 1, leaf)).toBe(successor)
  })
  test('another account', async () => {
    const dave = await phone('dave')
    const leaf = { signer: dave.identity.signer, credential: dave.identity.credential, extensions: dave.leafExtensions }
    expect(await world.outcome(1, { leaf })).toBe(successor)
    expect(await updated(world, 1, leaf)).toBe(successor)
    // and the authentication service that goes with the rules says so before
    const commit = await world.forge(1, { leaf })
    expect(await outcomeOf(() => world.at(0).receive(commit))).toBe('auth/successor V051')
  })
  test('another root without a rotation', async () => {
    const moved = await phone('bob', 'phone', { generation: 1 })
    expect(await world.outcome(1, { leaf: { extensions: moved.leafExtensions } })).toBe(
      // the only leaf of its account: nothing else stands in the way
      successor,
    )
    expect(await updated(world, 1, { extensions: moved.leafExtensions })).toBe(successor)
  })
})

describe('H5 the age of certificates', () => {
  let aging: World
  beforeAll(async () => {
    aging = await makeWorld({ members: [alice, bob, carol], admins: ['alice'], policy: { maxCertificateAge: 2 } })
  })
  test('the first commit of a leaf names the epoch', async () => {
    const { cert } = bob
    expect(await aging.outcome(1, { leaf: { extensions: withCertificate([], cert, 2n) } })).toBe('accepted')
    for (const wrong of [undefined, 0n, 1n, 3n])
      expect(await aging.outcome(1, { leaf: { extensions: withCertificate([], cert, wrong) } })).toBe(successor)
  })
  test('an old certificate commits no more, a renewed one does, a still older one does not', async () => {
    const group = aging.at(1, lawless)
    const judge = aging.at(0)
    const commit = async (options: Parameters<typeof group.commit>[0]) => {
      const { commit: bytes, staged } = await group.commit({ wireFormat: 'mls_public_message', ...options })
      const result = await outcomeOf(() => judge.receive(bytes))
      if (result === 'accepted') group.merge(staged)
      else group.discard(staged)
      return result
    }
    expect(await commit({ leaf: { extensions: withCertificate([], bob.cert, 2n) } })).toBe('accepted')
    expect(await commit({})).toBe('accepted')
    expect(await commit({})).toBe('accepted')
    expect(group.epoch).toBe(4n)
    expect(await commit({})).toBe(successor)
    expect(await commit({ leaf: { extensions: withCertificate([], bob.cert, 5n) } })).toBe(successor)
    const renewed = await certify(bob.of, bob.entry, { seq: 1n, signer: 'root' })
    expect(await commit({ leaf: { extensions: withCertificate([], renewed, 5n) } })).toBe('accepted')
    expect(await commit({ leaf: { extensions: withCertificate([], bob.cert, 6n) } })).toBe(successor)
  })
  test('whoever is too old may be removed by anybody', async () => {
    const group = aging.at(1, lawless)
    const [judge, third] = [aging.at(0), aging.at(2, lawless)]
    const first = await group.commit({
      wireFormat: 'mls_public_message',
      leaf: { extensions: withCertificate([], bob.cert, 2n) },
    })
    group.merge(first.staged)
    for (const one of [judge, third]) await one.receive(first.commit)
    const extensions = (epoch: bigint) => withCertificate([], carol.cert, epoch)
    const remove = async () => {
      const leaf = third.epoch === 2n ? { extensions: extensions(3n) } : {}
      const { commit } = await third.commit({ remove: [1], leaf, wireFormat: 'mls_public_message' })
      const result = await outcomeOf(() => judge.stage(commit))
      third.discard()
      return result
    }
    for (let epoch = 3n; epoch <= 4n; epoch++) {
      expect(await remove()).toBe(remover)
      const leaf = epoch === 3n ? { extensions: extensions(3n) } : {}
      const { commit, staged } = await third.commit({ leaf, wireFormat: 'mls_public_message' })
      third.merge(staged)
      await judge.receive(commit)
    }
    expect(await remove()).toBe('accepted')
  })
})

describe('H6 adders', () => {
  let closed: World
  beforeAll(async () => {
    closed = await makeWorld({ members: [alice, bob, carol], admins: ['alice'], policy: { flags: 0 } })
  })
  test('own devices always, others by admins, or by all where the policy says so', async () => {
    const dave = await phone('dave')
    expect(await add(1, await phone('bob', 'tablet'), closed)).toBe('accepted')
    expect(await add(0, dave, closed)).toBe('accepted')
    expect(await add(1, dave, closed)).toBe(adder)
    expect(await add(1, dave)).toBe('accepted')
  })
  test('it is the proposal that needs the right', async () => {
    const dave = await packageOf(await phone('dave'))
    expect(await committed(closed, { by: 1, propose: { add: dave }, committer: 2 })).toBe(adder)
    expect(await committed(closed, { by: 0, propose: { add: dave }, committer: 2 })).toBe('accepted')
    // an admin who commits what others wanted does not vouch for it
    expect(await committed(closed, { by: 1, propose: { add: dave }, committer: 0, judge: 2 })).toBe(adder)
  })
  test('own external commits: devices of accounts that are there', async () => {
    const tablet = await phone('bob', 'tablet')
    const dave = await phone('dave')
    expect(await closed.judge(0, await external(closed, 0, tablet))).toBe('accepted')
    expect(await closed.judge(0, await external(closed, 0, dave))).toBe(adder)
    const open = await makeWorld({ members: [alice, bob], policy: { flags: identityPolicyFlags.openJoin } })
    expect(await open.judge(0, await external(open, 0, dave))).toBe('accepted')
  })
  test('an external commit on another root', async () => {
    const ghost = await phone('bob', 'tablet', { generation: 1 })
    expect(await closed.judge(0, await external(closed, 0, ghost))).toBe('identity_group/root H3')
  })
})

describe('H7 removers', () => {
  test('own devices and admins', async () => {
    const two = await makeWorld({ members: [alice, bob, await phone('bob', 'tablet'), carol], admins: ['alice'] })
    expect(await two.outcome(1, { remove: [2] })).toBe('accepted')
    expect(await two.outcome(0, { remove: [1] }, 3)).toBe('accepted')
    expect(await two.outcome(3, { remove: [1] })).toBe(remover)
    expect(await two.outcome(1, { remove: [0] }, 3)).toBe(remover)
  })
  test('by proposal', async () => {
    expect(await committed(world, { by: 2, propose: { remove: 1 }, committer: 0, judge: 1 })).toBe(remover)
    expect(await committed(world, { by: 0, propose: { remove: 1 }, committer: 2 })).toBe('accepted')
    expect(await committed(world, { by: 1, propose: { remove: 1 }, committer: 2 })).toBe('accepted')
  })
  test('a newcomer removes what is his own alone', async () => {
    const tablet = await phone('bob', 'tablet')
    expect(await world.judge(0, await external(world, 0, tablet, 1))).toBe('accepted')
    expect(await world.judge(0, await external(world, 0, tablet, 2))).toBe(remover)
  })
  test('without roles everybody is an admin', async () => {
    const flat = await makeWorld({ members: [alice, bob, carol] })
    expect(await flat.outcome(2, { remove: [1] })).toBe('accepted')
  })
})

describe('H8 the group itself', () => {
  const verified = { ...defaultIdentityPolicy, mode: 'verified' as const }
  test('admins change policy and roles, others do not', async () => {
    const { extensions } = world.groups[0]!
    const changes = [
      withIdentityContext(extensions, { policy: verified }),
      withIdentityContext(extensions, { roles: groupRoles([alice.of.account, bob.of.account]) }),
      withIdentityContext(extensions, { roles: undefined }),
      [...extensions, { extensionType: extensionTypes.externalSenders, extensionData: new Uint8Array(1) }],
    ]
    for (const next of changes) {
      expect(await world.outcome(0, { extensions: next })).toBe('accepted')
      expect(await world.outcome(1, { extensions: next })).toBe(policy)
      expect(await committed(world, { by: 1, propose: { extensions: next }, committer: 0, judge: 2 })).toBe(policy)
      expect(await committed(world, { by: 0, propose: { extensions: next }, committer: 1, judge: 2 })).toBe('accepted')
    }
  })
  test('a member may say again what is said', async () => {
    expect(await world.outcome(1, { extensions: world.groups[0]!.extensions })).toBe('accepted')
  })
  test('roles name somebody who is there', async () => {
    const { extensions } = world.groups[0]!
    const roles = groupRoles([utf8('nobody@example.org')])
    expect(await world.outcome(0, { extensions: withIdentityContext(extensions, { roles }) })).toBe(policy)
    expect(await outcomeOf(() => makeWorld({ members: [alice], admins: ['bob'] }))).toBe(policy)
  })
  test('an admin who left does not come back as one without being let in', async () => {
    const world2 = await makeWorld({ members: [alice, bob, carol], admins: ['alice', 'bob'] })
    expect(await world2.outcome(1, { remove: [0] }, 2)).toBe('accepted')
  })
  test('a policy of another version, roles out of order', async () => {
    const { extensions } = world.groups[0]!
    const next = withIdentityContext(extensions, { policy: { ...verified, version: 2 } })
    expect(await world.outcome(0, { extensions: next })).toBe(policy)
    const sorted = groupRoles([alice.of.account, bob.of.account])
    const roles = { ...sorted, admins: [...sorted.admins].reverse() }
    expect(await world.outcome(0, { extensions: withIdentityContext(extensions, { roles }) })).toBe(policy)
  })
})

describe('H8 the end of the group', () => {
  const reinit = (extensions: ReturnType<typeof contextOf>) => ({
    reinit: { groupId: seeded('next group'), cipherSuite: 1 as const, extensions },
    references: 'none' as const,
  })
  test('is for admins, and the next group has a policy', async () => {
    expect(await world.outcome(0, reinit(contextOf({})))).toBe('accepted')
    expect(await world.outcome(1, reinit(contextOf({})))).toBe(policy)
    expect(await world.outcome(0, reinit([]))).toBe('identity_group/downgrade H9')
  })
})

describe('external senders', () => {
  const service = createIdentity(suite, concatBytes(utf8('service@example.org'), Uint8Array.of(0), seeded('id', 16)))
  const senders = [{ signatureKey: service.signer.publicKey, credential: service.credential }]
  const outcome = async (flags: number, propose: { readonly add: KeyPackageBundle } | { readonly remove: number }) => {
    const extensions = setExtension(
      contextOf({ admins: ['alice'], policy: { flags } }),
      extensionTypes.externalSenders,
      ExternalSenders,
      senders,
    )
    const open = await makeWorld({ members: [alice, bob, carol], admins: ['alice'], policy: { flags } })
    await commitAll(open, 0, { extensions })
    const { id, epoch } = open.groups[0]!
    const wanted =
      'add' in propose
        ? { proposalType: 'add' as const, keyPackage: propose.add.keyPackage }
        : { proposalType: 'remove' as const, removed: propose.remove }
    const proposal = await proposeAsExternalSender({ groupId: id, epoch }, wanted, {
      senderIndex: 0,
      signer: service.signer,
    })
    const committing = open.at(2, lawless)
    const judging = open.at(0, rulesAlone())
    for (const group of [committing, judging]) await group.receive(proposal)
    const { commit } = await committing.commit({ wireFormat: 'mls_public_message' })
    return outcomeOf(() => judging.receive(commit))
  }
  test('add and remove where a flag says so', async () => {
    const dave = await packageOf(await phone('dave'))
    expect(await outcome(identityPolicyFlags.externalSenders, { add: dave })).toBe('accepted')
    expect(await outcome(0, { add: dave })).toBe(adder)
    expect(await outcome(identityPolicyFlags.externalSenders, { remove: 1 })).toBe('accepted')
    expect(await outcome(0, { remove: 1 })).toBe(remover)
  })
})

test('whoever proposes himself: devices of accounts that are there, others with a committer who may', async () => {
  const outcome = async (who: Phone, committer: number) => {
    const at = await makeWorld({ members: [alice, bob, carol], admins: ['alice'], policy: { flags: 0 } })
    const { id, epoch } = at.groups[0]!
    const proposal = await proposeJoin({ groupId: id, epoch }, await packageOf(who))
    const committing = at.at(committer, lawless)
    const judging = at.at(1, rulesAlone())
    for (const group of [committing, judging]) await group.receive(proposal)
    const { commit } = await committing.commit({ wireFormat: 'mls_public_message' })
    return outcomeOf(() => judging.receive(commit))
  }
  expect(await outcome(await phone('bob', 'tablet'), 2)).toBe('accepted')
  expect(await outcome(await phone('dave'), 2)).toBe(adder)
  expect(await outcome(await phone('dave'), 0)).toBe('accepted')
})

describe('H9 no way back', () => {
  test('a group does not begin with rotations, nor does its policy', async () => {
    const rotations = [
      {
        account: alice.of.account,
        oldGeneration: 0,
        oldRoot: seeded('old'),
        newGeneration: 1,
        newRoot: alice.of.root.root.ed25519,
        epoch: 0n,
      },
    ]
    const extensions = withIdentityContext(contextOf({}), { rotations })
    const { identity, leafExtensions } = alice
    const creation = createGroup({ suite, identity, capabilities, leafExtensions, extensions, options: rulesAlone() })
    expect(await outcomeOf(() => creation)).toBe('identity_group/rotation H3')
    const bare = await makeWorld({ members: [alice, bob], bare: true })
    expect(await bare.outcome(0, { extensions })).toBe('identity_group/rotation H3')
    expect(await bare.outcome(0, { extensions: contextOf({ admins: ['carol'] }) })).toBe(policy)
  })

  test('the policy does not go, whoever wants it', async () => {
    expect(await world.outcome(0, { extensions: [] })).toBe('identity_group/downgrade H9')
  })
  test('the first policy: every leaf must hold', async () => {
    const bare = await makeWorld({ members: [alice, bob, carol], bare: true })
    expect(await bare.outcome(1, { extensions: contextOf({ admins: ['bob'] }) })).toBe('accepted')
    const naked = await phone('dave', 'phone', { cert: undefined })
    const mixed = await makeWorld({ members: [alice, naked, carol], bare: true })
    expect(await mixed.outcome(0, { extensions: contextOf({}) })).toBe(certificate)
    expect(await mixed.outcome(0, {})).toBe('accepted')
    const split = await makeWorld({
      members: [alice, bob, await phone('bob', 'tablet', { generation: 1 })],
      bare: true,
    })
    expect(await split.outcome(0, { extensions: contextOf({}) })).toBe('identity_group/root H3')
  })
  test('no leaf without certificate afterwards, on any way in', async () => {
    const naked = await phone('dave', 'phone', { cert: undefined })
    expect(await add(0, naked)).toBe(certificate)
    expect(await world.judge(0, await external(world, 0, await phone('bob', 'tablet', { cert: undefined })))).toBe(
      certificate,
    )
  })
})

async function updated(
  at: World,
  by: number,
  leaf: NonNullable<Parameters<World['forge']>[1]['leaf']>,
): Promise<string> {
  return committed(at, { by, propose: { update: leaf }, committer: by === 2 ? 1 : 2 })
}

/** One member proposes, another commits; neither has rules. */
async function committed(
  at: World,
  input: {
    readonly by: number
    readonly propose: Parameters<World['groups'][number]['propose']>[0]
    readonly committer: number
    readonly judge?: number
  },
): Promise<string> {
  const { by, committer, judge = 0 } = input
  const proposer = at.at(by, lawless)
  const { proposal } = await proposer.propose({ ...input.propose, wireFormat: 'mls_public_message' })
  const committing = at.at(committer, lawless)
  if (by !== committer) await committing.receive(proposal)
  const { commit } = await committing.commit({ wireFormat: 'mls_public_message' })
  const judging = at.at(judge, rulesAlone())
  await judging.receive(proposal)
  return outcomeOf(() => judging.receive(commit))
}

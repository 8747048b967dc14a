/** Components in dictionaries, the authentication service, the own leaf, and groups of mode x509. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../../src/bytes/bytes.ts'
import { utf8 } from '../../../src/bytes/text.ts'
import { decode, encode } from '../../../src/codec/codec.ts'
import { identityAuthentication } from '../../../src/identity/group-authentication.ts'
import {
  defaultIdentityPolicy,
  GroupRoles,
  groupRoles,
  IdentityPolicy,
  identityContextOf,
  leafComponentsOf,
  RotationRecord,
  renewedLeafExtensions,
  withCertificate,
  withIdentityContext,
} from '../../../src/identity/group-components.ts'
import { RemovalEvidence } from '../../../src/identity/group-evidence.ts'
import { identityGroupRules } from '../../../src/identity/group-rules.ts'
import { type Credential, createGroup } from '../../../src/index.ts'
import { componentIds, encodeAppEphemeral, readComponent, setComponents } from '../../../src/wire/app-data.ts'
import { Proposal } from '../../../src/wire/proposal.ts'
import { draftProposalTypes, extensionTypes } from '../../../src/wire/registries.ts'
import { capabilities, certify, honest, lawless, outcomeOf, phone, seeded, suite } from './support.ts'

const bytes = fc.uint8Array({ maxLength: 40 }).map((list) => Uint8Array.from(list))
const account = fc.stringMatching(/^[a-z]{1,9}@[a-z]{1,9}$/).map(utf8)

describe('structs', () => {
  test('come back from their bytes, and no prefix of them does', () => {
    const of = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((b) => Uint8Array.from(b))
    const u32 = fc.integer({ min: 0, max: 0xffffffff })
    const policy = fc.record({
      version: fc.constant(1),
      mode: fc.constantFrom('tofu' as const, 'pinned' as const, 'verified' as const, 'x509' as const),
      maxCertificateAge: u32,
      rotationGrace: u32,
      flags: fc.integer({ min: 0, max: 0xffff }),
    })
    const record = fc.record({
      account,
      oldGeneration: u32,
      oldRoot: of(32),
      newGeneration: u32,
      newRoot: of(32),
      epoch: fc.bigInt(0n, 2n ** 64n - 1n),
    })
    const roles = fc.uniqueArray(account, { maxLength: 5, selector: String }).map(groupRoles)
    const evidence = fc.oneof(
      fc.record({ kind: fc.constant('revoked' as const), manifest: of(9), rotations: fc.constant([]) }),
      fc.record({ kind: fc.constant('conflict' as const), first: of(3), second: of(7) }),
    )
    for (const [codec, values] of [
      [IdentityPolicy, policy],
      [RotationRecord, record],
      [GroupRoles, roles],
      [RemovalEvidence, evidence],
    ] as const)
      fc.assert(
        fc.property(values as fc.Arbitrary<never>, fc.nat(), (value, cut) => {
          const encoded = encode(codec as never, value)
          expect(decode(codec as never, encoded)).toEqual(value)
          expect(() => decode(codec as never, encoded.subarray(0, cut % encoded.length))).toThrow()
        }),
        { numRuns: 40 },
      )
  })

  test('a policy has 12 bytes, an age of a certificate 8', () => {
    expect(encode(IdentityPolicy, defaultIdentityPolicy)).toHaveLength(12)
    const cert = withIdentityContext([], { policy: defaultIdentityPolicy })
    expect(readComponent(cert, componentIds.identityPolicy)).toHaveLength(12)
  })
})

describe('dictionaries', () => {
  test('keep what others put there, in order', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[0-9]{1,4}$/), bytes), (others) => {
        const changes = new Map(Object.entries(others).map(([id, data]) => [Number(id), data]))
        const base = setComponents([{ extensionType: 0xf4a0, extensionData: new Uint8Array(2) }], changes)
        const with2 = withIdentityContext(base, { policy: defaultIdentityPolicy, roles: groupRoles([utf8('a@b')]) })
        expect(with2).toHaveLength(2)
        for (const [id, data] of changes) expect(readComponent(with2, id)).toEqual(Uint8Array.from(data))
        expect(identityContextOf(with2).policy).toEqual(defaultIdentityPolicy)
        expect(withIdentityContext(with2, { roles: undefined }).length).toBe(2)
        expect(identityContextOf(withIdentityContext(with2, { roles: undefined })).roles).toBeUndefined()
      }),
      { numRuns: 50 },
    )
  })
  test('unsorted ones and two of them are refused', async () => {
    const data = (...list: readonly number[]) => Uint8Array.from(list)
    const unsorted = [{ extensionType: extensionTypes.appDataDictionary, extensionData: data(6, 0, 2, 0, 0, 1, 0) }]
    expect(await outcomeOf(() => readComponent(unsorted, 1))).toBe('codec/value')
    const one = { extensionType: extensionTypes.appDataDictionary, extensionData: data(0) }
    const two = { ...one, extensionType: extensionTypes.privateDictionary }
    expect(await outcomeOf(() => readComponent([one, two], 1))).toBe('codec/value')
    expect(readComponent([two], 1)).toBeUndefined()
  })
})

test('an app_ephemeral proposal has no length of its own, and no other body', async () => {
  const type = draftProposalTypes.appEphemeral
  const proposal = { proposalType: 'custom' as const, type, body: encodeAppEphemeral(0x8a06, Uint8Array.of(1, 2)) }
  expect([...encode(Proposal, proposal)]).toEqual([0, 9, 0x8a, 6, 2, 1, 2])
  const wrong = { ...proposal, body: Uint8Array.of(1, 2) }
  expect(await outcomeOf(() => encode(Proposal, wrong))).toBe('codec/range')
})

test('the own leaf is renewed when its certificate is another one, or has no date where one is asked for', async () => {
  const bob = await phone('bob')
  const dated = { ...defaultIdentityPolicy, maxCertificateAge: 9 }
  const group = (policy: IdentityPolicy | undefined) => ({
    epoch: 6n,
    extensions: policy === undefined ? [] : withIdentityContext([], { policy }),
  })
  expect(renewedLeafExtensions(group(undefined), bob.leafExtensions, bob.cert)).toBeUndefined()
  expect(renewedLeafExtensions(group(defaultIdentityPolicy), bob.leafExtensions, bob.cert)).toBeUndefined()
  const first = renewedLeafExtensions(group(dated), bob.leafExtensions, bob.cert)!
  expect(leafComponentsOf(first).certificateEpoch).toBe(7n)
  expect(renewedLeafExtensions(group(dated), first, bob.cert)).toBeUndefined()
  const next = await certify(bob.of, bob.entry, { seq: 2n })
  const second = renewedLeafExtensions(group(defaultIdentityPolicy), first, next)!
  expect(leafComponentsOf(second)).toEqual({
    certificate: leafComponentsOf(withCertificate([], next)).certificate,
    certificateEpoch: 7n,
  })
})

describe('the authentication service', () => {
  const service = identityAuthentication()
  const binding = (identity: Uint8Array) => ({
    credential: { credentialType: 'basic' as const, identity: Uint8Array.from(identity) },
    signatureKey: seeded('key'),
  })
  const named = (name: string, id: string) => binding(concatBytes(utf8(name), Uint8Array.of(0), seeded(id, 16)))

  test('reads names, follows accounts, tells devices apart', () => {
    expect(service.validate(named('a@b', '1'), 'member')).toBe(true)
    expect(service.validate(binding(utf8('a@b')), 'member')).toBe(false)
    expect(service.isSuccessor(named('a@b', '1'), named('a@b', '2'))).toBe(true)
    expect(service.isSuccessor(named('a@b', '1'), named('A@b', '1'))).toBe(false)
    expect(service.isSuccessor(binding(utf8('a@b')), named('a@b', '1'))).toBe(false)
    const keys = [named('a@b', '1'), named('a@b', '2'), named('a@c', '1')].map((one) => service.clientKey!(one))
    expect(new Set(keys).size).toBe(3)
    expect(service.clientKey!(binding(utf8('a@b')))).toBeUndefined()
  })
  test('asks the application about external senders', () => {
    const asking = identityAuthentication({ externalSender: () => false })
    expect(asking.validate(named('a@b', '1'), 'external_sender')).toBe(false)
    expect(asking.validate(named('a@b', '1'), 'member')).toBe(true)
  })
})

describe('mode x509', () => {
  const policy = { ...defaultIdentityPolicy, mode: 'x509' as const }
  const x509Device = ({ certificates }: Extract<Credential, { credentialType: 'x509' }>) => {
    const [first] = certificates
    return first === undefined ? undefined : { account: utf8('org@example.org'), deviceId: first.slice(0, 16) }
  }
  const extensions = withIdentityContext([], { policy })
  const make = async (credential: Credential, rules = identityGroupRules({ suite, x509Device })) => {
    const bob = await phone('bob')
    const options = { ...lawless, rules, authentication: { validate: () => true, isSuccessor: () => true } }
    return outcomeOf(() =>
      createGroup({ suite, identity: { ...bob.identity, credential }, capabilities, extensions, options }),
    )
  }
  const x509 = (certificate: Uint8Array): Credential => ({
    credentialType: 'x509',
    certificates: [Uint8Array.from(certificate)],
  })

  test('takes credentials of the organisation, and those alone', async () => {
    expect(await make(x509(seeded('certificate')))).toBe('accepted')
    expect(await make(x509(seeded('short', 7)))).toBe('identity_group/credential H1')
    expect(await make((await phone('bob')).identity.credential)).toBe('identity_group/credential H1')
  })
  test('is refused by who cannot read them', async () => {
    expect(await make(x509(seeded('certificate')), honest().rules!)).toBe('identity_group/policy H8')
  })
  test('the service asks that of the organisation', () => {
    const service = identityAuthentication({
      x509: { device: x509Device, authentication: { validate: () => true, isSuccessor: () => false } },
    })
    const binding = { credential: x509(seeded('certificate')), signatureKey: seeded('key') }
    expect(service.validate(binding, 'member')).toBe(true)
    expect(identityAuthentication().validate(binding, 'member')).toBe(false)
    expect(service.isSuccessor(binding, { ...binding, credential: x509(seeded('another')) })).toBe(true)
  })
})

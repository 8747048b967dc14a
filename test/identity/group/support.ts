/** Groups with identity rules, of people with keys from their names, and members who ignore the rules. */
import { MlsError } from '../../../src/bytes/errors.ts'
import { type DeviceCert, makeOpsDeviceCert, makeRootDeviceCert } from '../../../src/identity/device-cert.ts'
import type { DeviceEntry } from '../../../src/identity/device-entry.ts'
import { identityAuthentication } from '../../../src/identity/group-authentication.ts'
import {
  defaultIdentityPolicy,
  groupRoles,
  type IdentityPolicy,
  identityGroupExtensions,
  withCertificate,
} from '../../../src/identity/group-components.ts'
import { identityGroupRules } from '../../../src/identity/group-rules.ts'
import {
  basicAuthentication,
  type CommitOptions,
  cipherSuite,
  createGroup,
  createKeyPackage,
  type Extension,
  type Group,
  type GroupOptions,
  type GroupRules,
  type Identity,
  joinExternal,
  joinGroup,
  type KeyPackageBundle,
  makeCapabilities,
  restoreGroup,
} from '../../../src/index.ts'
import { draftProposalTypes, extensionTypes } from '../../../src/wire/registries.ts'
import { device, now, type Person, person, seeded, signerOf } from '../fixture.ts'

export const suite = await cipherSuite(1)
export const capabilities = makeCapabilities(suite, {
  extensions: [extensionTypes.appDataDictionary, extensionTypes.privateDictionary],
  proposals: [draftProposalTypes.appEphemeral],
})
const customProposals = [{ type: draftProposalTypes.appEphemeral, pathRequired: false, fromExternal: true }]

/** The options of an honest member. */
export function honest(rules: GroupRules = identityGroupRules({ suite })): GroupOptions {
  return { rules, authentication: identityAuthentication(), customProposals }
}
const gullible = { ...basicAuthentication(), isSuccessor: () => true }
/** The options of somebody who does as he likes. */
export const lawless: GroupOptions = { authentication: gullible, customProposals }
/** The options of somebody who has the rules and believes everything else. */
export const rulesAlone = (): GroupOptions => ({ ...honest(), authentication: gullible })

/** A device with its certificate. */
export interface Phone {
  readonly of: Person
  readonly entry: DeviceEntry
  readonly identity: Identity
  readonly cert: DeviceCert
  readonly leafExtensions: readonly Extension[]
}

/** How a phone differs from an honest one. */
export interface PhoneChanges {
  readonly generation?: number
  readonly seq?: bigint
  readonly signer?: 'root' | 'ops'
  /** The certificate of somebody or something else. */
  readonly cert?: DeviceCert | undefined
  readonly certificateEpoch?: bigint
  readonly identity?: Uint8Array
  readonly type?: number
  /** Signature key of another name. */
  readonly key?: string
}

export async function phone(name: string, deviceName = 'phone', changes: PhoneChanges = {}): Promise<Phone> {
  const of = await person(name, changes.generation ?? 0)
  const signer = signerOf(changes.key ?? `${name} leaf ${deviceName}`)
  const entry = device(name, deviceName, { leafKeys: [signer.publicKey] })
  const cert = await certify(of, entry, changes)
  const identity = {
    credential: {
      credentialType: 'basic' as const,
      identity: Uint8Array.from(changes.identity ?? [...of.account, 0, ...entry.deviceId]),
    },
    signer,
  }
  const shown = 'cert' in changes ? changes.cert : cert
  const leafExtensions = shown === undefined ? [] : withCertificate([], shown, changes.certificateEpoch, changes.type)
  return { of, entry, identity, cert, leafExtensions }
}

/** A certificate for a device. */
export function certify(
  of: Person,
  entry: DeviceEntry,
  { seq = 0n, signer = 'ops' }: Pick<PhoneChanges, 'seq' | 'signer'> = {},
): Promise<DeviceCert> {
  const subject = { account: of.account, deviceId: entry.deviceId, leafKey: entry.leafKeys[0]! }
  const terms = { generation: of.generation, manifestSeq: seq, notAfter: now + 86_400n * 100n }
  return signer === 'root'
    ? makeRootDeviceCert(of.root, subject, terms)
    : makeOpsDeviceCert(of.ops, of.cert, subject, terms)
}

/** A KeyPackage of a phone. */
export function packageOf({ identity, leafExtensions }: Phone): Promise<KeyPackageBundle> {
  return createKeyPackage({ suite, identity, capabilities, leafExtensions })
}

/** What a group of the tests is made of. */
export interface WorldInput {
  readonly members: readonly Phone[]
  readonly policy?: Partial<IdentityPolicy> | undefined
  /** No policy at all. */
  readonly bare?: boolean
  readonly admins?: readonly string[]
  readonly type?: number
}

/** A group whose members are all honest, at its beginning. */
export interface World {
  readonly groups: readonly Group[]
  readonly phones: readonly Phone[]
  /** The group at a member, in another copy, with or without rules. */
  at(member: number, options?: GroupOptions): Group
  /** A commit of a member without rules; `undefined` when it could not even be made. */
  forge(member: number, options: CommitOptions): Promise<Uint8Array>
  /** What the honest member says to a commit: `accepted`, or code and rule. */
  judge(member: number, commit: Uint8Array): Promise<string>
  /** Forges a commit and asks somebody else. */
  outcome(by: number, options: CommitOptions, judge?: number): Promise<string>
}

export function contextOf({ policy, admins, bare, type }: Omit<WorldInput, 'members'>): readonly Extension[] {
  if (bare === true) return []
  const all = { ...defaultIdentityPolicy, ...policy }
  const roles =
    admins === undefined ? {} : { roles: groupRoles(admins.map((name) => Buffer.from(`${name}@example.org`))) }
  return identityGroupExtensions({ policy: all, ...roles, ...(type === undefined ? {} : { type }) })
}

export async function makeWorld(input: WorldInput): Promise<World> {
  const [creator, ...others] = input.members
  if (creator === undefined) throw new Error('a group of nobody')
  const first = await createGroup({
    suite,
    identity: creator.identity,
    capabilities,
    leafExtensions: creator.leafExtensions,
    extensions: contextOf(input),
    options: honest(),
  })
  const groups = [first]
  const add = await Promise.all(others.map(packageOf))
  if (add.length > 0) {
    const leaf = { extensions: withCertificate([], creator.cert, 1n) }
    const { staged } = await first.commit({ add, ...(input.policy?.maxCertificateAge ? { leaf } : {}) })
    const welcome = first.merge(staged).welcome!
    for (const keyPackage of add) groups.push(await joinGroup({ suite, keyPackage, welcome, options: honest() }))
  }
  return worldOf(groups, input.members)
}

export function worldOf(groups: readonly Group[], phones: readonly Phone[]): World {
  const at = (member: number, options: GroupOptions = honest()): Group =>
    restoreGroup(groups[member]!.snapshot(), { suite, signers: phones.map(({ identity }) => identity), options })
  const forge = async (member: number, options: CommitOptions): Promise<Uint8Array> =>
    (await at(member, lawless).commit({ wireFormat: 'mls_public_message', ...options })).commit
  const judge = (member: number, commit: Uint8Array): Promise<string> =>
    outcomeOf(async () => {
      const result = await at(member, rulesAlone()).receive(commit)
      if (result.kind !== 'commit') throw new Error(result.kind)
    })
  return {
    groups,
    phones,
    at,
    forge,
    judge,
    outcome: async (by, options, who = by === 0 ? 1 : 0) => judge(who, await forge(by, options)),
  }
}

/** All honest members take in a commit of one of them. */
export async function commitAll(world: World, by: number, options: CommitOptions): Promise<void> {
  const { commit, staged } = await world.groups[by]!.commit(options)
  world.groups[by]!.merge(staged)
  for (const [i, group] of world.groups.entries())
    if (i !== by && group.status === 'active') await group.receive(commit)
}

/** An external commit by somebody without rules into the group of a member. */
export async function external(world: World, member: number, who: Phone, replaces?: number): Promise<Uint8Array> {
  const groupInfo = await world.groups[member]!.groupInfo()
  const join = await joinExternal({
    suite,
    groupInfo,
    identity: who.identity,
    capabilities,
    leafExtensions: who.leafExtensions,
    options: lawless,
    ...(replaces === undefined ? {} : { replaces }),
  })
  return join.commit
}

/** `accepted`, or code and rule of the refusal. */
export async function outcomeOf(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'accepted'
  } catch (error) {
    if (error instanceof MlsError) return `${error.code} ${error.rule ?? ''}`.trim()
    throw error
  }
}

export { now, seeded }

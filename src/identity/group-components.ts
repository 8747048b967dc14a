/**
 * What a group with identity rules keeps in its GroupContext and its leaves, as components of a dictionary
 * (`wire/app-data.ts`). See `spec-notes/adr/0013-identity-in-groups.md`.
 *
 * | component | where | what |
 * |---|---|---|
 * | 0x8A01 device_cert | leaf | the certificate of the device |
 * | 0x8A02 identity_policy | GroupContext | that the rules hold, and which |
 * | 0x8A03 rotations | GroupContext | changes of roots that the group has taken note of; the proof travels with the commit |
 * | 0x8A04 certificate_epoch | leaf | the epoch in which the leaf got its certificate |
 * | 0x8A05 roles | GroupContext | the accounts that are admins |
 */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import {
  type Codec,
  checked,
  encode,
  enumeration,
  fixed,
  type Infer,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  vec,
} from '../codec/codec.ts'
import { ComponentsList, componentIds, dictionaryTypes, readComponent, setComponents } from '../wire/app-data.ts'
import { type Extension, RequiredCapabilities, setExtension } from '../wire/extension.ts'
import { draftProposalTypes, extensionTypes } from '../wire/registries.ts'
import { AccountName, decodeWithin } from './bounded.ts'
import { compareBytes } from './compare.ts'
import { DeviceCert } from './device-cert.ts'

/** Versions of these components that this package writes and reads. */
const groupComponentVersion = 1
/** Most admins of a group, and most rotations that it keeps at a time. */
const groupComponentLimits = { admins: 256, rotations: 256, bytes: 1024 * 1024 } as const

/** How members must know one another; the differences between the first three are soft rules. */
export type IdentityMode = 'tofu' | 'pinned' | 'verified' | 'x509'

/** Bits of {@link IdentityPolicy}`.flags`; unknown bits are kept. */
export const identityPolicyFlags = {
  /** Every member may add other accounts, not admins alone. */
  membersAdd: 0x0001,
  /** Accounts that have no leaf may join by external commit. */
  openJoin: 0x0002,
  /** The external senders of the group may add and remove. */
  externalSenders: 0x0004,
} as const

/** The identity policy of a group. */
export const IdentityPolicy = struct({
  version: uint8,
  mode: enumeration(uint8, { tofu: 1, pinned: 2, verified: 3, x509: 4 }, 'H8'),
  /** Epochs for which a leaf may keep its certificate; 0 without bound. */
  maxCertificateAge: uint32,
  /** Epochs after a rotation in which leaves on the old root are left in peace. */
  rotationGrace: uint32,
  flags: uint16,
})
export type IdentityPolicy = Infer<typeof IdentityPolicy>

/** The policy of a group that does not choose. */
export const defaultIdentityPolicy: IdentityPolicy = {
  version: groupComponentVersion,
  mode: 'tofu',
  maxCertificateAge: 0,
  rotationGrace: 64,
  flags: identityPolicyFlags.membersAdd,
}

/** The accounts that are admins, ascending by their bytes. Without this component every account is one. */
export const GroupRoles = struct({ version: uint8, admins: sorted(vec(AccountName, groupComponentLimits.admins)) })
export type GroupRoles = Infer<typeof GroupRoles>

/** A root that another one has followed, by the Ed25519 halves that leaves show. `epoch`: the one that began with the record. */
export const RotationRecord = struct({
  account: AccountName,
  oldGeneration: uint32,
  oldRoot: fixed(32),
  newGeneration: uint32,
  newRoot: fixed(32),
  epoch: uint64,
})
export type RotationRecord = Infer<typeof RotationRecord>

/** All rotations that a group keeps, in the order of their coming. */
const RotationRecords: Codec<readonly RotationRecord[]> = vec(RotationRecord, groupComponentLimits.rotations)

const CertificateEpoch = struct({ epoch: uint64 })

/** What a GroupContext says about identity. */
export interface IdentityContext {
  /** `undefined`: the rules do not hold in this group. */
  readonly policy: IdentityPolicy | undefined
  readonly roles: GroupRoles | undefined
  readonly rotations: readonly RotationRecord[]
}

const known = new WeakMap<readonly Extension[], IdentityContext>()

/**
 * The identity components of a GroupContext.
 * @throws `identity_group/policy` (H8) for another version; kind `malformed`
 */
export function identityContextOf(extensions: readonly Extension[]): IdentityContext {
  const found = known.get(extensions)
  if (found !== undefined) return found
  const policy = read(extensions, componentIds.identityPolicy, IdentityPolicy)
  const roles = read(extensions, componentIds.roles, GroupRoles)
  const rotations = read(extensions, componentIds.rotations, RotationRecords) ?? []
  for (const part of [policy, roles])
    check(
      part === undefined || part.version === groupComponentVersion,
      'identity_group/policy',
      'H8',
      'an identity policy of another version',
    )
  const context = { policy, roles, rotations }
  known.set(extensions, context)
  return context
}

/** A GroupContext's extensions with other identity components; what is `undefined` is taken out, what is absent stays. */
export function withIdentityContext(
  extensions: readonly Extension[],
  change: {
    readonly policy?: IdentityPolicy
    readonly roles?: GroupRoles | undefined
    readonly rotations?: readonly RotationRecord[]
  },
  type: number = extensionTypes.appDataDictionary,
): readonly Extension[] {
  const changes = new Map<number, Bytes | undefined>()
  if (change.policy !== undefined) changes.set(componentIds.identityPolicy, encode(IdentityPolicy, change.policy))
  if ('roles' in change)
    changes.set(componentIds.roles, change.roles === undefined ? undefined : encode(GroupRoles, change.roles))
  if (change.rotations !== undefined)
    changes.set(
      componentIds.rotations,
      change.rotations.length === 0 ? undefined : encode(RotationRecords, change.rotations),
    )
  return setComponents(extensions, changes, type)
}

/**
 * The extensions of a new group with identity rules, for `createGroup`: the components, and that every member must know them
 * and the proposals that carry evidence.
 */
export function identityGroupExtensions(
  input: { readonly policy?: IdentityPolicy; readonly roles?: GroupRoles; readonly type?: number } = {},
): readonly Extension[] {
  const { policy = defaultIdentityPolicy, roles, type = extensionTypes.appDataDictionary } = input
  const required = { extensionTypes: [type], proposalTypes: [draftProposalTypes.appEphemeral], credentialTypes: [] }
  const first = setExtension([], extensionTypes.requiredCapabilities, RequiredCapabilities, required)
  return withIdentityContext(first, roles === undefined ? { policy } : { policy, roles }, type)
}

/** Roles with these admins (bare JID bytes). */
export function groupRoles(admins: readonly Uint8Array[]): GroupRoles {
  const list = admins.map((account) => Uint8Array.from(account))
  return { version: groupComponentVersion, admins: list.sort(compareBytes) }
}

/** What a leaf shows. */
export interface LeafComponents {
  /** The encoded certificate. */
  readonly certificate: Bytes | undefined
  readonly certificateEpoch: bigint | undefined
}

/** The identity components of a leaf. @throws kind `malformed` */
export function leafComponentsOf(extensions: readonly Extension[]): LeafComponents {
  const certificate = readComponent(extensions, componentIds.deviceCert)
  return { certificate, certificateEpoch: read(extensions, componentIds.certificateEpoch, CertificateEpoch)?.epoch }
}

/**
 * The extensions of a leaf with a certificate, in the dictionary of type `type` where it has none yet. Leaves of commits and
 * Updates name the epoch that begins with them when the certificate is new; those of KeyPackages name none.
 */
export function withCertificate(
  extensions: readonly Extension[],
  certificate: DeviceCert,
  certificateEpoch?: bigint,
  type: number = extensionTypes.appDataDictionary,
): readonly Extension[] {
  const supported = [componentIds.deviceCert, componentIds.identityPolicy, componentIds.rotations]
  const epoch = certificateEpoch === undefined ? undefined : encode(CertificateEpoch, { epoch: certificateEpoch })
  return setComponents(
    extensions,
    new Map([
      [componentIds.appComponents, encode(ComponentsList, [componentIds.appComponents, ...supported])],
      [componentIds.deviceCert, encode(DeviceCert, certificate)],
      [componentIds.certificateEpoch, epoch],
    ]),
    type,
  )
}

/**
 * The extensions that the own leaf must have in the next commit or Update of a group, for `OwnLeafChange.extensions`;
 * `undefined` when they may stay as they are.
 * @param leaf the extensions of the own leaf now @param certificate the newest certificate of the own device
 */
export function renewedLeafExtensions(
  group: { readonly epoch: bigint; readonly extensions: readonly Extension[] },
  leaf: readonly Extension[],
  certificate: DeviceCert,
): readonly Extension[] | undefined {
  const { policy } = identityContextOf(group.extensions)
  if (policy === undefined) return undefined
  const shown = leafComponentsOf(leaf)
  const same = shown.certificate !== undefined && equalBytes(shown.certificate, encode(DeviceCert, certificate))
  const dated = policy.maxCertificateAge === 0 || shown.certificateEpoch !== undefined
  return same && dated ? undefined : withCertificate(leaf, certificate, group.epoch + 1n)
}

/** Whether an extension is a dictionary of components. */
export function isDictionary({ extensionType }: Extension): boolean {
  return dictionaryTypes.includes(extensionType)
}

function sorted(list: Codec<readonly Bytes[]>): Codec<readonly Bytes[]> {
  return checked(list, (values) => {
    for (const [i, value] of values.entries()) {
      const before = values[i - 1]
      if (before !== undefined && compareBytes(before, value) >= 0)
        throw new MlsError('identity_group/policy', 'admins that are not sorted', { rule: 'H8' })
    }
  })
}

function read<T>(extensions: readonly Extension[], componentId: number, codec: Codec<T>): T | undefined {
  const data = readComponent(extensions, componentId)
  return data === undefined ? undefined : decodeWithin(codec, data, groupComponentLimits.bytes)
}

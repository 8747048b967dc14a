/** Who may add, remove and change what (rules H6 to H8). */
import { equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import type { RuleGroup } from '../ports/group-rules.ts'
import { componentIds, setComponents } from '../wire/app-data.ts'
import { type Extension, Extensions } from '../wire/extension.ts'
import type { Sender } from '../wire/framed-content.ts'
import {
  type IdentityContext,
  type IdentityPolicy,
  identityContextOf,
  identityPolicyFlags,
  isDictionary,
  type RotationRecord,
} from './group-components.ts'
import type { AccountInTree } from './group-index.ts'
import { type LeafIdentity, sameAccount } from './group-leaf.ts'

/** A group before a commit, as far as rights go. */
export interface Rights {
  readonly group: RuleGroup
  readonly policy: IdentityPolicy
  readonly context: IdentityContext
  /** Who is at a leaf of the group. */
  readonly at: (leafIndex: number) => LeafIdentity | undefined
  readonly accountOf: (leaf: LeafIdentity) => AccountInTree | undefined
  /** The leaf of the committer before the commit; `undefined` for an external commit. */
  readonly committer: number | undefined
}

/** Whether an account is an admin: all are where the group has no roles. */
function isAdmin({ roles }: IdentityContext, { account }: LeafIdentity): boolean {
  return roles === undefined || roles.admins.some((admin) => equalBytes(admin, account))
}

/**
 * H6: whether a proposal may add a leaf. It is the proposal that needs the right and not the commit: a committer takes what
 * others proposed without vouching for it. Whoever proposes himself needs a committer who may.
 */
export function mayAdd(rights: Rights, by: Sender, added: LeafIdentity): boolean {
  if (by.senderType === 'external') return hasFlag(rights.policy, 'externalSenders')
  const proposer = proposerOf(rights, by)
  if (by.senderType !== 'member' && rights.accountOf(added) !== undefined) return true
  if (proposer === undefined) return false
  return sameAccount(proposer, added) || hasFlag(rights.policy, 'membersAdd') || isAdmin(rights.context, proposer)
}

/** H6: whether a newcomer may come in by himself: devices of accounts that are in the group, all where the policy says so. */
export function mayJoin(rights: Rights, newcomer: LeafIdentity): boolean {
  return hasFlag(rights.policy, 'openJoin') || rights.accountOf(newcomer) !== undefined
}

/**
 * H7: whether a proposal may remove a leaf: of the own account, by role, because the leaf is over by the group's own count,
 * or with evidence. A leaf on an old root does not remove those on the new one: it may be a thief's.
 */
export function mayRemove(
  rights: Rights,
  by: Sender,
  removed: LeafIdentity,
  evidence: readonly ((leaf: LeafIdentity) => boolean)[],
): boolean {
  if (isOver(rights, removed) || evidence.some((proves) => proves(removed))) return true
  if (by.senderType === 'external') return hasFlag(rights.policy, 'externalSenders')
  const proposer = proposerOf(rights, by)
  if (proposer === undefined) return false
  if (sameAccount(proposer, removed)) return !follows(rights.context.rotations, removed, proposer)
  return isAdmin(rights.context, proposer)
}

/** Whether a leaf is over: on a root that was left for longer than the group waits, or with too old a certificate. */
export function isOver({ group, policy, context }: Rights, leaf: LeafIdentity): boolean {
  const last = lastEpochOf(policy, context, leaf)
  return last !== undefined && group.epoch + 1n > last
}

/** The last epoch that a leaf may see as it is; `undefined` where it may stay. */
export function lastEpochOf(policy: IdentityPolicy, context: IdentityContext, leaf: LeafIdentity): bigint | undefined {
  const record = recordOf(context.rotations, leaf)
  const left = record && record.epoch + BigInt(policy.rotationGrace)
  const { certificateEpoch } = leaf
  const maximum = BigInt(policy.maxCertificateAge)
  if (maximum === 0n || certificateEpoch === undefined) return left
  const aged = certificateEpoch + maximum
  return left !== undefined && left < aged ? left : aged
}

/** The record of the root that a leaf stands on having been left. */
export function recordOf(rotations: readonly RotationRecord[], leaf: LeafIdentity): RotationRecord | undefined {
  const cert = leaf.certificate?.cert
  if (cert === undefined) return undefined
  return rotations.find(
    (one) =>
      one.oldGeneration === cert.generation &&
      equalBytes(one.oldRoot, cert.rootEd25519) &&
      equalBytes(one.account, leaf.account),
  )
}

/** Whether records lead from the root of one leaf of an account to that of another, in one step or more. */
export function follows(rotations: readonly RotationRecord[], next: LeafIdentity, old: LeafIdentity): boolean {
  const cert = next.certificate?.cert
  let record = recordOf(rotations, old)
  while (cert !== undefined && record !== undefined) {
    const { newRoot, newGeneration, account } = record
    if (newGeneration === cert.generation && equalBytes(newRoot, cert.rootEd25519)) return true
    record = rotations.find(
      (one) =>
        one.oldGeneration === newGeneration && equalBytes(one.oldRoot, newRoot) && equalBytes(one.account, account),
    )
  }
  return false
}

/**
 * H8: who may change what a group says of itself. Records of rotations prove themselves; all else is for admins.
 * @throws `identity_group/policy` (H8), `identity_group/downgrade` (H9)
 */
export function checkContextChange(rights: Rights, by: Sender, extensions: readonly Extension[]): void {
  if (sameBytes(withoutRotations(rights.group.extensions), withoutRotations(extensions))) return
  const proposer = by.senderType === 'member' ? rights.at(by.leafIndex) : undefined
  const may = proposer !== undefined && isAdmin(rights.context, proposer)
  check(may, 'identity_group/policy', 'H8', 'a change of the group by somebody who may not')
}

/**
 * H8, H9: who may end the group in favour of another one, which then has a policy, too.
 * @throws `identity_group/policy` (H8), `identity_group/downgrade` (H9)
 */
export function checkReInit(rights: Rights, by: Sender, extensions: readonly Extension[]): void {
  const proposer = by.senderType === 'member' ? rights.at(by.leafIndex) : undefined
  const may = proposer !== undefined && isAdmin(rights.context, proposer)
  check(may, 'identity_group/policy', 'H8', 'the end of the group by somebody who may not')
  checkNoDowngrade(rights.context, identityContextOf(extensions))
}

/** H9: what was once promised stays. @throws `identity_group/downgrade` (H9) */
export function checkNoDowngrade(before: IdentityContext, after: IdentityContext): void {
  if (before.policy !== undefined && after.policy === undefined)
    throw new MlsError('identity_group/downgrade', 'a group that drops its identity policy', { rule: 'H9' })
}

function proposerOf(rights: Rights, by: Sender): LeafIdentity | undefined {
  if (by.senderType === 'member') return rights.at(by.leafIndex)
  return by.senderType === 'new_member_proposal' && rights.committer !== undefined
    ? rights.at(rights.committer)
    : undefined
}

function hasFlag({ flags }: IdentityPolicy, flag: keyof typeof identityPolicyFlags): boolean {
  return (flags & identityPolicyFlags[flag]) !== 0
}

function withoutRotations(extensions: readonly Extension[]): readonly Extension[] {
  if (!extensions.some(isDictionary)) return extensions
  return setComponents(extensions, new Map([[componentIds.rotations, undefined]]))
}

function sameBytes(a: readonly Extension[], b: readonly Extension[]): boolean {
  return equalBytes(encode(Extensions, a), encode(Extensions, b))
}

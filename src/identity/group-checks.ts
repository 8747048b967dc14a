/** Steps of the hard rules that need the whole picture of a commit; `group-rules.ts` calls them in their order. */
import { equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import type { RuleCompany, RuleTransition } from '../ports/group-rules.ts'
import { trieKey } from '../ratchet-tree/persistent-map.ts'
import { GroupRoles, type IdentityContext, identityContextOf, type RotationRecord } from './group-components.ts'
import type { GroupIndex, LeafChange } from './group-index.ts'
import type { LeafIdentity } from './group-leaf.ts'
import { checkCertificateAge, checkNewLeafRoot, checkRoots, checkSuccessor } from './group-succession.ts'

/**
 * A first policy comes with roles that name somebody and, for lack of any proof, without rotations.
 * @throws `identity_group/policy` (H8), `identity_group/rotation` (H3)
 */
export function checkFirst(context: IdentityContext, index: GroupIndex): void {
  checkAdmins(undefined, context, index)
  check(context.rotations.length === 0, 'identity_group/rotation', 'H3', 'a group that begins with rotations')
}

/**
 * H8: roles that are set name somebody who is there: a group without admins could never change again.
 * @throws `identity_group/policy` (H8)
 */
export function checkAdmins(
  before: IdentityContext | undefined,
  { roles }: IdentityContext,
  { accounts }: GroupIndex,
): void {
  if (roles === undefined || sameAdmins(before?.roles, roles)) return
  const present = roles.admins.some((admin) => accounts.get(trieKey(admin)) !== undefined)
  check(present, 'identity_group/policy', 'H8', 'roles that leave the group without an admin')
}

function sameAdmins(a: GroupRoles | undefined, b: GroupRoles): boolean {
  return a !== undefined && equalBytes(encode(GroupRoles, a), encode(GroupRoles, b))
}

/**
 * H3 for new leaves, H5 for those that follow another one. `rotations` are those of both epochs: the last leaf that moves may
 * take the record away.
 * @throws `identity_group/root` (H3), `identity_group/successor` (H5)
 */
export function checkLeaves(
  { added, updated, path, external, committer, after }: RuleTransition,
  changes: ReadonlyMap<number, LeafChange>,
  { policy }: IdentityContext,
  rotations: readonly RotationRecord[],
): void {
  for (const leafIndex of [...added.map((one) => one.leafIndex), ...(external ? [committer] : [])]) {
    const leaf = changes.get(leafIndex)?.after
    if (leaf !== undefined) checkNewLeafRoot(leaf, rotations)
  }
  for (const leafIndex of path ? [...updated, committer] : updated) {
    const change = changes.get(leafIndex)
    if (change?.after === undefined) throw new MlsError('internal/unreachable', 'a renewed leaf that is blank')
    const before = external && leafIndex === committer ? undefined : change.before
    if (!(external && leafIndex === committer)) checkSuccessor(before, change.after, rotations)
    if (policy !== undefined) checkCertificateAge(before, change.after, after.epoch, policy)
  }
}

/** H3 for the account of a leaf. @throws `identity_group/root` (H3) */
export function checkAccount(
  index: GroupIndex,
  { account, accountKey }: LeafIdentity,
  { rotations }: IdentityContext,
): void {
  const entry = index.accounts.get(accountKey)
  if (entry !== undefined) checkRoots(account, entry, rotations)
}

/** H3 for an account, by the bytes of its name. @throws `identity_group/root` (H3) */
export function checkAccountKey(index: GroupIndex, account: Uint8Array, { rotations }: IdentityContext): void {
  const entry = index.accounts.get(trieKey(account))
  if (entry !== undefined) checkRoots(account, entry, rotations)
}

/** Pieces of evidence, and rotations, in one commit. */
const maxProofs = 128

/** A bound on the signatures that one commit can make every member check. @throws `code` */
export function few<T>(
  list: readonly T[],
  code: 'identity_group/evidence' | 'identity_group/rotation',
  rule: string,
): readonly T[] {
  check(list.length <= maxProofs, code, rule, 'too many proofs in one commit')
  return list
}

/** The records that a commit would set, if one of its proposals changes the group's extensions. */
export function recordsIn({ proposals }: RuleCompany): IdentityContext['rotations'] | undefined {
  for (const { proposal } of proposals)
    if (proposal.proposalType === 'group_context_extensions') return identityContextOf(proposal.extensions).rotations
  return undefined
}

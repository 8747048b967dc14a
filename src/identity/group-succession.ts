/** What a leaf may become, and on which roots an account may stand (rules H3 and H5). */
import { equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import type { DeviceCert } from './device-cert.ts'
import type { IdentityPolicy, RotationRecord } from './group-components.ts'
import type { RootChange } from './group-evidence.ts'
import type { AccountInTree, RootInTree } from './group-index.ts'
import type { LeafIdentity } from './group-leaf.ts'
import { follows, recordOf } from './group-rights.ts'

/**
 * H5: a leaf that replaces another one of the same member keeps account, device and root, or moves along recorded rotations.
 * @throws `identity_group/successor` (H5)
 */
export function checkSuccessor(
  before: LeafIdentity | undefined,
  after: LeafIdentity,
  rotations: readonly RotationRecord[],
): void {
  const same = before !== undefined && before.deviceKey === after.deviceKey
  check(same, 'identity_group/successor', 'H5', 'a leaf that takes another name')
  const moved = before.certificate !== undefined && !sameRoot(before.certificate.cert, after.certificate?.cert)
  check(!moved || follows(rotations, after, before), 'identity_group/successor', 'H5', 'a leaf that takes another root')
}

/**
 * H5: the age of a certificate, in epochs that all members count alike. A leaf that renews its certificate names the epoch
 * that begins with it; one that does not keeps what it said. A certificate never goes back, so two old ones are no way to
 * stay young.
 * @throws `identity_group/successor` (H5)
 */
export function checkCertificateAge(
  before: LeafIdentity | undefined,
  after: LeafIdentity,
  epoch: bigint,
  { maxCertificateAge }: IdentityPolicy,
): void {
  if (maxCertificateAge === 0 || after.certificate === undefined) return
  const said = after.certificateEpoch
  const old = before?.certificate
  const kept = old !== undefined && equalBytes(old.bytes, after.certificate.bytes)
  const expected = kept && before?.certificateEpoch !== undefined ? before.certificateEpoch : epoch
  check(said === expected, 'identity_group/successor', 'H5', 'a leaf that is wrong about the age of its certificate')
  const young = expected + BigInt(maxCertificateAge) >= epoch
  check(young, 'identity_group/successor', 'H5', 'a leaf whose certificate is too old')
  const forward = old === undefined || kept || isNewer(old.cert, after.certificate.cert)
  check(forward, 'identity_group/successor', 'H5', 'a certificate that is older than the one before')
}

/**
 * H3: an account stands on one root, and beside it on those only from which records lead there.
 * @throws `identity_group/root` (H3)
 */
export function checkRoots(account: Uint8Array, { roots }: AccountInTree, rotations: readonly RotationRecord[]): void {
  const [first, ...others] = roots
  if (first === undefined || others.length === 0) return
  const newest = others.reduce((best, one) => (one.generation > best.generation ? one : best), first)
  for (const root of roots)
    check(
      root === newest || leads(account, root, newest, rotations),
      'identity_group/root',
      'H3',
      'an account with leaves on two roots',
    )
}

/** H3: nobody comes in on a root that was left: it may be in the hands of a thief. @throws `identity_group/root` (H3) */
export function checkNewLeafRoot(added: LeafIdentity, rotations: readonly RotationRecord[]): void {
  check(recordOf(rotations, added) === undefined, 'identity_group/root', 'H3', 'a new leaf on a root that was left')
}

/**
 * H3: records of rotations are added with their proof, once for each root, and go when nobody stands on the old root.
 * @param proven the rotations that the commit proves; `rootsOf` an account of the tree before and after
 * @throws `identity_group/rotation` (H3)
 */
export function checkRecords(
  before: readonly RotationRecord[],
  after: readonly RotationRecord[],
  input: {
    readonly epoch: bigint
    readonly proven: readonly RootChange[]
    readonly rootsBefore: (account: Uint8Array) => readonly RootInTree[]
    readonly rootsAfter: (account: Uint8Array) => readonly RootInTree[]
  },
): void {
  if (before === after) return
  const refuse = (holds: boolean, message: string): void => check(holds, 'identity_group/rotation', 'H3', message)
  const kept = before.filter((one) => after.some((other) => sameRecord(one, other)))
  refuse(
    kept.every((one, i) => sameRecord(one, after[i])),
    'records of rotations in another order',
  )
  for (const record of before)
    if (!kept.includes(record))
      refuse(!standsOn(input.rootsAfter(record.account), record), 'a record of a rotation that is still needed')
  for (const [i, record] of after.entries()) {
    if (i < kept.length) continue
    refuse(record.epoch === input.epoch, 'a record of a rotation of another epoch')
    refuse(
      input.proven.some((one) => isProofOf(one, record)),
      'a record of a rotation without proof',
    )
    refuse(standsOn(input.rootsBefore(record.account), record), 'a record of a rotation that concerns nobody')
    refuse(
      after.every((other, j) => i === j || !sameOldRoot(other, record)),
      'two records of rotations of one root',
    )
  }
}

function leads(account: Uint8Array, from: RootInTree, to: RootInTree, rotations: readonly RotationRecord[]): boolean {
  let { root, generation } = from
  // generations grow by one with each record, so the walk ends
  for (;;) {
    const record = rotations.find(
      (one) => one.oldGeneration === generation && equalBytes(one.oldRoot, root) && equalBytes(one.account, account),
    )
    if (record === undefined) return false
    root = record.newRoot
    generation = record.newGeneration
    if (generation === to.generation && equalBytes(root, to.root)) return true
  }
}

function standsOn(roots: readonly RootInTree[], { oldRoot, oldGeneration }: RotationRecord): boolean {
  return roots.some(({ root, generation }) => generation === oldGeneration && equalBytes(root, oldRoot))
}

function isProofOf(change: RootChange, record: RotationRecord): boolean {
  return (
    equalBytes(change.account, record.account) &&
    change.oldGeneration === record.oldGeneration &&
    equalBytes(change.oldRoot, record.oldRoot) &&
    change.newGeneration === record.newGeneration &&
    equalBytes(change.newRoot, record.newRoot)
  )
}

function sameOldRoot(a: RotationRecord, b: RotationRecord): boolean {
  return a.oldGeneration === b.oldGeneration && equalBytes(a.oldRoot, b.oldRoot) && equalBytes(a.account, b.account)
}

function sameRecord(a: RotationRecord, b: RotationRecord | undefined): boolean {
  return (
    b !== undefined &&
    sameOldRoot(a, b) &&
    a.newGeneration === b.newGeneration &&
    equalBytes(a.newRoot, b.newRoot) &&
    a.epoch === b.epoch
  )
}

function sameRoot(a: DeviceCert, b: DeviceCert | undefined): boolean {
  return b !== undefined && a.generation === b.generation && equalBytes(a.rootEd25519, b.rootEd25519)
}

function isNewer(old: DeviceCert, next: DeviceCert): boolean {
  if (old.generation !== next.generation) return next.generation > old.generation
  if (next.manifestSeq !== old.manifestSeq) return next.manifestSeq > old.manifestSeq
  return next.notAfter > old.notAfter
}

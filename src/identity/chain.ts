/**
 * How one signed manifest stands to another, and how a generation follows its predecessor.
 *
 *     base ── prevHash ──> next, or after a gap            two with one number, or one that breaks a rule: conflict,
 *       └─ merged parents ──> merge                        until a later one continues both
 *     last ── rotation, signed by both roots ──> first of the next generation
 */
import { equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { checkContinuity } from './continuity.ts'
import { identityLimits } from './limits.ts'
import type { VerifiedManifest } from './manifest.ts'
import { type RotationStatement, rotationStrength, type VerifiedRotation, verifyRotation } from './rotation.ts'

/** How one manifest stands to another of the same root. */
export type Link =
  /** It is the same. */
  | { readonly kind: 'same' }
  /** It is an earlier one. */
  | { readonly kind: 'older' }
  /** It follows; `gap`: manifests between are not known, `merged`: it continues another one as well. */
  | { readonly kind: 'next'; readonly gap: boolean; readonly merged: boolean }
  /** Both are signed and cannot both be: two with one number, or one that breaks a rule of the chain. */
  | { readonly kind: 'conflict'; readonly rule: string }

/** How `next` stands to `previous`, which has the same root. Never throws. */
export function linkManifests(suite: CipherSuite, previous: VerifiedManifest, next: VerifiedManifest): Link {
  if (equalBytes(previous.hash, next.hash)) return { kind: 'same' }
  // a root belongs to one generation
  if (previous.generation !== next.generation) return { kind: 'conflict', rule: 'I029' }
  if (next.seq === previous.seq) return { kind: 'conflict', rule: 'I031' }
  if (next.seq < previous.seq) {
    // an older one is told from a forged past where it must be the predecessor
    const forged = next.seq + 1n === previous.seq && !continues(previous, next)
    return forged ? { kind: 'conflict', rule: 'I031' } : { kind: 'older' }
  }
  const linked = continues(next, previous)
  if (!linked && next.seq === previous.seq + 1n) return { kind: 'conflict', rule: 'I031' }
  try {
    checkContinuity(suite, previous, next)
  } catch (error) {
    return { kind: 'conflict', rule: (error instanceof MlsError && error.rule) || 'I030' }
  }
  return { kind: 'next', gap: !linked, merged: next.mergedParents.length > 0 }
}

/** How bad two manifests that contradict each other are, as far as they tell themselves. */
export type ConflictGrade =
  /** Both follow the same manifest, as when two honest devices publish at once; a later manifest may have merged them. */
  | 'race'
  /** No honest devices make these, unless one was cut off while it published. */
  | 'misuse'

/** The grade of a conflict. */
export function conflictGrade(first: VerifiedManifest, second: VerifiedManifest): ConflictGrade {
  const race =
    first.seq === second.seq && equalBytes(first.prevHash, second.prevHash) && first.generation === second.generation
  return race ? 'race' : 'misuse'
}

/** Whether a manifest names another as predecessor or as merged. */
export function continues(manifest: VerifiedManifest, earlier: { readonly hash: Uint8Array }): boolean {
  return (
    equalBytes(manifest.prevHash, earlier.hash) || manifest.mergedParents.some((hash) => equalBytes(hash, earlier.hash))
  )
}

/** A signed manifest that contradicts what is believed. `parents` are the hashes that it continues. */
export interface Conflict {
  readonly hash: Uint8Array
  readonly parents: readonly Uint8Array[]
}

/** The part of a manifest that is kept of a conflict. */
function conflictOf(manifest: VerifiedManifest): Conflict {
  return { hash: manifest.hash, parents: [manifest.prevHash, ...manifest.mergedParents] }
}

/** The conflicts with one more; the same list when it is known. */
export function remember(conflicts: readonly Conflict[], manifest: VerifiedManifest): readonly Conflict[] {
  if (conflicts.some(({ hash }) => equalBytes(hash, manifest.hash))) return conflicts
  return [...conflicts, conflictOf(manifest)].slice(-identityLimits.conflicts)
}

/** The conflicts that are left when `manifest` is believed: it settles those that it continues, and what these continued. */
export function unsettled(conflicts: readonly Conflict[], manifest: VerifiedManifest): readonly Conflict[] {
  const settled = new Set([manifest.prevHash, ...manifest.mergedParents, manifest.hash].map(mapKey))
  let left = conflicts
  for (let before = -1; before !== left.length; ) {
    before = left.length
    const found = left.filter(({ hash }) => settled.has(mapKey(hash)))
    for (const { parents } of found) for (const parent of parents) settled.add(mapKey(parent))
    left = left.filter((one) => !found.includes(one))
  }
  return left
}

/** A rotation that counts, and how much it proves. */
export interface ProvenRotation {
  readonly rotation: VerifiedRotation
  readonly strength: 'strong' | 'soft'
}

/**
 * Checks that a rotation leads away from the root of `previous`, as its owner announced it.
 * @throws `identity/rotation` (I050, I051, I054; I055 not announced, or a reset; I056 the rotation forks what was seen),
 * `identity/signature` (I052, I053), `identity/key` (I005)
 */
export function proveRotation(
  suite: CipherSuite,
  previous: VerifiedManifest,
  statement: RotationStatement,
): ProvenRotation {
  const subject = equalBytes(statement.account, previous.account) && statement.oldGeneration === previous.generation
  check(subject, 'identity/rotation', 'I051', 'a rotation of another account or generation')
  const rotation = verifyRotation(suite, statement, previous.root)
  const strength = rotationStrength(rotation, previous.nextRootHash)
  const proven = strength === 'strong' || strength === 'soft'
  check(proven, 'identity/rotation', 'I055', 'a rotation that the old root did not sign or had not announced')
  // the owner of the recovery secret may drop what a thief of OPS published; nobody else may
  const forks = statement.lastSeq <= previous.seq && !equalBytes(statement.lastHash, previous.hash)
  check(!forks || strength === 'strong', 'identity/rotation', 'I056', 'a rotation from before what was seen')
  return { rotation, strength }
}

/**
 * Checks that a generation begins where its rotation says: with that root, number and predecessor.
 * @throws `identity/rotation` (I057), `identity/chain` as {@link checkContinuity}
 */
export function checkFirst(
  suite: CipherSuite,
  previous: VerifiedManifest,
  { rotation, strength }: ProvenRotation,
  first: VerifiedManifest,
): void {
  const begins =
    equalBytes(first.account, previous.account) &&
    equalBytes(first.rootHash, rotation.newRootHash) &&
    first.generation === rotation.newGeneration &&
    first.seq === rotation.lastSeq + 1n &&
    equalBytes(first.prevHash, rotation.lastHash)
  check(begins, 'identity/rotation', 'I057', 'a generation that does not begin with its rotation')
  const onTop = equalBytes(rotation.lastHash, previous.hash)
  if (onTop || strength === 'soft') checkContinuity(suite, previous, first)
}

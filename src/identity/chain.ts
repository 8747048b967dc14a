/**
 * The walk from a manifest that is believed to a newer one.
 *
 *     pinned ── prevHash ── … ── gap ── … ── rotation ── first of the next generation ── … ── current
 *                  └─ another manifest with the same number: conflict, until a later one continues both
 *
 * Every step was verified on its own before. A server chooses what it shows, so the walk takes a bag of steps, uses those
 * that continue what is believed, and reports the others; a signed step that contradicts is a fact, never noise.
 */
import { equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { compareBytes } from './compare.ts'
import { checkContinuity } from './continuity.ts'
import { identityLimits } from './limits.ts'
import type { VerifiedManifest } from './manifest.ts'
import { compareHeads } from './manifest-head.ts'
import type { OpsCert } from './ops-cert.ts'
import { laterOps, replacedSide } from './replaced-ops.ts'
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
export function conflictOf(manifest: VerifiedManifest): Conflict {
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

/** What a server or a peer shows of an account, beside its current manifest. */
export interface ChainLog {
  readonly manifests: readonly VerifiedManifest[]
  /** Decoded only: a rotation is verified against the root that it comes from. */
  readonly rotations: readonly RotationStatement[]
}

/** A log with nothing in it. */
export const emptyLog: ChainLog = { manifests: [], rotations: [] }

/** Something that happened on a walk. */
export type WalkEvent =
  | { readonly kind: 'advanced'; readonly from: VerifiedManifest; readonly to: VerifiedManifest; readonly gap: boolean }
  | {
      readonly kind: 'rotated'
      readonly from: VerifiedManifest
      readonly to: VerifiedManifest
      readonly statement: RotationStatement
      readonly strength: 'strong' | 'soft'
    }
  | {
      readonly kind: 'conflict'
      readonly with: VerifiedManifest
      readonly manifest: VerifiedManifest
      readonly rule: string
    }

/** Where a walk ends. */
export interface Walk {
  readonly head: VerifiedManifest
  readonly events: readonly WalkEvent[]
  readonly conflicts: readonly Conflict[]
}

/** What is known before a walk. */
export interface WalkMemory {
  /** Conflicts from before, which the walk may settle. */
  readonly conflicts: readonly Conflict[]
  /** Whether the old root is in other hands, so that only an announced root may follow it (I059). */
  readonly strongOnly: boolean
}

const nothingKnown: WalkMemory = { conflicts: [], strongOnly: false }

/**
 * Walks from `start` as far as the steps lead. Steps of other roots, older steps and unproven rotations are passed over;
 * whether the result is what the server calls current is for the caller to compare.
 * @throws `identity/limit` (I003) for more than 256 steps
 */
export function walkChain(
  suite: CipherSuite,
  start: VerifiedManifest,
  log: ChainLog,
  memory: WalkMemory = nothingKnown,
): Walk {
  const steps = log.manifests.length + log.rotations.length
  check(steps <= identityLimits.walkSteps, 'identity/limit', 'I003', 'too many steps in a log')
  const ordered = [...log.manifests].sort((a, b) => compareHeads(a, b) || compareBytes(a.hash, b.hash))
  const events: WalkEvent[] = []
  let walk: Walk = { head: start, events, conflicts: memory.conflicts }
  let { strongOnly } = memory
  for (;;) {
    walk = walkGeneration(suite, walk, ordered, events)
    const rotated = walkRotation(suite, walk.head, ordered, log.rotations, strongOnly)
    if (rotated === undefined) return walk
    if (rotated.kind === 'conflict') {
      const conflicts = remember(walk.conflicts, rotated.manifest)
      if (conflicts === walk.conflicts) return walk
      events.push(rotated)
      return { ...walk, conflicts }
    }
    events.push(rotated)
    // I059: what was done in the name of the old root is over when its owner took it back; its own word does not end it
    walk = { head: rotated.to, events, conflicts: rotated.strength === 'strong' ? [] : walk.conflicts }
    strongOnly = false
  }
}

function walkGeneration(
  suite: CipherSuite,
  from: Walk,
  ordered: readonly VerifiedManifest[],
  events: WalkEvent[],
): Walk {
  let { head, conflicts } = from
  const same = ordered.filter((one) => equalBytes(one.rootHash, from.head.rootHash))
  for (const manifest of replacedLast(same)) {
    const link = linkManifests(suite, head, manifest)
    if (link.kind === 'next') {
      events.push({ kind: 'advanced', from: head, to: manifest, gap: link.gap })
      head = manifest
      const before = conflicts
      conflicts = unsettled(before, manifest)
      if (conflicts.length < before.length) dropSettled(events, before, conflicts)
    } else if (link.kind === 'conflict') {
      // what the head merged is history, though it does not fit the head's own line
      if (continues(head, manifest)) continue
      const before = conflicts
      conflicts = remember(before, manifest)
      if (conflicts !== before) events.push({ kind: 'conflict', with: head, manifest, rule: link.rule })
    }
  }
  return { head, events, conflicts }
}

/** Manifests in order, but what an OPS key signs beside or after the one that replaces it comes last (I038). */
function replacedLast(same: readonly VerifiedManifest[]): readonly VerifiedManifest[] {
  const newest = same.reduce<OpsCert | undefined>((best, { ops }) => laterOps(best, ops), undefined)
  const begins = same.find(
    ({ ops }) => ops !== undefined && newest !== undefined && equalBytes(ops.opsKey, newest.opsKey),
  )
  if (begins === undefined) return same
  const late = (one: VerifiedManifest): boolean => one.seq >= begins.seq && replacedSide(one, begins) === one
  return [...same.filter((one) => !late(one)), ...same.filter(late)]
}

/** Two devices that published at once and were merged on the same walk have done nothing that is worth telling. */
function dropSettled(events: WalkEvent[], before: readonly Conflict[], left: readonly Conflict[]): void {
  const settled = new Set(before.filter((one) => !left.includes(one)).map(({ hash }) => mapKey(hash)))
  const kept = events.filter((event) => event.kind !== 'conflict' || !settled.has(mapKey(event.manifest.hash)))
  events.splice(0, events.length, ...kept)
}

type Rotated = Extract<WalkEvent, { readonly kind: 'rotated' }>
type Conflicting = Extract<WalkEvent, { readonly kind: 'conflict' }>

function walkRotation(
  suite: CipherSuite,
  from: VerifiedManifest,
  ordered: readonly VerifiedManifest[],
  rotations: readonly RotationStatement[],
  strongOnly: boolean,
): Rotated | Conflicting | undefined {
  const found: Rotated[] = []
  for (const statement of rotations) {
    if (statement.oldGeneration !== from.generation) continue
    const to = rotationTarget(suite, from, statement, ordered)
    if (to === undefined) continue
    if (to.strength === 'strong') return to
    if (!strongOnly) found.push(to)
  }
  const [one, ...others] = found
  const other = others.find(({ to }) => one !== undefined && !equalBytes(to.rootHash, one.to.rootHash))
  // I058: the old root named two heirs and had announced none: nobody can tell which of them is the owner's
  if (one === undefined || other === undefined) return one
  return { kind: 'conflict', with: one.to, manifest: other.to, rule: 'I058' }
}

function rotationTarget(
  suite: CipherSuite,
  from: VerifiedManifest,
  statement: RotationStatement,
  ordered: readonly VerifiedManifest[],
): Rotated | undefined {
  try {
    // one look at the signatures for each statement, however many manifests claim to follow it
    const proven = proveRotation(suite, from, statement)
    const to = ordered.find((first) => isFirst(suite, from, proven, first))
    return to && { kind: 'rotated', from, to, statement, strength: proven.strength }
  } catch (error) {
    // whoever can write the log can put rotations of others there: they prove nothing and change nothing
    if (error instanceof MlsError) return undefined
    throw error
  }
}

function isFirst(suite: CipherSuite, from: VerifiedManifest, proven: ProvenRotation, first: VerifiedManifest): boolean {
  try {
    checkFirst(suite, from, proven, first)
    return true
  } catch (error) {
    if (error instanceof MlsError) return false
    throw error
  }
}

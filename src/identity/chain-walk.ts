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
import {
  type Conflict,
  checkFirst,
  continues,
  linkManifests,
  type ProvenRotation,
  proveRotation,
  remember,
  unsettled,
} from './chain.ts'
import { compareBytes } from './compare.ts'
import { identityLimits } from './limits.ts'
import type { VerifiedManifest } from './manifest.ts'
import { compareHeads } from './manifest-head.ts'
import type { OpsCert } from './ops-cert.ts'
import { laterOps, replacedSide } from './replaced-ops.ts'
import type { RotationStatement } from './rotation.ts'

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

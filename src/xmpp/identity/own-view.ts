/** What a server shows of the own account, put in order: where it leads, and what was left beside. Pure. */
import { equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { mapKey } from '../../bytes/text.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import { linkManifests } from '../../identity/chain.ts'
import { walkChain } from '../../identity/chain-walk.ts'
import { compareBytes } from '../../identity/compare.ts'
import { identityLimits } from '../../identity/limits.ts'
import { manifestHash, type VerifiedManifest, verifyManifest } from '../../identity/manifest.ts'
import { compareHeads } from '../../identity/manifest-head.ts'
import { replacedSide } from '../../identity/replaced-ops.ts'
import { decodeRotation, type RotationStatement } from '../../identity/rotation.ts'
import type { ShownIdentity } from './directory.ts'

/** The own nodes, read and verified. */
export interface OwnView {
  readonly current: VerifiedManifest | undefined
  readonly manifests: readonly VerifiedManifest[]
  readonly rotations: readonly RotationStatement[]
}

/**
 * Verifies what the nodes hold. What does not hold is passed over: whoever runs the server can put anything there.
 * @param known manifests that were verified before, by their hash
 */
export function readOwnView(
  suite: CipherSuite,
  account: Uint8Array,
  shown: ShownIdentity,
  known: ReadonlyMap<string, VerifiedManifest> = new Map(),
): OwnView {
  const read = <T>(of: readonly Uint8Array[], decode: (bytes: Uint8Array) => T): T[] =>
    of.flatMap((bytes) => {
      try {
        return [decode(bytes)]
      } catch (error) {
        if (error instanceof MlsError && error.kind !== 'bug') return []
        throw error
      }
    })
  const verified = (of: readonly Uint8Array[]) =>
    read(of, (bytes) => known.get(mapKey(manifestHash(suite, bytes))) ?? verifyManifest(suite, bytes)).filter((one) =>
      equalBytes(one.account, account),
    )
  return {
    current: verified(shown.current === undefined ? [] : [shown.current])[0],
    manifests: verified(shown.manifests),
    rotations: read(shown.rotations, decodeRotation).filter((one) => equalBytes(one.account, account)),
  }
}

/** Two manifests that both follow `base` and do not know of one another. */
export interface Fork {
  readonly base: VerifiedManifest
  readonly side: VerifiedManifest
}

/** Where the own line stands. */
export interface OwnLine {
  /** The newest manifest that the own one leads to. */
  readonly head: VerifiedManifest
  /** Rotations on the way, with the manifest that each of them left. */
  readonly rotations: readonly OwnRotation[]
  /** What is to be merged into the head. */
  readonly forks: readonly Fork[]
  /** Signed manifests that contradict the line and follow nothing that is known: somebody else has the key. */
  readonly strangers: readonly VerifiedManifest[]
}

/**
 * Follows the own line as far as it goes. Of several sides the one with the newest OPS counts, then that with the higher
 * number, then that with the lower hash: the same at every device.
 * @param own the newest own manifest @param history earlier ones, oldest first
 * @param settled whether `own` was seen as the current one
 */
export function followOwn(
  suite: CipherSuite,
  own: VerifiedManifest,
  history: readonly VerifiedManifest[],
  view: OwnView,
  settled: boolean,
): OwnLine {
  const all = unique([...history, own, ...view.manifests, ...(view.current === undefined ? [] : [view.current])])
  const rotations = rotationsFrom(suite, own, all, view.rotations)
  const root = rotations.at(-1)?.to ?? own
  const same = all.filter((one) => equalBytes(one.rootHash, root.rootHash))
  const known = new Map(all.map((one) => [mapKey(one.hash), one]))
  const oldest = history.find((one) => equalBytes(one.rootHash, root.rootHash)) ?? root
  // the server's copy of a manifest is another object
  const isRoot = (one: VerifiedManifest): boolean => equalBytes(one.hash, root.hash)
  const follows = (one: VerifiedManifest): boolean =>
    isRoot(one) || same.some((base) => base.seq < one.seq && linkManifests(suite, base, one).kind === 'next')
  // what is older than all that is remembered was dealt with in its time
  const tips = topmost(same).filter((one) => isRoot(one) || one.seq >= oldest.seq)
  const [head = root, ...sides] = tips
    .filter(follows)
    .sort((a, b) => byOps(a, b) || Number(b.seq - a.seq) || compareBytes(a.hash, b.hash))
  const line = ancestors(head, known)
  const forks: Fork[] = []
  // a log that was cut short may lack what both sides follow: whoever remembers that one merges them
  const springs = (one: VerifiedManifest): boolean => {
    const meetings = meetingsWith(line, one, known)
    return meetings.length > 0 && meetings.every((name) => !known.has(name))
  }
  const strangers = tips.filter((one) => !follows(one) && !springs(one))
  for (const side of sides) {
    const included = line.has(mapKey(side.hash)) || (isRoot(side) && settled && isNext(suite, side, head))
    if (included) continue
    const base = baseOf(suite, head, side, same)
    if (base !== undefined) forks.push({ base, side })
    else if (!springs(side)) strangers.push(side)
  }
  return { head, rotations, forks, strangers }
}

/** A key that was replaced signs no more, whatever number it writes (I038). */
function byOps(a: VerifiedManifest, b: VerifiedManifest): number {
  const replaced = replacedSide(a, b)
  return replaced === undefined ? 0 : replaced === a ? 1 : -1
}

const isNext = (suite: CipherSuite, one: VerifiedManifest, other: VerifiedManifest): boolean =>
  linkManifests(suite, one, other).kind === 'next'

/** A rotation that the own line has gone through. */
export interface OwnRotation {
  readonly statement: RotationStatement
  /** The manifest that it left, and the first one after it. */
  readonly lastManifest: VerifiedManifest
  readonly to: VerifiedManifest
}

function rotationsFrom(
  suite: CipherSuite,
  own: VerifiedManifest,
  all: readonly VerifiedManifest[],
  rotations: readonly RotationStatement[],
): OwnRotation[] {
  if (rotations.length === 0) return []
  const statements = rotations.slice(-identityLimits.pastRoots)
  const manifests = all.slice(-(identityLimits.walkSteps - statements.length))
  return walkChain(suite, own, { manifests, rotations: statements }).events.flatMap((event) =>
    event.kind === 'rotated'
      ? [{ statement: event.statement, lastManifest: lastOf(event.from, event.statement, all), to: event.to }]
      : [],
  )
}

/** The manifest that a statement names; a strong one may leave an earlier one than the walk has come to. */
function lastOf(
  from: VerifiedManifest,
  { lastHash }: RotationStatement,
  all: readonly VerifiedManifest[],
): VerifiedManifest {
  return all.find(({ hash }) => equalBytes(hash, lastHash)) ?? from
}

function unique(list: readonly VerifiedManifest[]): readonly VerifiedManifest[] {
  const found = [...new Map(list.map((one) => [mapKey(one.hash), one])).values()]
  return found.sort((a, b) => compareHeads(a, b) || compareBytes(a.hash, b.hash))
}

/** Manifests that no other of the list continues. */
function topmost(list: readonly VerifiedManifest[]): readonly VerifiedManifest[] {
  const parents = new Set(list.flatMap((one) => [one.prevHash, ...one.mergedParents].map(mapKey)))
  return list.filter((one) => !parents.has(mapKey(one.hash)))
}

/** The hashes of a manifest and of all that it continues, as far as they are known. */
function ancestors(head: VerifiedManifest, known: ReadonlyMap<string, VerifiedManifest>): ReadonlySet<string> {
  const seen = new Set<string>()
  const open = [head]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const name = mapKey(one.hash)
    if (seen.has(name)) continue
    seen.add(name)
    for (const parent of [one.prevHash, ...one.mergedParents]) {
      const found = known.get(mapKey(parent))
      if (found !== undefined) open.push(found)
      else seen.add(mapKey(parent))
    }
  }
  return seen
}

/** The hashes at which the past of a manifest meets a line. */
function meetingsWith(
  line: ReadonlySet<string>,
  manifest: VerifiedManifest,
  known: ReadonlyMap<string, VerifiedManifest>,
): readonly string[] {
  const seen = new Set<string>()
  const open = [manifest]
  for (let one = open.pop(); one !== undefined; one = open.pop())
    for (const name of [one.prevHash, ...one.mergedParents].map(mapKey)) {
      const parent = known.get(name)
      if (!seen.has(name) && !line.has(name) && parent !== undefined) open.push(parent)
      seen.add(name)
    }
  return [...seen].filter((name) => line.has(name))
}

/** The newest manifest that both sides follow. */
function baseOf(
  suite: CipherSuite,
  head: VerifiedManifest,
  side: VerifiedManifest,
  all: readonly VerifiedManifest[],
): VerifiedManifest | undefined {
  return [...all].reverse().find((base) => {
    if (base.seq >= side.seq || base.seq >= head.seq || !equalBytes(base.rootHash, head.rootHash)) return false
    return [head, side].every((one) => linkManifests(suite, base, one).kind === 'next')
  })
}

/**
 * Two of an owner's devices published at once. The merge keeps both changes and names both manifests, so that contacts who
 * saw either go on. It is a function of its input alone: whichever device makes it, and however many do, the bytes are the
 * same (I090), hence signatures must be deterministic, as those of Ed25519 are.
 *
 *     base ──> winner ──┐  prevHash
 *       └────> loser ───┴─ merged parents ──> merge          winner: higher seq, then lower hash
 *
 * Of a side whose OPS key the other one has replaced nothing is kept, see `replaced-ops.ts`.
 */
import { type Bytes, equalBytes, isZero } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { type Extension, setExtension } from '../wire/extension.ts'
import { linkManifests } from './chain.ts'
import { compareBytes } from './compare.ts'
import { revocationKey, severity } from './continuity.ts'
import { CrossStatement } from './cross-statement.ts'
import { type DeviceEntry, leafKeyHash, type RevokedEntry } from './device-entry.ts'
import {
  type ManifestSigner,
  type ManifestTbs,
  manifestVersion,
  signManifest,
  type VerifiedManifest,
} from './manifest.ts'
import { backupCounterOf, lastingExtensions, MergedParents, manifestExtensionTypes } from './manifest-extensions.ts'
import { laterOps, replacedSide, strayRevocations } from './replaced-ops.ts'
import { earliest, latest } from './times.ts'

/**
 * Merges two manifests that follow the same one.
 * @param base the last manifest that both continue
 * @param signer OPS of the manifest whose OPS is newer, or the root
 * @throws `identity/merge` (I090) when they are of two roots, do not continue `base`, or say what cannot both be kept: two
 * next roots, or one device id with two histories; as `signManifest` for a result that is too large
 */
export async function mergeManifests(
  suite: CipherSuite,
  signer: ManifestSigner,
  base: VerifiedManifest,
  a: VerifiedManifest,
  b: VerifiedManifest,
): Promise<VerifiedManifest> {
  const aWins = a.seq === b.seq ? compareBytes(a.hash, b.hash) <= 0 : a.seq > b.seq
  const [winner, loser] = aWins ? [a, b] : [b, a]
  for (const side of [winner, loser]) {
    const follows = linkManifests(suite, base, side).kind
    const fits = equalBytes(side.rootHash, base.rootHash) && (follows === 'next' || follows === 'same')
    check(fits, 'identity/merge', 'I090', 'manifests to merge that do not follow the same one')
  }
  const merged = await signManifest(suite, signer, mergedContent(suite, base, winner, loser))
  for (const side of [winner, loser]) {
    const kept = linkManifests(suite, side, merged)
    const whole = kept.kind === 'next' && !kept.gap
    check(whole, 'identity/merge', 'I090', 'manifests that cannot both be kept')
  }
  return merged
}

function mergedContent(
  suite: CipherSuite,
  base: VerifiedManifest,
  winner: VerifiedManifest,
  loser: VerifiedManifest,
): ManifestTbs {
  const ops = laterOps(winner.ops, loser.ops)
  const expires = latest(winner.expiresAt, loser.expiresAt)
  const issuedAt = latest(winner.issuedAt, loser.issuedAt)
  const common = {
    version: manifestVersion,
    account: winner.account,
    generation: winner.generation,
    root: winner.root,
    ops,
    seq: winner.seq + 1n,
    prevHash: winner.hash,
    issuedAt,
    nextRootHash: mergedAnnouncement(winner, loser),
  }
  const revoked = mergedRevocations(winner, loser)
  const replaced = replacedSide(winner, loser)
  if (replaced !== undefined) {
    const kept = replaced === winner ? loser : winner
    const revocations = [...revoked, ...strayRevocations(suite, kept, replaced, revoked, common)]
    return {
      ...common,
      expiresAt: kept.expiresAt,
      ...applyRevocations(suite, kept.devices, revocations),
      others: kept.others,
      extensions: mergedExtensions(replaced, winner, loser),
    }
  }
  return {
    ...common,
    expiresAt: ops === undefined ? expires : earliest(expires, ops.notAfter),
    ...applyRevocations(suite, mergedDevices(base, winner, loser), revoked),
    others: mergedOthers(base, winner, loser),
    extensions: mergedExtensions(base, winner, loser),
  }
}

function mergedAnnouncement(winner: VerifiedManifest, loser: VerifiedManifest): Bytes {
  if (isZero(winner.nextRootHash)) return loser.nextRootHash
  const one = isZero(loser.nextRootHash) || equalBytes(winner.nextRootHash, loser.nextRootHash)
  check(one, 'identity/merge', 'I090', 'two devices announced two roots')
  return winner.nextRootHash
}

/** The side that changed a value; when both did, the first. */
function changed<T>(base: T | undefined, first: T, second: T, same: (a: T, b: T) => boolean): T {
  return base !== undefined && same(base, first) ? second : first
}

function mergedDevices(base: VerifiedManifest, winner: VerifiedManifest, loser: VerifiedManifest): DeviceEntry[] {
  const find = (manifest: VerifiedManifest, id: Uint8Array) =>
    manifest.devices.find(({ deviceId }) => equalBytes(deviceId, id))
  const both = winner.devices.map((device) => {
    const other = find(loser, device.deviceId)
    return other === undefined ? device : mergedDevice(find(base, device.deviceId), device, other)
  })
  return [...both, ...loser.devices.filter(({ deviceId }) => find(winner, deviceId) === undefined)]
}

function mergedDevice(base: DeviceEntry | undefined, first: DeviceEntry, second: DeviceEntry): DeviceEntry {
  const keys = new Map([...first.leafKeys, ...second.leafKeys].map((key) => [mapKey(key), key]))
  return {
    ...first,
    // a key that one side dropped was revoked by it, see below
    leafKeys: [...keys.values()],
    notAfter: latest(first.notAfter, second.notAfter),
    // each bit by the side that changed it
    flags: base === undefined ? first.flags : first.flags ^ ((second.flags ^ base.flags) & ~(first.flags ^ base.flags)),
    encLabel: changed(base?.encLabel, first.encLabel, second.encLabel, equalBytes),
  }
}

function mergedRevocations(winner: VerifiedManifest, loser: VerifiedManifest): readonly RevokedEntry[] {
  const pruned = latest(winner.checkpoint?.prunedThrough ?? -1n, loser.checkpoint?.prunedThrough ?? -1n)
  const [ours, theirs] = [winner, loser].map(
    ({ revoked }) => new Map(revoked.map((entry) => [revocationKey(entry), entry])),
  ) as [Map<string, RevokedEntry>, Map<string, RevokedEntry>]
  return [...new Map([...ours, ...theirs])].flatMap(([key, entry]) => {
    const [first, second] = [ours.get(key), theirs.get(key)]
    if (first !== undefined && second !== undefined) return [worse(first, second)]
    return entry.effectiveSeq <= pruned ? [] : [entry]
  })
}

function worse(a: RevokedEntry, b: RevokedEntry): RevokedEntry {
  const reason = severity[a.reason] >= severity[b.reason] ? a.reason : b.reason
  const first = a.effectiveSeq <= b.effectiveSeq ? a : b
  return { ...first, reason }
}

/** Takes revoked keys off the devices; a device that one side removed takes along the keys that the other gave it. */
function applyRevocations(
  suite: CipherSuite,
  devices: readonly DeviceEntry[],
  revoked: readonly RevokedEntry[],
): { readonly devices: readonly DeviceEntry[]; readonly revoked: readonly RevokedEntry[] } {
  const removals = new Map(
    revoked.filter(({ reason }) => reason !== 'superseded').map((entry) => [mapKey(entry.deviceId), entry]),
  )
  const known = new Set(revoked.map(revocationKey))
  const gone = new Set(revoked.map((entry) => mapKey(entry.leafKeyHash)))
  const added = devices.flatMap(({ deviceId, leafKeys }) => {
    const removal = removals.get(mapKey(deviceId))
    if (removal === undefined) return []
    const entries = leafKeys.map((key) => ({ ...removal, leafKeyHash: leafKeyHash(suite, key) }))
    return entries.filter((entry) => !known.has(revocationKey(entry)))
  })
  const kept = devices
    .filter(({ deviceId }) => !removals.has(mapKey(deviceId)))
    .map((device) => ({
      ...device,
      leafKeys: device.leafKeys.filter((key) => !gone.has(mapKey(leafKeyHash(suite, key)))),
    }))
  return { devices: kept, revoked: [...revoked, ...added] }
}

function mergedOthers(
  base: VerifiedManifest,
  winner: VerifiedManifest,
  loser: VerifiedManifest,
): readonly CrossStatement[] {
  const key = (statement: CrossStatement) => mapKey(encode(CrossStatement, statement))
  const [before, ours, theirs] = [base, winner, loser].map(({ others }) => new Set(others.map(key)))
  const all = new Map([...winner.others, ...loser.others].map((statement) => [key(statement), statement]))
  return [...all].flatMap(([name, statement]) => {
    const everywhere = ours?.has(name) === true && theirs?.has(name) === true
    // on one side only: new there, unless the other side took it away
    return everywhere || before?.has(name) !== true ? [statement] : []
  })
}

/** Numbers that only grow: of two the larger one counts, whoever wrote it. */
const grows: Readonly<Record<number, (manifest: VerifiedManifest) => bigint>> = {
  [manifestExtensionTypes.checkpoint]: ({ checkpoint }) => checkpoint?.prunedThrough ?? -1n,
  // a lower one would let the server show the older backup
  [manifestExtensionTypes.backup]: (manifest) => backupCounterOf(manifest) ?? -1n,
}

function mergedExtensions(
  base: VerifiedManifest,
  winner: VerifiedManifest,
  loser: VerifiedManifest,
): readonly Extension[] {
  const find = (manifest: VerifiedManifest, type: number) =>
    lastingExtensions(manifest.extensions).find(({ extensionType }) => extensionType === type)
  const types = new Set([...winner.extensions, ...loser.extensions].map(({ extensionType }) => extensionType))
  const same = (a: Extension | undefined, b: Extension | undefined) =>
    a === undefined || b === undefined ? a === b : equalBytes(a.extensionData, b.extensionData)
  const kept = [...types].flatMap((type) => {
    const [ours, theirs] = [find(winner, type), find(loser, type)]
    const grown = grows[type]
    const second = grown === undefined ? same(find(base, type), ours) : grown(loser) > grown(winner)
    const one = second ? theirs : ours
    return one === undefined ? [] : [one]
  })
  return setExtension(kept, manifestExtensionTypes.merged, MergedParents, [loser.hash])
}

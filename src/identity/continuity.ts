/**
 * What a manifest must keep of the one it continues, whether it follows at once, after a gap, as a merge, or under a new
 * root. All rules are monotone, so that they hold over gaps too: a contact who was away is told less, never something else.
 */
import { equalBytes, isZero } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { leafKeyHash, type RevocationReason, type RevokedEntry } from './device-entry.ts'
import type { VerifiedManifest } from './manifest.ts'

const code = 'identity/chain'

/** How bad a reason is: a revocation may become worse, never milder (I034). */
export const severity: Readonly<Record<RevocationReason, number>> = {
  superseded: 0,
  retired: 1,
  lost: 2,
  compromised: 3,
}

/** The key of a revocation in maps: device and key. */
export function revocationKey({ deviceId, leafKeyHash }: Pick<RevokedEntry, 'deviceId' | 'leafKeyHash'>): string {
  return mapKey(deviceId) + mapKey(leafKeyHash)
}

/**
 * Checks that `next` keeps what `previous` said.
 * @throws `identity/chain` with the rule: I030 account, I032 time, I033 a dropped revocation, I034 a milder revocation,
 * I035 a device or key that left without revocation, I036 another next root, I037 a dropped checkpoint, I038 an older OPS key,
 * I039 another age of a device
 */
export function checkContinuity(suite: CipherSuite, previous: VerifiedManifest, next: VerifiedManifest): void {
  check(equalBytes(previous.account, next.account), code, 'I030', 'a manifest of another account')
  // own devices share no clock: who signs takes the later of its time and the last
  check(next.issuedAt >= previous.issuedAt, code, 'I032', 'a manifest from before its predecessor')
  checkRevocationsKept(previous, next)
  checkDevicesKept(suite, previous, next)
  if (previous.generation === next.generation) checkGeneration(previous, next)
}

/** Rules of one generation: its announcement, its checkpoint, its OPS keys. */
function checkGeneration(previous: VerifiedManifest, next: VerifiedManifest): void {
  // I036: who steals the root in use could otherwise announce his own next root
  const announced = isZero(previous.nextRootHash) || equalBytes(previous.nextRootHash, next.nextRootHash)
  check(announced, code, 'I036', 'the announced root was changed')
  const pruned = previous.checkpoint === undefined || (next.checkpoint?.prunedThrough ?? -1n) >= prunedThrough(previous)
  check(pruned, code, 'I037', 'the checkpoint was dropped or set back')
  // I038: after OPS was replaced its old key is worth nothing, though its certificate has not ended
  if (previous.ops === undefined) return
  const kept = next.ops === undefined ? next.signer === 'root' : notOlder(previous.ops, next.ops)
  check(kept, code, 'I038', 'an OPS key that was replaced before')
}

function notOlder(
  previous: { readonly opsKey: Uint8Array; readonly notBefore: bigint },
  next: { readonly opsKey: Uint8Array; readonly notBefore: bigint },
): boolean {
  return next.notBefore > previous.notBefore || equalBytes(previous.opsKey, next.opsKey)
}

/** Revocations up to this manifest may be missing; -1 when none may. */
function prunedThrough(manifest: VerifiedManifest): bigint {
  return manifest.checkpoint?.prunedThrough ?? -1n
}

function checkRevocationsKept(previous: VerifiedManifest, next: VerifiedManifest): void {
  if (previous.revoked.length === 0) return
  const after = new Map(next.revoked.map((entry) => [revocationKey(entry), entry]))
  for (const entry of previous.revoked) {
    const kept = after.get(revocationKey(entry))
    if (kept === undefined) {
      // I033: dropped with the permission of the root alone
      const allowed = entry.effectiveSeq <= prunedThrough(next)
      check(allowed, code, 'I033', 'a revocation was dropped without the root')
      continue
    }
    const notMilder = severity[kept.reason] >= severity[entry.reason] && kept.effectiveSeq <= entry.effectiveSeq
    check(notMilder, code, 'I034', 'a revocation became milder')
  }
}

function checkDevicesKept(suite: CipherSuite, previous: VerifiedManifest, next: VerifiedManifest): void {
  const after = new Map(next.devices.map((device) => [mapKey(device.deviceId), device]))
  const revoked = new Set(next.revoked.map(revocationKey))
  // what was revoked and pruned in a gap cannot be told from what left in silence: the root said that it may be so
  if (prunedThrough(next) > previous.seq) return
  for (const device of previous.devices) {
    const kept = after.get(mapKey(device.deviceId))
    check(kept === undefined || kept.addedAt === device.addedAt, code, 'I039', 'a device of another age')
    const keys = new Set(kept?.leafKeys.map(mapKey))
    for (const key of device.leafKeys) {
      if (keys.has(mapKey(key))) continue
      const named = revoked.has(mapKey(device.deviceId) + mapKey(leafKeyHash(suite, key)))
      check(named, code, 'I035', 'a device or key left the list without revocation')
    }
  }
}

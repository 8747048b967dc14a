/**
 * Two manifests at once, where one was signed with an OPS key that the other replaces: the owner took the key away from a
 * steward that was lost, and nobody can tell what its thief signs from what an honest steward signed that had not heard of it.
 * So nothing of it is kept (I046): devices that it lists are named as revoked, which lets those who saw it go on, and
 * what it removes stays removed, unless it removes those who replaced the key.
 */
import { equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { compareBytes } from './compare.ts'
import { revocationKey } from './continuity.ts'
import { type DeviceEntry, hasFlag, leafKeyHash, type RevokedEntry } from './device-entry.ts'
import type { VerifiedManifest } from './manifest.ts'
import type { OpsCert } from './ops-cert.ts'

/** The OPS certificate that replaces the other one; of two from the same second the same one everywhere. */
export function laterOps(a: OpsCert | undefined, b: OpsCert | undefined): OpsCert | undefined {
  if (a === undefined || b === undefined) return a ?? b
  if (a.notBefore !== b.notBefore) return a.notBefore > b.notBefore ? a : b
  return compareBytes(a.opsKey, b.opsKey) <= 0 ? a : b
}

/** Of two manifests of one root the one that was signed with a key which the other one replaces. */
export function replacedSide(a: VerifiedManifest, b: VerifiedManifest): VerifiedManifest | undefined {
  if (a.ops === undefined || b.ops === undefined || equalBytes(a.ops.opsKey, b.ops.opsKey)) return undefined
  const side = laterOps(a.ops, b.ops) === a.ops ? b : a
  return side.signer === 'ops' ? side : undefined
}

/**
 * Revocations for all that `replaced` lists beyond `kept`.
 * @param revoked what both sides revoke @param at number and time of the merge
 * @throws `identity/merge` (I090) when `replaced` removes a steward of `kept`
 */
export function strayRevocations(
  suite: CipherSuite,
  kept: VerifiedManifest,
  replaced: VerifiedManifest,
  revoked: readonly RevokedEntry[],
  at: { readonly seq: bigint; readonly issuedAt: bigint },
): readonly RevokedEntry[] {
  const known = new Set(revoked.map(revocationKey))
  const removed = new Set(
    revoked.filter(({ reason }) => reason !== 'superseded').map(({ deviceId }) => mapKey(deviceId)),
  )
  const stays = ({ deviceId, leafKeys }: DeviceEntry): boolean => {
    const keeps = (key: Uint8Array) => !known.has(revocationKey({ deviceId, leafKeyHash: leafKeyHash(suite, key) }))
    return !removed.has(mapKey(deviceId)) && leafKeys.some(keeps)
  }
  const mayLeave = (one: DeviceEntry): boolean => !hasFlag(one, 'steward') || hasFlag(one, 'probation')
  const held = kept.devices.every((one) => mayLeave(one) || stays(one))
  check(held, 'identity/merge', 'I090', 'a key that was replaced removes those who replaced it')
  return replaced.devices.flatMap(({ deviceId, leafKeys }) => {
    const listed = kept.devices.find((one) => equalBytes(one.deviceId, deviceId))
    // without a key that both know the device is gone
    const reason = listed !== undefined && stays(listed) ? 'superseded' : 'compromised'
    return leafKeys
      .filter((key) => !listed?.leafKeys.some((one) => equalBytes(one, key)))
      .map((key) => ({ deviceId, leafKeyHash: leafKeyHash(suite, key), reason, ...effective(at) }) as const)
      .filter((entry) => !known.has(revocationKey(entry)))
  })
}

function effective({ seq, issuedAt }: { readonly seq: bigint; readonly issuedAt: bigint }) {
  return { effectiveSeq: seq, effectiveTime: issuedAt }
}

/**
 * Manifests that are dated ahead of the clock. Dates of one line never go back (I032), so whoever holds a stolen OPS key could
 * drag the owner's own line to a day on which nobody believes it yet: such a manifest is taken by no contact and by no own
 * device, and a recovery begins beside it.
 */
import { equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { identityLifetimes } from './limits.ts'
import type { VerifiedManifest } from './manifest.ts'
import { compareHeads } from './manifest-head.ts'
import { latest } from './times.ts'

/** Whether what follows a manifest would be dated more than a day after `now`, in seconds since the Unix epoch (I063). */
export function isDatedAhead({ issuedAt, ops }: Pick<VerifiedManifest, 'issuedAt' | 'ops'>, now: bigint): boolean {
  // the certificate may begin later where the root has signed the manifest
  return latest(issuedAt, ops?.notBefore ?? issuedAt) > now + identityLifetimes.clockSkew
}

/** The error for a manifest that {@link isDatedAhead}. */
export function datedAheadError(): MlsError {
  return new MlsError('identity/future', 'a manifest from the future', { rule: 'I063' })
}

/**
 * The manifest that a recovery continues: the newest, or the newest of its root that is not dated ahead. Where nothing else
 * is left of the account it is the one that is ahead, see `recoverAccount`.
 * @param earlier others of the account, in any order @param now seconds since the Unix epoch
 * @throws `identity/future` (I063) when the clock is behind the certificate of OPS: no thief of OPS can have dated that
 */
export function recoveryBase(
  newest: VerifiedManifest,
  earlier: readonly VerifiedManifest[],
  now: bigint,
): VerifiedManifest {
  if (!isDatedAhead(newest, now)) return newest
  const [base] = earlier
    .filter((one) => equalBytes(one.rootHash, newest.rootHash) && !isDatedAhead(one, now))
    .sort((a, b) => compareHeads(b, a))
  if (base !== undefined) return base
  if ((newest.ops?.notBefore ?? newest.issuedAt) > now + identityLifetimes.clockSkew) throw datedAheadError()
  return newest
}

/** How a leaf stands under what is believed of its account. */
import { MlsError } from '../../bytes/errors.ts'
import { fromHex, utf8 } from '../../bytes/text.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import type { ContactState } from '../../identity/contact-state.ts'
import type { CertificateCache } from '../../identity/group-certificates.ts'
import { leafComponentsOf } from '../../identity/group-components.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { type DeviceStanding, deviceStanding } from '../../identity/standing.ts'
import type { Trust, TrustSubject } from '../mls/room-identity.ts'

/**
 * How a leaf stands; `unlisted` when it shows no certificate that holds. Every message asks: a certificate that was verified
 * before is not verified again.
 */
export function standingOf(
  suite: CipherSuite,
  certificates: CertificateCache,
  head: VerifiedManifest,
  who: TrustSubject,
): DeviceStanding['kind'] {
  try {
    const { certificate } = leafComponentsOf(who.extensions)
    if (certificate === undefined) return 'unlisted'
    const subject = { account: utf8(who.account), deviceId: fromHex(who.device), leafKey: who.signatureKey }
    return deviceStanding(suite, head, subject, certificates.verified(subject, certificate)).kind
  } catch (error) {
    if (error instanceof MlsError && error.kind !== 'bug') return 'unlisted'
    throw error
  }
}

/** What to show beside a device of an account in this state. `verified`: the user has compared, or the account is the own. */
export function trustOf(state: ContactState, standing: DeviceStanding['kind'] | undefined, verified: boolean): Trust {
  if (['CHANGED', 'COMPROMISED', 'EQUIVOCATION', 'ROLLBACK'].includes(state)) return 'changed'
  if (standing === undefined || standing === 'newer' || standing === 'old_root') return 'unverified'
  if (standing !== 'listed') return 'changed'
  return verified ? 'verified' : 'unverified'
}

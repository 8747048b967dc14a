/**
 * What a manifest says about a certified leaf: a soft rule, since members may know different manifests. A certificate proves
 * that the root stood for a key once; the manifest says whether it still does.
 */
import { equalBytes } from '../bytes/bytes.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { DeviceCert, DeviceCertSubject } from './device-cert.ts'
import { leafKeyHash, type RevokedEntry } from './device-entry.ts'
import type { VerifiedManifest } from './manifest.ts'

/** How a leaf stands. */
export type DeviceStanding =
  /** Listed, with this key. */
  | { readonly kind: 'listed' }
  /** Revoked; `entry` says since when and why. */
  | { readonly kind: 'revoked'; readonly entry: RevokedEntry }
  /** Its certificate is newer than this manifest: read the node again. */
  | { readonly kind: 'newer' }
  /** The manifest is as new as the certificate and does not list the device or the key. */
  | { readonly kind: 'unlisted' }
  /** Signed by an OPS key that was replaced before the certificate was made, as far as the manifest tells. */
  | { readonly kind: 'old_ops' }
  /** Certified by an older root of the account: the device has not followed a rotation yet. */
  | { readonly kind: 'old_root' }
  /** Certified by another root. */
  | { readonly kind: 'other_root' }

/** The revocation of a key of a device, if the manifest has one; for evidence as well. */
export function revocationOf(
  suite: CipherSuite,
  manifest: VerifiedManifest,
  subject: Pick<DeviceCertSubject, 'deviceId' | 'leafKey'>,
): RevokedEntry | undefined {
  const hash = leafKeyHash(suite, subject.leafKey)
  const { deviceId } = subject
  // a key counts as revoked under whatever device it stands
  return (
    manifest.revoked.find((entry) => equalBytes(entry.leafKeyHash, hash)) ??
    manifest.revoked.find((entry) => entry.reason !== 'superseded' && equalBytes(entry.deviceId, deviceId))
  )
}

/** How a leaf with a verified certificate stands under the newest manifest that is believed. */
export function deviceStanding(
  suite: CipherSuite,
  manifest: VerifiedManifest,
  subject: DeviceCertSubject,
  cert: DeviceCert,
): DeviceStanding {
  // I045: a revocation counts whatever root certified the key
  const entry = revocationOf(suite, manifest, subject)
  if (entry !== undefined) return { kind: 'revoked', entry }
  if (!equalBytes(cert.rootEd25519, manifest.root.ed25519))
    return { kind: cert.generation < manifest.generation ? 'old_root' : 'other_root' }
  const device = manifest.devices.find(({ deviceId }) => equalBytes(deviceId, subject.deviceId))
  const listed = device?.leafKeys.some((key) => equalBytes(key, subject.leafKey)) === true
  if (!listed) return { kind: BigInt(cert.manifestSeq) > manifest.seq ? 'newer' : 'unlisted' }
  // I046: what a replaced OPS key certifies for manifests after its end was made by who kept that key
  const { ops } = manifest
  if (cert.signer === 'ops' && ops !== undefined && !equalBytes(cert.opsKey, ops.opsKey)) {
    const later = cert.opsNotBefore > ops.notBefore
    return later ? { kind: 'newer' } : { kind: 'old_ops' }
  }
  return { kind: 'listed' }
}

/** Changes of a manifest by its owner: pure functions from the last manifest to what the next one says. */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { CrossStatement } from './cross-statement.ts'
import { type DeviceEntry, deviceFlags, leafKeyHash, type RevocationReason, type RevokedEntry } from './device-entry.ts'
import { identityLifetimes } from './limits.ts'
import type { ManifestTbs, VerifiedManifest } from './manifest.ts'
import { manifestVersion } from './manifest.ts'
import { lastingExtensions } from './manifest-extensions.ts'
import { earliest, latest } from './times.ts'

/** A device to list. `deviceId`: 16 random bytes, never used before. */
export interface NewDevice {
  readonly deviceId: Bytes
  readonly leafKeys: readonly Bytes[]
  /** Bits of `deviceFlags`. */
  readonly flags: number
  readonly encLabel: Bytes
}

/** One change. */
export type ManifestChange =
  /** Lists a device. With `probation` it may not certify others for a day. */
  | { readonly kind: 'add_device'; readonly device: NewDevice; readonly probation: boolean }
  /** Another 180 days for a device. */
  | { readonly kind: 'renew_device'; readonly deviceId: Uint8Array }
  | { readonly kind: 'end_probation'; readonly deviceId: Uint8Array }
  /** One more key for a device, which it uses from now on; leaves that it has keep theirs. */
  | { readonly kind: 'add_key'; readonly deviceId: Uint8Array; readonly newKey: Uint8Array }
  /** Another key for a device; the old one is revoked as `superseded`. */
  | {
      readonly kind: 'replace_key'
      readonly deviceId: Uint8Array
      readonly oldKey: Uint8Array
      readonly newKey: Uint8Array
    }
  | { readonly kind: 'relabel'; readonly deviceId: Uint8Array; readonly encLabel: Uint8Array }
  | { readonly kind: 'set_flags'; readonly deviceId: Uint8Array; readonly flags: number }
  /** Takes a device off the list and revokes all its keys. */
  | {
      readonly kind: 'remove_device'
      readonly deviceId: Uint8Array
      readonly reason: Exclude<RevocationReason, 'superseded'>
    }
  | { readonly kind: 'set_others'; readonly others: readonly CrossStatement[] }
  /** Announces the next root (32 bytes), once in a generation. */
  | { readonly kind: 'announce_root'; readonly rootHash: Uint8Array }

/**
 * The content that follows `last` without any change: next number, predecessor, fresh times. `now`: seconds since the Unix
 * epoch; a clock that is behind the last manifest does not go back (I032).
 */
export function followingContent(last: VerifiedManifest, now: bigint): ManifestTbs {
  const issuedAt = latest(now, last.issuedAt, last.ops?.notBefore ?? 0n)
  const expiresAt = issuedAt + identityLifetimes.manifest
  const end = last.ops?.notAfter ?? expiresAt
  return {
    version: manifestVersion,
    account: last.account,
    generation: last.generation,
    root: last.root,
    ops: last.ops,
    seq: last.seq + 1n,
    prevHash: last.hash,
    issuedAt,
    expiresAt: earliest(expiresAt, end),
    nextRootHash: last.nextRootHash,
    devices: last.devices,
    revoked: last.revoked,
    others: last.others,
    extensions: lastingExtensions(last.extensions),
  }
}

/** The entry of a new device at a time. */
export function entryOf(device: NewDevice, issuedAt: bigint, probation: boolean): DeviceEntry {
  const flags = probation ? device.flags | deviceFlags.probation : device.flags & ~deviceFlags.probation
  return { ...device, flags, addedAt: issuedAt, notAfter: issuedAt + identityLifetimes.device }
}

/**
 * Applies changes in order.
 * @throws `identity/state` (I091) for a device that is not listed or listed already, a key that the device does not have, a
 * second announcement
 */
export function applyChanges(
  suite: CipherSuite,
  content: ManifestTbs,
  changes: readonly ManifestChange[],
): ManifestTbs {
  return changes.reduce((made, change) => applyChange(suite, made, change), content)
}

function applyChange(suite: CipherSuite, content: ManifestTbs, change: ManifestChange): ManifestTbs {
  switch (change.kind) {
    case 'add_device': {
      const { deviceId } = change.device
      const fresh =
        !content.devices.some((one) => equalBytes(one.deviceId, deviceId)) &&
        !content.revoked.some((one) => equalBytes(one.deviceId, deviceId))
      check(fresh, 'identity/state', 'I091', 'a device id that was used before')
      return { ...content, devices: [...content.devices, entryOf(change.device, content.issuedAt, change.probation)] }
    }
    case 'renew_device': {
      const notAfter = content.issuedAt + identityLifetimes.device
      return withDevice(content, change.deviceId, (device) => ({
        ...device,
        notAfter: latest(notAfter, device.notAfter),
      }))
    }
    case 'end_probation':
      return withDevice(content, change.deviceId, (device) => ({
        ...device,
        flags: device.flags & ~deviceFlags.probation,
      }))
    case 'add_key':
      return withDevice(content, change.deviceId, (device) => ({
        ...device,
        leafKeys: [copyBytes(change.newKey), ...device.leafKeys],
      }))
    case 'replace_key':
      return replaceKey(suite, content, change)
    case 'relabel':
      return withDevice(content, change.deviceId, (device) => ({ ...device, encLabel: copyBytes(change.encLabel) }))
    case 'set_flags':
      return withDevice(content, change.deviceId, (device) => ({ ...device, flags: change.flags }))
    case 'remove_device':
      return removeDevice(suite, content, change.deviceId, change.reason)
    case 'set_others':
      return { ...content, others: change.others }
    case 'announce_root': {
      const first =
        content.nextRootHash.every((byte) => byte === 0) || equalBytes(content.nextRootHash, change.rootHash)
      check(first, 'identity/state', 'I091', 'this generation announced its next root already')
      return { ...content, nextRootHash: copyBytes(change.rootHash) }
    }
  }
}

function withDevice(
  content: ManifestTbs,
  deviceId: Uint8Array,
  edit: (device: DeviceEntry) => DeviceEntry,
): ManifestTbs {
  const listed = content.devices.some((device) => equalBytes(device.deviceId, deviceId))
  check(listed, 'identity/state', 'I091', 'a device that is not listed')
  const devices = content.devices.map((device) => (equalBytes(device.deviceId, deviceId) ? edit(device) : device))
  return { ...content, devices }
}

function revoke(
  suite: CipherSuite,
  content: ManifestTbs,
  deviceId: Bytes,
  leafKey: Uint8Array,
  reason: RevocationReason,
): RevokedEntry {
  const hash = leafKeyHash(suite, leafKey)
  return { deviceId, leafKeyHash: hash, reason, effectiveSeq: content.seq, effectiveTime: content.issuedAt }
}

function replaceKey(
  suite: CipherSuite,
  content: ManifestTbs,
  { deviceId, oldKey, newKey }: ManifestChange & { readonly kind: 'replace_key' },
): ManifestTbs {
  const replaced = withDevice(content, deviceId, (device) => {
    const has = device.leafKeys.some((key) => equalBytes(key, oldKey))
    check(has, 'identity/state', 'I091', 'a key that the device does not have')
    const leafKeys = device.leafKeys.map((key) => (equalBytes(key, oldKey) ? copyBytes(newKey) : key))
    return { ...device, leafKeys }
  })
  const entry = revoke(suite, content, copyBytes(deviceId), oldKey, 'superseded')
  return { ...replaced, revoked: [...content.revoked, entry] }
}

function removeDevice(
  suite: CipherSuite,
  content: ManifestTbs,
  deviceId: Uint8Array,
  reason: RevocationReason,
): ManifestTbs {
  const device = content.devices.find((one) => equalBytes(one.deviceId, deviceId))
  check(device !== undefined, 'identity/state', 'I091', 'a device that is not listed')
  const entries = device.leafKeys.map((key) => revoke(suite, content, device.deviceId, key, reason))
  return {
    ...content,
    devices: content.devices.filter((one) => one !== device),
    revoked: [...content.revoked, ...entries],
  }
}

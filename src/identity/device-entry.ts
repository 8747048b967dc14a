/** Devices of an account and revocations, as a manifest lists them. */
import type { Bytes } from '../bytes/bytes.ts'
import { enumeration, fixed, type Infer, struct, uint8, uint16, uint64, vec } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { boundedOpaque } from './bounded.ts'
import { identityLimits } from './limits.ts'

/** Bytes of a device id: random, never used again. */
export const deviceIdLength = 16

/** Bits of `flags`; unknown bits are kept. */
export const deviceFlags = {
  /** Holds the OPS key and may change the manifest. */
  steward: 0x0001,
  /** A web application: its code comes anew with each visit. */
  web: 0x0002,
  bot: 0x0004,
  bridge: 0x0008,
  /** Asks to be sent what mentions it only. */
  mentionOnly: 0x0010,
  /** New: it may not certify others yet. */
  probation: 0x0020,
} as const
/** The name of a flag. */
export type DeviceFlag = keyof typeof deviceFlags

/** Whether a device has a flag. */
export function hasFlag(device: { readonly flags: number }, flag: DeviceFlag): boolean {
  return (device.flags & deviceFlags[flag]) !== 0
}

/** The `flags` of a list of names. */
export function flagsOf(...names: readonly DeviceFlag[]): number {
  return names.reduce((flags, name) => flags | deviceFlags[name], 0)
}

/** A device. `addedAt` and `notAfter`: seconds since the Unix epoch. `encLabel`: its name, sealed for own devices. */
export const DeviceEntry = struct({
  deviceId: fixed(deviceIdLength),
  leafKeys: vec(boundedOpaque(identityLimits.leafKeyBytes, 1), identityLimits.leafKeys),
  addedAt: uint64,
  notAfter: uint64,
  flags: uint16,
  encLabel: boundedOpaque(identityLimits.encLabelBytes),
})
export type DeviceEntry = Infer<typeof DeviceEntry>

/** Why a key does not count any more; a higher number is worse, but `superseded`, where the device has another key now. */
const revocationReasons = { retired: 1, lost: 2, compromised: 3, superseded: 4 } as const
/** A name of {@link revocationReasons}. */
export type RevocationReason = keyof typeof revocationReasons

/** A revoked key of a device. `effectiveTime`: seconds since the Unix epoch. */
export const RevokedEntry = struct({
  deviceId: fixed(deviceIdLength),
  leafKeyHash: fixed(32),
  reason: enumeration(uint8, revocationReasons, 'I024'),
  effectiveSeq: uint64,
  effectiveTime: uint64,
})
export type RevokedEntry = Infer<typeof RevokedEntry>

/** `leaf_key_hash`: SHA-256 of the signature public key as it stands in the leaf, 32 bytes. */
export function leafKeyHash(suite: CipherSuite, leafKey: Uint8Array): Bytes {
  return suite.hash(leafKey)
}

/** A pin as bytes, for the store and the sealed backup. */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { encode, enumeration, fixed, optional, struct, uint8, vec } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { AccountName, boundedOpaque, decodeWithin } from './bounded.ts'
import type { ContactPin } from './contact-state.ts'
import { identityLimits } from './limits.ts'
import { type VerifiedManifest, verifyManifest } from './manifest.ts'

const version = 1
const manifestBytes = boundedOpaque(identityLimits.manifestBytes, 1)
const truth = enumeration(uint8, { no: 0, yes: 1 }, 'I068')

const PinRecord = struct({
  version: uint8,
  account: AccountName,
  trust: enumeration(uint8, { UNKNOWN: 0, TOFU: 1, LINK_VERIFIED: 2, VERIFIED: 3 }, 'I068'),
  rootHash: optional(fixed(32)),
  head: optional(manifestBytes),
  conflicts: vec(
    struct({ hash: fixed(32), parents: vec(boundedOpaque(32), identityLimits.mergedParents + 1) }),
    identityLimits.conflicts,
  ),
  rolledBack: truth,
  offered: optional(struct({ rootHash: fixed(32), manifest: optional(manifestBytes) })),
  compromised: truth,
  pastRoots: vec(fixed(32), identityLimits.pastRoots),
})

/** The bytes of a pin, version 1; at most about 130 KiB. */
export function encodePin(pin: ContactPin): Bytes {
  const { offered } = pin
  return encode(PinRecord, {
    ...pin,
    version,
    head: pin.head?.bytes,
    conflicts: pin.conflicts.map(({ hash, parents }) => ({ hash: copyBytes(hash), parents: parents.map(copyBytes) })),
    rolledBack: pin.rolledBack ? 'yes' : 'no',
    offered: offered && { rootHash: offered.rootHash, manifest: offered.manifest?.bytes },
    compromised: pin.compromised ? 'yes' : 'no',
  })
}

/**
 * The pin of bytes that {@link encodePin} made. Manifests in it are verified again.
 * @throws `identity/version` (I004), `identity/limit` (I003), kind `malformed`, and as `verifyManifest`
 */
export function decodePin(suite: CipherSuite, bytes: Uint8Array): ContactPin {
  check(bytes[0] === version, 'identity/version', 'I004', 'a pin of another version')
  const { version: _, ...record } = decodeWithin(PinRecord, bytes, 3 * identityLimits.manifestBytes)
  const restored = (stored: Uint8Array | undefined): VerifiedManifest | undefined =>
    stored && verifyManifest(suite, stored)
  const { offered } = record
  return {
    ...record,
    head: restored(record.head),
    rolledBack: record.rolledBack === 'yes',
    offered: offered && { rootHash: offered.rootHash, manifest: restored(offered.manifest) },
    compromised: record.compromised === 'yes',
  }
}

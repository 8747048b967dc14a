/** Rules on what a manifest says, without its signatures and without a clock: each is a function of the manifest alone. */
import { check } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { Extension } from '../wire/extension.ts'
import { type CrossStatement, checkCrossStatement } from './cross-statement.ts'
import { type DeviceEntry, leafKeyHash, type RevokedEntry } from './device-entry.ts'
import { identityLifetimes } from './limits.ts'

const code = 'identity/contents'

/** The part of a manifest that these rules are about. */
export interface ManifestContents {
  readonly seq: bigint
  readonly prevHash: Uint8Array
  readonly issuedAt: bigint
  readonly expiresAt: bigint
  readonly signer: 'root' | 'ops'
  readonly ops: { readonly notBefore: bigint; readonly notAfter: bigint } | undefined
  readonly devices: readonly DeviceEntry[]
  readonly revoked: readonly RevokedEntry[]
  readonly others: readonly CrossStatement[]
  readonly extensions: readonly Extension[]
}

/**
 * Checks the rules I010-I020 and I025.
 * @throws `identity/contents`, `identity/lifetime` with the rule
 */
export function checkManifestContents(suite: CipherSuite, manifest: ManifestContents): void {
  checkTimes(manifest)
  checkDevices(manifest)
  checkRevoked(suite, manifest)
  for (const statement of manifest.others) checkCrossStatement(statement)
  const types = new Set(manifest.extensions.map(({ extensionType }) => extensionType))
  check(types.size === manifest.extensions.length, code, 'I020', 'two extensions of one type')
}

function checkTimes(manifest: ManifestContents): void {
  const { issuedAt, expiresAt, seq, prevHash, ops, signer } = manifest
  check(issuedAt < expiresAt, 'identity/lifetime', 'I012', 'a manifest that ends before it begins')
  const short = expiresAt - issuedAt <= identityLifetimes.maxManifest
  check(short, 'identity/lifetime', 'I012', 'a manifest that is fresh for more than 90 days')
  check(prevHash.length === (seq === 0n ? 0 : 32), code, 'I013', 'a manifest without its predecessor')
  if (signer === 'root') return
  check(ops !== undefined, code, 'I010', 'a manifest of OPS without a certificate')
  // a stolen OPS key must not outlive its certificate by back-dating or by long promises
  const within = ops.notBefore <= issuedAt && expiresAt <= ops.notAfter
  check(within, 'identity/lifetime', 'I011', 'a manifest outside the life of its OPS certificate')
}

function checkDevices({ devices, issuedAt }: ManifestContents): void {
  const ids = new Set<string>()
  const keys = new Set<string>()
  for (const device of devices) {
    const id = mapKey(device.deviceId)
    check(!ids.has(id), code, 'I014', 'two devices with one id')
    ids.add(id)
    check(device.leafKeys.length > 0, code, 'I015', 'a device without key')
    for (const leafKey of device.leafKeys) {
      const key = mapKey(leafKey)
      check(!keys.has(key), code, 'I015', 'one key of two devices')
      keys.add(key)
    }
    const { addedAt, notAfter } = device
    const lasting = addedAt < notAfter && notAfter <= issuedAt + identityLifetimes.maxCertificate
    check(lasting, 'identity/lifetime', 'I016', 'a device that ends before it begins, or lives too long')
  }
}

function checkRevoked(suite: CipherSuite, { devices, revoked, seq }: ManifestContents): void {
  if (revoked.length === 0) return
  const ids = new Set(devices.map(({ deviceId }) => mapKey(deviceId)))
  const hashes = new Set(devices.flatMap(({ leafKeys }) => leafKeys.map((key) => mapKey(leafKeyHash(suite, key)))))
  const seen = new Set<string>()
  for (const entry of revoked) {
    const id = mapKey(entry.deviceId)
    const hash = mapKey(entry.leafKeyHash)
    check(!seen.has(id + hash), code, 'I017', 'a revocation that stands twice')
    seen.add(id + hash)
    // a revoked key never comes back, under whatever id; nor an id, unless its device took another key
    check(!hashes.has(hash), code, 'I018', 'a revoked key in the list of devices')
    check(entry.reason === 'superseded' || !ids.has(id), code, 'I018', 'a revoked device in the list of devices')
    check(entry.effectiveSeq <= seq, code, 'I019', 'a revocation of a manifest to come')
  }
}

/** Certificates of own devices: those that a manifest stands for, and what is kept of them. Pure. */
import { type Bytes, copyBytes, equalBytes } from '../../bytes/bytes.ts'
import { encode } from '../../codec/codec.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import type { IssuedCert } from '../../identity/account.ts'
import { DeviceCert, decodeDeviceCert, verifyDeviceCert } from '../../identity/device-cert.ts'
import { identityLimits } from '../../identity/limits.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { tried } from './contact-findings.ts'
import type { StoredOwn } from './store.ts'

/** What is stored of certificates with those that were issued: own ones by key, and those that are to be published. */
export function withCertificates(
  stored: Pick<StoredOwn, 'certificates' | 'unpublished'>,
  deviceId: Uint8Array,
  issued: readonly IssuedCert[],
): Pick<StoredOwn, 'certificates' | 'unpublished'> {
  const own = issued
    .filter((one) => equalBytes(one.deviceId, deviceId))
    .map(({ leafKey, cert }) => ({ leafKey: copyBytes(leafKey), certificate: encode(DeviceCert, cert) }))
  const kept = stored.certificates.filter((one) => !own.some(({ leafKey }) => equalBytes(leafKey, one.leafKey)))
  const devices = new Map<string, { device: Bytes; certificates: Bytes[] }>()
  for (const { device, certificates } of stored.unpublished)
    devices.set(device.join(), { device, certificates: [...certificates] })
  for (const { deviceId: device, cert } of issued) {
    const name = device.join()
    const fresh = issued.filter((one) => equalBytes(one.deviceId, device)).map((one) => encode(DeviceCert, one.cert))
    if (cert !== undefined) devices.set(name, { device: copyBytes(device), certificates: fresh })
  }
  return { certificates: [...own, ...kept].slice(0, identityLimits.leafKeys), unpublished: [...devices.values()] }
}

/** Whether a certificate is of the root and the OPS key of a manifest. */
export function fitsManifest(cert: DeviceCert | undefined, { generation, root, ops }: VerifiedManifest): boolean {
  return (
    cert !== undefined &&
    cert.generation === generation &&
    equalBytes(cert.rootEd25519, root.ed25519) &&
    (cert.signer === 'root' || (ops !== undefined && equalBytes(cert.opsKey, ops.opsKey)))
  )
}

/** Of the certificates that a server shows for the own device those that hold for one of `leafKeys` and fit the manifest. */
export function fittingCertificates(
  suite: CipherSuite,
  manifest: VerifiedManifest,
  deviceId: Uint8Array,
  leafKeys: readonly Bytes[],
  shown: readonly Bytes[],
): StoredOwn['certificates'] {
  return shown.flatMap((bytes) => {
    const cert = tried(() => decodeDeviceCert(bytes))
    const leafKey = leafKeys.find((key) => {
      const subject = { account: manifest.account, deviceId, leafKey: key }
      return (
        cert !== undefined &&
        fitsManifest(
          tried(() => verifyDeviceCert(suite, subject, cert)),
          manifest,
        )
      )
    })
    return leafKey === undefined ? [] : [{ leafKey, certificate: bytes }]
  })
}

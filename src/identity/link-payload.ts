/** The structures of linking a device: what a new device asks, and what a steward seals to it. */

import { equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { fromUtf8 } from '../bytes/text.ts'
import { checked, fixed, type Infer, optional, struct, uint8, uint32, uint64, variant } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { AccountName, boundedOpaque } from './bounded.ts'
import { fixed16, fixed32, versionByte } from './ceremony-fields.ts'
import { DeviceCert, type DeviceCertSubject, verifyDeviceCert } from './device-cert.ts'
import { headHashLength } from './manifest-head.ts'

/** Bounds of linking, in bytes. */
export const linkLimits = {
  /** UTF-8 of the name that a new device gives itself. */
  name: 64,
  /** A leaf key: the longest uncompressed point of RFC 9420 §5.1.1, P-521. */
  leafKey: 133,
  /** A password or token. */
  login: 1_024,
  /** The Welcome of the self group. */
  welcome: 65_536,
  /** A sealed payload, by whatever way it comes. */
  sealed: 131_072,
  /** A sealed payload that is shown as one QR code. */
  qr: 600,
} as const

/** QR1: what a new device shows. `issuedAt`: seconds since the Unix epoch. */
export const LinkRequest = struct({
  version: versionByte,
  deviceId: fixed16,
  leafKey: boundedOpaque(linkLimits.leafKey, 1),
  hpkeKey: fixed32,
  nonce: fixed16,
  issuedAt: uint64,
  /** UTF-8 without controls, e.g. the name of the program and of the system; the steward shows it. */
  name: checked(boundedOpaque(linkLimits.name), (name) => {
    const shown = !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(fromUtf8(name))
    check(shown, 'codec/text', undefined, 'a name of a device with characters that do not show')
  }),
})
export type LinkRequest = Infer<typeof LinkRequest>

/** How the new device logs in: not told, the password of the account, or a token with the mechanism it is for. */
const Login = variant(
  'login',
  uint8,
  {
    none: [0, {}],
    password: [1, { secret: boundedOpaque(linkLimits.login, 1) }],
    token: [2, { mechanism: boundedOpaque(64, 1), secret: boundedOpaque(linkLimits.login, 1) }],
  },
  'I110',
)

/** What a steward gives to a new device. */
export const LinkPayload = struct({
  version: versionByte,
  account: AccountName,
  rootHash: fixed32,
  /** The place of the manifest that lists the new device: a {@link ManifestHead} without the account. */
  head: struct({ generation: uint32, seq: uint64, hash: fixed(headHashLength) }),
  login: Login,
  deviceCert: DeviceCert,
  /** The private OPS key, for a new steward only. */
  opsPrivateKey: optional(fixed32),
  /** A Welcome to the self group; too large for a QR code, where the device gets it later. */
  welcome: optional(boundedOpaque(linkLimits.welcome, 1)),
  historyKey: optional(fixed32),
})
export type LinkPayload = Infer<typeof LinkPayload>

/** QR2, or the body of the message that carries it. */
export const SealedLink = struct({
  version: versionByte,
  kemOutput: fixed32,
  ciphertext: boundedOpaque(linkLimits.sealed, 16),
})

/**
 * Checks that a payload fits together: the certificate is for this device and key, of the generation that the head names, and
 * the OPS key is the one that signed it, where OPS signed.
 * @throws `identity_link/certificate`, with the cause
 */
export function checkLinkPayload(
  suite: CipherSuite,
  payload: LinkPayload,
  device: Pick<DeviceCertSubject, 'deviceId' | 'leafKey'>,
): void {
  const { account, deviceCert, head, opsPrivateKey } = payload
  try {
    verifyDeviceCert(suite, { account, deviceId: device.deviceId, leafKey: device.leafKey }, deviceCert)
  } catch (cause) {
    throw new MlsError('identity_link/certificate', 'a certificate that is not of this device', { cause })
  }
  const place = deviceCert.generation === head.generation && BigInt(deviceCert.manifestSeq) <= head.seq
  check(place, 'identity_link/certificate', undefined, 'a certificate of another generation, or of a later manifest')
  const foreign =
    opsPrivateKey !== undefined &&
    deviceCert.signer === 'ops' &&
    !equalBytes(suite.signaturePublicKey(opsPrivateKey), deviceCert.opsKey)
  check(!foreign, 'identity_link/certificate', undefined, 'an OPS key that did not sign the certificate')
}

/** Who a leaf says it is (rules H1 and H2, but for the signatures, which are checked in batches). */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { fromUtf8 } from '../bytes/text.ts'
import { trieKey } from '../ratchet-tree/persistent-map.ts'
import type { Credential } from '../wire/credential.ts'
import type { LeafNode } from '../wire/leaf-node.ts'
import { type DeviceCert, type DeviceCertSubject, decodeDeviceCert } from './device-cert.ts'
import { deviceIdLength } from './device-entry.ts'
import type { IdentityMode } from './group-components.ts'
import { leafComponentsOf } from './group-components.ts'
import { identityLimits } from './limits.ts'

/** The device that a credential names. */
export interface DeviceIdentity {
  /** Bare JID bytes. */
  readonly account: Bytes
  /** 16 bytes. */
  readonly deviceId: Bytes
}

/** What a leaf says of itself. */
export interface LeafIdentity extends DeviceIdentity {
  /** {@link account} as a key of maps. */
  readonly accountKey: string
  /** Account and device as a key of maps. */
  readonly deviceKey: string
  readonly signatureKey: Bytes
  /** Absent in groups of mode `x509`. */
  readonly certificate: { readonly cert: DeviceCert; readonly bytes: Bytes } | undefined
  readonly certificateEpoch: bigint | undefined
}

/** Reads account and device from an X.509 credential: a pure function of its bytes, the same for every member. */
export type X509Device = (credential: Extract<Credential, { credentialType: 'x509' }>) => DeviceIdentity | undefined

/** How credentials of a group are read. */
export interface LeafReading {
  readonly mode: IdentityMode
  readonly x509Device: X509Device | undefined
}

/**
 * Who a leaf says it is.
 * @throws `identity_group/credential` (H1), `identity_group/certificate` (H2) when it shows none that can be read
 */
export function leafIdentity(leaf: LeafNode, reading: LeafReading): LeafIdentity {
  const device = deviceIn(leaf.credential, reading)
  const name = {
    ...device,
    accountKey: trieKey(device.account),
    deviceKey: trieKey(Uint8Array.from([...device.account, 0, ...device.deviceId])),
    signatureKey: leaf.signatureKey,
  }
  if (reading.mode === 'x509') return { ...name, certificate: undefined, certificateEpoch: undefined }
  try {
    const { certificate, certificateEpoch } = leafComponentsOf(leaf.extensions)
    // H2, H9: a leaf without certificate is a leaf of anybody
    if (certificate === undefined) throw refusedCertificate('a leaf without device certificate')
    return { ...name, certificate: { cert: decodeDeviceCert(certificate), bytes: certificate }, certificateEpoch }
  } catch (cause) {
    if (cause instanceof MlsError && cause.code === 'identity_group/certificate') throw cause
    throw refusedCertificate('a leaf whose device certificate cannot be read', cause)
  }
}

/** Who a leaf says it is; `undefined` when it says nothing that the rules understand. */
export function tryLeafIdentity(leaf: LeafNode | undefined, reading: LeafReading): LeafIdentity | undefined {
  if (leaf === undefined) return undefined
  try {
    return leafIdentity(leaf, reading)
  } catch (error) {
    if (error instanceof MlsError && error.kind !== 'bug') return undefined
    throw error
  }
}

/** The subject of the certificate of a leaf. */
export function certificateSubject({ account, deviceId, signatureKey }: LeafIdentity): DeviceCertSubject {
  return { account, deviceId, leafKey: signatureKey }
}

/**
 * The device of a basic credential: bare JID, a zero byte, 16 bytes of device id.
 * @throws `identity_group/credential` (H1)
 */
export function deviceOfCredential(credential: Credential): DeviceIdentity {
  if (credential.credentialType !== 'basic') throw refusedCredential('a credential that is not basic')
  const { identity } = credential
  const split = identity.length - deviceIdLength - 1
  check(split > 0 && identity[split] === 0, 'identity_group/credential', 'H1', 'a credential of another form')
  const account = identity.slice(0, split)
  checkAccountBytes(account)
  return { account, deviceId: identity.slice(split + 1) }
}

/** Whether two leaves name the same account, byte for byte. */
export function sameAccount(a: DeviceIdentity, b: DeviceIdentity): boolean {
  return equalBytes(a.account, b.account)
}

function deviceIn(credential: Credential, { mode, x509Device }: LeafReading): DeviceIdentity {
  if (mode !== 'x509') return deviceOfCredential(credential)
  const found = credential.credentialType === 'x509' ? x509Device?.(credential) : undefined
  if (found === undefined) throw refusedCredential('a credential that names no device of an organisation')
  checkAccountBytes(found.account)
  check(found.deviceId.length === deviceIdLength, 'identity_group/credential', 'H1', 'a device id of another length')
  return found
}

/**
 * H1: UTF-8 without controls, spaces and resource. Nothing here depends on the version of Unicode that a platform knows, so
 * every member answers the same; what else is wrong with an address is for the soft rules.
 */
function checkAccountBytes(account: Uint8Array): void {
  const fits = account.length > 0 && account.length <= identityLimits.accountBytes
  check(fits, 'identity_group/credential', 'H1', 'an account without name, or with too long a name')
  let text: string
  try {
    text = fromUtf8(account)
  } catch (cause) {
    throw new MlsError('identity_group/credential', 'an account that is not UTF-8', { rule: 'H1', cause })
  }
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const control = code <= 0x20 || (code >= 0x7f && code <= 0xa0) || code === 0x2028 || code === 0x2029
    check(!control && character !== '/', 'identity_group/credential', 'H1', 'an account with a control or a resource')
  }
}

function refusedCredential(message: string): MlsError {
  return new MlsError('identity_group/credential', message, { rule: 'H1' })
}

function refusedCertificate(message: string, cause?: unknown): MlsError {
  return new MlsError(
    'identity_group/certificate',
    message,
    cause === undefined ? { rule: 'H2' } : { rule: 'H2', cause },
  )
}

/**
 * The device certificate: it travels in each leaf and lets anybody with the tree check, offline, which root stands for a
 * device. 114 bytes signed by the root, 226 signed by OPS.
 *
 *     root ──signs──> (account, device id, leaf key, certificate)
 *     root ──signs──> OPS ──signs──> (account, device id, leaf key, certificate)
 *
 * Account, device id and leaf key stand in the leaf; they are signed and not repeated. A leaf carries the Ed25519 half of a
 * hybrid root only: its other half signs the manifest and the OPS certificate.
 */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { concat, encode, fixed, type Infer, struct, uint8, uint32, uint64, variant } from '../codec/codec.ts'
import { Writer } from '../codec/writer.ts'
import type { CipherSuite, VerifyRequest } from '../crypto/cipher-suite.ts'
import type { Signer } from '../signed/signer.ts'
import { AccountName, boundedOpaque, decodeWithin } from './bounded.ts'
import { deviceIdLength } from './device-entry.ts'
import { identitySignContent } from './labels.ts'
import { identityLimits } from './limits.ts'
import { checkOpsTerms, type OpsCert, OpsCertTbs } from './ops-cert.ts'
import type { RootSigner } from './root-keys.ts'

/** The version of the structure that this package writes and reads. */
const deviceCertVersion = 1
/** Bytes of a certificate signed by the root, and of one signed by OPS. */
export const deviceCertLengths = { root: 114, ops: 226 } as const

/** `manifestSeq`: the manifest that listed the device. `notAfter`: seconds since the Unix epoch, included. */
const deviceCertContent = concat(
  struct({
    version: uint8,
    rootEd25519: fixed(32),
    generation: uint32,
    manifestSeq: uint32,
    notAfter: uint64,
  }),
  variant(
    'signer',
    uint8,
    {
      root: [0, {}],
      ops: [1, { opsKey: fixed(32), opsNotBefore: uint64, opsNotAfter: uint64, opsSignature: fixed(64) }],
    },
    'I043',
  ),
)
/** A certificate without its signature. */
export type DeviceCertContent = Infer<typeof deviceCertContent>

/** A device certificate; decoded and not verified. */
export const DeviceCert = concat(deviceCertContent, struct({ signature: fixed(64) }))
export type DeviceCert = Infer<typeof DeviceCert>

declare const verified: unique symbol
/** A certificate whose signatures hold for one account, device and key; made by {@link verifyDeviceCert} alone. */
export type VerifiedDeviceCert = DeviceCert & { readonly [verified]: true }

/** Whom a certificate is about: bare JID bytes, device id of 16 bytes, signature public key of the leaf. */
export interface DeviceCertSubject {
  readonly account: Uint8Array
  readonly deviceId: Uint8Array
  readonly leafKey: Uint8Array
}

const subjectCodec = struct({
  account: AccountName,
  deviceId: fixed(deviceIdLength),
  leafKey: boundedOpaque(identityLimits.leafKeyBytes, 1),
})

/** DeviceCertTBS: the subject, then the certificate without its signature. */
function deviceCertTbs(subject: DeviceCertSubject, content: DeviceCertContent): Bytes {
  const writer = new Writer()
  subjectCodec.write(writer, {
    account: copyBytes(subject.account),
    deviceId: copyBytes(subject.deviceId),
    leafKey: copyBytes(subject.leafKey),
  })
  deviceCertContent.write(writer, content)
  return writer.finish()
}

/**
 * Decodes a certificate.
 * @throws `identity/limit` (I003), `identity/version` (I004), kind `malformed`
 */
export function decodeDeviceCert(bytes: Uint8Array): DeviceCert {
  const cert = decodeWithin(DeviceCert, bytes, deviceCertLengths.ops)
  check(cert.version === deviceCertVersion, 'identity/version', 'I004', 'a device certificate of another version')
  return cert
}

/** What a device certificate says beside its signer. */
export interface DeviceCertTerms {
  readonly generation: number
  /** `seq` of the manifest that lists the device, at most 2^32 - 1. */
  readonly manifestSeq: bigint
  /** Seconds since the Unix epoch. */
  readonly notAfter: bigint
}

/** Certifies a device with the root. @throws `codec/range` for a `manifestSeq` above 2^32 - 1 */
export async function makeRootDeviceCert(
  signer: RootSigner,
  subject: DeviceCertSubject,
  terms: DeviceCertTerms,
): Promise<DeviceCert> {
  const content: DeviceCertContent = { ...header(signer.root.ed25519, terms), signer: 'root' }
  const { ed25519 } = await signer.sign(identitySignContent('DeviceCert', deviceCertTbs(subject, content)))
  return { ...content, signature: ed25519 }
}

/**
 * Certifies a device with OPS. The certificate does not outlive that of OPS.
 * @throws `codec/range` for a `manifestSeq` above 2^32 - 1
 */
export async function makeOpsDeviceCert(
  signer: Signer,
  ops: OpsCert,
  subject: DeviceCertSubject,
  terms: DeviceCertTerms,
): Promise<DeviceCert> {
  const outlives = terms.notAfter > ops.notAfter
  const content: DeviceCertContent = {
    ...header(ops.rootEd25519, outlives ? { ...terms, notAfter: ops.notAfter } : terms),
    signer: 'ops',
    opsKey: ops.opsKey,
    opsNotBefore: ops.notBefore,
    opsNotAfter: ops.notAfter,
    opsSignature: ops.signature.ed25519,
  }
  const signature = await signer.sign(identitySignContent('DeviceCert', deviceCertTbs(subject, content)))
  return { ...content, signature: copyBytes(signature) }
}

function header(rootEd25519: Bytes, { generation, manifestSeq, notAfter }: DeviceCertTerms) {
  return { version: deviceCertVersion, rootEd25519, generation, manifestSeq: Number(manifestSeq), notAfter }
}

/**
 * The signatures to check, for a batch: the certificate's, and that of OPS where it signed. All must hold, and
 * {@link checkDeviceCertTerms} must pass.
 */
export function deviceCertInput(subject: DeviceCertSubject, cert: DeviceCert): readonly VerifyRequest[] {
  const message = identitySignContent('DeviceCert', deviceCertTbs(subject, cert))
  if (cert.signer === 'root') return [{ publicKey: cert.rootEd25519, message, signature: cert.signature }]
  const tbs: OpsCertTbs = {
    account: copyBytes(subject.account),
    generation: cert.generation,
    rootEd25519: cert.rootEd25519,
    opsKey: cert.opsKey,
    notBefore: cert.opsNotBefore,
    notAfter: cert.opsNotAfter,
  }
  return [
    { publicKey: cert.opsKey, message, signature: cert.signature },
    {
      publicKey: cert.rootEd25519,
      message: identitySignContent('OpsCert', encode(OpsCertTbs, tbs)),
      signature: cert.opsSignature,
    },
  ]
}

/**
 * Checks what a certificate says, without its signatures and without a clock.
 * @throws `identity/version` (I004), `identity/key` (I005, I009), `identity/lifetime` (I008, I042)
 */
export function checkDeviceCertTerms(suite: CipherSuite, cert: DeviceCert): void {
  check(cert.version === deviceCertVersion, 'identity/version', 'I004', 'a device certificate of another version')
  const isKey = suite.isSignaturePublicKey(cert.rootEd25519)
  check(isKey, 'identity/key', 'I005', 'a device certificate with a root that is no Ed25519 key')
  if (cert.signer === 'root') return
  checkOpsTerms(suite, { ...cert, notBefore: cert.opsNotBefore, notAfter: cert.opsNotAfter })
  // what OPS signs ends with OPS
  const within = cert.notAfter <= cert.opsNotAfter
  check(within, 'identity/lifetime', 'I042', 'a device certificate that outlives the OPS key')
}

/**
 * Checks a certificate for the account, device and key of a leaf. The root is the one in the certificate: the caller
 * compares it with the account's other leaves and with the pin.
 * @throws `identity/signature` (I040 device, I041 OPS), and as {@link checkDeviceCertTerms}
 */
export function verifyDeviceCert(suite: CipherSuite, subject: DeviceCertSubject, cert: DeviceCert): VerifiedDeviceCert {
  checkDeviceCertTerms(suite, cert)
  deviceCertInput(subject, cert).forEach(({ publicKey, message, signature }, index) => {
    const rule = index === 0 ? 'I040' : 'I041'
    const holds = suite.verify(publicKey, message, signature)
    check(holds, 'identity/signature', rule, 'a signature of a device certificate does not hold')
  })
  return cert as unknown as VerifiedDeviceCert
}

/** Whether the certificate, or the OPS key that signed it, has ended at `now` (seconds since the Unix epoch); a soft rule. */
export function deviceCertExpired(cert: DeviceCert, now: bigint): boolean {
  return now > cert.notAfter
}

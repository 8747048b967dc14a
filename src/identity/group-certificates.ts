/**
 * Verified certificates, remembered across groups and epochs: by the hash of certificate, account, device and leaf key. A
 * device that is in a hundred groups costs one signature check, and an OPS key one for all its devices. New ones are checked
 * in batches. The cache holds what was right only, so it changes nothing but time.
 */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import { encode, type Infer, opaque, struct } from '../codec/codec.ts'
import type { CipherSuite, VerifyRequest } from '../crypto/cipher-suite.ts'
import {
  checkDeviceCertTerms,
  type DeviceCert,
  type DeviceCertSubject,
  decodeDeviceCert,
  deviceCertInput,
  verifyDeviceCert,
} from './device-cert.ts'
import { certificateSubject, type LeafIdentity } from './group-leaf.ts'

const Fingerprint = struct({ account: opaque, deviceId: opaque, leafKey: opaque, certificate: opaque })
const RequestFingerprint = struct({ publicKey: opaque, message: opaque, signature: opaque })
const defaultEntries = 65_536

/** See the file. One serves a whole client. */
export class CertificateCache {
  readonly #suite: CipherSuite
  readonly #entries: number
  /** Insertion order is age. */
  readonly #known = new Set<string>()

  /** @param suite cipher suite 1, whatever the suite of the groups is. @param entries how many are remembered */
  constructor(suite: CipherSuite, entries: number = defaultEntries) {
    this.#suite = suite
    this.#entries = entries
  }

  /** How many are remembered. */
  get size(): number {
    return this.#known.size
  }

  /** Whether a certificate of a leaf was verified before. */
  has(leaf: LeafIdentity): boolean {
    const key = this.#key(leaf)
    return key !== undefined && this.#known.has(key)
  }

  /**
   * The certificate of one subject from its bytes, which are checked at once where they were not before.
   * @throws as `decodeDeviceCert` and `verifyDeviceCert`
   */
  verified(subject: DeviceCertSubject, bytes: Bytes): DeviceCert {
    const cert = decodeDeviceCert(bytes)
    const { account, deviceId, leafKey } = subject
    const key = this.#keyOf({
      account: copyBytes(account),
      deviceId: copyBytes(deviceId),
      leafKey: copyBytes(leafKey),
      certificate: bytes,
    })
    if (this.#known.has(key)) return cert
    verifyDeviceCert(this.#suite, subject, cert)
    this.#remember(key)
    return cert
  }

  /**
   * Checks the certificates of leaves, all at once; leaves without certificate are passed over.
   * @throws `identity_group/certificate` (H2)
   */
  async verify(leaves: readonly LeafIdentity[]): Promise<void> {
    const requests: VerifyRequest[] = []
    const passed: string[] = []
    const asked = new Set<string>()
    for (const leaf of leaves) {
      const key = this.#key(leaf)
      if (leaf.certificate === undefined || key === undefined || this.#known.has(key)) continue
      const { cert } = leaf.certificate
      try {
        checkDeviceCertTerms(this.#suite, cert)
      } catch (cause) {
        throw new MlsError('identity_group/certificate', 'a device certificate against its rules', {
          rule: 'H2',
          cause,
        })
      }
      passed.push(key)
      deviceCertInput(certificateSubject(leaf), cert).forEach((request, index) => {
        // the second is that of the root over OPS, which many devices share
        const shared = index === 0 ? undefined : this.#requestKey(request)
        if (shared !== undefined && (this.#known.has(shared) || asked.has(shared))) return
        if (shared !== undefined) {
          asked.add(shared)
          passed.push(shared)
        }
        requests.push(request)
      })
    }
    if (requests.length > 0) {
      const results = await this.#suite.verifyMany(requests)
      if (!results.every(Boolean))
        throw new MlsError('identity_group/certificate', 'a device certificate that does not hold', { rule: 'H2' })
    }
    for (const key of passed) this.#remember(key)
  }

  #key({ account, deviceId, signatureKey, certificate }: LeafIdentity): string | undefined {
    if (certificate === undefined) return undefined
    return this.#keyOf({ account, deviceId, leafKey: signatureKey, certificate: certificate.bytes })
  }

  #keyOf(fingerprint: Infer<typeof Fingerprint>): string {
    return mapKey(this.#suite.hash(encode(Fingerprint, fingerprint)))
  }

  #requestKey({ publicKey, message, signature }: VerifyRequest): string {
    const [key, content, sign] = [publicKey, message, signature].map((bytes) => Uint8Array.from(bytes))
    const empty = new Uint8Array(0)
    return mapKey(
      this.#suite.hash(
        encode(RequestFingerprint, { publicKey: key ?? empty, message: content ?? empty, signature: sign ?? empty }),
      ),
    )
  }

  #remember(key: string): void {
    if (this.#known.size >= this.#entries) {
      const oldest = this.#known.values().next().value
      if (oldest !== undefined) this.#known.delete(oldest)
    }
    this.#known.add(key)
  }
}

/**
 * One certificate, read by two readers: a strict one for the outline, whose bytes names and keys are compared by, and
 * @peculiar/x509 for extensions, times and signatures. They must agree on what they read, or the certificate is refused.
 */
import type { KeyUsagesExtension, X509Certificate } from '@peculiar/x509'
import { copyBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type DerElement, derElements, malformed } from './der.ts'
import type { loadX509Library } from './x509-library.ts'

/** What {@link loadX509Library} returns. */
export type X509Library = Awaited<ReturnType<typeof loadX509Library>>

/** The parts of a certificate that a chain check looks at. Byte strings are DER. */
export interface Certificate {
  readonly encoded: Uint8Array
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  /** Content of the subjectAltName extension; empty when there is none. */
  readonly subjectAltName: Uint8Array
  readonly publicKeyInfo: Uint8Array
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly isAuthority: boolean
  readonly pathLength: number | undefined
  /** Flags of keyUsage, `undefined` when the extension is absent. */
  readonly keyUsage: number | undefined
  readonly x509: X509Certificate
}

const sequence = 0x30
const maxCertificateLength = 65_535
const basicConstraintsId = '2.5.29.19'
const keyUsageId = '2.5.29.15'
const subjectAltNameId = '2.5.29.17'
/** RFC 5280 §4.2: what a critical extension must be among for us to go on. */
const processed: ReadonlySet<string> = new Set([basicConstraintsId, keyUsageId, subjectAltNameId])

function refused(message: string): MlsError {
  return new MlsError('auth/x509', message, { rule: 'V056' })
}

/** The outline of RFC 5280 §4.1: the fields that are compared as bytes. */
function outline(encoded: Uint8Array) {
  const [certificate, ...after] = derElements(encoded)
  if (certificate?.tag !== sequence || after.length > 0) throw malformed()
  const [tbs, signatureAlgorithm, , ...more] = derElements(certificate.content)
  if (tbs?.tag !== sequence || signatureAlgorithm === undefined || more.length > 0) throw malformed()
  const fields = derElements(tbs.content)
  const first = fields[0]?.tag === 0xa0 ? 1 : 0
  const [, signature, issuer, , subject, publicKeyInfo] = fields.slice(first) as (DerElement | undefined)[]
  if (signature === undefined || issuer === undefined || subject === undefined || publicKeyInfo === undefined)
    throw malformed()
  // RFC 5280 §4.1.1.2: the algorithm that is signed is the algorithm that is used
  if (!equalBytes(signature.encoded, signatureAlgorithm.encoded)) throw refused('two signature algorithms')
  return { issuer: issuer.encoded, subject: subject.encoded, publicKeyInfo: publicKeyInfo.encoded }
}

/**
 * Reads a certificate.
 * @throws `auth/x509` V056 for what is not DER, holds a critical extension that we do not process, or one twice
 */
export function readCertificate(library: X509Library, der: Uint8Array): Certificate {
  if (der.length > maxCertificateLength) throw refused('a certificate above 65535 bytes')
  const encoded = copyBytes(der)
  const { issuer, subject, publicKeyInfo } = outline(encoded)
  try {
    const x509 = new library.X509Certificate(encoded)
    const { extensions } = x509
    const types = new Set(extensions.map((extension) => extension.type))
    if (types.size !== extensions.length) throw refused('an extension twice')
    if (extensions.some(({ critical, type }) => critical && !processed.has(type)))
      throw refused('a critical extension that is not processed')
    const names = [x509.issuerName, x509.subjectName].map((name) => new Uint8Array(name.toArrayBuffer()))
    const readAlike =
      equalBytes(names[0] as Uint8Array, issuer) &&
      equalBytes(names[1] as Uint8Array, subject) &&
      equalBytes(new Uint8Array(x509.publicKey.rawData), publicKeyInfo)
    if (!readAlike) throw refused('a certificate that can be read in two ways')
    const constraints = x509.getExtension(library.BasicConstraintsExtension)
    const keyUsage = x509.getExtension<KeyUsagesExtension>(library.KeyUsagesExtension)
    const subjectAltName = x509.getExtension(subjectAltNameId)
    return {
      encoded,
      issuer,
      subject,
      subjectAltName: subjectAltName === null ? new Uint8Array(0) : new Uint8Array(subjectAltName.value),
      publicKeyInfo,
      notBefore: x509.notBefore.getTime(),
      notAfter: x509.notAfter.getTime(),
      isAuthority: constraints?.ca === true,
      pathLength: constraints?.pathLength,
      keyUsage: keyUsage?.usages,
      x509,
    }
  } catch (cause) {
    if (cause instanceof MlsError) throw cause
    throw malformed(cause)
  }
}

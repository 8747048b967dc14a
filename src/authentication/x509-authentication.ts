import { equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { AuthenticationService, CredentialBinding, CredentialRole } from '../ports/authentication-service.ts'
import type { Clock } from '../ports/clock.ts'
import { type Certificate, readCertificate, type X509Library } from './x509-certificate.ts'
import { checkChain } from './x509-chain.ts'
import { loadX509Library } from './x509-library.ts'

/** Who a checked chain speaks for. */
export interface X509Identity {
  /** The end entity certificate, DER. */
  readonly certificate: Uint8Array
  /** The subject as text of RFC 4514. */
  readonly subject: string
  /** The names of subjectAltName; `type` as in RFC 5280 §4.2.1.6: `dns`, `email`, `url`, `ip`, ... */
  readonly subjectAltNames: readonly { readonly type: string; readonly value: string }[]
}

/** How {@link x509Authentication} decides. */
export interface X509Options {
  /** DER certificates of the authorities that are trusted. */
  readonly trustAnchors: readonly Uint8Array[]
  readonly clock: Clock
  /**
   * `ignore`: notBefore and notAfter are not looked at. Clocks differ between members, and a commit at the edge of a
   * validity is accepted by some and refused by others; ignoring the times in a running group cannot fork it.
   */
  readonly validity?: 'enforce' | 'ignore'
  /** The most certificates in a credential, 8 unless given. */
  readonly maxLength?: number
  /** What else must hold for the name in the end entity, e.g. that it belongs to the domain. Everything, unless given. */
  readonly accept?: (identity: X509Identity, role: CredentialRole) => boolean | Promise<boolean>
  /** Told why a credential was refused: `auth/x509` with V055 or V056. */
  readonly onRefused?: (error: MlsError) => void
}

/**
 * Authentication by X.509 certificates (RFC 9420 §5.3): the end entity holds the leaf's signature key (V055) and its chain
 * leads to a trust anchor (V056). A successor has the same subject and the same alternative names, byte for byte. Basic
 * credentials are refused.
 *
 * Signatures of authorities are checked by the platform's WebCrypto, which decides on the algorithms: ECDSA and RSA
 * everywhere, Ed25519 on current platforms. Revocation is not looked at: remove the member.
 * @throws `auth/x509` when a trust anchor is not a certificate of an authority
 */
export async function x509Authentication(options: X509Options): Promise<AuthenticationService> {
  const { clock, validity = 'enforce', maxLength = 8, accept, onRefused } = options
  const library = await loadX509Library()
  const trustAnchors = options.trustAnchors.map((der) => readCertificate(library, der))
  if (!trustAnchors.every((anchor) => anchor.isAuthority))
    throw new MlsError('auth/x509', 'a trust anchor is no authority', { rule: 'V056' })

  async function check({ credential, signatureKey }: CredentialBinding, role: CredentialRole): Promise<boolean> {
    if (credential.credentialType !== 'x509') return false
    // before anything is parsed: the cost of a long chain is the peer's choice
    if (credential.certificates.length > maxLength)
      throw new MlsError('auth/x509', 'a chain longer than allowed', { rule: 'V056' })
    const chain = credential.certificates.map((der) => readCertificate(library, der))
    const now = validity === 'enforce' ? clock.now() : undefined
    await checkChain(chain, signatureKey, { trustAnchors, maxLength, now })
    return accept === undefined || (await accept(identityOf(library, chain[0] as Certificate), role))
  }

  return {
    async validate(binding, role) {
      try {
        return await check(binding, role)
      } catch (error) {
        if (!(error instanceof MlsError && error.code === 'auth/x509')) throw error
        onRefused?.(error)
        return false
      }
    },
    isSuccessor(current, next) {
      const [before, after] = [current, next].map((binding) => endEntity(library, binding))
      if (before === undefined || after === undefined || !isNamed(before)) return false
      return equalBytes(before.subject, after.subject) && equalBytes(before.subjectAltName, after.subjectAltName)
    },
  }
}

function endEntity(library: X509Library, { credential }: CredentialBinding): Certificate | undefined {
  const der = credential.credentialType === 'x509' ? credential.certificates[0] : undefined
  try {
    return der && readCertificate(library, der)
  } catch {
    return undefined
  }
}

/** An empty subject without alternative names is nobody. */
function isNamed({ subject, subjectAltName }: Certificate): boolean {
  return subject.length > 2 || subjectAltName.length > 0
}

function identityOf(library: X509Library, { encoded, x509 }: Certificate): X509Identity {
  const names = x509.getExtension(library.SubjectAlternativeNameExtension)?.names.items ?? []
  return {
    certificate: encoded,
    subject: x509.subject,
    subjectAltNames: names.map(({ type, value }) => ({ type, value })),
  }
}

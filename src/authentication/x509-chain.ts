/**
 * The chain check behind X.509 credentials: RFC 9420 §5.3 (order, V055, V056) and RFC 5280 §6.1 without policies, name
 * constraints and revocation; certificates that demand those (critical extensions) are refused when they are read.
 *
 *     certificates[0]   end entity, holds the signature key
 *     certificates[1]   issued [0]
 *        ...
 *     certificates[n]   issued [n-1]; is a trust anchor, or was issued by one
 */
import { concatBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { fromHex } from '../bytes/text.ts'
import type { Certificate } from './x509-certificate.ts'

/** What a chain is checked against. */
export interface ChainRules {
  readonly trustAnchors: readonly Certificate[]
  /** The most certificates in a credential. */
  readonly maxLength: number
  /** Milliseconds since the epoch; `undefined`: times are not looked at. */
  readonly now: number | undefined
}

const digitalSignature = 1
const keyCertSign = 32
const minRsaBits = 2048
const hashes: ReadonlySet<string> = new Set(['SHA-256', 'SHA-384', 'SHA-512'])

/** SubjectPublicKeyInfo up to the key, by the length of the key (RFC 8410 §4, RFC 5480 §2). */
const publicKeyInfoPrefixes: ReadonlyMap<number, Uint8Array> = new Map([
  [32, fromHex('302a300506032b6570032100')],
  [57, fromHex('3043300506032b6571033a00')],
  [65, fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200')],
  [97, fromHex('3076301006072a8648ce3d020106052b81040022036200')],
  [133, fromHex('30819b301006072a8648ce3d020106052b8104002303818600')],
])

function refuse(rule: 'V055' | 'V056', message: string): never {
  throw new MlsError('auth/x509', message, { rule })
}

/**
 * Checks a chain for a signature key.
 * @throws `auth/x509` with V055 or V056
 */
export async function checkChain(
  chain: readonly Certificate[],
  signatureKey: Uint8Array,
  rules: ChainRules,
): Promise<void> {
  const [endEntity, ...issuers] = chain
  const last = chain.at(-1)
  if (endEntity === undefined || last === undefined) refuse('V056', 'an empty chain')
  if (chain.length > rules.maxLength) refuse('V056', 'a chain longer than allowed')
  const prefix = publicKeyInfoPrefixes.get(signatureKey.length)
  if (prefix === undefined || !equalBytes(endEntity.publicKeyInfo, concatBytes(prefix, signatureKey)))
    refuse('V055', 'the certificate is for another key')
  if (endEntity.isAuthority) refuse('V056', 'the end entity is an authority')
  if (endEntity.keyUsage !== undefined && (endEntity.keyUsage & digitalSignature) === 0)
    refuse('V056', 'the end entity may not sign')
  for (const certificate of chain) checkValidity(certificate, rules.now)
  for (const [below, issuer] of issuers.entries())
    await checkIssued(chain[below] as Certificate, issuer, chain.slice(1, below + 1))
  await checkAnchored(last, issuers, rules)
}

function checkValidity({ notBefore, notAfter }: Certificate, now: number | undefined): void {
  if (!(notBefore <= notAfter)) refuse('V056', 'a certificate that is never valid')
  if (now !== undefined && !(notBefore <= now && now <= notAfter)) refuse('V056', 'a certificate outside its validity')
}

/** The end of the chain is one of our anchors, which are authorities and no end entities, or one of them issued it. */
async function checkAnchored(last: Certificate, issuers: readonly Certificate[], rules: ChainRules): Promise<void> {
  const { trustAnchors, now } = rules
  if (trustAnchors.some((anchor) => equalBytes(anchor.encoded, last.encoded))) return
  let reason: unknown
  for (const anchor of trustAnchors) {
    if (!equalBytes(anchor.subject, last.issuer)) continue
    try {
      checkValidity(anchor, now)
      await checkIssued(last, anchor, issuers)
      return
    } catch (error) {
      reason = error
    }
  }
  if (reason !== undefined) throw reason
  refuse('V056', 'the chain ends at no trust anchor')
}

/** RFC 5280 §6.1.3 and §6.1.4: `issuer` may have issued `certificate`, and did. `between` are the authorities below it. */
async function checkIssued(
  certificate: Certificate,
  issuer: Certificate,
  between: readonly Certificate[],
): Promise<void> {
  if (!equalBytes(certificate.issuer, issuer.subject)) refuse('V056', 'a certificate does not follow its issuer')
  if (!issuer.isAuthority) refuse('V056', 'the issuer is no authority')
  if (issuer.keyUsage !== undefined && (issuer.keyUsage & keyCertSign) === 0)
    refuse('V056', 'the issuer may not sign certificates')
  // self-issued certificates (new key, same name) do not count
  const depth = between.filter(({ subject, issuer: name }) => !equalBytes(subject, name)).length
  if (issuer.pathLength !== undefined && depth > issuer.pathLength) refuse('V056', 'more authorities than allowed')
  if (!(await isSigned(certificate, issuer))) refuse('V056', 'a signature of a certificate does not hold')
}

async function isSigned({ x509 }: Certificate, issuer: Certificate): Promise<boolean> {
  const { publicKey } = issuer.x509
  try {
    if (!isStrong(x509.signatureAlgorithm, publicKey.algorithm)) return false
    return await x509.verify({ publicKey, signatureOnly: true })
  } catch {
    return false
  }
}

/** No SHA-1 or older, no short RSA keys. */
function isStrong(signature: { name: string; hash?: { name: string } }, key: { name: string }): boolean {
  if (signature.name === 'Ed25519' || signature.name === 'Ed448') return true
  if (signature.hash === undefined || !hashes.has(signature.hash.name)) return false
  if (signature.name === 'ECDSA') return true
  const bits = 'modulusLength' in key && typeof key.modulusLength === 'number' ? key.modulusLength : 0
  return signature.name.startsWith('RSA') && bits >= minRsaBits
}

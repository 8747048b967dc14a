/**
 * The operational key (OPS) signs from day to day, so that the root can stay away. The root certifies it for a limited time.
 *
 * The certificate names the Ed25519 half of the root instead of the hash of all of it: a leaf of a group carries that half
 * alone, and must be checkable from the tree (`device-cert.ts`). Under a hybrid root both halves sign the same bytes.
 */

import { equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { concat, encode, fixed, type Infer, struct, uint32, uint64 } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { AccountName } from './bounded.ts'
import { identityLifetimes } from './limits.ts'
import { type RootKeySet, RootSignature, type RootSigner, signWithRoot, verifyRoot } from './root-keys.ts'

/** What the root signs about OPS. `notBefore` and `notAfter`: seconds since the Unix epoch, both included. */
export const OpsCertTbs = struct({
  account: AccountName,
  generation: uint32,
  rootEd25519: fixed(32),
  opsKey: fixed(32),
  notBefore: uint64,
  notAfter: uint64,
})
export type OpsCertTbs = Infer<typeof OpsCertTbs>

/** A certificate of the operational key, signed by the root. */
export const OpsCert = concat(OpsCertTbs, struct({ signature: RootSignature }))
export type OpsCert = Infer<typeof OpsCert>

/**
 * Checks the times and the key of a certificate, without the signature.
 * @throws `identity/lifetime` (I008), `identity/key` (I009)
 */
export function checkOpsTerms(
  suite: CipherSuite,
  terms: Pick<OpsCertTbs, 'rootEd25519' | 'opsKey' | 'notBefore' | 'notAfter'>,
): void {
  const { notBefore, notAfter } = terms
  check(notBefore < notAfter, 'identity/lifetime', 'I008', 'an OPS certificate that ends before it begins')
  const short = notAfter - notBefore <= identityLifetimes.maxCertificate
  check(short, 'identity/lifetime', 'I008', 'an OPS certificate of more than 400 days')
  check(suite.isSignaturePublicKey(terms.opsKey), 'identity/key', 'I009', 'an OPS key that is no Ed25519 key')
  // a key with two roles could be asked to sign in one what counts in the other
  const own = !equalBytes(terms.opsKey, terms.rootEd25519)
  check(own, 'identity/key', 'I009', 'the OPS key is the root key')
}

/** Certifies an OPS key. @throws `identity/lifetime` (I008), `identity/key` (I009), `identity/account` (I002) */
export async function makeOpsCert(
  suite: CipherSuite,
  signer: RootSigner,
  content: Omit<OpsCertTbs, 'rootEd25519'>,
): Promise<OpsCert> {
  const tbs = { ...content, rootEd25519: signer.root.ed25519 }
  checkOpsTerms(suite, tbs)
  return { ...tbs, signature: await signWithRoot(signer, 'OpsCert', encode(OpsCertTbs, tbs)) }
}

/** Whose OPS key it must be. */
export interface OpsCertSubject {
  readonly account: Uint8Array
  readonly generation: number
  readonly root: RootKeySet
}

/**
 * Checks that a certificate is the one of this account, generation and root, and that the root signed it.
 * @throws `identity/ops_cert` (I007), `identity/lifetime` (I008), `identity/key` (I009), `identity/signature` (I007)
 */
export function verifyOpsCert(suite: CipherSuite, cert: OpsCert, subject: OpsCertSubject): void {
  const same =
    equalBytes(cert.account, subject.account) &&
    cert.generation === subject.generation &&
    equalBytes(cert.rootEd25519, subject.root.ed25519)
  check(same, 'identity/ops_cert', 'I007', 'an OPS certificate of another account, generation or root')
  checkOpsTerms(suite, cert)
  if (!verifyRoot(suite, subject.root, 'OpsCert', encode(OpsCertTbs, cert), cert.signature))
    throw new MlsError('identity/signature', 'the root did not sign this OPS certificate', { rule: 'I007' })
}

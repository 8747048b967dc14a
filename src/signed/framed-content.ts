/** Signatures of framed content (RFC 9420 §6.1). */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import { lent, type Writer, written } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { refHash, writeSignContent } from '../crypto/labels.ts'
import {
  AuthenticatedContent,
  type FramedContent,
  type FramedWireFormat,
  writeFramedContentTbs,
} from '../wire/framed-content.ts'
import { type Signer, signSync } from './signer.ts'

const label = 'FramedContentTBS'
declare const verified: unique symbol

/** Framed content whose signature holds for the key of its sender. */
export type VerifiedContent = AuthenticatedContent & { readonly [verified]: true }

/** SignContent of FramedContentTBS. */
function toBeSigned(
  wireFormat: FramedWireFormat,
  content: FramedContent,
  encodedContext: Uint8Array | undefined,
): Bytes {
  return written((writer) => writeToBeSigned(writer, wireFormat, content, encodedContext))
}

function writeToBeSigned(
  writer: Writer,
  wireFormat: FramedWireFormat,
  content: FramedContent,
  encodedContext: Uint8Array | undefined,
): void {
  writeSignContent(writer, label, () => writeFramedContentTbs(writer, wireFormat, content, encodedContext))
}

/** The signature over content; `encodedContext` is the GroupContext of the epoch. */
export async function signFramedContent(
  signer: Signer,
  wireFormat: FramedWireFormat,
  content: FramedContent,
  encodedContext: Uint8Array | undefined,
): Promise<Bytes> {
  return signer.sign(toBeSigned(wireFormat, content, encodedContext))
}

/** {@link signFramedContent} at once. @throws `group/blocked` for a signer that answers later */
export function signFramedContentSync(
  signer: Signer,
  wireFormat: FramedWireFormat,
  content: FramedContent,
  encodedContext: Uint8Array | undefined,
): Bytes {
  return signSync(signer, toBeSigned(wireFormat, content, encodedContext))
}

/** @throws `crypto/signature` (V080, with V081 and V082 as parts of what is signed) */
export function verifyFramedContent(
  suite: CipherSuite,
  content: AuthenticatedContent,
  signatureKey: Uint8Array,
  encodedContext: Uint8Array | undefined,
): VerifiedContent {
  const valid = lent(
    (writer) => writeToBeSigned(writer, content.wireFormat, content.content, encodedContext),
    (signed) => suite.verify(signatureKey, signed, content.auth.signature),
  )
  // RFC 9420 §6.1 V080
  if (!valid) throw new MlsError('crypto/signature', 'the signature of a message does not hold', { rule: 'V080' })
  return content as VerifiedContent
}

/** ProposalRef of RFC 9420 §5.2: Nh bytes over the AuthenticatedContent. */
export function proposalRef(suite: CipherSuite, content: AuthenticatedContent): Bytes {
  return refHash(suite, 'Proposal Reference', encode(AuthenticatedContent, content))
}

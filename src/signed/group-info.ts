/** Signatures of GroupInfos (RFC 9420 §12.4.3). */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import { Reader } from '../codec/reader.ts'
import { lent } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { signContentOf, verifyWithLabel } from '../crypto/labels.ts'
import { GroupInfo, GroupInfoTbs } from '../wire/group-info.ts'
import type { Signer } from './signer.ts'

const label = 'GroupInfoTBS'
declare const verified: unique symbol

/** A GroupInfo whose signature holds for the key of its signer. */
export type VerifiedGroupInfo = GroupInfo & { readonly [verified]: true }

/** Signs a GroupInfo; `content.signer` is the leaf of the signer. */
export async function signGroupInfo(signer: Signer, content: GroupInfoTbs): Promise<VerifiedGroupInfo> {
  const message = signContentOf(label, (writer) => GroupInfoTbs.write(writer, content))
  const signature = await signer.sign(message)
  const groupInfo = { ...content, signature } as unknown as VerifiedGroupInfo
  encodings.set(groupInfo, contentOf(message))
  return groupInfo
}

/** The content in a SignContent (RFC 9420 §5.1.2). */
function contentOf(message: Bytes): Uint8Array {
  const reader = new Reader(message)
  reader.skip(reader.varint())
  return reader.view(reader.varint())
}

/** What was signed, for as long as its GroupInfo is there: with a tree in it, it is long. */
const encodings = new WeakMap<VerifiedGroupInfo, Uint8Array>()

/** What `use` makes of the encoding of a GroupInfo, which is lent; of one that was signed here, what was signed is not encoded again. */
export function lentGroupInfo<T>(groupInfo: VerifiedGroupInfo, use: (bytes: Uint8Array) => T): T {
  const signed = encodings.get(groupInfo)
  return lent((writer) => {
    if (signed === undefined) return GroupInfo.write(writer, groupInfo)
    writer.raw(signed)
    writer.opaque(groupInfo.signature)
  }, use)
}

/** @param signed the GroupInfoTBS as received, when it is at hand. @throws `crypto/signature` (V310) */
export function verifyGroupInfo(
  suite: CipherSuite,
  groupInfo: GroupInfo,
  signatureKey: Uint8Array,
  signed: Uint8Array = encode(GroupInfoTbs, groupInfo),
): VerifiedGroupInfo {
  // RFC 9420 §12.4.3.1 V310: by the member at the index `signer`
  if (!verifyWithLabel(suite, signatureKey, label, signed, groupInfo.signature))
    throw new MlsError('crypto/signature', 'the signature of a GroupInfo does not hold', { rule: 'V310' })
  return groupInfo as unknown as VerifiedGroupInfo
}

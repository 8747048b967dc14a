/** Signatures of GroupInfos (RFC 9420 §12.4.3). */
import { type Bytes, concatBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { encode, opaque } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { verifyWithLabel } from '../crypto/labels.ts'
import { GroupInfo, GroupInfoTbs } from '../wire/group-info.ts'
import { type Signer, signLabelled } from './signer.ts'

const label = 'GroupInfoTBS'
declare const verified: unique symbol

/** A GroupInfo whose signature holds for the key of its signer. */
export type VerifiedGroupInfo = GroupInfo & { readonly [verified]: true }

/** Signs a GroupInfo; `content.signer` is the leaf of the signer. */
export async function signGroupInfo(signer: Signer, content: GroupInfoTbs): Promise<VerifiedGroupInfo> {
  const signed = encode(GroupInfoTbs, content)
  const signature = await signLabelled(signer, label, signed)
  const groupInfo = { ...content, signature } as unknown as VerifiedGroupInfo
  encodings.set(groupInfo, signed)
  return groupInfo
}

/** What was signed, for as long as its GroupInfo is there: with a tree in it, it is long. */
const encodings = new WeakMap<VerifiedGroupInfo, Bytes>()

/** The encoding of a GroupInfo; of one that was signed here, what was signed is not encoded again. */
export function encodeGroupInfo(groupInfo: VerifiedGroupInfo): Bytes {
  const signed = encodings.get(groupInfo)
  if (signed === undefined) return encode(GroupInfo, groupInfo)
  return concatBytes(signed, encode(opaque, groupInfo.signature))
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

import type { Bytes } from '../bytes/bytes.ts'
import { concat, type Infer, opaque, struct, uint32 } from '../codec/codec.ts'
import { Reader } from '../codec/reader.ts'
import { Extensions } from './extension.ts'
import { GroupContext } from './group-context.ts'

/** GroupInfoTBS of RFC 9420 §12.4.3. `signer` is a leaf index. */
export const GroupInfoTbs = struct({
  groupContext: GroupContext,
  extensions: Extensions,
  confirmationTag: opaque,
  signer: uint32,
})
export type GroupInfoTbs = Infer<typeof GroupInfoTbs>

/** RFC 9420 §12.4.3. */
export const GroupInfo = concat(GroupInfoTbs, struct({ signature: opaque }))
export type GroupInfo = Infer<typeof GroupInfo>

/** A GroupInfo with what its signature covers, GroupInfoTBS, as it was received. */
export interface ReceivedGroupInfo {
  readonly groupInfo: GroupInfo
  readonly signed: Uint8Array
}

/** Byte strings of so many bytes are not copied. */
const shareFrom = 65_536

/**
 * Decodes a GroupInfo from bytes that belong to the caller alone. A tree in it, which may be most of the bytes, is a view of
 * them, and so is what is signed.
 * @throws codes of kind `malformed`
 */
export function receiveGroupInfo(bytes: Bytes): ReceivedGroupInfo {
  const reader = new Reader(bytes, shareFrom)
  const content = GroupInfoTbs.read(reader)
  const signed = bytes.subarray(0, reader.offset)
  const groupInfo: GroupInfo = { ...content, signature: opaque.read(reader) }
  reader.finish()
  return { groupInfo, signed }
}

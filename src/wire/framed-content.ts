/** RFC 9420 §6: what is framed, by whom, and how it is authenticated. */
import type { Bytes } from '../bytes/bytes.ts'
import {
  type Codec,
  concat,
  enumeration,
  type Fields,
  type Infer,
  opaque,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  variant,
} from '../codec/codec.ts'
import { type Writer, written } from '../codec/writer.ts'
import { Commit } from './commit.ts'
import type { GroupContext } from './group-context.ts'
import { GroupContext as GroupContextCodec } from './group-context.ts'
import { Proposal } from './proposal.ts'
import { mls10 } from './registries.ts'

/** RFC 9420 §6. */
export const ContentType = enumeration(uint8, { application: 1, proposal: 2, commit: 3 }, 'V015')
export type ContentType = Infer<typeof ContentType>

/** RFC 9420 §6: the wire formats of MLSMessage. */
export const wireFormats = {
  mls_public_message: 1,
  mls_private_message: 2,
  mls_welcome: 3,
  mls_group_info: 4,
  mls_key_package: 5,
} as const
/** What an MLSMessage carries (RFC 9420 §6, §17.2). */
export type WireFormat = keyof typeof wireFormats
/** The wire formats that carry framed content; they are part of what is signed (V081). */
export const FramedWireFormat = enumeration(uint16, { mls_public_message: 1, mls_private_message: 2 }, 'V014')
export type FramedWireFormat = Infer<typeof FramedWireFormat>

/** RFC 9420 §6. */
export const Sender = variant(
  'senderType',
  uint8,
  {
    member: [1, { leafIndex: uint32 }],
    external: [2, { senderIndex: uint32 }],
    new_member_proposal: [3, {}],
    new_member_commit: [4, {}],
  },
  'V016',
)
export type Sender = Infer<typeof Sender>
/** Who may send (RFC 9420 §6). */
export type SenderType = Sender['senderType']

/** RFC 9420 §6. */
export const FramedContent = concat(
  struct({ groupId: opaque, epoch: uint64, sender: Sender, authenticatedData: opaque }),
  variant(
    'contentType',
    uint8,
    {
      application: [1, { applicationData: opaque }],
      proposal: [2, { proposal: Proposal }],
      commit: [3, { commit: Commit }],
    },
    'V015',
  ),
)
export type FramedContent = Infer<typeof FramedContent>

/** FramedContentAuthData of RFC 9420 §6.1: `confirmationTag` exactly in commits (V083). */
export interface FramedContentAuthData {
  readonly signature: Bytes
  readonly confirmationTag?: Bytes
}

/** The codec of {@link FramedContentAuthData} depends on the content type outside of it. */
export function framedContentAuthData(contentType: ContentType): Fields<FramedContentAuthData> {
  return contentType === 'commit' ? commitAuthData : otherAuthData
}
const commitAuthData = struct({ signature: opaque, confirmationTag: opaque })
const otherAuthData = struct({ signature: opaque })

/** RFC 9420 §6: content with its authentication, and the wire format that it was signed for. */
export interface AuthenticatedContent {
  readonly wireFormat: FramedWireFormat
  readonly content: FramedContent
  readonly auth: FramedContentAuthData
}

/** RFC 9420 §6. */
export const AuthenticatedContent: Codec<AuthenticatedContent> = {
  read(reader) {
    const wireFormat = FramedWireFormat.read(reader)
    const content = FramedContent.read(reader)
    return { wireFormat, content, auth: framedContentAuthData(content.contentType).read(reader) }
  },
  write(writer, value) {
    FramedWireFormat.write(writer, value.wireFormat)
    FramedContent.write(writer, value.content)
    framedContentAuthData(value.content.contentType).write(writer, value.auth)
  },
}

/**
 * FramedContentTBS of RFC 9420 §6.1. `context` is the GroupContext of the epoch: an object, or its encoding. It is part of
 * the bytes for members and for new_member_commit (V082, V290), and must be given for these.
 */
export function framedContentTbs(
  wireFormat: FramedWireFormat,
  content: FramedContent,
  context: GroupContext | Uint8Array | undefined,
): Bytes {
  return written((writer) => writeFramedContentTbs(writer, wireFormat, content, context))
}

/** Writes {@link framedContentTbs}. */
export function writeFramedContentTbs(
  writer: Writer,
  wireFormat: FramedWireFormat,
  content: FramedContent,
  context: GroupContext | Uint8Array | undefined,
): void {
  writer.uint16(mls10)
  FramedWireFormat.write(writer, wireFormat)
  FramedContent.write(writer, content)
  if (content.sender.senderType === 'member' || content.sender.senderType === 'new_member_commit') {
    if (context instanceof Uint8Array) writer.raw(context)
    else if (context !== undefined) GroupContextCodec.write(writer, context)
  }
}

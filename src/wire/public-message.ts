import type { Bytes } from '../bytes/bytes.ts'
import { type Codec, opaque } from '../codec/codec.ts'
import { FramedContent, type FramedContentAuthData, framedContentAuthData } from './framed-content.ts'

/** RFC 9420 §6.2. `membershipTag` is present exactly for members (V076, V077). */
export interface PublicMessage {
  readonly content: FramedContent
  readonly auth: FramedContentAuthData
  readonly membershipTag?: Bytes
}

/** RFC 9420 §6.2. */
export const PublicMessage: Codec<PublicMessage> = {
  read(reader) {
    const content = FramedContent.read(reader)
    const auth = framedContentAuthData(content.contentType).read(reader)
    if (content.sender.senderType !== 'member') return { content, auth }
    return { content, auth, membershipTag: opaque.read(reader) }
  },
  write(writer, message) {
    FramedContent.write(writer, message.content)
    framedContentAuthData(message.content.contentType).write(writer, message.auth)
    if (message.content.sender.senderType === 'member') opaque.write(writer, message.membershipTag ?? new Uint8Array(0))
  },
}

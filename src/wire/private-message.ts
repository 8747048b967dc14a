import { MlsError } from '../bytes/errors.ts'
import { type Codec, fixed, type Infer, opaque, struct, uint32, uint64 } from '../codec/codec.ts'
import type { Reader } from '../codec/reader.ts'
import type { Writer } from '../codec/writer.ts'
import { Commit } from './commit.ts'
import { ContentType, type FramedContent, type FramedContentAuthData, framedContentAuthData } from './framed-content.ts'
import { Proposal } from './proposal.ts'

/** RFC 9420 §6.3. */
export const PrivateMessage = struct({
  groupId: opaque,
  epoch: uint64,
  contentType: ContentType,
  authenticatedData: opaque,
  encryptedSenderData: opaque,
  ciphertext: opaque,
})
export type PrivateMessage = Infer<typeof PrivateMessage>

/** RFC 9420 §6.3.2: 12 bytes (V027). */
export const SenderData = struct({ leafIndex: uint32, generation: uint32, reuseGuard: fixed(4) })
export type SenderData = Infer<typeof SenderData>

/** SenderDataAAD of RFC 9420 §6.3.2. */
export const SenderDataAad = struct({ groupId: opaque, epoch: uint64, contentType: ContentType })

/** PrivateContentAAD of RFC 9420 §6.3.1. */
export const PrivateContentAad = struct({
  groupId: opaque,
  epoch: uint64,
  contentType: ContentType,
  authenticatedData: opaque,
})

type Body<C extends ContentType> = Extract<FramedContent, { contentType: C }>

/** What of a FramedContent is encrypted. */
export type PrivateBody =
  | Pick<Body<'application'>, 'contentType' | 'applicationData'>
  | Pick<Body<'proposal'>, 'contentType' | 'proposal'>
  | Pick<Body<'commit'>, 'contentType' | 'commit'>

/** PrivateMessageContent of RFC 9420 §6.3.1 without its padding. */
export type PrivateMessageContent = PrivateBody & { readonly auth: FramedContentAuthData }

/**
 * PrivateMessageContent of RFC 9420 §6.3.1; `contentType` comes from outside. Reading takes all bytes that are left as
 * padding and looks at every one of them; writing appends `padding` zeros.
 * @throws `framing/padding` for a byte other than zero (V090)
 */
export function privateMessageContent(contentType: ContentType, padding = 0): Codec<PrivateMessageContent> {
  return {
    read(reader) {
      const value = readContent(reader, contentType)
      let seen = 0
      const rest = reader.view(reader.left)
      for (let i = 0; i < rest.length; i++) seen |= rest[i] as number
      if (seen !== 0) throw new MlsError('framing/padding', 'padding that is not zero', { rule: 'V090' })
      return value
    },
    write(writer, value) {
      writePrivateMessageContent(writer, value, value.auth)
      writer.zeros(padding)
    },
  }
}

function readContent(reader: Reader, contentType: ContentType): PrivateMessageContent {
  const auth = framedContentAuthData(contentType)
  if (contentType === 'application')
    return { contentType, applicationData: opaque.read(reader), auth: auth.read(reader) }
  if (contentType === 'proposal') return { contentType, proposal: Proposal.read(reader), auth: auth.read(reader) }
  return { contentType, commit: Commit.read(reader), auth: auth.read(reader) }
}

/** Writes {@link PrivateMessageContent} without padding, out of its two parts. */
export function writePrivateMessageContent(writer: Writer, body: PrivateBody, auth: FramedContentAuthData): void {
  if (body.contentType === 'application') opaque.write(writer, body.applicationData)
  else if (body.contentType === 'proposal') Proposal.write(writer, body.proposal)
  else Commit.write(writer, body.commit)
  framedContentAuthData(body.contentType).write(writer, auth)
}

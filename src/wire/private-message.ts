import { MlsError } from '../bytes/errors.ts'
import { type Codec, fixed, type Infer, opaque, struct, uint32, uint64 } from '../codec/codec.ts'
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

/** PrivateMessageContent of RFC 9420 §6.3.1 without its padding. */
export type PrivateMessageContent = (
  | Pick<Body<'application'>, 'contentType' | 'applicationData'>
  | Pick<Body<'proposal'>, 'contentType' | 'proposal'>
  | Pick<Body<'commit'>, 'contentType' | 'commit'>
) & { readonly auth: FramedContentAuthData }

/**
 * PrivateMessageContent of RFC 9420 §6.3.1; `contentType` comes from outside. Reading takes all bytes that are left as
 * padding and looks at every one of them; writing appends `padding` zeros.
 * @throws `framing/padding` for a byte other than zero (V090)
 */
export function privateMessageContent(contentType: ContentType, padding = 0): Codec<PrivateMessageContent> {
  const auth = framedContentAuthData(contentType)
  return {
    read(reader) {
      const body =
        contentType === 'application'
          ? { contentType, applicationData: opaque.read(reader) }
          : contentType === 'proposal'
            ? { contentType, proposal: Proposal.read(reader) }
            : { contentType, commit: Commit.read(reader) }
      const value = { ...body, auth: auth.read(reader) } as PrivateMessageContent
      let seen = 0
      const rest = reader.view(reader.left)
      for (let i = 0; i < rest.length; i++) seen |= rest[i] as number
      if (seen !== 0) throw new MlsError('framing/padding', 'padding that is not zero', { rule: 'V090' })
      return value
    },
    write(writer, value) {
      if (value.contentType === 'application') opaque.write(writer, value.applicationData)
      else if (value.contentType === 'proposal') Proposal.write(writer, value.proposal)
      else Commit.write(writer, value.commit)
      auth.write(writer, value.auth)
      writer.raw(new Uint8Array(padding))
    },
  }
}

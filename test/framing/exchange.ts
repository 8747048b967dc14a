import type { Bytes } from '../../src/bytes/bytes.ts'
import { protectPrivate, unprotectPrivate } from '../../src/framing/private-message.ts'
import type { AuthenticatedContent } from '../../src/wire/framed-content.ts'
import type { PrivateMessage } from '../../src/wire/private-message.ts'
import { application, context, member, type secrets, sign, signatureKey } from './support.ts'

/** No padding. */
export const none = { kind: 'none' } as const
export type Side = ReturnType<typeof secrets>

/** Unprotects as a member. */
export const receive = (side: Side, message: PrivateMessage, ownLeaf: number | undefined = undefined) =>
  unprotectPrivate({ ...side, message, ownLeaf, signatureKey, encodedContext: context() })
/** {@link receive}, for messages of others. */
export function content(side: Side, message: PrivateMessage) {
  const opened = receive(side, message)
  if (opened.kind !== 'content') throw new Error('own')
  return opened
}
/** A message of a member. */
export const send = (side: Side, leaf = 1) =>
  protectPrivate({ ...side, content: sign(application(member(leaf)), 'mls_private_message'), padding: none })

/** Big content with a signature that nobody checks. */
export const unsigned = (data: Bytes): AuthenticatedContent => ({
  wireFormat: 'mls_private_message',
  content: application(member(1), data),
  auth: { signature: new Uint8Array(64) },
})

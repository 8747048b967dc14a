import { type Bytes, copyBytes, empty } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import type { PaddingPolicy } from '../framing/padding.ts'
import { protectPrivate } from '../framing/private-message.ts'
import { signFramedContentSync } from '../signed/framed-content.ts'
import type { FramedContent } from '../wire/framed-content.ts'
import { encodeMlsMessage } from '../wire/mls-message.ts'
import type { GroupState } from './state.ts'

/** How to send one application message. */
export interface ProtectOptions {
  /** Bytes that are signed and visible to everybody (RFC 9420 §6). */
  readonly authenticatedData?: Uint8Array
  /** The group's setting by default. */
  readonly padding?: PaddingPolicy
}

/** Bytes over memory that is not shared with others who may change it meanwhile. */
function owned(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : copyBytes(bytes)
}

/** Encrypts an application message at once (RFC 9420 §6.3). See `Group.protect`. */
export function protectIn(state: GroupState, data: Uint8Array, options: ProtectOptions): Bytes {
  const { current, config } = state
  const { suite, context, privateTree, secretTree, secrets, signer, encodedContext } = current
  // RFC 9420 §12.4 V277: what was proposed takes effect before anything more is said
  check(state.proposals.size === 0, 'group/must_commit', 'V277', 'proposals wait: commit them before sending')
  const content: FramedContent = {
    groupId: context.groupId,
    epoch: context.epoch,
    sender: { senderType: 'member', leafIndex: privateTree.leafIndex },
    // lent: nothing of the content is kept when this returns
    authenticatedData: owned(options.authenticatedData ?? empty),
    contentType: 'application',
    applicationData: owned(data),
  }
  const wireFormat = 'mls_private_message'
  const signature = signFramedContentSync(signer, wireFormat, content, encodedContext)
  const privateMessage = protectPrivate({
    suite,
    secretTree,
    senderDataSecret: secrets.senderDataSecret,
    content: { wireFormat, content, auth: { signature } },
    padding: options.padding ?? config.padding,
  })
  return encodeMlsMessage({ wireFormat, privateMessage })
}

/**
 * PublicMessage (RFC 9420 §6.2): signed, and for members tagged with a key that only members have.
 *
 * Order of work on receipt: structure and sender rules, then the tag (one MAC), then the signature. Nothing is changed.
 */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import { written } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { type VerifiedContent, verifyFramedContent } from '../signed/framed-content.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import {
  type AuthenticatedContent,
  type FramedContent,
  type FramedContentAuthData,
  framedContentAuthData,
  writeFramedContentTbs,
} from '../wire/framed-content.ts'
import type { PublicMessage } from '../wire/public-message.ts'
import { checkContent } from './sender-rules.ts'

/** Where the keys of senders are found. */
export interface SenderKeys {
  /** The signature key of a leaf; `undefined` for a blank leaf and for any index outside the tree. */
  signatureKey(leafIndex: LeafIndex): Uint8Array | undefined
  /** The signature key of an entry of `external_senders`; absent or `undefined` without that entry. */
  externalKey?(senderIndex: number): Uint8Array | undefined
}

/** What protects a PublicMessage. */
export interface PublicContext {
  readonly suite: CipherSuite
  /** The GroupContext of the epoch, encoded. */
  readonly encodedContext: Uint8Array
  readonly membershipKey: Secret<'membership_key'>
}

/** What checks a PublicMessage. */
export interface PublicVerifyContext extends PublicContext {
  /** The width of the tree. */
  readonly leafCount: number
  readonly senders: SenderKeys
}

/**
 * A PublicMessage of signed content, with a membership tag for members.
 * @throws `framing/wire_format` V081 for content that was signed for another wire format; the codes of {@link checkContent}
 */
export function protectPublic(context: PublicContext, signed: AuthenticatedContent): PublicMessage {
  // RFC 9420 §6.1 V081: the wire format is signed
  check(signed.wireFormat === 'mls_public_message', 'framing/wire_format', 'V081', 'content signed for another format')
  checkContent(signed)
  const { content, auth } = signed
  if (content.sender.senderType !== 'member') return { content, auth }
  return { content, auth, membershipTag: membershipTag(context, content, auth) }
}

/**
 * Checks a PublicMessage of the epoch of `context`; the caller compares group id and epoch first (V061-V063).
 * @throws `framing/membership_tag` V076-V079; `framing/sender` V064-V067; `crypto/signature` V080; the codes of
 * {@link checkContent}
 */
export function unprotectPublic(context: PublicVerifyContext, message: PublicMessage): VerifiedContent {
  const { content, auth } = message
  const received: AuthenticatedContent = { wireFormat: 'mls_public_message', content, auth }
  checkContent(received)
  const key = senderKey(context, content)
  checkMembershipTag(context, message)
  return verifyFramedContent(context.suite, received, key, context.encodedContext)
}

/** `membership_tag` over AuthenticatedContentTBM (RFC 9420 §6.2): Nh bytes. */
function membershipTag(context: PublicContext, content: FramedContent, auth: FramedContentAuthData): Bytes {
  const tagged = written((writer) => {
    writeFramedContentTbs(writer, 'mls_public_message', content, context.encodedContext)
    framedContentAuthData(content.contentType).write(writer, auth)
  })
  const { suite, membershipKey } = context
  return membershipKey.use((key) => suite.hmac(key, tagged))
}

function checkMembershipTag(context: PublicContext, message: PublicMessage): void {
  const { content, auth, membershipTag: tag } = message
  if (content.sender.senderType !== 'member') {
    // RFC 9420 §6.2 V077, V292
    check(tag === undefined, 'framing/membership_tag', 'V077', 'a membership tag of one who is no member')
    return
  }
  // RFC 9420 §6.2 V076
  if (tag === undefined) throw new MlsError('framing/membership_tag', 'no membership tag', { rule: 'V076' })
  // RFC 9420 §6.2 V079: length first, so that no prefix of a tag is a tag (B01)
  check(
    tag.length === context.suite.parameters.hashLength,
    'framing/membership_tag',
    'V079',
    'a membership tag of another length',
  )
  // RFC 9420 §6.2 V078
  check(
    equalBytes(membershipTag(context, content, auth), tag),
    'framing/membership_tag',
    'V078',
    'the membership tag does not hold',
  )
}

/** The key that must have signed (RFC 9420 §6.1). */
function senderKey({ leafCount, senders }: PublicVerifyContext, content: FramedContent): Uint8Array {
  const { sender } = content
  if (sender.senderType === 'member') return memberKey(leafCount, senders, sender.leafIndex)
  if (sender.senderType === 'external') {
    // RFC 9420 §12.1.8 V066
    check(senders.externalKey !== undefined, 'framing/sender', 'V066', 'a group without external senders')
    // RFC 9420 §6.1 V067; that key alone signs for it (V070)
    return found(senders.externalKey(sender.senderIndex), 'V067', 'an external sender that is not listed')
  }
  // RFC 9420 §6.1 V073: the key of the KeyPackage that is to be added
  if (content.contentType === 'proposal' && content.proposal.proposalType === 'add')
    return content.proposal.keyPackage.leafNode.signatureKey
  // RFC 9420 §6.1 V289: the key of the leaf in the path
  const path = content.contentType === 'commit' ? content.commit.path : undefined
  if (path === undefined) throw new MlsError('commit/external', 'an external commit without a path', { rule: 'V287' })
  return path.leafNode.leafNode.signatureKey
}

function memberKey(leafCount: number, senders: SenderKeys, leafIndex: LeafIndex): Uint8Array {
  // RFC 9420 §6.1 V065: before any look-up
  check(leafIndex < leafCount, 'framing/sender', 'V065', 'a sender outside the tree')
  // RFC 9420 §6.1 V064
  return found(senders.signatureKey(leafIndex), 'V064', 'a sender whose leaf is blank')
}

function found(key: Uint8Array | undefined, rule: string, message: string): Uint8Array {
  if (key === undefined) throw new MlsError('framing/sender', message, { rule })
  return key
}

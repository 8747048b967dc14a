/** Which sender may send what, and how (RFC 9420 §6, §6.1): rules on the content alone. */
import { check } from '../bytes/errors.ts'
import type { AuthenticatedContent, FramedContent } from '../wire/framed-content.ts'

/**
 * Checks content before it is protected and after it is unprotected.
 * @throws `framing/content_type` V060; `framing/sender` V068, V071, V072, V074, V097; `framing/confirmation_tag` V083
 */
export function checkContent({ wireFormat, content, auth }: AuthenticatedContent): void {
  if (wireFormat === 'mls_public_message')
    // RFC 9420 §6 V060: application data is never sent in the clear
    check(content.contentType !== 'application', 'framing/content_type', 'V060', 'application data in a PublicMessage')
  // RFC 9420 §6.3.2 V097, V075, V291: sender data names a leaf, so nobody else can send a PrivateMessage
  else
    check(
      content.sender.senderType === 'member',
      'framing/sender',
      'V097',
      'a PrivateMessage from one who is no member',
    )
  checkSender(content)
  // RFC 9420 §6.1 V083: a confirmation tag exactly in commits
  check(
    (content.contentType === 'commit') === (auth.confirmationTag !== undefined),
    'framing/confirmation_tag',
    'V083',
    'a confirmation tag where none belongs, or none where one does',
  )
}

function checkSender(content: FramedContent): void {
  switch (content.sender.senderType) {
    case 'member':
      return
    case 'external':
      // RFC 9420 §6.1 V068
      check(content.contentType === 'proposal', 'framing/sender', 'V068', 'an external sender that does not propose')
      return
    case 'new_member_proposal':
      // RFC 9420 §6.1 V071
      check(content.contentType === 'proposal', 'framing/sender', 'V071', 'a new_member_proposal that is no proposal')
      // RFC 9420 §6.1 V072
      check(content.proposal.proposalType === 'add', 'framing/sender', 'V072', 'a new_member_proposal other than Add')
      return
    case 'new_member_commit':
      // RFC 9420 §6.1 V074
      check(content.contentType === 'commit', 'framing/sender', 'V074', 'a new_member_commit that is no commit')
  }
}

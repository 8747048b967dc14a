// XEP-0461: Message Replies, version 0.2.1 (2026-02-25), https://xmpp.org/extensions/xep-0461.html

import { child, element, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const replies = 'urn:xmpp:reply:0'

/** Which message is answered; in a room `id` is the archive's stanza-id. */
export interface Reply {
  readonly id: string
  readonly to?: string
}

/** The `reply` element. */
export function buildReply({ id, to }: Reply): XmlElement {
  return element('reply', replies, { to, id })
}

/** The reply reference of a message. */
export function replyIn(message: XmlElement): Reply | undefined {
  const attrs = child(message, 'reply', replies)?.attrs
  const id = attrs?.['id']
  const to = attrs?.['to']
  return id === undefined ? undefined : { id, ...(to === undefined ? {} : { to }) }
}

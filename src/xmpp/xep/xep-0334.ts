// XEP-0334: Message Processing Hints, version 1.0.0 (2024-04-17), https://xmpp.org/extensions/xep-0334.html

import { child, element, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const hints = 'urn:xmpp:hints'

/** What a server may do with a message. */
export type Hint = 'store' | 'no-store' | 'no-permanent-store' | 'no-copy'

/** The hint as XML. Without `store` no server archives a message that has no body. */
export function buildHint(hint: Hint): XmlElement {
  return element(hint, hints)
}

/** Whether a message carries the hint. */
export function hasHint(message: XmlElement, hint: Hint): boolean {
  return child(message, hint, hints) !== undefined
}

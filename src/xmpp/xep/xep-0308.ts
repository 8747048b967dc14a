// XEP-0308: Last Message Correction, version 1.2.1 (2022-05-17), https://xmpp.org/extensions/xep-0308.html

import { child, element, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const corrections = 'urn:xmpp:message-correct:0'

/** The `replace` element: the message with this id is replaced. */
export function buildReplace(id: string): XmlElement {
  return element('replace', corrections, { id })
}

/** The id of the message that is replaced. */
export function replaceIn(message: XmlElement): string | undefined {
  return child(message, 'replace', corrections)?.attrs['id']
}

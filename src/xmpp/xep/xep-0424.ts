// XEP-0424: Message Retraction, version 0.4.2 (2025-01-18), https://xmpp.org/extensions/xep-0424.html

import { child, element, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
const retractions = 'urn:xmpp:message-retract:1'

/** The `retract` element: the message with this id is taken back. */
export function buildRetraction(id: string): XmlElement {
  return element('retract', retractions, { id })
}

/** The id of the message that is taken back. */
export function retractionIn(message: XmlElement): string | undefined {
  return child(message, 'retract', retractions)?.attrs['id']
}

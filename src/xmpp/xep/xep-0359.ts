// XEP-0359: Unique and Stable Stanza IDs, version 0.7.0 (2023-02-20), https://xmpp.org/extensions/xep-0359.html

import { child, childrenOf, element, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const stanzaIds = 'urn:xmpp:sid:0'

/** An id that an entity gave to a message. */
export interface StanzaId {
  readonly id: string
  readonly by: string
}

/** The `stanza-id` element. */
export function buildStanzaId(value: StanzaId): XmlElement {
  return element('stanza-id', stanzaIds, { id: value.id, by: value.by })
}

/**
 * The id that `by` gave to the message. Others' ids are ignored, and so are two different ones of the same entity: one of
 * them is forged (S04). The caller knows that `by` announces the feature, or the id proves nothing.
 */
export function stanzaIdBy(message: XmlElement, by: string): string | undefined {
  const found = childrenOf(message, 'stanza-id', stanzaIds).filter(({ attrs }) => attrs['by'] === by)
  return found.length === 1 ? found[0]?.attrs['id'] : undefined
}

/** The `origin-id` element: the sender's own, unproven id. */
export function buildOriginId(id: string): XmlElement {
  return element('origin-id', stanzaIds, { id })
}

/** The sender's own, unproven id. */
export function originIdIn(message: XmlElement): string | undefined {
  return child(message, 'origin-id', stanzaIds)?.attrs['id']
}

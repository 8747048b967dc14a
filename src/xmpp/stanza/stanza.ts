import { type AttributeInput, type ChildInput, element, type XmlElement } from './element.ts'

/** Namespace of stanzas on a client's stream (RFC 6120 §4.8.2). */
export const clientNamespace = 'jabber:client'

/** A `message` stanza. */
export function message(attrs: AttributeInput, ...children: ChildInput[]): XmlElement {
  return element('message', clientNamespace, attrs, ...children)
}

/** A `presence` stanza. */
export function presence(attrs: AttributeInput, ...children: ChildInput[]): XmlElement {
  return element('presence', clientNamespace, attrs, ...children)
}

/** An `iq` stanza; the transport gives it an id where there is none. */
export function iq(
  type: 'get' | 'set' | 'result' | 'error',
  attrs: AttributeInput,
  ...children: ChildInput[]
): XmlElement {
  return element('iq', clientNamespace, { type, ...attrs }, ...children)
}

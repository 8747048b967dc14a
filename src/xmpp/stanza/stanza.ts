import { type AttributeInput, type ChildInput, element, type XmlElement } from './element.ts'

/** Namespace of stanzas on a client's stream (RFC 6120 §4.8.2). */
export const clientNamespace = 'jabber:client'

/** The three stanzas of RFC 6120 §8.2. */
export type StanzaKind = 'message' | 'presence' | 'iq'

/** A stanza with its common attributes taken out; `element` is the whole stanza. */
export interface StanzaView {
  readonly kind: StanzaKind
  readonly type: string | undefined
  readonly id: string | undefined
  readonly from: string | undefined
  readonly to: string | undefined
  readonly element: XmlElement
}

/** The stanza in an element; `undefined` for anything that is no stanza of a client's stream. */
export function stanzaView(source: XmlElement): StanzaView | undefined {
  const { name, ns, attrs } = source
  if (ns !== clientNamespace || (name !== 'message' && name !== 'presence' && name !== 'iq')) return undefined
  return {
    kind: name,
    type: attrs['type'],
    id: attrs['id'],
    from: attrs['from'],
    to: attrs['to'],
    element: Object.isFrozen(source) ? source : element(name, ns, attrs, ...source.children),
  }
}

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

import { type ChildInput, element, withAttrs, type XmlElement } from '../../xmpp/stanza/element.ts'
import { clientNamespace, iq } from '../../xmpp/stanza/stanza.ts'
import { buildStanzaError, type StanzaError } from '../../xmpp/stanza/xmpp-error.ts'
import { pubsubErrors } from '../../xmpp/xep/xep-0060.ts'

/** The result of an IQ, back to its sender. */
export function resultOf(request: XmlElement, ...children: ChildInput[]): XmlElement {
  const { id, from, to } = { id: request.attrs['id'], from: request.attrs['from'], to: request.attrs['to'] }
  return iq('result', { id, from: to, to: from }, ...children)
}

/** The error for any stanza, back to its sender, with the first children of the original. */
export function errorOf(stanza: XmlElement, error: StanzaError): XmlElement {
  const { id, from, to } = { id: stanza.attrs['id'], from: stanza.attrs['from'], to: stanza.attrs['to'] }
  const attrs = { type: 'error', id, from: to, to: from }
  return element(stanza.name, clientNamespace, attrs, buildStanzaError(error, pubsubErrors))
}

/** The same stanza for another receiver. */
export function readdress(stanza: XmlElement, to: string): XmlElement {
  return withAttrs(stanza, { to })
}

/** Whether a stanza may be answered with an error: never an error or a result (RFC 6120 §8.3.1). */
export function mayBounce(stanza: XmlElement): boolean {
  return stanza.attrs['type'] !== 'error' && stanza.attrs['type'] !== 'result' && stanza.attrs['type'] !== 'unavailable'
}

// XEP-0280: Message Carbons, version 1.0.1 (2021-12-26), https://xmpp.org/extensions/xep-0280.html

import { child, element, type XmlElement } from '../stanza/element.ts'
import { sameBareJid } from '../stanza/jid.ts'
import { message } from '../stanza/stanza.ts'
import { buildForwarded, type Forwarded, forwardedIn } from './xep-0297.ts'

/** Namespace or form type. */
export const carbons = 'urn:xmpp:carbons:2'

/** A copy of a message that another resource of the account sent or received. */
export interface Carbon extends Forwarded {
  readonly direction: 'sent' | 'received'
}

/** The request that turns copies on. */
export function buildCarbonsEnable(): XmlElement {
  return element('enable', carbons)
}

/** A copy as a server sends it. */
export function buildCarbon(own: string, to: string, type: string | undefined, carbon: Carbon): XmlElement {
  return message({ from: own, to, type }, element(carbon.direction, carbons, {}, buildForwarded(carbon)))
}

/**
 * The outcome of looking for a carbon: none, a real one, or a forged one that must be dropped with all it contains.
 */
export type CarbonResult =
  | { readonly kind: 'none' }
  | { readonly kind: 'forged' }
  | { readonly kind: 'carbon'; readonly carbon: Carbon }

/**
 * The copy in a message. Only the account itself (bare JID, no resource) may send one: everything else is forged (S01,
 * CVE-2017-5589). @param own bare JID of the account
 */
export function carbonIn(stanza: XmlElement, own: string): CarbonResult {
  const sent = child(stanza, 'sent', carbons)
  const received = child(stanza, 'received', carbons)
  const source = sent ?? received
  if (source === undefined) return { kind: 'none' }
  const from = stanza.attrs['from']
  const inner = forwardedIn(source)
  if ((from !== undefined && (from.includes('/') || !sameBareJid(from, own))) || (sent && received) || !inner)
    return { kind: 'forged' }
  const direction = sent === undefined ? 'received' : 'sent'
  // A copy says who of the account took part: the sender of a sent one, the addressee of a received one.
  const party = inner.message.attrs[direction === 'sent' ? 'from' : 'to']
  if (!sameBareJid(party, own)) return { kind: 'forged' }
  return { kind: 'carbon', carbon: { direction, ...inner } }
}

// XEP-0405: MIX: Participant Server Requirements, version 0.5.3 (2022-07-15), https://xmpp.org/extensions/xep-0405.html

import { element, type XmlElement } from '../stanza/element.ts'
import { buildMixJoin, buildMixLeave } from './xep-0369.ts'

/** Namespace or form type. */
export const mixPam = 'urn:xmpp:mix:pam:2'

/** Join a channel through the own server, which keeps the channel in the roster. */
export function buildClientJoin(channel: string, nodes: readonly string[], nick?: string): XmlElement {
  return element('client-join', mixPam, { channel }, buildMixJoin(nodes, nick))
}

/** Leave a channel through the own server. */
export function buildClientLeave(channel: string): XmlElement {
  return element('client-leave', mixPam, { channel }, buildMixLeave())
}

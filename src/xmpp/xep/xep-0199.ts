// XEP-0199: XMPP Ping, version 2.0.1 (2019-03-26), https://xmpp.org/extensions/xep-0199.html

import { element, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const ping = 'urn:xmpp:ping'

/** The `ping` element. */
export function buildPing(): XmlElement {
  return element('ping', ping)
}

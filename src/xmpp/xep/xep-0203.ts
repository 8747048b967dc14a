// XEP-0203: Delayed Delivery, version 2.0 (2009-09-15), https://xmpp.org/extensions/xep-0203.html

import { child, tag, textOf, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
const delayed = 'urn:xmpp:delay'

/** When a stanza was first sent, and who says so. */
export interface Delay {
  /** XEP-0082 date and time in UTC. */
  readonly stamp: string
  readonly from?: string
  readonly reason?: string
}

/** The `delay` element. */
export function buildDelay(value: Delay): XmlElement {
  return tag(delayed)('delay', { from: value.from, stamp: value.stamp }, value.reason)
}

/** The delay inside a stanza or a `forwarded`; `undefined` without a readable stamp. */
export function delayIn(parent: XmlElement): Delay | undefined {
  return parseDelay(child(parent, 'delay', delayed))
}

/** The `delay` element; `undefined` for any other. */
export function parseDelay(source: XmlElement | undefined): Delay | undefined {
  const stamp = source?.ns === delayed && source.name === 'delay' ? source.attrs['stamp'] : undefined
  if (source === undefined || stamp === undefined || Number.isNaN(Date.parse(stamp))) return undefined
  const from = source.attrs['from']
  const reason = textOf(source)
  return { stamp, ...(from === undefined ? {} : { from }), ...(reason === '' ? {} : { reason }) }
}

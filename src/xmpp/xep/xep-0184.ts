// XEP-0184: Message Delivery Receipts, version 1.4.0 (2018-08-02), https://xmpp.org/extensions/xep-0184.html

import { child, element, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
const receipts = 'urn:xmpp:receipts'

/** A wish for a receipt, or the receipt for the message with an id. */
export type Receipt = { readonly kind: 'request' } | { readonly kind: 'received'; readonly id: string }

/** The `request` or `received` element. */
export function buildReceipt(receipt: Receipt): XmlElement {
  return element(receipt.kind, receipts, receipt.kind === 'received' ? { id: receipt.id } : {})
}

/** The receipt or the wish for one in a message. */
export function receiptIn(message: XmlElement): Receipt | undefined {
  const id = child(message, 'received', receipts)?.attrs['id']
  if (id !== undefined) return { kind: 'received', id }
  return child(message, 'request', receipts) === undefined ? undefined : { kind: 'request' }
}

// XEP-0333: Displayed Markers, version 1.0.0 (2024-04-17), https://xmpp.org/extensions/xep-0333.html

import { child, element, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
const markers = 'urn:xmpp:chat-markers:0'

/** A message that may be marked, or the mark that everything up to an id was displayed. */
export type Marker = { readonly kind: 'markable' } | { readonly kind: 'displayed'; readonly id: string }

/** The `markable` or `displayed` element. */
export function buildMarker(marker: Marker): XmlElement {
  return element(marker.kind, markers, marker.kind === 'displayed' ? { id: marker.id } : {})
}

/** The marker in a message. */
export function markerIn(message: XmlElement): Marker | undefined {
  const id = child(message, 'displayed', markers)?.attrs['id']
  if (id !== undefined) return { kind: 'displayed', id }
  return child(message, 'markable', markers) === undefined ? undefined : { kind: 'markable' }
}

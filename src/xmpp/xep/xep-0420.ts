// XEP-0420: Stanza Content Encryption, version 0.5.0 (2026-06-23), https://xmpp.org/extensions/xep-0420.html

import { child, childText, elementsOf, tag, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
const stanzaContent = 'urn:xmpp:sce:1'
const sce = tag(stanzaContent)

/** An envelope: what is encrypted of a message. */
export interface Envelope {
  readonly content: readonly XmlElement[]
  readonly from?: string
  readonly to?: string
  /** XEP-0082 date and time. */
  readonly time?: string
  /** Random padding; the empty string is an `rpad` without text. */
  readonly padding?: string
}

// Elements a server must be able to act on, or that only a server may add (§9): inside an envelope they are dropped.
const forbidden: readonly (readonly [string, string | undefined])[] = [
  ['urn:xmpp:hints', undefined],
  ['urn:xmpp:sid:0', 'stanza-id'],
  ['urn:xmpp:eme:0', undefined],
  ['http://jabber.org/protocol/address', undefined],
  ['urn:xmpp:carbons:2', undefined],
  ['urn:xmpp:mam:2', undefined],
  ['urn:xmpp:forward:0', undefined],
]

/** Whether an element may stand inside an envelope. */
export function allowedInEnvelope(source: XmlElement): boolean {
  return !forbidden.some(([ns, name]) => source.ns === ns && (name === undefined || source.name === name))
}

/** The envelope as XML. */
export function buildEnvelope(value: Envelope): XmlElement {
  return sce(
    'envelope',
    {},
    sce('content', {}, ...value.content),
    value.padding === undefined ? undefined : sce('rpad', {}, value.padding),
    value.from === undefined ? undefined : sce('from', { jid: value.from }),
    value.to === undefined ? undefined : sce('to', { jid: value.to }),
    value.time === undefined ? undefined : sce('time', { stamp: value.time }),
  )
}

/** The envelope; forbidden elements are left out of its content. `undefined` for any other element. */
export function parseEnvelope(source: XmlElement | undefined): Envelope | undefined {
  if (source?.name !== 'envelope' || source.ns !== stanzaContent) return undefined
  const content = child(source, 'content')
  if (content === undefined) return undefined
  const from = child(source, 'from')?.attrs['jid']
  const to = child(source, 'to')?.attrs['jid']
  const time = child(source, 'time')?.attrs['stamp']
  const padding = childText(source, 'rpad')
  return {
    content: elementsOf(content).filter(allowedInEnvelope),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(time === undefined ? {} : { time }),
    ...(padding === undefined ? {} : { padding }),
  }
}

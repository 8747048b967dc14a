// XEP-0428: Fallback Indication, version 0.2.1 (2024-03-20), https://xmpp.org/extensions/xep-0428.html

import { child, childrenOf, tag, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
const fallbacks = 'urn:xmpp:fallback:0'

/** A part of the body, in Unicode code points, end excluded; the whole body without a range. */
export interface FallbackRange {
  readonly start: number
  readonly end: number
}

/** Which feature the body text stands in for. */
export interface Fallback {
  readonly for?: string
  readonly body: readonly FallbackRange[]
}

/** The `fallback` element. */
export function buildFallback(value: Fallback): XmlElement {
  const build = tag(fallbacks)
  return build('fallback', { for: value.for }, ...value.body.map(({ start, end }) => build('body', { start, end })))
}

/** The fallback indication of a message. Unreadable ranges are left out. */
export function fallbackIn(message: XmlElement): Fallback | undefined {
  const source = child(message, 'fallback', fallbacks)
  if (source === undefined) return undefined
  const body = childrenOf(source, 'body').flatMap(({ attrs }) => {
    const [start, end] = [Number(attrs['start'] ?? Number.NaN), Number(attrs['end'] ?? Number.NaN)]
    return Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end
      ? [{ start, end }]
      : []
  })
  const feature = source.attrs['for']
  return { ...(feature === undefined ? {} : { for: feature }), body }
}

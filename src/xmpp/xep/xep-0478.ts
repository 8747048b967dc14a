// XEP-0478: Stream Limits Advertisement, version 0.2.0 (2024-08-02), https://xmpp.org/extensions/xep-0478.html

import { child, childText, tag, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
const streamLimits = 'urn:xmpp:stream-limits:0'

/** What a server says a stream may carry. */
export interface StreamLimits {
  readonly maxBytes?: number
  readonly idleSeconds?: number
}

/** The `limits` element. */
export function buildStreamLimits(limits: StreamLimits): XmlElement {
  const build = tag(streamLimits)
  const number = (name: string, value: number | undefined) =>
    value === undefined ? undefined : build(name, {}, String(value))
  return build('limits', {}, number('max-bytes', limits.maxBytes), number('idle-seconds', limits.idleSeconds))
}

/** The limits announced in stream features (or in a `bidi` element). */
export function streamLimitsIn(parent: XmlElement): StreamLimits | undefined {
  const source = child(parent, 'limits', streamLimits)
  if (source === undefined) return undefined
  const [bytes, idle] = ['max-bytes', 'idle-seconds'].map((name) => childText(source, name)?.trim())
  return {
    ...(bytes !== undefined && /^\d{1,15}$/.test(bytes) ? { maxBytes: Number(bytes) } : {}),
    ...(idle !== undefined && /^\d{1,15}$/.test(idle) ? { idleSeconds: Number(idle) } : {}),
  }
}

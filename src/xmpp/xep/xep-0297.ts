// XEP-0297: Stanza Forwarding, version 1.0 (2013-10-02), https://xmpp.org/extensions/xep-0297.html

import { child, element, type XmlElement } from '../stanza/element.ts'
import { clientNamespace } from '../stanza/stanza.ts'
import { buildDelay, type Delay, delayIn } from './xep-0203.ts'

/** Namespace or form type. */
const forwarding = 'urn:xmpp:forward:0'

/** A stanza inside another one. */
export interface Forwarded {
  readonly message: XmlElement
  readonly delay?: Delay
}

/** The `forwarded` element. */
export function buildForwarded(value: Forwarded): XmlElement {
  const delay = value.delay === undefined ? undefined : buildDelay(value.delay)
  return element('forwarded', forwarding, {}, delay, value.message)
}

/**
 * The message forwarded by `parent`. One level only: what the inner message forwards itself is never looked at (S03).
 */
export function forwardedIn(parent: XmlElement): Forwarded | undefined {
  const source = child(parent, 'forwarded', forwarding)
  const message = source === undefined ? undefined : child(source, 'message', clientNamespace)
  if (source === undefined || message === undefined) return undefined
  const delay = delayIn(source)
  return { message, ...(delay === undefined ? {} : { delay }) }
}

import type { XmlElement } from '../../xmpp/stanza/element.ts'
import { isArchiveResult } from '../../xmpp/xep/xep-0313.ts'

/** What can happen to a stanza on its way to a client. Probabilities from 0 to 1, delays in milliseconds. */
export interface Faults {
  readonly drop: number
  readonly duplicate: number
  /** Lets the stanza be overtaken by later ones. */
  readonly reorder: number
  /** Extra delay; later stanzas of the same stream wait behind it. */
  readonly delay: readonly [least: number, most: number]
  /** Ends the stream instead of delivering. */
  readonly disconnect: number
  /** Which stanzas are touched; by default messages that are no archive results, never IQs or presence. */
  readonly applies: (stanza: XmlElement, to: string) => boolean
}

/** Nothing happens. */
export const noFaults: Faults = {
  drop: 0,
  duplicate: 0,
  reorder: 0,
  delay: [0, 0],
  disconnect: 0,
  applies: (stanza) => stanza.name === 'message' && !isArchiveResult(stanza),
}

/**
 * A hostile server's hand: sees every stanza on its way to a client and says what is delivered instead: the same, another,
 * several, or none.
 */
export type Interceptor = (stanza: XmlElement, to: string) => XmlElement | readonly XmlElement[] | undefined

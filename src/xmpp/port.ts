import type { Clock } from '../ports/clock.ts'
import type { XmlElement } from './stanza/element.ts'
import type { StreamLimits } from './xep/xep-0478.ts'

/**
 * What happened to the connection. `online`: a new session, messages may have been missed. `resumed`: the old session goes
 * on (XEP-0198), nothing is missing but stanzas may come twice. `offline`: nothing can be sent.
 */
export type ConnectionState = 'online' | 'resumed' | 'offline'

/**
 * The embedder's XMPP connection: all that the binding needs of a client library. Adapters for @xmpp/client, strophe.js and
 * stanza are in `adapters/`; any other library needs `jid`, `send`, `request` and `onStanza`.
 */
export interface XmppPort {
  /** Full JID after resource binding. */
  readonly jid: string
  /** Sends a message or presence; resolves when it was handed to the stream, which proves nothing about delivery. */
  send(stanza: XmlElement): Promise<void>
  /**
   * Sends an IQ (an id is added where it has none) and waits for the answer with the same id from the same address (S13).
   * @throws XmppError when the answer is an error; `xmpp/timeout`, `xmpp/offline`
   */
  request(iq: XmlElement, options?: { readonly timeoutMs?: number }): Promise<XmlElement>
  /** Every incoming message and presence in the order of arrival. Returns how to stop. */
  onStanza(listener: (stanza: XmlElement) => void): () => void
  /** Changes of the connection. Returns how to stop. */
  onState?(listener: (state: ConnectionState) => void): () => void
  /** What the server announced that this stream may carry (XEP-0478), where it did and the library shows it. */
  readonly limits?: StreamLimits | undefined
  /** HTTP for uploads and downloads. */
  readonly fetch?: typeof fetch
}

/** A clock that can also call back: the one source of time of the drivers. */
export interface Timers extends Clock {
  /** Calls `run` once after `ms` milliseconds. Returns how to cancel. */
  after(ms: number, run: () => void): () => void
}

/** Random bytes, from the platform or a seed. */
export interface RandomSource {
  randomBytes(length: number): Uint8Array
}

/** What drivers get from outside. */
export interface XmppContext {
  readonly port: XmppPort
  readonly timers: Timers
  readonly random: RandomSource
}

const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'

/** A fresh id for stanzas and queries: 120 bits as text. */
export function freshId(random: RandomSource): string {
  let id = ''
  for (const byte of random.randomBytes(24)) id += alphabet[byte & 31] ?? ''
  return id
}

// What goes over a client's connection: seen on its way out, and single messages withheld on their way in.

import { messagePlace, parseEncrypted } from '../src/xmpp/mls/wire/encrypted.ts'
import { mlsNamespace } from '../src/xmpp/mls/wire/namespace.ts'
import type { XmppPort } from '../src/xmpp/port.ts'
import { elementsOf, textOf, type XmlElement } from '../src/xmpp/stanza/element.ts'
import { bareJid } from '../src/xmpp/stanza/jid.ts'
import { serialise } from '../src/xmpp/stanza/serialise.ts'

/** A connection whose traffic is watched. */
export interface Tapped {
  readonly port: XmppPort
  /** Withholds the next live message of the binding that is for this client, as a faulty network would. */
  dropNext(): void
  /** How many messages were withheld. */
  readonly dropped: number
}

/** Puts a tap on a connection. `seen` gets every stanza that the client hands to the server. */
export function tap(port: XmppPort, seen: (stanza: XmlElement) => void): Tapped {
  let wanted = 0
  let dropped = 0
  const onState = port.onState?.bind(port)
  const tapped: XmppPort = {
    get jid() {
      return port.jid
    },
    send: async (stanza) => {
      seen(stanza)
      await port.send(stanza)
    },
    request: async (stanza, options) => {
      seen(stanza)
      return await port.request(stanza, options)
    },
    onStanza: (listener) =>
      port.onStanza((stanza) => {
        const encrypted = elementsOf(stanza).some(({ name, ns }) => name === 'encrypted' && ns === mlsNamespace)
        if (wanted > 0 && encrypted) {
          wanted--
          dropped++
        } else listener(stanza)
      }),
    ...(onState === undefined ? {} : { onState }),
    ...(port.fetch === undefined ? {} : { fetch: port.fetch }),
  }
  return {
    port: tapped,
    dropNext: () => {
      wanted++
    },
    get dropped() {
      return dropped
    },
  }
}

/** One stanza as the server sees it: what of it is readable, its size and the head of its ciphertext. */
export interface ServerView {
  readonly stanza: 'message' | 'iq'
  readonly from: string
  /** Bare JID, or nothing for the own account. */
  readonly to: string | undefined
  readonly element: string
  readonly detail: string
  readonly bytes: number
  /** First and last characters of the longest base64 text. */
  readonly head: string
  readonly tail: string
}

/** What the server sees of a stanza; `undefined` where nothing of the binding is in it. */
export function serverView(stanza: XmlElement, from: string): ServerView | undefined {
  const found = ours(stanza)
  if (found === undefined || (stanza.name !== 'message' && stanza.name !== 'iq')) return undefined
  const to = stanza.attrs['to']
  const text = longest(found)
  return {
    stanza: stanza.name,
    from,
    to: to === undefined ? undefined : bareJid(to),
    element: found.name,
    detail: detailOf(found),
    bytes: Buffer.byteLength(serialise(stanza)),
    head: text.slice(0, 8),
    tail: text.slice(-8),
  }
}

function detailOf(found: XmlElement): string {
  const inner = elementsOf(found)
  const payload = parseEncrypted(found)?.payload
  const epoch = payload?.kind === 'inline' ? messagePlace(payload.bytes)?.epoch : found.attrs['epoch']
  const at = epoch === undefined ? '' : `epoch ${epoch}`
  if (found.name === 'keypackages') return `${inner.length} packages`
  if (found.name === 'handshake') return `${inner.map(({ name }) => name).join('+')} ${at}`
  if (found.name === 'request') return `what=${found.attrs['what'] ?? ''}`
  return at
}

/** The outermost element of the binding. */
function ours(node: XmlElement): XmlElement | undefined {
  if (node.ns === mlsNamespace) return node
  for (const inner of elementsOf(node)) {
    const found = ours(inner)
    if (found !== undefined) return found
  }
  return undefined
}

function longest(node: XmlElement): string {
  return elementsOf(node).reduce((text, inner) => {
    const found = longest(inner)
    return found.length > text.length ? found : text
  }, textOf(node).trim())
}

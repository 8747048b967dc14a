/** What goes out over a connection, and how large it is. */
import { mlsNamespace } from '../../src/xmpp/mls/wire/namespace.ts'
import type { XmppPort } from '../../src/xmpp/port.ts'
import { elementsOf, type XmlElement } from '../../src/xmpp/stanza/element.ts'
import { serialise } from '../../src/xmpp/stanza/serialise.ts'

/** The same connection, with every stanza that leaves shown. */
export function watched(port: XmppPort, seen: (stanza: XmlElement) => void): XmppPort {
  const onState = port.onState?.bind(port)
  return {
    jid: port.jid,
    send: async (stanza) => {
      seen(stanza)
      await port.send(stanza)
    },
    request: async (stanza, options) => {
      seen(stanza)
      return await port.request(stanza, options)
    },
    onStanza: (listener) => port.onStanza(listener),
    ...(onState === undefined ? {} : { onState }),
  }
}

/** Bytes of the newest stanza that holds such an element of the binding. */
export function sizeOf(stanzas: readonly XmlElement[], name: string): number {
  const found = stanzas.findLast((stanza) => holds(stanza, name))
  return found === undefined ? Number.NaN : Buffer.byteLength(serialise(found))
}

function holds(node: XmlElement, name: string): boolean {
  return (node.name === name && node.ns === mlsNamespace) || elementsOf(node).some((inner) => holds(inner, name))
}

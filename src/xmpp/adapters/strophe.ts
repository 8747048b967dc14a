import { MlsError } from '../../bytes/errors.ts'
import type { ConnectionState, XmppPort } from '../port.ts'
import type { XmlElement } from '../stanza/element.ts'
import { parseXml } from '../stanza/parse.ts'
import { serialise } from '../stanza/serialise.ts'
import { clientNamespace } from '../stanza/stanza.ts'
import { IqRequests } from './_iq-requests.ts'
import { announced } from './_stream-limits.ts'

/** The parts of a Strophe.Connection of strophe.js 5 that are used. */
export interface StropheConnection {
  jid: string
  connected: boolean
  readonly features?: Element | null
  send(element: Element): void
  addHandler(handler: (element: Element) => boolean, ns?: string | null, name?: string | null): unknown
  deleteHandler(handler: never): void
  readonly sm?: { readonly resumed: boolean } | null
}

/** The functions of the module: `stropheJs(connection, Strophe)`. */
export interface StropheModule {
  toElement(xml: string): Element
  serialize(element: Element): string | null
}

/** The port with what Strophe has no event for. */
export interface StrophePort extends XmppPort {
  /** Call this from the callback of `connect`, `attach` and `restore` with every status. */
  connectionChanged(status: number): void
}

// Strophe.Status of strophe.js 5.
const [connected, disconnected, attached] = [5, 6, 8]

/** The port on a connection of strophe.js 5 (also inside Converse: `_converse.api.connection.get()`). */
export function stropheJs(
  connection: StropheConnection,
  { toElement, serialize }: StropheModule,
  options: { readonly fetch?: typeof fetch } = {},
): StrophePort {
  const requests = new IqRequests()
  const stanzas = new Set<(stanza: XmlElement) => void>()
  const states = new Set<(state: ConnectionState) => void>()
  let handler: unknown
  const receive = (source: Element): boolean => {
    try {
      const stanza = parseXml(serialize(source) ?? '', clientNamespace)
      if (stanza.name === 'iq') requests.incoming(stanza, connection.jid)
      else for (const listener of [...stanzas]) listener(stanza)
    } catch (error) {
      // Stanzas past our bounds are not for us (R24); an exception here would remove the handler for good.
      if (!(error instanceof MlsError)) throw error
    }
    return true
  }
  const attach = (): void => {
    if (handler !== undefined) connection.deleteHandler(handler as never)
    handler = connection.addHandler(receive, null, null)
  }
  const send = async (stanza: XmlElement): Promise<void> => {
    if (!connection.connected) throw new MlsError('xmpp/offline', 'not connected')
    connection.send(toElement(serialise(stanza)))
  }
  attach()
  return {
    get jid() {
      return connection.jid
    },
    get limits() {
      const { features } = connection
      return features ? announced(() => parseXml(serialize(features) ?? '', clientNamespace)) : undefined
    },
    send,
    request: async (stanza, { timeoutMs = 30_000 } = {}) => await requests.request(stanza, timeoutMs, send),
    onStanza(listener) {
      stanzas.add(listener)
      return () => stanzas.delete(listener)
    },
    onState(listener) {
      states.add(listener)
      return () => states.delete(listener)
    },
    connectionChanged(status) {
      // A new connection starts without handlers.
      if (status === connected || status === attached) attach()
      if (status === disconnected) requests.fail()
      const state = [connected, attached].includes(status)
        ? connection.sm?.resumed === true
          ? 'resumed'
          : 'online'
        : status === disconnected
          ? 'offline'
          : undefined
      if (state !== undefined) for (const listener of [...states]) listener(state)
    },
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  }
}

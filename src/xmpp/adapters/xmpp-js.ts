import { MlsError } from '../../bytes/errors.ts'
import type { XmppPort } from '../port.ts'
import type { XmlElement } from '../stanza/element.ts'
import { fromLtx, type LtxElement, toLtx } from '../stanza/interop.ts'
import type { StreamLimits } from '../xep/xep-0478.ts'
import { IqRequests } from './_iq-requests.ts'
import { announced } from './_stream-limits.ts'

/** The parts of a client of @xmpp/client 0.14 that are used. */
export interface XmppJsClient {
  readonly jid?: { toString(): string } | null | undefined
  readonly status: string
  send(element: unknown): Promise<unknown>
  on(event: string, listener: (value: never) => void): unknown
  removeListener(event: string, listener: (value: never) => void): unknown
  readonly streamManagement?: { on?(event: string, listener: () => void): unknown } | undefined
}

/**
 * The port on a client of @xmpp/client: `const xmpp = client({...}); const port = xmppJs(xmpp); await xmpp.start()`.
 * Reading `jid` before the client is online throws `xmpp/offline`. Made after `start`, it does not know the stream's limits.
 */
export function xmppJs(client: XmppJsClient, options: { readonly fetch?: typeof fetch } = {}): XmppPort {
  const requests = new IqRequests()
  const read = lastRead()
  const listen = (event: string, listener: (value: never) => void): (() => void) => {
    client.on(event, listener)
    return () => client.removeListener(event, listener)
  }
  const own = (): string => {
    if (client.jid === undefined || client.jid === null) throw new MlsError('xmpp/offline', 'not connected yet')
    return client.jid.toString()
  }
  const send = async (stanza: XmlElement): Promise<void> => {
    if (client.status !== 'online') throw new MlsError('xmpp/offline', 'not connected')
    try {
      await client.send(toLtx(stanza))
    } catch (cause) {
      throw new MlsError('xmpp/offline', 'the stream did not take the stanza', { cause })
    }
  }
  listen('stanza', (source: LtxElement) => {
    const stanza = source.name === 'iq' ? read(source) : undefined
    // before the resource is bound the library asks, and no request of the port
    if (stanza !== undefined && client.jid !== undefined && client.jid !== null) requests.incoming(stanza, own())
  })
  let limits: StreamLimits | undefined
  listen('nonza', (source: LtxElement) => {
    if (source.name === 'stream:features') limits = announced(() => fromLtx(source))
  })
  listen('disconnect', () => requests.fail())
  return {
    get jid() {
      return own()
    },
    get limits() {
      return limits
    },
    send,
    request: async (stanza, { timeoutMs = 30_000 } = {}) => await requests.request(stanza, timeoutMs, send),
    onStanza: (listener) =>
      listen('stanza', (source: LtxElement) => {
        const stanza = source.name === 'iq' ? undefined : read(source)
        if (stanza !== undefined) listener(stanza)
      }),
    onState(listener) {
      let wanted = true
      const stop = [listen('online', () => listener('online')), listen('disconnect', () => listener('offline'))]
      client.streamManagement?.on?.('resumed', () => {
        if (wanted) listener('resumed')
      })
      return () => {
        wanted = false
        for (const end of stop) end()
      }
    },
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  }
}

/** Reads stanzas; one that all listeners are told of in turn is read once. */
function lastRead(): (source: LtxElement) => XmlElement | undefined {
  let last: LtxElement | undefined
  let stanza: XmlElement | undefined
  return (source) => {
    if (source !== last) {
      last = source
      stanza = readable(source)
    }
    return stanza
  }
}

/** Stanzas past our bounds are not for us and must not throw into the embedder's client (R24). */
function readable(source: LtxElement): XmlElement | undefined {
  try {
    return fromLtx(source)
  } catch {
    return undefined
  }
}

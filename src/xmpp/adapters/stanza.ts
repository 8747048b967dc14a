import { MlsError } from '../../bytes/errors.ts'
import type { XmppPort } from '../port.ts'
import type { XmlElement } from '../stanza/element.ts'
import { fromJson, type JsonElement, toJson } from '../stanza/interop.ts'
import { clientNamespace } from '../stanza/stanza.ts'
import { IqRequests } from './_iq-requests.ts'

interface JxtElement {
  readonly children: readonly (JxtElement | string)[]
  appendChild(child: unknown): unknown
  toJSON(): JsonElement
}

/** The parts of an agent of stanza 12 that are used. */
export interface StanzaAgent {
  jid: string
  readonly sessionStarted?: boolean
  readonly stanzas: { define(definition: never): void }
  send(kind: string, stanza: never): Promise<void>
  on(event: string, listener: (value: never) => void): unknown
  off(event: string, listener: (value: never) => void): unknown
}

type Json = Readonly<Record<string, unknown>>

const kinds = ['message', 'presence', 'iq'] as const

/** The library drops elements that it does not know: this field of each stanza keeps all of them. */
const rawChildren = {
  importer: (source: JxtElement) =>
    source.children.flatMap((child) => (typeof child === 'string' ? [] : [child.toJSON()])),
  exporter: (target: JxtElement, children: readonly JsonElement[]) => {
    const JxtClass = target.constructor as new (name: string, attributes: unknown, children: unknown) => unknown
    for (const { name, attributes, children: inner } of children)
      target.appendChild(new JxtClass(name, attributes, inner))
  },
}

/** The port on an agent of stanza 12: `stanzaJs(createClient({...}))`, before or after connecting. */
export function stanzaJs(agent: StanzaAgent, options: { readonly fetch?: typeof fetch } = {}): XmppPort {
  const requests = new IqRequests()
  for (const kind of kinds)
    agent.stanzas.define({ path: kind, element: kind, namespace: clientNamespace, fields: { rawChildren } } as never)
  const listen = (event: string, listener: (value: never) => void): (() => void) => {
    agent.on(event, listener)
    return () => agent.off(event, listener)
  }
  const send = async (stanza: XmlElement): Promise<void> => {
    if (agent.sessionStarted !== true) throw new MlsError('xmpp/offline', 'not connected')
    const { children } = toJson(stanza, clientNamespace)
    await agent.send(stanza.name, {
      ...stanza.attrs,
      rawChildren: children.filter((c) => typeof c !== 'string'),
    } as never)
  }
  listen('iq', (json: Json) => {
    const stanza = read('iq', json)
    if (stanza !== undefined) requests.incoming(stanza, agent.jid)
  })
  listen('disconnected', () => requests.fail())
  const each =
    (...stops: (() => void)[]) =>
    () =>
      stops.forEach((stop) => void stop())
  return {
    get jid() {
      return agent.jid
    },
    send,
    request: async (stanza, { timeoutMs = 30_000 } = {}) => await requests.request(stanza, timeoutMs, send),
    onStanza(listener) {
      const deliver = (kind: 'message' | 'presence') =>
        listen(kind, (json: Json) => {
          const stanza = read(kind, json)
          if (stanza !== undefined) listener(stanza)
        })
      return each(deliver('message'), deliver('presence'))
    },
    onState: (listener) =>
      each(
        listen('session:started', () => listener('online')),
        listen('stream:management:resumed', () => listener('resumed')),
        listen('disconnected', () => listener('offline')),
      ),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  }
}

/** Stanzas past our bounds are not for us (R24). */
function read(name: string, json: Json): XmlElement | undefined {
  const attributes: Record<string, string | undefined> = {}
  for (const key of ['id', 'from', 'to', 'type']) if (typeof json[key] === 'string') attributes[key] = json[key]
  if (name === 'presence' && attributes['type'] === 'available') delete attributes['type']
  try {
    return fromJson({ name, attributes, children: (json['rawChildren'] ?? []) as JsonElement[] })
  } catch {
    return undefined
  }
}

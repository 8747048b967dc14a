import type { XmppContext } from '../../../src/xmpp/port.ts'
import type { XmlElement } from '../../../src/xmpp/stanza/element.ts'
import { element } from '../../../src/xmpp/stanza/element.ts'
import { presence } from '../../../src/xmpp/stanza/stanza.ts'
import { buildHint } from '../../../src/xmpp/xep/xep-0334.ts'

/** One connected client of a test. */
export interface Client {
  readonly context: XmppContext
  /** Ends the connection for good. */
  close(): Promise<void>
}

/** A server under test: the service in this process, or a real one. */
export interface Backend {
  readonly name: string
  readonly kind: 'muc' | 'mix'
  /** Connects a resource of an account that is made when needed. No presence is sent. */
  connect(user: string, resource?: string): Promise<Client>
  /** Bare JID of an account. */
  jid(user: string): string
  /** Address of a room or channel. */
  room(name: string): string
  readonly uploadService: string
  /** Kills the server and starts it on the same data. */
  restart(): Promise<void>
  /** Lets time pass. */
  wait(ms: number): Promise<void>
  close(): Promise<void>
}

/** A name that no earlier test has used, also on a server that lives longer than the test run. */
let serial = 0
const run = Date.now().toString(36)
export function unique(stem: string): string {
  return `${stem}-${run}-${++serial}`
}

/** Sends presence, so that messages to the bare JID arrive. */
export async function appear(client: Client): Promise<void> {
  await client.context.port.send(presence({}))
}

/** Content without a body, as encrypted messages have it. */
export function content(text: string): readonly XmlElement[] {
  return [element('probe', 'urn:example:probe', {}, text), buildHint('store')]
}

/** The text of {@link content}, or `undefined`. */
export function probeOf(message: XmlElement): string | undefined {
  for (const node of message.children)
    if (typeof node !== 'string' && node.ns === 'urn:example:probe') return String(node.children[0] ?? '')
  return undefined
}

/** Waits until something is true. */
export async function until(backend: Backend, condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1_200; i++) {
    if (condition()) return
    await backend.wait(25)
  }
  throw new Error(`never happened: ${what}`)
}

/** Connects and sends presence. */
export async function enter(backend: Backend, user: string, resource?: string): Promise<Client> {
  const client = await backend.connect(user, resource)
  await appear(client)
  return client
}

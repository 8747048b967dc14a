import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type RealServer, startProsody } from '../../../scripts/servers.ts'
import { type StropheConnection, type StropheModule, stropheJs } from '../../../src/xmpp/adapters/strophe.ts'
import { PepPublisher } from '../../../src/xmpp/pep/pep-publisher.ts'
import type { XmppPort } from '../../../src/xmpp/port.ts'
import { childText, element, elementsOf, type XmlElement } from '../../../src/xmpp/stanza/element.ts'
import { iq, message, presence } from '../../../src/xmpp/stanza/stanza.ts'
import { carbonIn, carbons } from '../../../src/xmpp/xep/xep-0280.ts'
import { connectXmppJs } from '../conformance/real.ts'
import { connectStanza } from './stanza-agent.ts'

interface Connected {
  readonly port: XmppPort
  readonly stop: () => Promise<void>
}

interface Strophe {
  readonly Strophe: StropheModule & { Connection: new (url: string) => StropheConnection & StropheControl }
}

interface StropheControl {
  connect(jid: string, password: string, changed: (status: number) => void): void
  disconnect(): void
}

async function strophe(server: RealServer, user: string): Promise<Connected> {
  const library = 'strophe.js'
  const { Strophe } = (await import(library)) as Strophe
  const connection = new Strophe.Connection(server.websocket)
  const port = stropheJs(connection, Strophe, { fetch })
  await new Promise<void>((resolve, reject) => {
    connection.connect(`${user}@${server.domain}/strophe`, 'secret', (status) => {
      port.connectionChanged(status)
      if (status === 5) resolve()
      if (status === 2 || status === 4) reject(new Error(`strophe: no login (${status})`))
    })
  })
  return { port, stop: async () => connection.disconnect() }
}

const adapters: Readonly<Record<string, (server: RealServer, user: string) => Promise<Connected>>> = {
  'xmpp.js over TCP': async (server, user) => await connectXmppJs(server, user, 'tcp', 'tcp'),
  'strophe.js over WebSocket': strophe,
  'stanza over WebSocket': connectStanza,
}

const pubsubEvents = 'http://jabber.org/protocol/pubsub#event'

describe.each(Object.entries(adapters))('Prosody and %s', (_name, connect) => {
  let server: RealServer
  let own: Connected
  let second: Connected
  let friend: Connected
  const heard: XmlElement[] = []
  const until = async (found: () => boolean) => {
    for (let i = 0; i < 100 && !found(); i++) await new Promise((resolve) => setTimeout(resolve, 100))
    expect(found()).toBe(true)
  }
  beforeAll(async () => {
    globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket
    server = await startProsody()
    for (const user of ['ann', 'ben']) await server.register(user, 'secret')
    own = await connect(server, 'ann')
    second = await connectXmppJs(server, 'ann', 'second', 'tcp')
    friend = await connectXmppJs(server, 'ben', 'x', 'tcp')
    own.port.onStanza((stanza) => heard.push(stanza))
    await own.port.request(iq('set', {}, element('enable', carbons)))
    for (const { port } of [own, second, friend]) await port.send(presence({}))
  })
  afterAll(async () => {
    for (const one of [own, second, friend]) await one?.stop()
    await server.stop()
  })

  test('copies of what other devices send and get (XEP-0280)', async () => {
    const bodies = (direction: 'sent' | 'received') =>
      heard.flatMap((stanza) => {
        const copy = carbonIn(stanza, `ann@${server.domain}`)
        return copy.kind === 'carbon' && copy.carbon.direction === direction
          ? [childText(copy.carbon.message, 'body')]
          : []
      })
    const to = `ben@${server.domain}`
    await second.port.send(message({ to, type: 'chat' }, element('body', 'jabber:client', {}, 'from <the> second')))
    await until(() => bodies('sent').includes('from <the> second'))
    const direct = message({ to: second.port.jid, type: 'chat' }, element('body', 'jabber:client', {}, 'to the second'))
    await friend.port.send(direct)
    await until(() => bodies('received').includes('to the second'))
  })

  test('events of nodes (XEP-0163)', async () => {
    const payload = element('a', 'urn:a', { x: '1' }, element('b', 'urn:b', {}, 'text'))
    const node = 'urn:example:events'
    // interest by subscription: the capabilities of a client are the library's own business
    await new PepPublisher(own.port).publish({ node, id: 'zero', payload, access: 'open' })
    const subscribe = element('subscribe', 'http://jabber.org/protocol/pubsub', { node, jid: own.port.jid })
    await own.port.request(iq('set', {}, element('pubsub', 'http://jabber.org/protocol/pubsub', {}, subscribe)))
    await new PepPublisher(second.port).publish({ node, id: 'one', payload, access: 'open' })
    const items = () =>
      heard
        .flatMap(elementsOf)
        .filter(({ ns, name }) => ns === pubsubEvents && name === 'event')
        .flatMap(elementsOf)
        .flatMap(elementsOf)
    await until(() => items().some(({ attrs }) => attrs['id'] === 'one'))
    expect(elementsOf(items().find(({ attrs }) => attrs['id'] === 'one')!)[0]).toEqual(payload)
  })
})

import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { type StropheConnection, stropheJs } from '../../src/xmpp/adapters/strophe.ts'
import { type XmppJsClient, xmppJs } from '../../src/xmpp/adapters/xmpp-js.ts'
import type { XmppPort } from '../../src/xmpp/port.ts'
import { element, type XmlElement } from '../../src/xmpp/stanza/element.ts'
import { toLtx } from '../../src/xmpp/stanza/interop.ts'
import { parseXml } from '../../src/xmpp/stanza/parse.ts'
import { serialise } from '../../src/xmpp/stanza/serialise.ts'
import { iq, message } from '../../src/xmpp/stanza/stanza.ts'

/** A port on a library that is played by the test. */
interface Played {
  readonly port: XmppPort
  readonly sent: XmlElement[]
  readonly receive: (xml: string) => void
  readonly online: () => void
  readonly offline: () => void
}

function playXmppJs(): Played {
  const sent: XmlElement[] = []
  const client = Object.assign(new EventEmitter(), {
    jid: 'me@a.test/x',
    status: 'online',
    send: async (stanza: unknown) => void sent.push(parseXml(String(stanza))),
  })
  return {
    port: xmppJs(client as unknown as XmppJsClient),
    sent,
    receive: (xml) =>
      client.emit(
        'stanza',
        toLtx(parseXml(xml, 'jabber:client', { length: 1e7, depth: 99, attributes: 999, elements: 1e6 })),
      ),
    online: () => {
      client.status = 'online'
      client.emit('online')
    },
    offline: () => {
      client.status = 'offline'
      client.emit('disconnect')
    },
  }
}

function playStrophe(): Played {
  const sent: XmlElement[] = []
  const handlers = new Set<(source: Element) => boolean>()
  // Strophe's DOM elements are played by objects that know their text.
  const toElement = (xml: string) => ({ xml }) as unknown as Element
  const serialize = (source: Element) => (source as unknown as { xml: string }).xml
  const connection = {
    jid: 'me@a.test/x',
    connected: true,
    send: (source: Element) => void sent.push(parseXml(serialize(source))),
    addHandler: (handler: (source: Element) => boolean) => {
      handlers.add(handler)
      return handler
    },
    deleteHandler: (handler: never) => void handlers.delete(handler),
  }
  const port = stropheJs(connection as StropheConnection, { toElement, serialize })
  return {
    port,
    sent,
    receive: (xml) => {
      for (const handler of [...handlers]) if (!handler(toElement(xml))) handlers.delete(handler)
    },
    online: () => {
      connection.connected = true
      handlers.clear()
      port.connectionChanged(5)
    },
    offline: () => {
      connection.connected = false
      port.connectionChanged(6)
    },
  }
}

describe.each([
  ['xmpp.js', playXmppJs],
  ['strophe.js', playStrophe],
])('adapter for %s', (_, play) => {
  const asked = async (to: string | undefined, answer: string): Promise<string> => {
    const { port, receive, sent } = play()
    const request = port.request(iq('get', { to }, element('q', 'urn:q')), { timeoutMs: 20 })
    await Promise.resolve()
    receive(answer.replace('ID', sent[0]!.attrs['id']!))
    return await request.then(
      (stanza) => stanza.attrs['type'] ?? '',
      (error) => `${error.code} ${error.condition ?? ''}`,
    )
  }

  test('takes answers only from the entity that was asked (S13)', async () => {
    expect(await asked('b.test', '<iq type="result" id="ID" from="b.test"/>')).toBe('result')
    expect(await asked('b.test', '<iq type="result" id="ID" from="evil.test"/>')).toBe('xmpp/timeout ')
    expect(await asked('b.test', '<iq type="result" id="ID"/>')).toBe('xmpp/timeout ')
    expect(await asked(undefined, '<iq type="result" id="ID"/>')).toBe('result')
    expect(await asked(undefined, '<iq type="result" id="ID" from="me@a.test"/>')).toBe('result')
    expect(await asked('me@a.test', '<iq type="result" id="ID"/>')).toBe('result')
    expect(await asked(undefined, '<iq type="result" id="ID" from="evil.test"/>')).toBe('xmpp/timeout ')
  })

  test('turns error answers into typed errors', async () => {
    const error = '<error type="auth"><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    expect(await asked('b.test', `<iq type="error" id="ID" from="b.test">${error}</iq>`)).toBe(
      'xmpp/stanza_error forbidden',
    )
  })

  test('passes messages on and drops what is past the bounds (R24), and goes on', () => {
    const { port, receive } = play()
    const heard: string[] = []
    const stop = port.onStanza((stanza) => heard.push(stanza.attrs['id'] ?? ''))
    receive('<message id="1"><p:x xmlns:p="urn:p"/></message>')
    receive(`<message id="2">${'<a>'.repeat(40)}${'</a>'.repeat(40)}</message>`)
    receive('<message id="3"/>')
    stop()
    receive('<message id="4"/>')
    expect(heard).toEqual(['1', '3'])
  })

  test('tells of the connection, and refuses without one', async () => {
    const { port, receive, sent, online, offline } = play()
    const states: string[] = []
    port.onState?.((state) => states.push(state))
    const waiting = port.request(iq('get', {}))
    offline()
    await expect(waiting).rejects.toMatchObject({ code: 'xmpp/offline' })
    await expect(port.send(message({}))).rejects.toMatchObject({ code: 'xmpp/offline' })
    online()
    expect(states).toEqual(['offline', 'online'])
    const heard: string[] = []
    port.onStanza((stanza) => heard.push(serialise(stanza, 'jabber:client')))
    receive('<message id="5"/>')
    await port.send(message({ to: 'b.test' }))
    expect(heard).toEqual(['<message id="5"/>'])
    expect(sent.at(-1)?.attrs['to']).toBe('b.test')
  })
})

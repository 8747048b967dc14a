import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type RealServer, startEjabberd } from '../../../scripts/servers.ts'
import { MucRoom } from '../../../src/xmpp/muc/muc-room.ts'
import { fetchPep } from '../../../src/xmpp/pep/pep-fetch.ts'
import { PepPublisher } from '../../../src/xmpp/pep/pep-publisher.ts'
import type { XmppPort } from '../../../src/xmpp/port.ts'
import { element } from '../../../src/xmpp/stanza/element.ts'
import { iq } from '../../../src/xmpp/stanza/stanza.ts'
import { content, probeOf } from '../conformance/backend.ts'
import { connectXmppJs, systemTimers } from '../conformance/real.ts'
import { connectStanza } from './stanza-agent.ts'

interface Connected {
  readonly port: XmppPort
  readonly stop: () => Promise<void>
}

const adapters: Readonly<Record<string, (server: RealServer, user: string) => Promise<Connected>>> = {
  'xmpp.js over TCP': async (server, user) => await connectXmppJs(server, user, 'tcp', 'tcp'),
  'xmpp.js over WebSocket': async (server, user) => await connectXmppJs(server, user, 'ws', 'websocket'),
  stanza: connectStanza,
}

describe.each(Object.entries(adapters))('adapter for %s', (name, connect) => {
  let server: RealServer
  let connected: Connected | undefined
  const user = name.replace(/\W/g, '').toLowerCase()
  beforeAll(async () => {
    globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket
    server = await startEjabberd()
    await server.register(user, 'secret')
    connected = await connect(server, user)
  })
  afterAll(async () => {
    await connected?.stop()
    await server.stop()
  })

  test('sends, hears and pages a room, with markup and text of any kind', async () => {
    const context = { port: connected!.port, timers: systemTimers, random: { randomBytes } }
    const room = new MucRoom(`garden@${server.rooms}`, context)
    await room.join({ create: true })
    const text = `<&>"' ünïcödé 🌱 ${'x'.repeat(5000)}`
    let heard: string | undefined
    room.onEvent((event) => {
      if (event.kind === 'message') heard = probeOf(event.entry.element)
    })
    const id = await room.send(content(text))
    const { entries } = await room.page({})
    expect(heard).toBe(text)
    expect(entries.map(({ archiveId, own }) => [archiveId, own])).toEqual([[id, true]])
    expect(probeOf(entries[0]!.element)).toBe(text)
  })

  test('carries nested elements of any namespace through a node', async () => {
    const payload = element('a', 'urn:a', { x: '1' }, element('b', 'urn:b', {}, element('c', 'urn:a', {}, 'text')))
    await new PepPublisher(connected!.port).publish({ node: 'urn:example:n', id: 'i', payload, access: 'open' })
    const found = await fetchPep(connected!.port, connected!.port.jid, 'urn:example:n')
    expect(found.kind === 'items' && found.items[0]?.payload).toEqual(payload)
  })

  test('reports stanza errors with condition and type, and time-outs', async () => {
    const { port } = connected!
    const unknown = port.request(iq('get', { to: `nobody@${server.rooms}` }, element('q', 'urn:example:unknown')))
    await expect(unknown).rejects.toMatchObject({
      code: 'xmpp/stanza_error',
      condition: 'item-not-found',
      type: 'cancel',
    })
    const slow = port.request(iq('get', { to: port.jid }, element('q', 'urn:example:unknown')), { timeoutMs: 1 })
    await expect(slow).rejects.toMatchObject({ code: expect.stringMatching(/^xmpp\/(timeout|stanza_error)$/) })
  })
})

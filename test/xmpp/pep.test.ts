import { describe, expect, test } from 'vitest'
import { fetchPep } from '../../src/xmpp/pep/pep-fetch.ts'
import { isConfigured, readNodeConfig } from '../../src/xmpp/pep/pep-node.ts'
import { PepPublisher } from '../../src/xmpp/pep/pep-publisher.ts'
import type { XmppPort } from '../../src/xmpp/port.ts'
import { element, withChildren, type XmlElement, type XmlNode } from '../../src/xmpp/stanza/element.ts'
import { serialise } from '../../src/xmpp/stanza/serialise.ts'
import { iq } from '../../src/xmpp/stanza/stanza.ts'
import { buildPublish } from '../../src/xmpp/xep/xep-0060.ts'
import { make, run } from './support.ts'

describe('publishing to own nodes', () => {
  test('publish-options: ejabberd knows two of them, a plain publication keeps one item', async () => {
    const service = make()
    for (const site of ['a.test', 'b.test']) {
      const port = service.connect(`alice@${site}`)
      const publish = async (id: string) =>
        await run(service, port.request(iq('set', {}, buildPublish('n', { id, payload: element('p', 'urn:p') }))))
      await publish('one')
      await publish('two')
      const found = await run(service, fetchPep(port, `alice@${site}`, 'n'))
      expect(found.kind === 'items' && found.items.map(({ id }) => id)).toEqual(['two'])
    }
  })

  test('a server that takes the options and ignores them is found out and mended', async () => {
    const service = make()
    const session = service.connect('alice@b.test')
    const strip = (source: XmlElement): XmlElement =>
      withChildren(
        source,
        source.children.flatMap((node): XmlNode[] => {
          if (typeof node === 'string') return [node]
          return node.name === 'publish-options' ? [] : [strip(node)]
        }),
      )
    const port: XmppPort = {
      jid: session.jid,
      send: async (stanza) => await session.send(stanza),
      request: async (stanza) => await session.request(strip(stanza)),
      onStanza: (listener) => session.onStanza(listener),
    }
    await run(
      service,
      new PepPublisher(port).publish({ node: 'n', id: 'a', payload: element('p', 'urn:p'), access: 'open' }),
    )
    expect(isConfigured(await run(service, readNodeConfig(session, 'n')), 'open')).toBe(true)
  })

  test('a private item never goes to a node that others may read', async () => {
    const service = make()
    const session = service.connect('alice@a.test')
    const item = { node: 'n', id: 'a', payload: element('p', 'urn:p') }
    await run(service, new PepPublisher(session).publish({ ...item, access: 'open' }))
    const readable: boolean[] = []
    const stranger = service.connect('eve@a.test')
    const port: XmppPort = {
      jid: session.jid,
      send: async (stanza) => await session.send(stanza),
      request: async (stanza) => {
        const publishes = serialise(stanza).includes('<publish ')
        if (publishes) readable.push((await fetchPep(stranger, 'alice@a.test', 'n')).kind === 'items')
        return await session.request(stanza)
      },
      onStanza: (listener) => session.onStanza(listener),
    }
    await run(service, new PepPublisher(port).publish({ ...item, access: 'whitelist' }))
    expect(readable).toEqual([false])
  })

  test('an item over the limit of ejabberd is refused politely', async () => {
    const service = make()
    const port = service.connect('alice@a.test')
    const payload = element('p', 'urn:p', {}, 'A'.repeat(251_000))
    const publishing = new PepPublisher(port).publish({ node: 'n', id: 'a', payload, access: 'open' })
    await expect(run(service, publishing)).rejects.toMatchObject({ code: 'xmpp/too_large' })
    expect(port.online).toBe(true)
  })
})

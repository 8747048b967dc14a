import { expect, test } from 'vitest'
import { readArchive } from '../../../src/xmpp/archive.ts'
import { fetchPep } from '../../../src/xmpp/pep/pep-fetch.ts'
import { configureNode, createNode, isConfigured, readNodeConfig } from '../../../src/xmpp/pep/pep-node.ts'
import { PepPublisher } from '../../../src/xmpp/pep/pep-publisher.ts'
import { element, elementsOf, type XmlElement } from '../../../src/xmpp/stanza/element.ts'
import { iq, message } from '../../../src/xmpp/stanza/stanza.ts'
import { buildPublish } from '../../../src/xmpp/xep/xep-0060.ts'
import { buildCarbonsEnable, carbonIn } from '../../../src/xmpp/xep/xep-0280.ts'
import { isArchiveResult } from '../../../src/xmpp/xep/xep-0313.ts'
import { stanzaIdBy } from '../../../src/xmpp/xep/xep-0359.ts'
import { buildUploadRequest, parseUploadSlot } from '../../../src/xmpp/xep/xep-0363.ts'
import { appear, type Backend, content, probeOf, unique, until } from './backend.ts'

const payload = (text: string): XmlElement => element('package', 'urn:example:packages', {}, text)

export function accountTests(current: () => Backend): void {
  test('an open node keeps one item for each device, and strangers read all', async () => {
    const backend = current()
    const [alice, mallory] = [unique('alice'), unique('stranger')]
    const owner = await backend.connect(alice)
    const node = 'urn:example:packages:0'
    const publisher = new PepPublisher(owner.context.port)
    await publisher.publish({ node, id: 'device-1', payload: payload('one'), access: 'open' })
    await publisher.publish({ node, id: 'device-2', payload: payload('two'), access: 'open' })
    await publisher.publish({ node, id: 'device-1', payload: payload('three'), access: 'open' })
    const stranger = await backend.connect(mallory)
    const all = await fetchPep(stranger.context.port, backend.jid(alice), node)
    expect(all.kind).toBe('items')
    const items = all.kind === 'items' ? all.items : []
    expect(Object.fromEntries(items.map(({ id, payload: p }) => [id, p?.children[0]]))).toEqual({
      'device-1': 'three',
      'device-2': 'two',
    })
    const one = await fetchPep(stranger.context.port, backend.jid(alice), node, { ids: ['device-2'] })
    expect(one.kind === 'items' && one.items.map(({ id }) => id)).toEqual(['device-2'])
    expect(isConfigured(await readNodeConfig(owner.context.port, node), 'open')).toBe(true)
    await publisher.retract(node, 'device-1', 'device-9')
    const left = await fetchPep(stranger.context.port, backend.jid(alice), node)
    expect(left.kind === 'items' && left.items.map(({ id }) => id)).toEqual(['device-2'])
  })

  test('a node with the wrong access is mended by the next publication', async () => {
    const backend = current()
    const alice = unique('alice')
    const owner = await backend.connect(alice)
    const node = 'urn:example:closed:0'
    await createNode(owner.context.port, node, 'whitelist')
    await configureNode(owner.context.port, node, 'whitelist')
    const stranger = await backend.connect(unique('stranger'))
    const publisher = new PepPublisher(owner.context.port)
    expect((await fetchPep(stranger.context.port, backend.jid(alice), node)).kind).toBe('none')
    await publisher.publish({ node, id: 'a', payload: payload('one'), access: 'open' })
    expect((await fetchPep(stranger.context.port, backend.jid(alice), node)).kind).toBe('items')
  })

  test('a node that was made by a plain publication stops forgetting items', async () => {
    const backend = current()
    const owner = await backend.connect(unique('alice'))
    const { port } = owner.context
    const node = 'urn:example:forgetful:0'
    await port.request(iq('set', {}, buildPublish(node, { id: 'old', payload: payload('0') })))
    const publisher = new PepPublisher(port)
    await publisher.publish({ node, id: 'a', payload: payload('1'), access: 'open' })
    await publisher.publish({ node, id: 'b', payload: payload('2'), access: 'open' })
    const found = await fetchPep(port, port.jid, node)
    expect(found.kind === 'items' && found.items.map(({ id }) => id)).toEqual(expect.arrayContaining(['a', 'b']))
  })

  test('a private node is closed to others, and a missing one looks like none', async () => {
    const backend = current()
    const alice = unique('alice')
    const owner = await backend.connect(alice)
    const stranger = await backend.connect(unique('stranger'))
    const node = 'urn:example:private:0'
    await new PepPublisher(owner.context.port).publish({ node, id: 'a', payload: payload('s'), access: 'whitelist' })
    const mine = await fetchPep(owner.context.port, backend.jid(alice), node)
    expect(mine.kind === 'items' && mine.items.length).toBe(1)
    expect((await fetchPep(stranger.context.port, backend.jid(alice), node)).kind).toBe('none')
    expect((await fetchPep(stranger.context.port, backend.jid(alice), 'urn:example:nothing')).kind).toBe('none')
    expect((await fetchPep(stranger.context.port, backend.jid(unique('nobody')), node)).kind).toBe('none')
  })

  test('an item of 120 kB is kept', async () => {
    const backend = current()
    const owner = await backend.connect(unique('alice'))
    const node = 'urn:example:large:0'
    const text = 'B'.repeat(120_000)
    await new PepPublisher(owner.context.port).publish({ node, id: 'a', payload: payload(text), access: 'open' })
    const found = await fetchPep(owner.context.port, owner.context.port.jid, node)
    expect(found.kind === 'items' && found.items[0]?.payload?.children[0] === text).toBe(true)
  })

  test('a message without text to somebody who is away waits, in the queue and in the archive', async () => {
    const backend = current()
    const [alice, bob] = [unique('alice'), unique('bob')]
    const first = await backend.connect(bob)
    await first.close()
    const sender = await backend.connect(alice)
    await appear(sender)
    await sender.context.port.send(message({ to: backend.jid(bob), type: 'chat', id: 'w1' }, ...content('welcome')))
    await backend.wait(300)
    const again = await backend.connect(bob)
    const heard: XmlElement[] = []
    again.context.port.onStanza((stanza) => {
      if (stanza.name === 'message' && !isArchiveResult(stanza) && probeOf(stanza) !== undefined) heard.push(stanza)
    })
    await appear(again)
    await until(backend, () => heard.length > 0, 'the waiting message')
    const page = await readArchive(again.context, backend.jid(bob), { max: 10, with: backend.jid(alice) })
    const stored = page.results.filter((result) => probeOf(result.message) === 'welcome')
    expect(stored.length).toBe(1)
    const id = stanzaIdBy(heard[0]!, backend.jid(bob))
    if (id !== undefined) expect(id).toBe(stored[0]!.id)
    expect(heard.every((stanza) => stanza.attrs['from']?.startsWith(backend.jid(alice)))).toBe(true)
  })

  test('the other resource gets copies of what is sent and received', async () => {
    const backend = current()
    const [alice, bob] = [unique('alice'), unique('bob')]
    const desk = await backend.connect(alice, 'desk')
    const phone = await backend.connect(alice, 'phone')
    const peer = await backend.connect(bob)
    for (const client of [desk, phone, peer]) await appear(client)
    await phone.context.port.request(iq('set', {}, buildCarbonsEnable()))
    const copies: string[] = []
    phone.context.port.onStanza((stanza) => {
      const found = carbonIn(stanza, backend.jid(alice))
      if (found.kind === 'carbon') copies.push(`${found.carbon.direction} ${probeOf(found.carbon.message)}`)
    })
    await desk.context.port.send(message({ to: backend.jid(bob), type: 'chat', id: 'c1' }, ...content('out')))
    await peer.context.port.send(message({ to: desk.context.port.jid, type: 'chat', id: 'c2' }, ...content('in')))
    await until(backend, () => copies.length >= 2, 'both copies')
    expect(copies.sort()).toEqual(['received in', 'sent out'])
  })

  test('a file goes through the upload service', async () => {
    const backend = current()
    const { port } = (await backend.connect(unique('alice'))).context
    const bytes = new Uint8Array(100_000).map((_, i) => i & 255)
    const request = buildUploadRequest({
      filename: 'tree.bin',
      size: bytes.length,
      contentType: 'application/octet-stream',
    })
    const slot = parseUploadSlot(elementsOf(await port.request(iq('get', { to: backend.uploadService }, request)))[0])
    expect(slot).toBeDefined()
    const headers = { ...slot!.headers, 'content-type': 'application/octet-stream' }
    const put = await port.fetch!(slot!.put, { method: 'PUT', body: bytes, headers })
    expect(put.status).toBe(201)
    const got = await port.fetch!(slot!.get)
    expect(new Uint8Array(await got.arrayBuffer())).toEqual(bytes)
  })
}

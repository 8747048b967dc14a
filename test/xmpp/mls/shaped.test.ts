import { describe, expect, test } from 'vitest'
import { type Bytes, concatBytes } from '../../../src/bytes/bytes.ts'
import { prosodyDialect } from '../../../src/testing/xmpp/dialect.ts'
import { XmppService } from '../../../src/testing/xmpp/index.ts'
import { Blobs, payloadSizes } from '../../../src/xmpp/mls/blobs.ts'
import { defaultSettings } from '../../../src/xmpp/mls/client-options.ts'
import { chunkChildren, chunkIn } from '../../../src/xmpp/mls/items.ts'
import { WelcomeDelivery } from '../../../src/xmpp/mls/welcome-delivery.ts'
import { presence } from '../../../src/xmpp/stanza/stanza.ts'
import { listen, roomJid, World } from './world.ts'

/** What RFC 6120 §13.12 allows at least, announced; and the rate that Debian's ejabberd gives a client. */
const narrow = { ...prosodyDialect, streamLimit: 10_000, announcesLimit: true }
const slow = { ...prosodyDialect, shaper: { bytesPerSecond: 3000, backlog: 65_536 } }

describe('announced limits', () => {
  test('sizes leave room for three payloads in one stanza', () => {
    for (const maxBytes of [10_000, 65_536, 262_144, 10_000_000]) {
      const { inline, chunk } = payloadSizes(maxBytes, defaultSettings.inlineLimit)
      expect(3 * Math.ceil(inline / 3) * 4 + 2000).toBeLessThan(maxBytes)
      expect(Math.ceil(chunk / 3) * 4 + 2000).toBeLessThan(maxBytes)
      expect(inline).toBeGreaterThan(1000)
    }
    expect(payloadSizes(undefined, 777).inline).toBe(777)
  })

  test('a server that takes 10,000 bytes carries long messages, Welcomes and trees', async () => {
    const world = new World('narrow', { 'a.test': narrow })
    const settings = { keyPackages: 1 }
    const alice = await world.device('alice@a.test/x', { settings })
    const bob = await world.device('bob@a.test/x', { settings })
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const heard = listen(await bob.client.room(roomJid))
    await garden.send('x'.repeat(20_000))
    await garden.update()
    await garden.send('short')
    await world.until('both', () => heard.messages.length === 2)
    expect(heard.messages.map(({ body }) => body?.length)).toEqual([20_000, 5])
    expect(heard.unreadable).toEqual([])
    expect(alice.port.online).toBe(true)
    world.stop()
  })
})

describe('a shaper', () => {
  test('cuts who sends a large Welcome at once', async () => {
    const { service, contents, ann } = await large()
    for (const children of contents) {
      if (!ann.online) break
      await ann.send({ name: 'message', ns: 'jabber:client', attrs: { to: 'bob@a.test', type: 'chat' }, children })
    }
    expect(ann.online).toBe(false)
    service.stop()
  })

  test('lets a Welcome of a group of 10,000 through in chunks, one after the other', async () => {
    const { service, bytes, contents, ann, bob, packed, blobs } = await large()
    const got: Bytes[] = []
    bob.onStanza((stanza) => {
      const chunk = chunkIn(stanza)
      if (chunk !== undefined) got[chunk.index] = chunk.bytes
    })
    const context = { port: ann, timers: service.clock, random: service.random }
    await new WelcomeDelivery(context).deliver('1', 'bob@a.test', async () => contents)
    expect(ann.online).toBe(true)
    expect(concatBytes(...got)).toEqual(bytes)
    const whole = await blobs.unpack(packed.payload, async (id, count) =>
      got.map((part, index) => ({ id, count, index, bytes: part })),
    )
    expect(whole).toEqual(bytes)
    service.stop()
  })

  test('lets a long message through a room in chunks', async () => {
    const world = new World('slow room', { 'a.test': slow })
    const wrap = (port: import('../../../src/xmpp/port.ts').XmppPort) => ({
      jid: port.jid,
      send: port.send.bind(port),
      request: port.request.bind(port),
      onStanza: port.onStanza.bind(port),
      onState: port.onState!.bind(port),
    })
    const alice = await world.device('alice@a.test/x', { wrap })
    const bob = await world.device('bob@a.test/x', { wrap })
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const heard = listen(await bob.client.room(roomJid))
    await garden.send('x'.repeat(300_000))
    await world.until('it', () => heard.messages.length === 1)
    expect(heard.messages[0]?.body?.length).toBe(300_000)
    expect(alice.port.online).toBe(true)
    world.stop()
  })
})

/** A payload as large as the tree of 10,000 members without parents, packed for a server without upload. */
async function large() {
  const base = new XmppService({ seed: 'large', sites: { 'a.test': slow } })
  const stop = base.clock.autoRun(1)
  const service = Object.assign(base, { stop })
  const [ann, bob] = [service.connect('ann@a.test/x'), service.connect('bob@a.test/x')]
  for (const one of [ann, bob]) await one.send(presence({}))
  const bytes = new Uint8Array(10_000 * 215).map((_, i) => (i * 7919) >> 5)
  const { jid, send, request, onStanza } = ann
  const port = { jid, send: send.bind(ann), request: request.bind(ann), onStanza: onStanza.bind(ann) }
  const blobs = new Blobs({ port, timers: service.clock, random: service.random }, defaultSettings)
  const packed = await blobs.pack(bytes)
  return { service, bytes, packed, blobs, contents: packed.chunks.map(chunkChildren), ann, bob }
}

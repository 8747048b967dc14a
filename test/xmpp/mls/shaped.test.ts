import { describe, expect, test } from 'vitest'
import { prosodyDialect } from '../../../src/testing/xmpp/dialect.ts'
import { Blobs, payloadSizes } from '../../../src/xmpp/mls/blobs.ts'
import { defaultSettings } from '../../../src/xmpp/mls/client-options.ts'
import { sealContent } from '../../../src/xmpp/mls/content.ts'
import { chunkChildren, withHints } from '../../../src/xmpp/mls/items.ts'
import { WelcomeDelivery } from '../../../src/xmpp/mls/welcome-delivery.ts'
import { buildEncrypted } from '../../../src/xmpp/mls/wire/encrypted.ts'
import { buildRoomWelcome } from '../../../src/xmpp/mls/wire/welcome.ts'
import { openRoom } from '../../../src/xmpp/open-room.ts'
import type { XmppPort } from '../../../src/xmpp/port.ts'
import { message, presence } from '../../../src/xmpp/stanza/stanza.ts'
import { buildHint } from '../../../src/xmpp/xep/xep-0334.ts'
import { addDevice, largeGroup } from './large-group.ts'
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
  test('cuts who sends the Welcome to a group of 10,000 at once, and lets it through in chunks, one after the other', async () => {
    const world = new World('slow', { 'a.test': slow })
    const { service } = world
    const members = 10_000
    const group = largeGroup(members, roomJid, 'ann@a.test', service.clock)
    const bob = await world.device('bob@a.test/x', {
      settings: { keyPackages: 1, slotMs: 3_600_000 },
      wrap: withoutHttp,
    })
    const ann = service.connect('ann@a.test/x')
    await ann.send(presence({}))
    const context = { port: withoutHttp(ann), timers: service.clock, random: service.random }
    const room = await openRoom(roomJid, context)
    await room.join({ create: true })
    await room.affiliate('bob@a.test', 'member')
    const { at, welcome, tree } = await addDevice(group, room, ann, 'bob@a.test')
    expect(tree.length).toBeGreaterThan(300 * members)

    const blobs = new Blobs(context, defaultSettings)
    const [packed, packedTree] = [await blobs.pack(welcome), await blobs.pack(tree)]
    expect(packedTree.payload.kind).toBe('chunks')
    const { epoch } = group
    const main = { room: roomJid, epoch, at, peer: undefined, payload: packed.payload, tree: packedTree.payload }
    const contents = [...packedTree.chunks.map(chunkChildren), withHints(buildRoomWelcome(main))]
    const hasty = service.connect('ann@a.test/hasty')
    for (const children of contents)
      if (hasty.online) await hasty.send(message({ to: 'carol@a.test', type: 'chat' }, ...children))
    expect(hasty.online).toBe(false)

    await new WelcomeDelivery(context).deliver('1', 'bob@a.test', async () => contents)
    expect(ann.online).toBe(true)
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    expect(bobs.devices()).toHaveLength(members + 1)
    expect(bobs.epochAuthenticator).toEqual(group.epochAuthenticator)
    const heard = listen(bobs)
    const data = sealContent({ kind: 'text', body: 'welcome' }, { from: 'ann@a.test', to: roomJid, time: 0 })
    const bytes = group.protect(data, { authenticatedData: new Uint8Array(0) })
    await room.send([buildEncrypted({ payload: { kind: 'inline', bytes } }), buildHint('store')])
    await world.until('the message', () => heard.messages.length === 1)
    expect(heard.messages[0]).toMatchObject({ body: 'welcome', sender: { account: 'ann@a.test' } })
    world.stop()
  }, 120_000)

  test('lets a long message through a room in chunks', async () => {
    const world = new World('slow room', { 'a.test': slow })
    const wrap = withoutHttp
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

/** The connection without HTTP: what is large goes in chunks. */
function withoutHttp(port: XmppPort): XmppPort {
  return {
    jid: port.jid,
    send: port.send.bind(port),
    request: port.request.bind(port),
    onStanza: port.onStanza.bind(port),
    ...(port.onState === undefined ? {} : { onState: port.onState.bind(port) }),
  }
}

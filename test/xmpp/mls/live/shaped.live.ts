import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RealServer, startEjabberd, startProsody } from '../../../../scripts/servers.ts'
import { Blobs } from '../../../../src/xmpp/mls/blobs.ts'
import { MlsClient } from '../../../../src/xmpp/mls/client.ts'
import { defaultSettings } from '../../../../src/xmpp/mls/client-options.ts'
import { sealContent } from '../../../../src/xmpp/mls/content.ts'
import { chunkChildren, withHints } from '../../../../src/xmpp/mls/items.ts'
import { systemRandom, systemTimers } from '../../../../src/xmpp/mls/open-device.ts'
import { WelcomeDelivery } from '../../../../src/xmpp/mls/welcome-delivery.ts'
import { buildEncrypted } from '../../../../src/xmpp/mls/wire/encrypted.ts'
import { buildRoomWelcome } from '../../../../src/xmpp/mls/wire/welcome.ts'
import { openRoom } from '../../../../src/xmpp/open-room.ts'
import type { XmppPort } from '../../../../src/xmpp/port.ts'
import { iq, presence } from '../../../../src/xmpp/stanza/stanza.ts'
import { buildPing } from '../../../../src/xmpp/xep/xep-0199.ts'
import { buildHint } from '../../../../src/xmpp/xep/xep-0334.ts'
import { connectXmppJs } from '../../conformance/real.ts'
import { addDevice, largeGroup } from '../large-group.ts'
import { listen } from '../world.ts'

const servers = { Prosody: startProsody, ejabberd: startEjabberd }

describe.each(Object.entries(servers))('%s with the rates of Debian', (_name, start) => {
  let server: RealServer
  const stops: (() => Promise<void>)[] = []
  beforeAll(async () => {
    server = await start({ shaped: true })
  })
  afterAll(async () => {
    for (const stop of stops) await stop()
    await server.stop()
  })

  // 150 members: what passes in half a minute at 3,000 bytes a second
  test.each([
    [10_000, 'uploaded', true],
    [150, 'in chunks', false],
  ])(
    'the Welcome to a group of %i arrives %s, and the new member reads along; the connection stays',
    async (members, _way, http) => {
      const [host, guest] = [`ann${members}`, `bob${members}`]
      for (const user of [host, guest]) await server.register(user, 'secret')
      const [ann, bob] = [await connectXmppJs(server, host, 'x', 'tcp'), await connectXmppJs(server, guest, 'x', 'tcp')]
      const account = `${guest}@${server.domain}`
      const room = await openRoom(`garden${members}@${server.rooms}`, {
        port: ann.port,
        timers: systemTimers,
        random: systemRandom,
      })
      const states: string[] = []
      ann.port.onState?.((state) => states.push(state))
      for (const { port } of [ann, bob]) await port.send(presence({}))
      const client = await MlsClient.open({ xmpp: bob.port, settings: { keyPackages: 1, slotMs: 3_600_000 } })
      stops.push(() => client.close(), ann.stop, bob.stop)
      await room.join({ create: true })
      await room.affiliate(account, 'member')
      const group = largeGroup(members, room.jid, `${host}@${server.domain}`, systemTimers)
      const { at, welcome, tree } = await addDevice(group, room, ann.port, account)

      const { jid, send, request, onStanza } = ann.port
      const port: XmppPort = http ? ann.port : { jid, send, request, onStanza }
      const context = { port, timers: systemTimers, random: systemRandom }
      const blobs = new Blobs(context, defaultSettings)
      const [packed, packedTree] = [await blobs.pack(welcome), await blobs.pack(tree)]
      expect(packedTree.payload.kind).toBe(http ? 'ref' : 'chunks')
      const { epoch } = group
      const main = { room: room.jid, epoch, at, peer: undefined, payload: packed.payload, tree: packedTree.payload }
      const contents = [...packedTree.chunks.map(chunkChildren), withHints(buildRoomWelcome(main))]
      const delivery = new WelcomeDelivery(context)
      const invited = new Promise<void>((resolve) => client.on('invitation', () => resolve()))
      const delivered = delivery.deliver('1', account, async () => contents).catch((error: unknown) => error)
      await invited

      const bobs = await client.room(room.jid)
      expect(bobs.devices()).toHaveLength(members + 1)
      expect(bobs.epochAuthenticator).toEqual(group.epochAuthenticator)
      const heard = listen(bobs)
      const from = `${host}@${server.domain}`
      const data = sealContent({ kind: 'text', body: 'welcome' }, { from, to: room.jid, time: systemTimers.now() })
      const bytes = group.protect(data, { authenticatedData: new Uint8Array(0) })
      await room.send([buildEncrypted({ payload: { kind: 'inline', bytes } }), buildHint('store')])
      await expect.poll(() => heard.messages.map(({ body }) => body), { timeout: 60_000 }).toEqual(['welcome'])
      await ann.port.request(iq('get', { to: server.domain }, buildPing()), { timeoutMs: 60_000 })
      expect(states).not.toContain('offline')
      delivery.stop()
      await delivered
    },
    240_000,
  )
})

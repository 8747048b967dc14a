import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RealServer, startEjabberd, startProsody } from '../../../../scripts/servers.ts'
import { concatBytes } from '../../../../src/bytes/bytes.ts'
import { Blobs } from '../../../../src/xmpp/mls/blobs.ts'
import { defaultSettings } from '../../../../src/xmpp/mls/client-options.ts'
import { chunkChildren, chunkIn, mlsElementIn, withHints } from '../../../../src/xmpp/mls/items.ts'
import { systemRandom, systemTimers } from '../../../../src/xmpp/mls/open-device.ts'
import { WelcomeDelivery } from '../../../../src/xmpp/mls/welcome-delivery.ts'
import type { Chunk } from '../../../../src/xmpp/mls/wire/payload.ts'
import { buildRoomWelcome, parseRoomWelcome } from '../../../../src/xmpp/mls/wire/welcome.ts'
import type { XmppPort } from '../../../../src/xmpp/port.ts'
import type { XmlElement } from '../../../../src/xmpp/stanza/element.ts'
import { iq, presence } from '../../../../src/xmpp/stanza/stanza.ts'
import { buildPing } from '../../../../src/xmpp/xep/xep-0199.ts'
import { connectXmppJs } from '../../conformance/real.ts'

/** As large as a tree of 10,000 members is, 215 bytes a leaf; and one that passes in half a minute at 3,000 bytes a second. */
const [large, small] = [10_000 * 215, 50_000]

const servers = { Prosody: startProsody, ejabberd: startEjabberd }

describe.each(Object.entries(servers))('%s with the rates of Debian', (_name, start) => {
  let server: RealServer
  const stops: (() => Promise<void>)[] = []
  beforeAll(async () => {
    server = await start({ shaped: true })
    for (const user of ['ann', 'bob']) await server.register(user, 'secret')
  })
  afterAll(async () => {
    for (const stop of stops) await stop()
    await server.stop()
  })

  test.each([
    ['uploaded, to a group of 10,000', large, true],
    ['in chunks', small, false],
  ])(
    'a Welcome arrives whole, %s; the connection stays',
    async (_way, size, http) => {
      const ann = await connectXmppJs(server, 'ann', `s${size}`, 'tcp')
      const bob = await connectXmppJs(server, 'bob', `r${size}`, 'tcp')
      stops.push(ann.stop, bob.stop)
      const states: string[] = []
      ann.port.onState?.((state) => states.push(state))
      for (const { port } of [ann, bob]) await port.send(presence({}))
      const chunks = new Map<number, Chunk>()
      const arrived = new Promise<XmlElement>((resolve) => {
        bob.port.onStanza((stanza) => {
          const chunk = chunkIn(stanza)
          if (chunk !== undefined) chunks.set(chunk.index, chunk)
          const source = mlsElementIn(stanza)
          if (source?.name === 'welcome') resolve(source)
        })
      })
      const tree = new Uint8Array(size).map((_, i) => (i * 7919) >> 5)
      const { jid, send, request, onStanza } = ann.port
      const port: XmppPort = http ? ann.port : { jid, send, request, onStanza }
      const context = { port, timers: systemTimers, random: systemRandom }
      const packed = await new Blobs(context, defaultSettings).pack(tree)
      expect(packed.payload.kind).toBe(http ? 'ref' : 'chunks')
      const welcome = buildRoomWelcome({
        room: `garden@${server.rooms}`,
        epoch: 1n,
        at: 'x',
        peer: undefined,
        payload: { kind: 'inline', bytes: tree.slice(0, 600) },
        tree: packed.payload,
      })
      const delivery = new WelcomeDelivery(context)
      const contents = [...packed.chunks.map(chunkChildren), withHints(welcome)]
      const delivered = delivery
        .deliver('1', `bob@${server.domain}`, async () => contents)
        .catch((error: unknown) => error)
      const read = parseRoomWelcome(await arrived)
      const reader = new Blobs({ port: bob.port, timers: systemTimers, random: systemRandom }, defaultSettings)
      const bytes = await reader.unpack(read!.tree, async () => [...chunks.values()])
      expect(concatBytes(bytes)).toEqual(tree)
      await ann.port.request(iq('get', { to: server.domain }, buildPing()), { timeoutMs: 60_000 })
      expect(states).not.toContain('offline')
      delivery.stop()
      await delivered
    },
    180_000,
  )
})

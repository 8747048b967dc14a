/**
 * An encrypted room: bytes on the wire, and messages per second end to end through the service in this process, beside the
 * same service carrying plain bodies in the same run. `npm run bench -- room [messages]`.
 */
import { cipherSuite } from '../src/index.ts'
import { XmppService } from '../src/testing/xmpp/xmpp-service.ts'
import { MlsClient } from '../src/xmpp/mls/client.ts'
import type { MlsRoom } from '../src/xmpp/mls/room.ts'
import type { XmppPort } from '../src/xmpp/port.ts'
import { element, type XmlElement } from '../src/xmpp/stanza/element.ts'
import { serialise } from '../src/xmpp/stanza/serialise.ts'
import { presence } from '../src/xmpp/stanza/stanza.ts'
import { beside, figure, median, own, type Row, table, writeResults } from './report.ts'
import { plainBackend } from './support/room-plain.ts'
import { sizeOf, watched } from './support/room-sizes.ts'

const body = 'x'.repeat(100)
const members = 3

export async function run(args: readonly string[]): Promise<void> {
  const messages = Number(args[0] ?? 300)
  const service = new XmppService({ seed: 'bench' })
  const stop = service.clock.autoRun(50)
  const sent: XmlElement[] = []
  const suite = await cipherSuite(1)
  const open = async (user: string): Promise<MlsClient> => {
    const port: XmppPort = watched(service.connect(`${user}@example.org/bench`), (stanza) => sent.push(stanza))
    const client = await MlsClient.open({ xmpp: port, suite, ports: { timers: service.clock } })
    await port.send(presence({}))
    return client
  }
  const jid = 'bench@conference.example.org'
  const first = await open('ann')
  const room = await first.room(jid)
  const rooms: MlsRoom[] = [room]
  for (let i = 1; i < members; i++) {
    const client = await open(`user${i}`)
    await room.invite(client.account)
    rooms.push(await client.room(jid))
  }
  await Promise.all(rooms.map(async (one) => await one.synchronise()))
  sent.length = 0
  await room.send(body)
  const message = sizeOf(sent, 'encrypted')
  await room.update()
  const commit = sizeOf(sent, 'handshake')
  const fourth = await open('dan')
  const node = sizeOf(sent, 'keypackages')
  sent.length = 0
  await room.invite(fourth.account)
  const welcome = sizeOf(sent, 'welcome')
  const added = sizeOf(sent, 'handshake')
  const plain = await plainBackend(service, members)

  // rounds of both kinds in turn, so that a slow moment of the machine hits both
  let arrived = 0
  let wanted = 0
  let done: (() => void) | undefined
  for (const one of rooms.slice(1))
    one.on('message', () => {
      if (++arrived === wanted) done?.()
    })
  const round = Math.max(10, Math.floor(messages / 6))
  const encrypted: number[] = []
  const open100: number[] = []
  for (let i = 0; i < 6; i++) {
    arrived = 0
    wanted = round * (members - 1)
    const all = new Promise<void>((resolve) => {
      done = resolve
    })
    const began = performance.now()
    await Promise.all(Array.from({ length: round }, async () => await room.send(body)))
    await all
    encrypted.push(((performance.now() - began) * 1000) / round)
    open100.push(await plain.round(round, body))
  }
  stop()

  const plainBytes = Buffer.byteLength(
    serialise(
      element(
        'message',
        'jabber:client',
        { to: jid, type: 'groupchat', id: 'x'.repeat(24) },
        element('body', 'jabber:client', {}, body),
      ),
    ),
  )
  const rows: Row[] = [
    beside('message of 100 bytes', members, 'bytes', message, 'plain body', plainBytes),
    own('commit: new keys of the own leaf', members, 'bytes', commit),
    own('commit: one member more', members, 'bytes', added),
    own('Welcome to one device, with the tree', members + 1, 'bytes', welcome),
    own('KeyPackage node: 10 one-time, 1 last-resort', 1, 'bytes', node),
    beside('message end to end, embedded service', members, 'us', median(encrypted), 'plain body', median(open100)),
    own('messages per second, encrypted', members, '1/s', 1e6 / median(encrypted)),
    own('messages per second, plain', members, '1/s', 1e6 / median(open100)),
  ]
  table([
    ['', 'devices', 'ours', 'unit', 'plain', 'ratio'],
    ...rows.map(({ name, n, unit, ours, peer, ratio }) => [
      name,
      String(n),
      figure(ours),
      unit,
      peer === null ? '' : figure(peer),
      ratio === null ? '' : figure(ratio),
    ]),
  ])
  writeResults('room', rows)
  process.exit(0)
}

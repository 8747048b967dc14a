/**
 * Encrypted rooms: bytes on the wire; messages per second end to end beside plain bodies on the same server, in rounds of
 * both kinds in turn; seconds to catch up. On the service in this process, Prosody and ejabberd.
 *
 * `npm run bench -- room [--server NAME] [--messages N] [--away MESSAGES,COMMITS] [--write]`
 */
import { parseArgs } from 'node:util'
import type { MlsRoom } from '../src/xmpp/mls/room.ts'
import { element, type XmlElement } from '../src/xmpp/stanza/element.ts'
import { serialise } from '../src/xmpp/stanza/serialise.ts'
import { beside, figure, median, own, type Row, table, writeResults } from './report.ts'
import { catchUp } from './support/room-catch-up.ts'
import { sizeOf } from './support/room-sizes.ts'
import { type Cost, encryptedTraffic, openDevice, plainTraffic } from './support/room-traffic.ts'
import { openVenue, type Venue, venueNames } from './support/room-venues.ts'

/** What stands beside what. */
const comparison = `ours: a body of 100 bytes in an envelope, encrypted, with EME and fallback; plain: the same body with origin-id.
Both: one member sends with 64 on their way, two others and the archive receive; rounds of both in turn.`
const body = 'x'.repeat(100)
const members = 3
const rounds = 7

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      server: { type: 'string', multiple: true, default: [...venueNames] },
      messages: { type: 'string', default: '1400' },
      away: { type: 'string', default: '10000,1000' },
      write: { type: 'boolean', default: false },
    },
  })
  const [messages = 0, commits = 0] = values.away.split(',').map(Number)
  console.log(comparison)
  const rows: Row[] = []
  for (const name of venueNames.filter((one) => values.server.includes(one))) {
    const venue = await openVenue(name)
    if (venue === undefined) continue
    const found = await measured(venue, Number(values.messages), { messages, commits }, rows.length === 0)
    rows.push(...found)
    print(found)
    await venue.close()
  }
  if (values.write) writeResults('room', rows)
  process.exit(0)
}

function print(rows: readonly Row[]): void {
  table([
    ['', 'devices', 'ours', 'unit', 'plain', 'plain / ours'],
    ...rows.map(({ name, n, unit, ours, peer, ratio }) => [
      name,
      String(n),
      figure(ours),
      unit,
      peer === null ? '' : figure(peer),
      ratio === null ? '' : figure(ratio),
    ]),
  ])
}

async function measured(
  venue: Venue,
  messages: number,
  missed: { readonly messages: number; readonly commits: number },
  withSizes: boolean,
): Promise<Row[]> {
  const sent: XmlElement[] = []
  const seen = (stanza: XmlElement): void => {
    if (withSizes) sent.push(stanza)
  }
  const { client } = await openDevice(venue, 'ann', { seen })
  const room = await client.room(venue.room('bench'))
  const rooms: MlsRoom[] = [room]
  for (let i = 1; i < members; i++) {
    const other = await openDevice(venue, `user${i}`)
    await room.invite(other.client.account)
    rooms.push(await other.client.room(room.jid))
  }
  await Promise.all(rooms.map(async (one) => await one.synchronise()))
  const rows = withSizes ? await sizes(venue, room, sent) : []
  withSizes = false

  const encrypted = encryptedTraffic(venue, rooms, body)
  const plain = await plainTraffic(venue, members, body)
  const count = Math.max(10, Math.floor(messages / rounds))
  const costs: { readonly ours: Cost; readonly plain: Cost }[] = []
  // the first round warms up; then both kinds in turn, in changing order, so that a slow moment of the machine hits both
  for (let i = 0; i <= rounds; i++) {
    const before = i % 2 === 0 ? await plain.round(count) : undefined
    const ours = await encrypted.round(count)
    const cost = { ours, plain: before ?? (await plain.round(count)) }
    if (i > 0) costs.push(cost)
  }
  const middle = (kind: 'ours' | 'plain', what: keyof Cost): number => median(costs.map((cost) => cost[kind][what]))
  const label = (what: string): string => `${venue.name}: ${what}`
  const line = (what: string, part: keyof Cost): Row =>
    beside(label(what), members, 'us', middle('ours', part), 'plain body', middle('plain', part))
  const [ours, peer] = [1e6 / middle('ours', 'elapsed'), 1e6 / middle('plain', 'elapsed')]
  rows.push(
    line('a message end to end', 'elapsed'),
    line('CPU of all clients, a message', 'client'),
    ...(venue.name === 'embedded' ? [] : [line('CPU of the server, a message', 'server')]),
    { ...own(label('messages per second'), members, '1/s', ours), peer, peerName: 'plain body', ratio: peer / ours },
  )
  if (missed.messages + missed.commits > 0) {
    const seconds = await catchUp(venue, missed)
    rows.push(
      own(label(`catch-up of ${missed.messages} messages`), members + 1, 's', seconds.messages),
      own(label(`catch-up of ${missed.commits} commits`), members + 1, 's', seconds.commits),
    )
  }
  return rows
}

async function sizes(venue: Venue, room: MlsRoom, sent: XmlElement[]): Promise<Row[]> {
  sent.length = 0
  await room.send(body)
  const message = sizeOf(sent, 'encrypted')
  await room.update()
  const commit = sizeOf(sent, 'handshake')
  const published: XmlElement[] = []
  const fourth = await openDevice(venue, 'dan', { seen: (stanza) => published.push(stanza) })
  sent.length = 0
  await room.invite(fourth.client.account)
  // it leaves when the commit has won
  while (Number.isNaN(sizeOf(sent, 'welcome'))) await new Promise((resolve) => setTimeout(resolve, 10))
  const [welcome, added] = [sizeOf(sent, 'welcome'), sizeOf(sent, 'handshake')]
  await fourth.client.close()
  await fourth.link.close()
  await room.remove(fourth.client.account)
  const plain = serialise(
    element(
      'message',
      'jabber:client',
      { to: room.jid, type: 'groupchat', id: 'x'.repeat(24) },
      element('body', 'jabber:client', {}, body),
      element('origin-id', 'urn:xmpp:sid:0', { id: 'x'.repeat(24) }),
    ),
  )
  return [
    beside('message of 100 bytes', members, 'bytes', message, 'plain body', Buffer.byteLength(plain)),
    own('commit: new keys of the own leaf', members, 'bytes', commit),
    own('commit: one member more', members, 'bytes', added),
    own('Welcome to one device, with the tree', members + 1, 'bytes', welcome),
    own('KeyPackage node: 10 one-time, 1 last-resort', 1, 'bytes', sizeOf(published, 'keypackages')),
  ]
}

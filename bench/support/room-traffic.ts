/** The same messages in two rooms of one server: encrypted by the binding, and as plain bodies through the same driver. */
import { cipherSuite } from '../../src/index.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { MlsClient } from '../../src/xmpp/mls/client.ts'
import type { MlsRoom } from '../../src/xmpp/mls/room.ts'
import { openRoom } from '../../src/xmpp/open-room.ts'
import type { XmppPort } from '../../src/xmpp/port.ts'
import type { Room } from '../../src/xmpp/room.ts'
import { child, element, withChildren, type XmlElement } from '../../src/xmpp/stanza/element.ts'
import { presence } from '../../src/xmpp/stanza/stanza.ts'
import { buildOriginId, originIdIn } from '../../src/xmpp/xep/xep-0359.ts'
import { watched } from './room-sizes.ts'
import type { Venue, VenueClient } from './room-venues.ts'

/** What one message cost: microseconds until all others have it, and of CPU in this process and in the server's. */
export interface Cost {
  readonly elapsed: number
  readonly client: number
  readonly server: number
}

/** Messages whose reflection the sender has not seen yet: a client that does not wait for each, and does not flood. */
export const window = 64

/** A room that carries messages. */
export interface Traffic {
  /** Sends so many messages, with {@link window} of them on their way. */
  round(count: number): Promise<Cost>
}

/** A device with its room. */
export interface BenchDevice {
  readonly client: MlsClient
  readonly link: VenueClient
}

/** Logs a device in. */
export async function openDevice(
  venue: Venue,
  user: string,
  options: { readonly storage?: Storage; readonly seen?: (stanza: XmlElement) => void } = {},
): Promise<BenchDevice> {
  const link = await venue.connect(user, 'bench')
  const port = options.seen === undefined ? link.port : watched(link.port, options.seen)
  const { storage } = options
  const client = await MlsClient.open({
    xmpp: port,
    suite: await cipherSuite(1),
    ports: { timers: venue.timers },
    ...(storage === undefined ? {} : { storage }),
  })
  await port.send(presence({}))
  return { client, link }
}

/** The first room sends, the others receive. */
export function encryptedTraffic(venue: Venue, rooms: readonly MlsRoom[], body: string): Traffic {
  const counter = new Counter()
  for (const room of rooms.slice(1)) room.on('message', () => counter.tick())
  return {
    round: async (count) =>
      await measure(venue, count, counter, rooms.length - 1, async () => await rooms[0]?.send(body)),
  }
}

/**
 * The connection of a common client: it names each message a second time (XEP-0359), which our driver leaves out where the
 * room says that it keeps ids.
 */
function common(port: XmppPort): XmppPort {
  const onState = port.onState?.bind(port)
  return {
    jid: port.jid,
    send: async (stanza) => {
      const { id } = stanza.attrs
      const named = stanza.name !== 'message' || id === undefined || originIdIn(stanza) !== undefined
      await port.send(named ? stanza : withChildren(stanza, [...stanza.children, buildOriginId(id)]))
    },
    request: (stanza, options) => port.request(stanza, options),
    onStanza: (listener) => port.onStanza(listener),
    ...(onState === undefined ? {} : { onState }),
  }
}

/** A room with so many plain members: id, body and origin-id to the same number of people, archived as ours are. */
export async function plainTraffic(venue: Venue, members: number, body: string): Promise<Traffic> {
  const rooms: Room[] = []
  const counter = new Counter()
  const { timers } = venue
  const random = { randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }
  for (let i = 0; i < members; i++) {
    const { port: bare } = await venue.connect(`plain${i}`, 'bench')
    const port = common(bare)
    const room = await openRoom(venue.room('plain'), { port, timers, random })
    await rooms[0]?.affiliate(venue.jid(`plain${i}`), 'member')
    await room.join({ create: i === 0 })
    if (i > 0)
      room.onEvent((event) => {
        if (event.kind === 'message' && child(event.entry.element, 'body', 'jabber:client') !== undefined)
          counter.tick()
      })
    rooms.push(room)
  }
  const content = [element('body', 'jabber:client', {}, body)]
  return {
    round: async (count) =>
      await measure(venue, count, counter, members - 1, async () => await rooms[0]?.send(content)),
  }
}

class Counter {
  #left = 0
  #done: (() => void) | undefined

  /** Resolves after so many ticks. */
  wait(count: number): Promise<void> {
    this.#left = count
    return new Promise((resolve) => {
      this.#done = resolve
    })
  }

  tick(): void {
    if (--this.#left === 0) this.#done?.()
  }
}

async function measure(
  venue: Venue,
  count: number,
  counter: Counter,
  readers: number,
  send: () => Promise<unknown>,
): Promise<Cost> {
  const all = counter.wait(count * readers)
  const [server, client, began] = [venue.cpu(), process.cpuUsage(), performance.now()]
  let begun = 0
  const lane = async (): Promise<void> => {
    while (begun++ < count) await send()
  }
  await Promise.all([all, ...Array.from({ length: window }, lane)])
  const elapsed = ((performance.now() - began) * 1000) / count
  const { user, system } = process.cpuUsage(client)
  return { elapsed, client: (user + system) / count, server: ((venue.cpu() - server) * 1e6) / count }
}

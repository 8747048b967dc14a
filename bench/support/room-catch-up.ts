/** How long a device that was away takes to read what it has missed. */
import { temporaryStorage } from '../../src/xmpp/mls/open-device.ts'
import type { MlsRoom } from '../../src/xmpp/mls/room.ts'
import { openDevice } from './room-traffic.ts'
import type { Venue } from './room-venues.ts'

/** What a device misses, and how. */
interface Absence {
  readonly name: string
  readonly messages: number
  /** Makes the room what it is when the device comes back. */
  readonly meanwhile: (room: MlsRoom) => Promise<void>
}

/** At most so many messages on their way at once: the sender's memory, not the server's rate. */
const burst = 500

/** Seconds to catch up with so many messages, and in another room with so many commits. */
export async function catchUp(
  venue: Venue,
  missed: { readonly messages: number; readonly commits: number },
): Promise<{ readonly messages: number; readonly commits: number }> {
  const messages = await absent(venue, {
    name: 'messages',
    messages: missed.messages,
    meanwhile: async (room) => {
      for (let sent = 0; sent < missed.messages; sent += burst)
        await Promise.all(
          Array.from({ length: Math.min(burst, missed.messages - sent) }, () => room.send('x'.repeat(100))),
        )
    },
  })
  const commits = await absent(venue, {
    name: 'commits',
    messages: 0,
    meanwhile: async (room) => {
      for (let i = 0; i < missed.commits; i++) await room.update()
    },
  })
  return { messages, commits }
}

async function absent(venue: Venue, { name, messages, meanwhile }: Absence): Promise<number> {
  const storage = await temporaryStorage()
  const host = await openDevice(venue, `host-${name}`)
  const room = await host.client.room(venue.room(`catch-up-${name}`))
  const first = await openDevice(venue, `away-${name}`, { storage })
  await room.invite(first.client.account)
  const its = await first.client.room(room.jid)
  await its.synchronise()
  await first.client.close()
  await first.link.close()

  const prepared = performance.now()
  await meanwhile(room)
  console.log(`${venue.name}: ${name} prepared in ${((performance.now() - prepared) / 1000).toFixed(0)} s`)

  const began = performance.now()
  const { client, link } = await openDevice(venue, `away-${name}`, { storage })
  let heard = 0
  const again = await client.room(room.jid).then((one) => {
    one.on('message', () => heard++)
    return one
  })
  await again.synchronise()
  const seconds = (performance.now() - began) / 1000
  if (heard < messages) throw new Error(`caught up with ${heard} of ${messages} messages`)
  if (again.epochAuthenticator.toString() !== room.epochAuthenticator.toString())
    throw new Error('the device that was away is in another epoch')
  await client.close()
  await link.close()
  await host.client.close()
  await host.link.close()
  return seconds
}

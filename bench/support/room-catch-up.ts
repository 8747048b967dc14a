/** How long a device that was away takes to read what it has missed. */
import { temporaryStorage } from '../../src/xmpp/mls/open-device.ts'
import type { MlsRoom } from '../../src/xmpp/mls/room.ts'
import { openDevice } from './room-traffic.ts'
import type { Venue } from './room-venues.ts'

/** Seconds to catch up with so many messages, and with so many commits. */
export async function catchUp(
  venue: Venue,
  room: MlsRoom,
  missed: { readonly messages: number; readonly commits: number },
): Promise<{ readonly messages: number; readonly commits: number }> {
  const storage = await temporaryStorage()
  const first = await openDevice(venue, 'away', { storage })
  await room.invite(first.client.account)
  const its = await first.client.room(room.jid)
  await its.synchronise()
  await first.client.close()
  await first.link.close()

  const absent = async (count: number): Promise<number> => {
    const began = performance.now()
    const { client, link } = await openDevice(venue, 'away', { storage })
    let heard = 0
    const opened = client.room(room.jid).then((one) => {
      one.on('message', () => heard++)
      return one
    })
    const again = await opened
    await again.synchronise()
    const seconds = (performance.now() - began) / 1000
    if (count > 0 && heard < count) throw new Error(`caught up with ${heard} of ${count} messages`)
    if (again.epochAuthenticator.toString() !== room.epochAuthenticator.toString())
      throw new Error('the device that was away is in another epoch')
    await client.close()
    await link.close()
    return seconds
  }
  // at most so many on their way at once: the sender's memory, not the server's rate
  for (let sent = 0; sent < missed.messages; sent += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, missed.messages - sent) }, async () => await room.send('x'.repeat(100))),
    )
  const messages = await absent(missed.messages)
  for (let i = 0; i < missed.commits; i++) await room.update()
  return { messages, commits: await absent(0) }
}

/** A room of the same service that carries plain bodies, through the same driver. */
import type { XmppService } from '../../src/testing/xmpp/xmpp-service.ts'
import { openRoom } from '../../src/xmpp/open-room.ts'
import type { Room } from '../../src/xmpp/room.ts'
import { child, element } from '../../src/xmpp/stanza/element.ts'

/** Opens the room with so many members. `round` gives microseconds per message, until all others have it. */
export async function plainBackend(service: XmppService, members: number) {
  const rooms: Room[] = []
  for (let i = 0; i < members; i++) {
    const port = service.connect(`plain${i}@example.org/bench`)
    const room = await openRoom('plain@conference.example.org', { port, timers: service.clock, random: service.random })
    await rooms[0]?.affiliate(`plain${i}@example.org`, 'member')
    await room.join({ create: i === 0 })
    rooms.push(room)
  }
  let [arrived, wanted] = [0, 0]
  let done: (() => void) | undefined
  for (const room of rooms.slice(1))
    room.onEvent((event) => {
      if (event.kind !== 'message' || child(event.entry.element, 'body', 'jabber:client') === undefined) return
      if (++arrived === wanted) done?.()
    })
  const round = async (count: number, body: string): Promise<number> => {
    arrived = 0
    wanted = count * (members - 1)
    const all = new Promise<void>((resolve) => {
      done = resolve
    })
    const began = performance.now()
    await Promise.all(
      Array.from({ length: count }, async () => await rooms[0]?.send([element('body', 'jabber:client', {}, body)])),
    )
    await all
    return ((performance.now() - began) * 1000) / count
  }
  return { round }
}

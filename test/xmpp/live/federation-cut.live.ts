import { expect, test } from 'vitest'
import { openRoom } from '../../../src/xmpp/open-room.ts'
import { type KeeperEvent, RoomKeeper } from '../../../src/xmpp/room-keeper.ts'
import { RoomSync } from '../../../src/xmpp/room-sync.ts'
import { content, enter, probeOf, unique, until } from '../conformance/backend.ts'
import { federated } from '../conformance/real.ts'
import { gather } from '../conformance/room.ts'

test('a cut of 30 seconds between the servers loses nothing: the keeper comes back and reads the archive', async () => {
  const backend = await federated()
  try {
    const { rooms } = await gather(backend.local, unique('alice'))
    const bob = unique('bob')
    await rooms[0]!.affiliate(backend.jid(bob), 'member')
    const client = await enter(backend, bob)
    const room = await openRoom(rooms[0]!.jid, client.context)
    const seen: (string | undefined)[] = []
    const inOrder: (string | undefined)[] = []
    const events: KeeperEvent[] = []
    const sync = new RoomSync(room, {
      consume: ({ element }, late) => {
        seen.push(probeOf(element))
        if (!late) inOrder.push(probeOf(element))
      },
    })
    const options = {
      pingEveryMs: 3_000,
      retryMs: [500, 4_000] as const,
      onEvent: (event: KeeperEvent) => events.push(event),
    }
    const keeper = new RoomKeeper(room, sync, client.context, options)
    await keeper.start()
    await rooms[0]!.send(content('before'))
    await until(backend, () => seen.includes('before'), 'the first message')

    backend.cut()
    for (let i = 0; i < 10; i++) {
      await rooms[0]!.send(content(`into the cut ${i}`))
      await backend.wait(3_000)
    }
    expect(seen).toEqual(['before'])
    backend.mend()
    await rooms[0]!.send(content('after'))
    // What was kept back may come before the keeper sees that the room answers again: it reads the archive in any case.
    await until(backend, () => events.some(({ kind }) => kind === 'live'), 'the return of the keeper')
    await until(backend, () => room.joined && sync.live && seen.includes('after'), 'the return of the other')
    const archive = (await room.page({})).entries.map(({ element }) => probeOf(element))
    // each once; what a server lost and the archive gave later is marked as late
    expect([...seen].sort()).toEqual([...archive].sort())
    expect(inOrder).toEqual(archive.filter((text) => inOrder.includes(text)))
    expect(events.some(({ kind }) => kind === 'closed')).toBe(false)
    keeper.stop()
  } finally {
    await backend.local.close()
    await backend.close()
  }
}, 120_000)

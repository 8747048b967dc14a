import { expect, test } from 'vitest'
import { openRoom } from '../../../src/xmpp/open-room.ts'
import type { Room, RoomEntry } from '../../../src/xmpp/room.ts'
import { RoomSync } from '../../../src/xmpp/room-sync.ts'
import { type Backend, type Client, content, enter, probeOf, unique, until } from './backend.ts'

/** A room with these members, all in it; the first one made it. */
export async function gather(
  backend: Backend,
  ...users: readonly string[]
): Promise<{ rooms: Room[]; clients: Client[] }> {
  const jid = backend.room(unique('room'))
  const rooms: Room[] = []
  const clients: Client[] = []
  for (const user of users) {
    const client = await enter(backend, user)
    const room = await openRoom(jid, client.context)
    const owner = rooms[0]
    if (owner !== undefined && owner.kind === 'muc') await owner.affiliate(backend.jid(user), 'member')
    await room.join({ create: owner === undefined })
    rooms.push(room)
    clients.push(client)
  }
  return { rooms, clients }
}

const wholeArchive = async (room: Room): Promise<RoomEntry[]> => {
  const entries: RoomEntry[] = []
  let after: string | undefined
  for (;;) {
    const page = await room.page({ max: 20, ...(after === undefined ? {} : { after }) })
    entries.push(...page.entries)
    after = page.entries.at(-1)?.archiveId
    if (page.complete || after === undefined) return entries
  }
}

const texts = (entries: readonly RoomEntry[]): (string | undefined)[] => entries.map(({ element: e }) => probeOf(e))

export function roomTests(current: () => Backend): void {
  test('a sent message is known by its archive id, and the archive tells who sent it', async () => {
    const backend = current()
    const [alice, bob] = [unique('alice'), unique('bob')]
    const { rooms } = await gather(backend, alice, bob)
    const heard: RoomEntry[] = []
    rooms[1]!.onEvent((event) => {
      if (event.kind === 'message') heard.push(event.entry)
    })
    const first = await rooms[0]!.send(content('one'))
    const second = await rooms[0]!.send(content('two'))
    expect(first).not.toBe(second)
    await until(backend, () => heard.length >= 2, 'both messages at the other member')
    expect(heard.map(({ archiveId }) => archiveId).sort()).toEqual([first, second].sort())
    expect(heard.every(({ own }) => !own)).toBe(true)
    expect(heard.map(({ from }) => from)).toEqual([backend.jid(alice), backend.jid(alice)])
    const archive = (await rooms[1]!.page({})).entries
    expect(archive.map(({ archiveId }) => archiveId)).toEqual([first, second])
    expect(archive.map(({ from }) => from)).toEqual([backend.jid(alice), backend.jid(alice)])
    expect((await rooms[0]!.page({})).entries.map(({ own }) => own)).toEqual([true, true])
  })

  test('all members read one order from the archive, and live where the driver says so', async () => {
    const backend = current()
    const { rooms } = await gather(backend, unique('a'), unique('b'), unique('c'))
    const live = rooms.map(() => [] as string[])
    rooms.forEach((room, i) => {
      room.onEvent((event) => {
        if (event.kind === 'message') live[i]!.push(event.entry.archiveId)
      })
    })
    const sent = await Promise.all(
      rooms.flatMap((room, i) => Array.from({ length: 15 }, async (_, k) => await room.send(content(`${i}.${k}`)))),
    )
    await until(backend, () => live.every((ids) => ids.length === sent.length), 'all messages everywhere')
    const archives = await Promise.all(rooms.map(wholeArchive))
    const order = archives[0]!.map(({ archiveId }) => archiveId)
    expect([...order].sort()).toEqual([...sent].sort())
    for (const archive of archives) expect(archive.map(({ archiveId }) => archiveId)).toEqual(order)
    for (const i of rooms.keys()) {
      const own = texts(archives[0]!).filter((text) => text?.startsWith(`${i}.`))
      expect(own).toEqual(Array.from({ length: 15 }, (_, k) => `${i}.${k}`))
      if (rooms[i]!.liveOrderIsFinal) expect(live[i]).toEqual(order)
      else expect([...live[i]!].sort()).toEqual([...order].sort())
    }
    const [earlier, later] = [order[3]!, order[30]!]
    expect(rooms[0]!.precedes(earlier, later)).not.toBe(false)
    expect(rooms[0]!.precedes(later, earlier)).not.toBe(true)
  }, 30_000)

  test('the archive is paged forward from a cursor and backward from the newest', async () => {
    const backend = current()
    const { rooms } = await gather(backend, unique('pager'))
    const room = rooms[0]!
    const ids: string[] = []
    for (let i = 0; i < 25; i++) ids.push(await room.send(content(String(i))))
    const forward = await room.page({ after: ids[9]!, max: 10 })
    expect(forward.entries.map(({ archiveId }) => archiveId)).toEqual(ids.slice(10, 20))
    expect(forward.complete).toBe(false)
    const rest = await room.page({ after: ids[19]!, max: 10 })
    expect(rest.entries.map(({ archiveId }) => archiveId)).toEqual(ids.slice(20))
    expect(rest.complete).toBe(true)
    const newest = await room.page({ before: '', max: 5 })
    expect(newest.entries.map(({ archiveId }) => archiveId)).toEqual(ids.slice(20))
    const before = await room.page({ before: ids[20]!, max: 5 })
    expect(before.entries.map(({ archiveId }) => archiveId)).toEqual(ids.slice(15, 20))
    expect((await room.page({ after: ids[24]! })).entries).toEqual([])
  }, 30_000)

  test('who was away catches up from the cursor and then goes on live, each message once', async () => {
    const backend = current()
    const [alice, bob] = [unique('alice'), unique('bob')]
    const { rooms, clients } = await gather(backend, alice, bob)
    await rooms[0]!.send(content('before'))
    const seen: string[] = []
    const note = (entry: RoomEntry): void => {
      seen.push(probeOf(entry.element) ?? '?')
    }
    const first = new RoomSync(rooms[1]!, { consume: note, pageSize: 7 })
    expect(await first.catchUp()).toEqual({ kind: 'complete', entries: 1 })
    first.stop()
    await clients[1]!.close()
    for (let i = 0; i < 30; i++) await rooms[0]!.send(content(String(i)))

    const again = await enter(backend, bob)
    const room = await openRoom(rooms[0]!.jid, again.context)
    await room.join()
    const sync = new RoomSync(room, { consume: note, pageSize: 7, ...(first.cursor ? { cursor: first.cursor } : {}) })
    const live = Promise.all([30, 31, 32].map(async (i) => await rooms[0]!.send(content(String(i)))))
    await sync.catchUp()
    await live
    await until(backend, () => seen.length >= 34, 'everything')
    await sync.idle()
    expect(seen).toEqual(['before', ...Array.from({ length: 33 }, (_, i) => String(i))])
    expect(sync.live).toBe(true)
    expect(sync.cursor).toBe((await room.page({ before: '', max: 1 })).entries[0]!.archiveId)
  }, 30_000)

  test('a message of 150 kB passes', async () => {
    const backend = current()
    const { rooms } = await gather(backend, unique('big'), unique('peer'))
    const text = 'A'.repeat(150_000)
    let arrived: string | undefined
    rooms[1]!.onEvent((event) => {
      if (event.kind === 'message') arrived = probeOf(event.entry.element)
    })
    await rooms[0]!.send(content(text))
    await until(backend, () => arrived !== undefined, 'the large message')
    expect(arrived === text).toBe(true)
    expect(texts((await rooms[1]!.page({})).entries)[0] === text).toBe(true)
  }, 30_000)

  test('a room survives a restart of the server with its archive', async () => {
    const backend = current()
    const alice = unique('alice')
    const { rooms } = await gather(backend, alice)
    const ids = [await rooms[0]!.send(content('one')), await rooms[0]!.send(content('two'))]
    await backend.wait(300)
    await backend.restart()
    const again = await enter(backend, alice)
    const room = await openRoom(rooms[0]!.jid, again.context)
    if (room.kind === 'muc') expect(await room.ping()).toBe('not-joined')
    await room.join()
    expect(await room.ping()).toBe('joined')
    expect((await room.page({})).entries.map(({ archiveId }) => archiveId)).toEqual(ids)
    await room.send(content('three'))
    expect(texts((await room.page({})).entries)).toEqual(['one', 'two', 'three'])
  }, 60_000)
}

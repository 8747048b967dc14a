import { expect, test } from 'vitest'
import { openRoom } from '../../../src/xmpp/open-room.ts'
import type { RoomEvent } from '../../../src/xmpp/room.ts'
import { presence } from '../../../src/xmpp/stanza/stanza.ts'
import { type Backend, content, enter, unique, until } from './backend.ts'
import { gather } from './room.ts'

export function membershipTests(current: () => Backend): void {
  test('members are listed, and coming and going is told', async () => {
    const backend = current()
    const [alice, bob, carol] = [unique('alice'), unique('bob'), unique('carol')]
    const { rooms } = await gather(backend, alice, bob)
    const events: RoomEvent[] = []
    rooms[1]!.onEvent((event) => events.push(event))
    const told = (jid: string, affiliation: string): boolean =>
      events.some((event) => event.kind === 'affiliation' && event.jid === jid && event.affiliation === affiliation)
    const client = await enter(backend, carol)
    const room = await openRoom(rooms[0]!.jid, client.context)
    if (backend.kind === 'muc') {
      await expect(room.join()).rejects.toMatchObject({ condition: 'registration-required' })
      await rooms[0]!.affiliate(backend.jid(carol), 'member')
      await until(backend, () => told(backend.jid(carol), 'member'), 'the new member')
    }
    await room.join()
    if (backend.kind === 'mix') await until(backend, () => told(backend.jid(carol), 'member'), 'the new participant')
    const members = (await rooms[1]!.members()).map(({ jid }) => jid).sort()
    expect(members).toEqual([alice, bob, carol].map((user) => backend.jid(user)).sort())
    await room.send(content('hello'))

    let out: string | undefined
    room.onEvent((event) => {
      if (event.kind === 'removed') out = event.reason
    })
    if (backend.kind === 'muc') await rooms[0]!.affiliate(backend.jid(carol), 'outcast')
    else await room.leave()
    await until(backend, () => told(backend.jid(carol), backend.kind === 'muc' ? 'outcast' : 'none'), 'the removal')
    expect((await rooms[1]!.members()).map(({ jid }) => jid)).not.toContain(backend.jid(carol))
    await expect(room.page({})).rejects.toMatchObject({ condition: 'forbidden' })
    if (backend.kind === 'muc') {
      await until(backend, () => out === 'banned', 'the ban at the banned')
      expect(room.joined).toBe(false)
      await expect(room.send(content('still here'))).rejects.toMatchObject({ code: 'xmpp/not_joined' })
      // Prosody says `registration-required` in a members-only room, ejabberd `forbidden`.
      await expect(room.join()).rejects.toMatchObject({ code: 'xmpp/stanza_error', type: 'auth' })
    }
  }, 30_000)

  test('a room that does not exist is refused with its reason', async () => {
    const backend = current()
    const client = await enter(backend, unique('alice'))
    const missing = await openRoom(backend.room(unique('nowhere')), client.context)
    await expect(missing.join()).rejects.toMatchObject({ code: 'xmpp/room_missing' })
  })

  test('two resources of an account share the room, and each hears every message once', async () => {
    const backend = current()
    const alice = unique('alice')
    const { rooms, clients } = await gather(backend, alice)
    const second = await enter(backend, alice, 'second')
    const room = await openRoom(rooms[0]!.jid, second.context)
    await room.join()
    const heard: [number, number] = [0, 0]
    const own: boolean[] = []
    rooms[0]!.onEvent((event) => {
      if (event.kind === 'message') heard[0]++
    })
    room.onEvent((event) => {
      if (event.kind !== 'message') return
      heard[1]++
      own.push(event.entry.own)
    })
    // Channels reach resources by presence to the account, rooms by presence to the room.
    for (const client of [...clients, second]) await client.context.port.send(presence({}))
    await backend.wait(200)
    await rooms[0]!.send(content('from the first'))
    await room.send(content('from the second'))
    await until(backend, () => heard[0] >= 2 && heard[1] >= 2, 'both at both')
    await backend.wait(200)
    expect(heard).toEqual([2, 2])
    expect(own).toEqual([false, true])
  })
}

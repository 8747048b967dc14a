import { describe, expect, test } from 'vitest'
import { noFaults } from '../../../src/testing/xmpp/index.ts'
import { type Device, listen, roomJid, World } from './world.ts'

/** Members of one room, all in it. */
async function gather(world: World, count: number, room = roomJid) {
  const devices: Device[] = []
  for (let i = 0; i < count; i++) devices.push(await world.device(`m${i}@a.test/x`, { settings: { keyPackages: 1 } }))
  const first = await devices[0]!.client.room(room)
  await Promise.all(devices.slice(1).map((_, i) => first.invite(`m${i + 1}@a.test`)))
  await world.until('all invitations', () => devices.slice(1).every(({ client }) => client.invitations.length === 1))
  const rooms = [first, ...(await Promise.all(devices.slice(1).map(({ client }) => client.room(room))))]
  return { devices, rooms }
}

const agreed = (rooms: readonly { epochAuthenticator: Uint8Array }[]) =>
  new Set(rooms.map(({ epochAuthenticator }) => epochAuthenticator.join())).size === 1

describe('commit races', () => {
  test('32 members commit at the same moment: all wishes come true, all agree', async () => {
    const world = new World('race')
    const { devices, rooms } = await gather(world, 32)
    expect(rooms[0]!.devices()).toHaveLength(32)
    // each renews its keys; some add and remove somebody, one changes the policy
    const guests = [await world.device('guest0@a.test/x'), await world.device('guest1@a.test/x')]
    const before = rooms[0]!.health.epoch!
    const commits = rooms.map((room, i) => {
      if (i === 5) return room.session.ports.room.kind === 'muc' ? rooms[0]!.invite('guest0@a.test') : room.update()
      if (i === 6) return rooms[0]!.invite('guest1@a.test')
      if (i === 7) return room.setPolicy({ externalJoin: 'none' })
      return room.update()
    })
    await Promise.all(commits)
    await world.until('agreement', () => agreed(rooms) && rooms.every(({ idle }) => idle))
    expect(rooms[3]!.policy).toEqual({ externalJoin: 'none' })
    expect(rooms[9]!.devices()).toHaveLength(34)
    // one epoch for each wish at most; nobody needed more
    expect(Number(rooms[0]!.health.epoch! - before)).toBeLessThanOrEqual(32)
    await world.until('the guests are asked', () => guests.every(({ client }) => client.invitations.length === 1))
    const heard = listen(rooms[31]!)
    await rooms[1]!.send('we agree')
    await world.until('the message', () => heard.messages.length === 1)
    expect(devices).toHaveLength(32)
    world.stop()
  })

  test('a stream that drops, doubles and delays stanzas loses nothing', async () => {
    const world = new World('faults')
    const { rooms } = await gather(world, 4)
    const heard = rooms.map(listen)
    world.service.faults = { ...noFaults, drop: 0.15, duplicate: 0.15, reorder: 0.15, delay: [0, 40] }
    const jobs: Promise<unknown>[] = []
    for (let i = 0; i < 10; i++) {
      rooms.forEach((room, k) => {
        jobs.push(room.send(`${k}.${i}`))
        if (i % 4 === k) jobs.push(room.update())
      })
      await world.wait(300)
    }
    await Promise.all(jobs)
    world.service.faults = noFaults
    for (const room of rooms) await room.synchronise()
    await world.until('quiet', () => rooms.every(({ idle }) => idle) && agreed(rooms))
    const all = rooms.flatMap((_, k) => Array.from({ length: 10 }, (_x, i) => `${k}.${i}`)).sort()
    rooms.forEach((room, k) => {
      const own = all.filter((body) => !body.startsWith(`${k}.`))
      expect(heard[k]!.messages.map(({ body }) => body).sort()).toEqual(own)
      expect(heard[k]!.unreadable).toEqual([])
      expect(room.health).toMatchObject({ state: 'active', issues: [] })
    })
    world.stop()
  })
})

describe('channels', () => {
  test('commits at the same moment in a channel of the other kind of server', async () => {
    const world = new World('mix', { 'a.test': 'ejabberd' })
    const { rooms } = await gather(world, 6, 'garden@mix.a.test')
    expect(rooms[0]!.kind).toBe('mix')
    const heard = rooms.map(listen)
    await Promise.all(rooms.flatMap((room, i) => [room.update(), room.send(`from ${i}`)]))
    await world.until('agreement', () => agreed(rooms) && rooms.every(({ idle }) => idle))
    await world.until('all messages', () => heard.every(({ messages }) => messages.length === 5))
    expect(heard.flatMap(({ unreadable }) => unreadable)).toEqual([])
    world.stop()
  })
})

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
  test('32 members commit at the same moment, through faults: no wish is lost, all agree', async () => {
    const world = new World('race')
    const { rooms } = await gather(world, 32)
    const first = rooms[0]!
    expect(first.devices()).toHaveLength(32)
    const guests = await Promise.all([0, 1, 2, 3].map((i) => world.device(`guest${i}@a.test/x`)))
    for (const i of guests.keys()) await first.session.ports.room.affiliate(`guest${i}@a.test`, 'member')
    await world.until('all know', () =>
      rooms.every(({ session }) => session.state.roster?.get('guest3@a.test') === 'member'),
    )
    const before = first.health.epoch!
    world.service.faults = { ...noFaults, drop: 0.05, duplicate: 0.05, reorder: 0.05, delay: [0, 60] }
    // four add somebody, three remove somebody, one changes the rules, those who are removed want nothing, all others fresh keys
    const wishes = rooms.slice(0, 29).map((room, i) => {
      if (i >= 4 && i < 8) return room.invite(`guest${i - 4}@a.test`)
      if (i >= 8 && i < 11) return room.remove(`m${i + 21}@a.test`)
      return i === 11 ? room.setPolicy({ externalJoin: 'none' }) : room.update()
    })
    await Promise.all(wishes)
    world.service.faults = noFaults
    const staying = rooms.slice(0, 29)
    for (const room of rooms) await room.synchronise()
    await world.until('agreement', () => agreed(staying) && staying.every(({ idle }) => idle))
    for (const room of staying) expect(room.policy).toEqual({ externalJoin: 'none' })
    const accounts = first.devices().map(({ account }) => account)
    expect([...accounts].sort()).toEqual(
      [...staying.map((_, i) => `m${i}@a.test`), ...guests.map((_, i) => `guest${i}@a.test`)].sort(),
    )
    expect(rooms.slice(29).map(({ health }) => health.state)).toEqual(['removed', 'removed', 'removed'])
    // one epoch for each wish at most, each an own one for whoever wanted fresh keys
    expect(Number(first.health.epoch! - before)).toBeLessThanOrEqual(wishes.length)
    expect(Number(first.health.epoch! - before)).toBeGreaterThanOrEqual(wishes.length - 8)
    await world.until('the guests are asked', () => guests.every(({ client }) => client.invitations.length === 1))
    const late = await Promise.all(guests.map(({ client }) => client.room(roomJid)))
    const heard = [...staying.slice(1), ...late].map(listen)
    await first.send('we agree')
    await world.until('the message', () =>
      heard.every(({ messages }) => messages.some(({ body }) => body === 'we agree')),
    )
    world.stop()
  }, 600_000)

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

import { describe, expect, test } from 'vitest'
import { type Device, listen, muting, roomJid, World } from './world.ts'

const bobsId = new Uint8Array(16).fill(7)

async function two(seed: string) {
  const world = new World(seed)
  const alice = await world.device('alice@a.test/x')
  const bob = await world.device('bob@a.test/x', { deviceId: bobsId })
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation', () => bob.client.invitations.length === 1)
  const bobs = await bob.client.room(roomJid)
  await world.until('both are idle', () => bobs.idle && garden.idle)
  return { world, alice, garden, bob, bobs }
}

async function stop({ client, port }: Device): Promise<void> {
  port.disconnect()
  await client.close()
}

describe('nobody else is there', () => {
  test('a room that never shows the new group has none; the next try does', async () => {
    const world = new World('mute')
    let muted = true
    const alice = await world.device('alice@a.test/x', { wrap: (port) => muting(port, () => muted, roomJid) })
    await expect(alice.client.room(roomJid)).rejects.toMatchObject({ code: 'xmpp/timeout' })
    muted = false
    const garden = await alice.client.room(roomJid)
    await garden.send('hello')
    expect(garden.health).toMatchObject({ state: 'active', issues: [] })
    world.stop()
  })

  test('a device that lost its state comes back by what the archive has of the epoch', async () => {
    const { world, alice, garden, bob, bobs } = await two('alone')
    // several epochs, one of them contended: the archive holds a commit that lost, too
    await Promise.all([garden.update(), bobs.update()])
    await garden.send('before')
    await stop(alice)
    await stop(bob)
    const lost = await world.device('bob@a.test/x', { deviceId: bobsId })
    const room = await lost.client.room(roomJid)
    expect(room.health.state).toBe('active')
    expect(room.devices()).toHaveLength(2)
    await room.send('nobody hears me yet')
    // once more, from what the external commit itself has left
    await stop(lost)
    const again = await world.device('bob@a.test/x', { deviceId: bobsId })
    const second = await again.client.room(roomJid)
    expect(second.health.state).toBe('active')
    const back = await world.device('alice@a.test/x', { medium: alice.medium })
    const gardens = await back.client.room(roomJid)
    await world.until('agreement', () => gardens.epochAuthenticator.join() === second.epochAuthenticator.join())
    expect(gardens.devices()).toHaveLength(2)
    const heard = listen(gardens)
    await second.send('hello')
    await world.until('the message', () => heard.messages.some(({ body }) => body === 'hello'))
    expect(heard.unreadable).toEqual([])
    world.stop()
  })

  test('the only device of a room comes back when it lost its state', async () => {
    const world = new World('sole')
    const deviceId = new Uint8Array(16).fill(5)
    const alice = await world.device('alice@a.test/x', { deviceId })
    const garden = await alice.client.room(roomJid)
    await garden.update()
    await garden.send('before')
    await stop(alice)
    const lost = await world.device('alice@a.test/x', { deviceId })
    const room = await lost.client.room(roomJid)
    expect(room.health).toMatchObject({ state: 'active', epoch: 2n, issues: [] })
    expect(room.devices()).toHaveLength(1)
    // once more, from what the external commit itself has left; then the room goes on with others
    await stop(lost)
    const again = await world.device('alice@a.test/x', { deviceId })
    const second = await again.client.room(roomJid)
    expect(second.health).toMatchObject({ state: 'active', epoch: 3n, issues: [] })
    const bob = await world.device('bob@a.test/x')
    await second.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    const heard = listen(bobs)
    await second.send('hello')
    await world.until('the message', () => heard.messages.some(({ body }) => body === 'hello'))
    expect(bobs.devices()).toHaveLength(2)
    world.stop()
  })

  test('a member who gives his state up comes back alone', async () => {
    const { world, alice, garden, bobs } = await two('gives up')
    await garden.update()
    await stop(alice)
    await bobs.rejoin()
    expect(bobs.health).toMatchObject({ state: 'active', issues: [] })
    const back = await world.device('alice@a.test/x', { medium: alice.medium })
    const gardens = await back.client.room(roomJid)
    await world.until('agreement', () => gardens.epochAuthenticator.join() === bobs.epochAuthenticator.join())
    world.stop()
  })

  test('where the rules let nobody in, and for strangers, nothing is sent', async () => {
    const { world, alice, garden, bob } = await two('rules')
    await garden.session.ports.room.affiliate('eve@a.test', 'member')
    await garden.setPolicy({ externalJoin: 'none' })
    await stop(alice)
    await stop(bob)
    const epochs = world.service.archive(roomJid).entries.length
    const eve = await world.device('eve@a.test/x')
    const lost = await world.device('bob@a.test/x', { deviceId: bobsId })
    const rooms = [await eve.client.room(roomJid), await lost.client.room(roomJid)]
    expect(rooms.map(({ health }) => health.state)).toEqual(['joining', 'joining'])
    const said = Promise.allSettled(rooms.map((room) => room.send('let me in')))
    await world.wait(200_000)
    // what was said in the hope to come in does not wait for ever
    for (const outcome of await said)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'xmpp/not_joined' } })
    await expect(rooms[1]!.send('hello?')).rejects.toMatchObject({ code: 'xmpp/not_joined' })
    expect(rooms.map(({ health }) => health.state)).toEqual(['waiting', 'waiting'])
    // questions, three of each, and no commit
    const added = world.service.archive(roomJid).entries.slice(epochs)
    const names = added
      .flatMap(({ message }) => message.children)
      .map((node) => (typeof node === 'string' ? '' : node.name))
    expect(names.filter((name) => name === 'request').length).toBe(6)
    expect(names).not.toContain('handshake')
    world.stop()
  })
})

import { describe, expect, test } from 'vitest'
import { restoreRoomGroup } from '../../../src/xmpp/mls/engine/groups.ts'
import { bodies, listen, roomJid, World } from './world.ts'

describe('accounts with several devices', () => {
  test('all devices of an account are invited, and each reads', async () => {
    const world = new World('devices')
    const alice = await world.device('alice@a.test/phone')
    const laptop = await world.device('alice@a.test/laptop')
    const bob = await world.device('bob@a.test/one')
    const bobs2 = await world.device('bob@a.test/two')
    const garden = await alice.client.room(roomJid)
    // a group begins with all devices of its creator
    expect(garden.devices()).toHaveLength(2)
    await garden.invite('bob@a.test')
    expect(garden.devices()).toHaveLength(4)
    const others = [laptop, bob, bobs2]
    await world.until('the invitations', () => others.every(({ client }) => client.invitations.length === 1))
    const rooms = await Promise.all(others.map(({ client }) => client.room(roomJid)))
    const heard = rooms.map(listen)
    await garden.send('to everybody')
    await world.until('the message everywhere', () => heard.every(({ messages }) => messages.length === 1))
    expect(rooms.map(({ safetyNumber }) => safetyNumber)).toEqual(rooms.map(() => garden.safetyNumber))
    expect(garden.members().map(({ account, devices }) => [account, devices.length])).toEqual([
      ['alice@a.test', 2],
      ['bob@a.test', 2],
    ])
    world.stop()
  })

  test('who was invited while offline finds the Welcome and everything since', async () => {
    const world = new World('offline')
    const alice = await world.device('alice@a.test/phone')
    const bob = await world.device('bob@a.test/one')
    bob.port.disconnect()
    await bob.client.close()
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    for (let i = 0; i < 5; i++) await garden.send(`while you were away ${i}`)
    await garden.update()
    await garden.send('in the next epoch')
    const again = await world.device('bob@a.test/one', { medium: bob.medium })
    expect(again.client.device).toBe(bob.client.device)
    await world.until('the invitation', () => again.client.invitations.length === 1)
    const heard: (string | undefined)[] = []
    const room = await again.client.room(roomJid)
    room.on('message', ({ body }) => heard.push(body))
    await garden.send('now')
    await world.until('the newest message', () => heard.includes('now'))
    expect(room.health).toMatchObject({ state: 'active', issues: [] })
    world.stop()
  })
})

describe('rejoin', () => {
  test('a device that lost its state comes back as one visible change that removes its old leaf', async () => {
    const world = new World('rejoin')
    const alice = await world.device('alice@a.test/phone')
    const bob = await world.device('bob@a.test/one', { deviceId: new Uint8Array(16).fill(7) })
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    await bob.client.room(roomJid)
    const heard = listen(garden)
    bob.port.disconnect()
    await bob.client.close()
    const lost = await world.device('bob@a.test/one', { deviceId: new Uint8Array(16).fill(7) })
    const room = await lost.client.room(roomJid)
    await world.until('the rejoin', () => room.health.state === 'active')
    await world.until('its effect', () => garden.epochAuthenticator.join() === room.epochAuthenticator.join())
    expect(heard.membership).toEqual(['commit by alice +bob -', 'rejoined by bob + -bob'])
    expect(garden.devices().filter(({ account }) => account === 'bob@a.test')).toHaveLength(1)
    const back = listen(room)
    await garden.send('welcome back')
    await world.until('the message', () => back.messages.length === 1)
    await room.send('thanks')
    await world.until('the answer', () => heard.messages.length === 1)
    expect(heard.messages[0]).toMatchObject({ body: 'thanks', number: 1, binding: 'bound' })
    world.stop()
  })

  test('somebody whose account is not in the group is not let in by himself', async () => {
    const world = new World('stranger')
    const alice = await world.device('alice@a.test/phone')
    const eve = await world.device('eve@a.test/one')
    const garden = await alice.client.room(roomJid)
    const session = garden.session.ports.room
    await session.affiliate('eve@a.test', 'member')
    const room = await eve.client.room(roomJid)
    await world.wait(120_000)
    expect(room.health.state).toBe('waiting')
    expect(garden.devices()).toHaveLength(1)
    expect(garden.members().map(({ account, difference }) => [account, difference])).toEqual([
      ['alice@a.test', 'none'],
      ['eve@a.test', 'unreached'],
    ])
    // an invitation ends the waiting
    await garden.invite('eve@a.test')
    await world.until('eve in the group', () => room.health.state === 'active')
    world.stop()
  })
})

describe('removal', () => {
  test('who was removed cannot read on, and the room list puts out whom it bans', async () => {
    const world = new World('removal')
    const alice = await world.device('alice@a.test/phone')
    const [bob, carol] = [await world.device('bob@a.test/one'), await world.device('carol@a.test/one')]
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await garden.invite('carol@a.test')
    await world.until('the invitations', () => bob.client.invitations.length + carol.client.invitations.length === 2)
    const bobs = await bob.client.room(roomJid)
    const carols = await carol.client.room(roomJid)
    const heard = listen(bobs)
    // the owner bans bob outside of the binding: carol or alice must take him out of the tree
    await garden.session.ports.room.affiliate('bob@a.test', 'outcast')
    await world.until('the difference', () => !garden.health.canSend || garden.devices().length === 2)
    await world.until('the removal', () => garden.devices().length === 2 && garden.health.canSend)
    await garden.send('secret')
    await world.until('carol there', () => carols.devices().length === 2)
    expect(bodies(heard.messages)).toEqual([])
    const archive = world.service.archive(roomJid)
    expect(JSON.stringify(archive.entries)).not.toContain('secret')
    world.stop()
  })

  test('nothing is sent while somebody is in the tree whom the room has put out', async () => {
    const world = new World('gate')
    const alice = await world.device('alice@a.test/phone', { settings: { keyPackages: 1, slotMs: 60_000 } })
    const bob = await world.device('bob@a.test/one')
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    await bob.client.room(roomJid)
    await garden.session.ports.room.affiliate('bob@a.test', 'outcast')
    await world.until('the difference', () => !garden.health.canSend)
    expect(garden.health.issues).toEqual([{ kind: 'outsider', account: 'bob@a.test' }])
    expect(garden.members().find(({ account }) => account === 'bob@a.test')?.difference).toBe('outsider')
    await expect(garden.send('who reads this?')).rejects.toMatchObject({ code: 'xmpp/blocked' })
    await garden.remove('bob@a.test')
    await garden.send('alone now')
    world.stop()
  })

  test('the keys that a removed member had open nothing that was said afterwards', async () => {
    const world = new World('secrecy')
    const alice = await world.device('alice@a.test/phone')
    const bob = await world.device('bob@a.test/one')
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    const { engine } = bobs.session.ports
    const stolen = bobs.session.state.group!.snapshot()
    await garden.remove('bob@a.test')
    await garden.send('secret')
    const { entries } = await garden.session.ports.room.page({ before: '', max: 2 })
    const items = []
    for (const entry of entries) items.push((await garden.session.read(entry)).item)
    const [commit, message] = items
    if (commit?.kind !== 'handshake' || message?.kind !== 'encrypted') throw new Error('other traffic')
    const group = restoreRoomGroup(engine, stolen)
    expect(await group.receive(message.bytes)).toMatchObject({ kind: 'future-epoch' })
    expect(await group.receive(commit.bytes!)).toMatchObject({ kind: 'commit', removed: true })
    await expect(group.receive(message.bytes)).rejects.toMatchObject({ code: 'group/removed' })
    world.stop()
  })

  test('leaving takes all own devices out of the group', async () => {
    const world = new World('leaving')
    const alice = await world.device('alice@a.test/phone')
    const bob = await world.device('bob@a.test/one')
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    // others commit at the same moment: the wish is told again in the next epoch
    await Promise.all([bobs.leave(), garden.update(), garden.update()])
    expect(garden.devices()).toHaveLength(1)
    expect(bob.client.rooms).toEqual([])
    await garden.send('alone')
    world.stop()
  })
})

describe('one-to-one', () => {
  test('begin, accept, talk', async () => {
    const world = new World('direct')
    const alice = await world.device('alice@a.test/phone')
    const bob = await world.device('bob@a.test/one')
    const invited: (string | undefined)[] = []
    bob.client.on('invitation', ({ peer }) => invited.push(peer))
    const chat = await alice.client.direct('bob@a.test')
    await world.until('the invitation', () => invited.length === 1)
    expect(invited).toEqual(['alice@a.test'])
    const bobs = await bob.client.direct('alice@a.test')
    expect([chat.peer, bobs.peer]).toEqual(['bob@a.test', 'alice@a.test'])
    const heard = listen(bobs)
    await chat.send('hello')
    await world.until('the message', () => heard.messages.length === 1)
    expect(await alice.client.direct('bob@a.test')).toBe(chat)
    world.stop()
  })

  test('two who begin at the same moment end in one conversation', async () => {
    const world = new World('both')
    const alice = await world.device('alice@a.test/phone')
    const bob = await world.device('bob@a.test/one')
    const [a, b] = await Promise.all([alice.client.direct('bob@a.test'), bob.client.direct('alice@a.test')])
    const [heardA, heardB] = [listen(a), listen(b)]
    await Promise.all([a.send('from alice'), b.send('from bob')])
    await world.until('one room', () => a.jid === b.jid)
    await world.until('both messages', () => heardA.messages.length === 1 && heardB.messages.length === 1)
    await a.send('again')
    await world.until('the next one', () => heardB.messages.length === 2)
    expect(bodies(heardB.messages)).toEqual(['from alice', 'again'])
    expect(bodies(heardA.messages)).toEqual(['from bob'])
    world.stop()
  })
})

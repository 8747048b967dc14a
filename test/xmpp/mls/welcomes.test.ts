import { describe, expect, test } from 'vitest'
import { MlsError } from '../../../src/bytes/errors.ts'
import { has, invited, listen, roomJid, World } from './world.ts'

const commitsIn = (world: World): number =>
  world.service
    .archive(roomJid)
    .entries.filter(({ message }) =>
      message.children.some((node) => typeof node !== 'string' && node.name === 'handshake' && has(node, 'commit')),
    ).length

describe('an invitation is one only once', () => {
  test('a Welcome that the archive shows again after a removal and a restart invites nobody', async () => {
    const world = new World('stale')
    const { bob, garden } = await invited(world)
    const bobs = await bob.client.room(roomJid)
    await garden.remove('bob@a.test')
    await world.until('bob is out', () => ['removed', 'expelled'].includes(bobs.health.state))
    await bob.client.close()
    const again = await world.device('bob@a.test/x', { medium: bob.medium })
    const told: string[] = []
    again.client.on('invitation', ({ room }) => told.push(room))
    again.port.disconnect()
    again.port.reconnect()
    await world.wait(10_000)
    expect(again.client.invitations).toEqual([])
    expect(told).toEqual([])
    world.stop()
  })

  test('a Welcome that got lost before the own server read it goes out again with the next connection', async () => {
    const world = new World('unread')
    let dead = false
    const alice = await world.device('alice@a.test/x', {
      // a connection that is gone, and does not know it: what is written comes nowhere, and nothing answers
      wrap: (port) => ({
        jid: port.jid,
        send: async (stanza) => {
          dead ||= has(stanza, 'welcome')
          if (!dead) await port.send(stanza)
        },
        request: async (stanza, options) => (dead ? await never() : await port.request(stanza, options)),
        onStanza: (listener) => port.onStanza(listener),
        onState: (listener) => port.onState!(listener),
      }),
    })
    const never = async (): Promise<never> => {
      await world.wait(100_000)
      throw new MlsError('xmpp/offline', 'the connection was lost')
    }
    const bob = await world.device('bob@a.test/x')
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.wait(60_000)
    expect(dead).toBe(true)
    expect(bob.client.invitations).toEqual([])
    await alice.client.close()
    alice.port.disconnect()
    const again = await world.device('alice@a.test/x', { medium: alice.medium })
    const room = await again.client.room(roomJid)
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    expect(bobs.epochAuthenticator).toEqual(room.epochAuthenticator)
    world.stop()
  })

  test('who was removed and invited again while away joins, though his storage says that he is a member', async () => {
    const world = new World('away')
    const { bob, garden } = await invited(world)
    await bob.client.room(roomJid)
    bob.port.disconnect()
    await bob.client.close()
    await garden.remove('bob@a.test')
    await garden.invite('bob@a.test')
    const again = await world.device('bob@a.test/x', { medium: bob.medium })
    const room = await again.client.room(roomJid)
    await world.until('bob is in', () => room.health.state === 'active')
    expect(room.epochAuthenticator).toEqual(garden.epochAuthenticator)
    expect(again.client.invitations).toEqual([])
    const heard = listen(room)
    await garden.send('hello')
    await world.until('the message', () => heard.messages.length === 1)
    world.stop()
  })

  test('a Welcome is found behind any number of other messages', async () => {
    const world = new World('depth')
    const alice = await world.device('alice@a.test/x')
    const bob = await world.device('bob@a.test/x')
    const eve = await world.device('eve@a.test/x')
    bob.port.disconnect()
    await bob.client.close()
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    // what the server holds for him is taken away; the archive alone knows
    world.service.site('bob@a.test').account('bob@a.test').offline = []
    const { message } = await import('../../../src/xmpp/stanza/stanza.ts')
    const { element } = await import('../../../src/xmpp/stanza/element.ts')
    for (let i = 0; i < 250; i++)
      await eve.port.send(
        message({ to: 'bob@a.test', type: 'chat', id: `c${i}` }, element('body', 'jabber:client', {}, 'x')),
      )
    await world.wait(1_000)
    world.service.site('bob@a.test').account('bob@a.test').offline = []
    const again = await world.device('bob@a.test/x', { medium: bob.medium })
    await world.until('the invitation', () => again.client.invitations.length === 1)
    world.stop()
  })
})

describe('a Welcome goes out when its commit has won, and arrives', () => {
  test('never before the archive has the commit, and never for a commit that lost', async () => {
    const world = new World('order')
    const alice = await world.device('alice@a.test/x')
    const bob = await world.device('bob@a.test/x')
    const carol = await world.device('carol@a.test/x')
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    await world.until('bob is idle', () => bobs.idle)
    const before = commitsIn(world)
    let welcomes = 0
    world.service.intercept((stanza, to) => {
      if (to === 'carol@a.test/x' && has(stanza, 'welcome')) {
        welcomes++
        expect(commitsIn(world)).toBeGreaterThan(before)
      }
      return stanza
    })
    // both add her: one wins, the other finds it done
    await garden.session.ports.room.affiliate('carol@a.test', 'member')
    await Promise.all([garden.invite('carol@a.test'), bobs.invite('carol@a.test')])
    await world.until('the invitation', () => carol.client.invitations.length === 1)
    await world.wait(60_000)
    expect(welcomes).toBe(1)
    expect(garden.devices()).toHaveLength(3)
    expect(commitsIn(world)).toBe(before + 2)
    world.stop()
  })

  test('a stop between the commit that counts and its Welcome costs nothing', async () => {
    const world = new World('crash')
    const alice = await world.device('alice@a.test/x')
    const bob = await world.device('bob@a.test/x')
    const garden = await alice.client.room(roomJid)
    let cut = false
    alice.port.onStanza((stanza) => {
      // the moment of the echo: what the engine now wants is stored, and cannot be sent any more
      if (!cut && has(stanza, 'handshake')) {
        cut = true
        const { send } = alice.port
        alice.port.send = async (one) => (has(one, 'welcome') ? undefined : await send.call(alice.port, one))
      }
    })
    await garden.invite('bob@a.test')
    await alice.client.close()
    alice.port.disconnect()
    expect(bob.client.invitations).toEqual([])
    const again = await world.device('alice@a.test/x', { medium: alice.medium })
    const room = await again.client.room(roomJid)
    expect(room.devices()).toHaveLength(2)
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    world.stop()
  })

  test('a Welcome that got lost on a connection that stays whole is found in the archive of the account', async () => {
    const world = new World('lost')
    const alice = await world.device('alice@a.test/x')
    const bob = await world.device('bob@a.test/x')
    const garden = await alice.client.room(roomJid)
    world.service.intercept((stanza, to) => (to === 'bob@a.test/x' && has(stanza, 'welcome') ? undefined : stanza))
    await garden.invite('bob@a.test')
    await world.wait(700_000)
    expect(bob.client.invitations).toEqual([roomJid])
    world.stop()
  })

  test('a Welcome that comes back because a server cannot be reached is sent again', async () => {
    const world = new World('bounce', { 'a.test': 'prosody', 'b.test': 'ejabberd' })
    const alice = await world.device('alice@a.test/x')
    const bob = await world.device('bob@b.test/x')
    const garden = await alice.client.room(roomJid)
    // the servers lose each other when the commit is on its way
    const stop = world.service.intercept((stanza, to) => {
      if (to === 'alice@a.test/x' && has(stanza, 'handshake')) world.service.partition('a.test', 'b.test')
      return stanza
    })
    await garden.invite('bob@b.test')
    await world.wait(120_000)
    expect(bob.client.invitations).toEqual([])
    stop()
    world.service.heal('a.test', 'b.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    world.stop()
  })
})

import { describe, expect, test } from 'vitest'
import { bodies, listen, roomJid, World } from './world.ts'

describe('a room', () => {
  test('create, invite, talk, remove', async () => {
    const world = new World('slice')
    const alice = await world.device('alice@a.test/x')
    const bob = await world.device('bob@a.test/y')
    const garden = await alice.client.room(roomJid)
    expect(garden.health).toMatchObject({ state: 'active', canSend: true, epoch: 0n })
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    expect(bobs.health).toMatchObject({ state: 'active', epoch: 1n })
    const heard = listen(bobs)
    const sent = await garden.send('hello')
    await world.until('the message', () => heard.messages.length === 1)
    expect(heard.messages[0]).toMatchObject({
      ...sent,
      body: 'hello',
      number: 1,
      binding: 'bound',
      sender: { account: 'alice@a.test', device: alice.client.device, own: false },
    })
    const back = listen(garden)
    await bobs.reply(heard.messages[0]!, 'hi')
    await world.until('the reply', () => back.messages.length === 1)
    expect(back.messages[0]!.content).toEqual({ kind: 'reply', to: sent.id, body: 'hi' })

    await garden.remove('bob@a.test')
    await world.until('the removal', () => bobs.health.state === 'removed')
    await garden.send('without bob')
    await expect(bobs.send('am I there?')).rejects.toMatchObject({ code: 'xmpp/not_joined' })
    expect(bodies(heard.messages)).toEqual(['hello'])
    expect(garden.devices().map(({ account }) => account)).toEqual(['alice@a.test'])
    world.stop()
  })

  test('a message that XML cannot hold is refused and changes nothing', async () => {
    const world = new World('xml')
    const alice = await world.device('alice@a.test/x')
    const garden = await alice.client.room(roomJid)
    const errors: string[] = []
    garden.on('error', ({ kind }) => errors.push(kind))
    await expect(garden.send('bell \u0007')).rejects.toMatchObject({ code: 'xmpp/build' })
    await garden.send('fine')
    expect(errors).toEqual([])
    expect(garden.health.state).toBe('active')
    world.stop()
  })
})

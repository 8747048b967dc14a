/** What is said after a change of the membership was asked for belongs to the group that comes of it. */
import { expect, test } from 'vitest'
import { bodies, listen, roomJid, World } from './world.ts'

async function talking(seed: string) {
  const world = new World(seed)
  const alice = await world.device('alice@a.test/phone')
  const bob = await world.device('bob@a.test/phone')
  const carol = await world.device('carol@a.test/phone')
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation of bob', () => bob.client.invitations.length === 1)
  const bobs = await bob.client.room(roomJid)
  await world.until('bob is in', () => bobs.health.state === 'active')
  return { world, carol, garden, bob: listen(bobs) }
}

test('who is invited reads what is sent before the invitation has ended, in its order', async () => {
  const { world, carol, garden, bob } = await talking('order: invite')
  const epoch = garden.health.epoch!
  const invited = garden.invite('carol@a.test')
  const sent = Promise.all([garden.send('one'), garden.send('two')])
  await invited
  const third = garden.send('three')
  await sent
  await third
  expect(garden.health.epoch).toBe(epoch + 1n)
  await world.until('the invitation of carol', () => carol.client.invitations.length === 1)
  const heard = listen(await carol.client.room(roomJid))
  await world.until('carol reads all', () => heard.messages.length === 3)
  expect(bodies(heard.messages)).toEqual(['one', 'two', 'three'])
  await world.until('bob reads all', () => bob.messages.length === 3)
  world.stop()
})

test('who is removed does not read what is sent before the removal has ended', async () => {
  const { world, carol, garden, bob } = await talking('order: remove')
  await garden.invite('carol@a.test')
  await world.until('the invitation of carol', () => carol.client.invitations.length === 1)
  const carols = await carol.client.room(roomJid)
  const heard = listen(carols)
  await world.until('carol is in', () => carols.health.state === 'active')
  const removed = garden.remove('carol@a.test')
  await garden.send('not for carol')
  await removed
  await world.until('bob reads it', () => bob.messages.length === 1)
  await world.wait(10_000)
  expect(heard.messages).toEqual([])
  world.stop()
})

test('the same for one device, and a change that fails holds nothing up', async () => {
  const { world, carol, garden, bob } = await talking('order: device')
  await garden.invite('carol@a.test')
  await world.until('the invitation of carol', () => carol.client.invitations.length === 1)
  const heard = listen(await carol.client.room(roomJid))
  const failing = expect(garden.invite('nobody@a.test')).rejects.toMatchObject({ code: 'xmpp/no_devices' })
  await garden.send('still sent')
  await failing
  await world.until('carol reads it', () => heard.messages.length === 1)
  const removed = garden.removeDevice('carol@a.test', carol.client.device)
  await garden.send('not for that device')
  await removed
  await world.until('bob reads both', () => bob.messages.length === 2)
  await world.wait(10_000)
  expect(bodies(heard.messages)).toEqual(['still sent'])
  world.stop()
})

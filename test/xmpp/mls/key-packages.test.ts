import { describe, expect, test } from 'vitest'
import { keyPackagesNode } from '../../../src/xmpp/index.ts'
import { parseKeyPackages } from '../../../src/xmpp/mls/wire/key-packages.ts'
import { fetchPep } from '../../../src/xmpp/pep/pep-fetch.ts'
import { configureNode, createNode, readNodeConfig } from '../../../src/xmpp/pep/pep-node.ts'
import { fieldValue } from '../../../src/xmpp/xep/xep-0004.ts'
import { bodies, type Device, invited, listen, roomJid, World } from './world.ts'

const published = async (device: Device) => {
  const found = await fetchPep(device.port, device.client.account, keyPackagesNode)
  if (found.kind !== 'items') throw new Error('no node')
  return found.items.map(({ payload }) => parseKeyPackages(payload)!)
}

describe.each(['prosody', 'ejabberd'] as const)('KeyPackages on %s', (server) => {
  test('each device has its item, in a node that everybody can read and that keeps all items', async () => {
    const world = new World(`node ${server}`, { 'a.test': server })
    const phone = await world.device('alice@a.test/phone')
    const laptop = await world.device('alice@a.test/laptop')
    const items = await published(phone)
    expect(items.map(({ device }) => device).sort()).toEqual([phone.client.device, laptop.client.device].sort())
    expect(items.every(({ oneTime, lastResort }) => oneTime.length === 2 && lastResort !== undefined)).toBe(true)
    const bob = await world.device('bob@a.test/x')
    expect(await bob.client.devices('alice@a.test')).toHaveLength(2)
    expect(await bob.client.devices('nobody@a.test')).toEqual([])
    world.stop()
  })

  test('a node that was closed before is mended', async () => {
    const world = new World(`closed ${server}`, { 'a.test': server })
    const port = world.service.connect('alice@a.test/before')
    await createNode(port, keyPackagesNode, 'whitelist')
    await configureNode(port, keyPackagesNode, 'whitelist')
    const alice = await world.device('alice@a.test/x')
    const config = await readNodeConfig(port, keyPackagesNode)
    expect(fieldValue(config, 'pubsub#access_model')).toBe('open')
    const bob = await world.device('bob@a.test/x')
    expect(await bob.client.devices('alice@a.test')).toEqual([alice.client.device])
    world.stop()
  })
})

describe('KeyPackages', () => {
  test('a used package is replaced, and the same one serves a second adder of another group', async () => {
    const world = new World('used')
    const alice = await world.device('alice@a.test/x')
    const carol = await world.device('carol@a.test/x')
    const bob = await world.device('bob@a.test/x', { settings: { keyPackages: 1 } })
    const before = (await published(bob))[0]!.oneTime
    expect(before).toHaveLength(1)
    const first = await alice.client.room(roomJid)
    const second = await carol.client.room('other@conference.a.test')
    // both have fetched before either Welcome is used
    await Promise.all([first.invite('bob@a.test'), second.invite('bob@a.test')])
    await world.until('both invitations', () => bob.client.invitations.length === 2)
    const rooms = await Promise.all([bob.client.room(first.jid), bob.client.room(second.jid)])
    expect(rooms.map(({ health }) => health.state)).toEqual(['active', 'active'])
    const after = (await published(bob))[0]!.oneTime
    expect(after).toHaveLength(1)
    expect(after[0]).not.toEqual(before[0])
    world.stop()
  })

  test('the last resort serves when nothing else is left, and the keys are renewed soon', async () => {
    const world = new World('last resort')
    const { bob, garden } = await invited(world, { settings: { keyPackages: 0 } })
    await bob.client.room(roomJid)
    await world.until('the renewal', () => garden.health.epoch === 2n)
    expect((await published(bob))[0]!.lastResort).toBeDefined()
    world.stop()
  })

  test('packages that expire soon are replaced, expired ones leave', async () => {
    const world = new World('expiry')
    const bob = await world.device('bob@a.test/x', {
      settings: { keyPackageSeconds: 10 * 24 * 60 * 60, keyPackages: 1 },
    })
    const before = (await published(bob))[0]!
    await world.wait(4 * 24 * 60 * 60 * 1000)
    await bob.client.refreshKeyPackages()
    const after = (await published(bob))[0]!
    expect(after.oneTime).toHaveLength(1)
    expect(after.oneTime[0]).not.toEqual(before.oneTime[0])
    expect(after.lastResort).not.toEqual(before.lastResort)
    world.stop()
  })

  test('forged items of others are not used', async () => {
    const world = new World('forged')
    const alice = await world.device('alice@a.test/x')
    const bob = await world.device('bob@a.test/x')
    const mallory = await world.device('mallory@a.test/x')
    const found = await fetchPep(mallory.port, 'mallory@a.test', keyPackagesNode)
    if (found.kind !== 'items') throw new Error('no node')
    world.service.forgeItem('bob@a.test', keyPackagesNode, mallory.client.device, found.items[0]!.payload)
    expect(await alice.client.devices('bob@a.test')).toEqual([bob.client.device])
    const garden = await alice.client.room(roomJid)
    await expect(garden.invite('nobody@a.test')).rejects.toMatchObject({ code: 'xmpp/no_devices' })
    world.stop()
  })
})

test('a live message that was dropped comes from the archive, marked late', async () => {
  const world = new World('dropped')
  const alice = await world.device('alice@a.test/x')
  const bob = await world.device('bob@a.test/x')
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation', () => bob.client.invitations.length === 1)
  const bobs = await bob.client.room(roomJid)
  const heard = listen(bobs)
  await garden.send('one')
  await world.until('the first', () => heard.messages.length === 1)
  const stop = world.service.intercept((stanza, to) =>
    to === 'bob@a.test/x' && stanza.attrs['type'] === 'groupchat' ? undefined : stanza,
  )
  await garden.send('two')
  await world.wait(100)
  stop()
  await garden.send('three')
  await world.until('all', () => heard.messages.length === 3)
  expect(bodies(heard.messages)).toEqual(['one', 'three', 'two'])
  expect(heard.messages.map(({ late }) => late)).toEqual([false, false, true])
  expect(bobs.health.issues).toEqual([])
  world.stop()
})

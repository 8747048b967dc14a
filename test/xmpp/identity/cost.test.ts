/** What commits, messages and changes of standing cost a device with an identity: looks into leaves, by the size of the group. */
import { afterEach, expect, test, vi } from 'vitest'
import { type CipherSuite, cipherSuite, createKeyPackage } from '../../../src/index.ts'
import { TreeLeaf } from '../../../src/ratchet-tree/node.ts'
import { Tree } from '../../../src/ratchet-tree/tree.ts'
import { roomCapabilities } from '../../../src/xmpp/mls/engine/groups.ts'
import { phone } from '../../identity/group/support.ts'
import { roomJid } from '../mls/world.ts'
import { Town } from './town.ts'

afterEach(() => vi.restoreAllMocks())
const suite: CipherSuite = await cipherSuite(1)

/** Looks into leaves, walks over all of them and questions about people, of all devices of a town. */
function watch(town: Town) {
  const looks = vi.spyOn(TreeLeaf.prototype, 'leafNode', 'get')
  const walks = vi.spyOn(Tree.prototype, 'members')
  let asked = 0
  town.service.intercept((stanza) => {
    if (stanza.name === 'iq' && stanza.attrs['from']?.endsWith('@example.org')) asked++
    return stanza
  })
  return {
    async during(work: () => Promise<unknown>) {
      looks.mockClear()
      walks.mockClear()
      asked = 0
      await work()
      return { looks: looks.mock.calls.length, walks: walks.mock.calls.length, asked }
    },
  }
}

async function costs(size: number) {
  const town = new Town(`cost ${size}`, { 'a.test': 'prosody', 'example.org': 'prosody' })
  const [alice, bob] = [await town.phone('alice@a.test/phone'), await town.phone('bob@a.test/phone')]
  await alice.identity.create()
  await bob.identity.create()
  const [mls, bobs] = [await alice.mls(), await bob.mls()]
  const garden = await mls.room(roomJid)
  const { room, engine } = garden.session.ports
  const { clock } = engine
  const capabilities = roomCapabilities(suite, engine.leaf)
  const keyPackages: Uint8Array<ArrayBuffer>[] = []
  for (let i = 0; i < size - 2; i++) {
    const { identity, leafExtensions } = await phone(`user${i}`)
    keyPackages.push((await createKeyPackage({ suite, identity, capabilities, leafExtensions, clock })).message)
    await room.affiliate(`user${i}@example.org`, 'member')
  }
  await garden.session.operateAs('crowd', {
    kind: 'intend',
    intent: { id: 'crowd', kind: 'add', account: 'user0@example.org', keyPackages },
  })
  await garden.invite('bob@a.test')
  await town.until('the invitation', () => bobs.invitations.length === 1)
  const atBob = await bobs.room(roomJid)
  const agreed = () => atBob.epochAuthenticator.join() === garden.epochAuthenticator.join()
  const settled = async () => {
    await town.until('agreement', () => agreed() && garden.idle && atBob.idle)
    // what is done a while later
    await town.wait(10_000)
  }
  await settled()
  await garden.send('hello')
  await atBob.send('hello')
  await settled()
  expect([garden.devices().length, garden.health.canSend, atBob.health.canSend]).toEqual([size, true, true])
  // most of the people have no identity: that is an issue of each
  expect(garden.health.issues.length).toBe(size - 2)
  const { during } = watch(town)
  const list = [
    await during(async () => {
      await atBob.update()
      await settled()
    }),
    await during(async () => {
      await garden.update()
      await settled()
    }),
    await during(async () => {
      await atBob.send('one')
      await garden.send('two')
      await settled()
    }),
    await during(async () => {
      await room.affiliate('user1@example.org', 'admin')
      await settled()
    }),
    await during(async () => {
      await garden.remove('user2@example.org')
      await settled()
    }),
  ]
  vi.restoreAllMocks()
  town.stop()
  return list
}

test('neither looks into leaves nor questions about people grow with the group', async () => {
  const [small, large] = [await costs(50), await costs(1000)]
  expect(large).toEqual(small)
  expect(small.every(({ walks, asked }) => walks === 0 && asked <= 8)).toBe(true)
}, 120_000)

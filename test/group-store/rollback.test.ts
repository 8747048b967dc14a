import { describe, expect, test } from 'vitest'
import { openSuite } from '../support/suite.ts'
import { restoreTrial } from './restore-trials.ts'
import { bytesOf, catchUp, codeOf, Device, deliver, MemoryAnchor, makeGroup, Room } from './support.ts'

async function pair(anchor?: MemoryAnchor) {
  const room = new Room()
  const settings = anchor === undefined ? {} : { anchor }
  const alice = { device: new Device('alice'), store: undefined! as Awaited<ReturnType<Device['open']>> }
  const bob = { device: new Device('bob'), store: undefined! as Awaited<ReturnType<Device['open']>> }
  alice.store = await alice.device.open(settings)
  bob.store = await bob.device.open()
  const id = await makeGroup(room, alice, bob)
  return { room, alice, bob, id, settings }
}

describe('restored copies', () => {
  for (const seed of [1, 2, 3, 4, 5, 6])
    test(`trial ${seed} is noticed before anything is sent`, async () => {
      expect((await restoreTrial(openSuite(1), seed, seed % 2 === 0)).violations).toEqual([])
    })
})

describe('the anchor', () => {
  test('a store that goes on is not in quarantine, whenever it is opened', async () => {
    const anchor = new MemoryAnchor()
    const { room, alice, id, settings } = await pair(anchor)
    for (let i = 0; i < 3; i++) {
      await (await alice.store.open(id)).send(bytesOf(`${i}`))
      await deliver(alice.device, alice.store, room)
      await alice.store.close()
      alice.store = await alice.device.open(settings)
      await catchUp(alice.device, alice.store, id, room)
      expect((await alice.store.open(id)).phase).toBe('ready')
    }
    expect(anchor.mark?.incarnation).toBe(4)
  })

  test('a mark that is gone, or of another store, means a copy', async () => {
    for (const mark of [undefined, { storeId: new Uint8Array(16), incarnation: 1, sequence: 0 }]) {
      const anchor = new MemoryAnchor()
      const { alice, id, settings } = await pair(anchor)
      await alice.store.close()
      anchor.mark = mark
      alice.store = await alice.device.open(settings)
      const group = await alice.store.open(id)
      expect([group.phase, group.quarantine]).toEqual(['quarantined', mark === undefined ? 'anchor_missing' : 'anchor'])
      expect((await alice.store.list())[0]?.quarantine).toBe(group.quarantine)
    }
  })

  test('of two live copies the one that was opened first stops before it sends', async () => {
    const anchor = new MemoryAnchor()
    const { alice, id } = await pair(anchor)
    anchor.mark = { ...anchor.mark!, incarnation: anchor.mark!.incarnation + 1 }
    const group = await alice.store.open(id)
    expect(await codeOf(group.send(bytesOf('one')))).toBe('group/quarantined')
    expect(group.quarantine).toBe('anchor')
    expect(alice.store.outbox()).toEqual([])
  })

  test('an anchor that cannot be read is an error, not a missing mark', async () => {
    const { alice } = await pair()
    await alice.store.close()
    const broken = { read: () => Promise.reject(new Error('offline')), write: async () => undefined }
    expect(await codeOf(alice.device.open({ anchor: broken }))).toBe('storage/io')
  })
})

describe('messages in the own name', () => {
  test('a forged one does not count when the service says who sent it, nor when its signature can be checked', async () => {
    const { room, alice, bob, id } = await pair()
    const group = await alice.store.open(id)
    await group.send(bytesOf('one'))
    await deliver(alice.device, alice.store, room)
    await catchUp(alice.device, alice.store, id, room)
    await alice.store.close()
    alice.store = await alice.device.open()
    // the peer has alice's message; with another byte in it, it is one that nobody signed
    await catchUp(bob.device, bob.store, id, room)
    const again = await alice.store.open(id)
    const forged = Uint8Array.from(room.archive.at(-1)!.message)
    forged[forged.length - 1]! ^= 1
    await again.receive({ message: forged, own: false })
    expect(again.quarantine).toBe(undefined)
  })

  test('a commit by another copy puts the group in quarantine', async () => {
    const { room, alice, id } = await pair()
    const group = await alice.store.open(id)
    await group.commit()
    await deliver(alice.device, alice.store, room)
    await group.discard()
    const results = await catchUp(alice.device, alice.store, id, room)
    expect(results.at(-1)?.quarantine).toBe('own_commit')
    expect(await codeOf(group.send(bytesOf('one')))).toBe('group/quarantined')
  })
})

import { describe, expect, test } from 'vitest'
import { copyBytes } from '../../src/bytes/bytes.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { openSuite } from '../support/suite.ts'
import { restoreTrial } from './restore-trials.ts'
import { bytesOf, catchUp, codeOf, Device, deliver, MemoryAnchor, makeGroup, Room, random } from './support.ts'

const all = { from: Uint8Array.of(1), before: Uint8Array.of(255), reverse: false, limit: Number.POSITIVE_INFINITY }

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
  test('a forged one does not count where its signature can be checked; a genuine one does, whoever is said to send it', async () => {
    const { alice, id } = await pair()
    // a live copy of the device sends
    const copy = new MemoryMedium()
    for (const { address, value } of alice.device.medium.rows(all)) copy.write(copyBytes(address), copyBytes(value))
    const storage = await openMemoryStorage({ medium: copy, randomBytes: random })
    const copied = await alice.device.open({ storage })
    const other = await copied.open(id)
    await other.reconcile([])
    const genuine = await other.send(bytesOf('from the copy'))
    const group = await alice.store.open(id)
    const forged = Uint8Array.from(genuine.bytes)
    forged[forged.length - 1]! ^= 1
    expect((await group.receive({ message: forged })).quarantine).toBe(undefined)
    expect((await group.receive({ message: genuine.bytes, own: false })).quarantine).toBe('own_message')
    expect(group.phase).toBe('quarantined')
  })

  test('one that cannot be checked counts, unless the service says that it is not ours', async () => {
    for (const own of [undefined, false]) {
      const { alice, id } = await pair()
      const copy = new MemoryMedium()
      await (await alice.store.open(id)).send(bytesOf('before'))
      for (const { address, value } of alice.device.medium.rows(all)) copy.write(copyBytes(address), copyBytes(value))
      const after = await (await alice.store.open(id)).send(bytesOf('after'))
      // the key of the second message was set apart with the first one's: the copy has it no more
      const storage = await openMemoryStorage({ medium: copy, randomBytes: random })
      const group = await (await alice.device.open({ storage })).open(id)
      const received = await group.receive({ message: after.bytes, ...(own === undefined ? {} : { own }) })
      expect(received.quarantine).toBe(own === undefined ? 'own_message' : undefined)
    }
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

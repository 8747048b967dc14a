import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/bytes/bytes.ts'
import { bytesOf, catchUp, codeOf, Device, deliver, digest, makeGroup, Room, texts } from './support.ts'

async function pair(room = new Room(), options = {}) {
  const alice = {
    device: new Device('alice', undefined, options),
    store: undefined! as Awaited<ReturnType<Device['open']>>,
  }
  const bob = {
    device: new Device('bob', undefined, options),
    store: undefined! as Awaited<ReturnType<Device['open']>>,
  }
  alice.store = await alice.device.open({ keepHistory: true })
  bob.store = await bob.device.open({ keepHistory: true })
  const id = await makeGroup(room, alice, bob)
  return { room, alice, bob, id }
}

describe('messages', () => {
  test('T1, T2: sent, delivered, read once, and the same after opening again', async () => {
    const { room, alice, bob, id } = await pair()
    const group = await alice.store.open(id)
    const sent = await Promise.all(['one', 'two', 'three'].map((text) => group.send(bytesOf(text))))
    expect(alice.store.outbox().map((entry) => entry.id)).toEqual(sent.map((entry) => entry.id))
    await deliver(alice.device, alice.store, room)
    expect(texts(await catchUp(bob.device, bob.store, id, room))).toEqual(['one', 'two', 'three'])
    await catchUp(alice.device, alice.store, id, room)
    expect(alice.store.outbox()).toEqual([])

    for (const one of [alice, bob]) {
      const before = await digest(one.store, id)
      await one.store.close()
      one.store = await one.device.open({ keepHistory: true })
      expect(await digest(one.store, id)).toBe(before)
      expect(await catchUp(one.device, one.store, id, room)).toEqual([])
    }
    await (await bob.store.open(id)).send(bytesOf('four'))
    await deliver(bob.device, bob.store, room)
    expect(texts(await catchUp(alice.device, alice.store, id, room))).toEqual(['four'])
    const kept = await (await alice.store.open(id)).history()
    expect(kept.map(({ own, data }) => [own, new TextDecoder().decode(data)])).toEqual([
      [false, 'four'],
      [true, 'three'],
      [true, 'two'],
      [true, 'one'],
    ])
  })

  test('nothing is sent before the archive was read, and generations that were set apart are skipped', async () => {
    const { room, alice, bob, id } = await pair()
    await (await alice.store.open(id)).send(bytesOf('one'))
    await deliver(alice.device, alice.store, room)
    await alice.store.close()
    alice.store = await alice.device.open()
    const group = await alice.store.open(id)
    expect(group.phase).toBe('catching-up')
    expect(await codeOf(group.send(bytesOf('early')))).toBe('group/catching_up')
    expect(await codeOf(group.commit())).toBe('group/catching_up')
    await catchUp(alice.device, alice.store, id, room)
    expect(group.phase).toBe('ready')
    expect(await group.read((one) => one.nextGeneration)).toBe(32)
    await group.send(bytesOf('two'))
    await deliver(alice.device, alice.store, room)
    expect(texts(await catchUp(bob.device, bob.store, id, room))).toEqual(['one', 'two'])
  })
})

describe('commits', () => {
  test('T3, T4: an own commit is merged when it comes back, with its Welcome in the outbox then', async () => {
    const { room, alice, bob, id } = await pair()
    const carol = new Device('carol')
    const carols = await carol.open()
    const { message } = await carols.createKeyPackage({ suite: carol.suite, identity: carol.identity })
    const group = await alice.store.open(id)
    await group.commit({ add: [message] })
    expect(alice.store.outbox().map(({ kind }) => kind)).toEqual(['commit'])
    await alice.store.close()
    alice.store = await alice.device.open()
    const again = await alice.store.open(id)
    expect((await again.reconcile([])).pending).toBe('resend')
    expect(alice.store.outbox().map(({ kind }) => kind)).toEqual(['commit'])
    await deliver(alice.device, alice.store, room)
    const { pending } = await again.reconcile(room.after('alice', await again.cursor()))
    expect(pending).toBe('merged')
    expect(alice.store.outbox().map(({ kind }) => kind)).toEqual(['welcome'])
    await deliver(alice.device, alice.store, room)
    const merged = await digest(alice.store, id)
    await alice.store.close()
    alice.store = await alice.device.open()
    expect(await digest(alice.store, id)).toBe(merged)
    const joined = await carols.join({ suite: carol.suite, welcome: room.welcomes.at(-1)! })
    expect(await carols.keyPackages.list()).toEqual([])
    await catchUp(bob.device, bob.store, id, room)
    const authenticators = await Promise.all(
      [await alice.store.open(id), await bob.store.open(id), joined].map((one) =>
        one.read((group) => group.epochAuthenticator),
      ),
    )
    for (const one of authenticators) expect(equalBytes(one, authenticators[0]!)).toBe(true)
  })

  test('another commit was first: the own one is reported with its intent', async () => {
    const { room, alice, bob, id } = await pair()
    await (await bob.store.open(id)).commit()
    await deliver(bob.device, bob.store, room)
    const group = await alice.store.open(id)
    await group.commit({ intent: bytesOf('rename') })
    await alice.store.close()
    alice.store = await alice.device.open()
    const again = await alice.store.open(id)
    const reconciled = await again.reconcile(room.after('alice', await again.cursor()))
    expect(reconciled.pending).toBe('lost')
    expect(reconciled.received.at(-1)?.lost?.intent).toEqual(bytesOf('rename'))
    expect(alice.store.outbox()).toEqual([])
  })

  test('past epochs stay readable across openings, within their number', async () => {
    const { room, alice, bob, id } = await pair(new Room(), { limits: { pastEpochs: 2 } })
    const group = await alice.store.open(id)
    const late: Uint8Array[] = []
    for (let i = 0; i < 4; i++) {
      late.push((await group.send(bytesOf(`epoch ${i}`))).bytes)
      for (const entry of alice.store.outbox()) await alice.store.sent(entry.id)
      await group.commit()
      await deliver(alice.device, alice.store, room)
      await catchUp(alice.device, alice.store, id, room)
      await catchUp(bob.device, bob.store, id, room)
    }
    const before = await digest(bob.store, id)
    await bob.store.close()
    bob.store = await bob.device.open()
    expect(await digest(bob.store, id)).toBe(before)
    const results = await (await bob.store.open(id)).receiveMany(late.map((message) => ({ message })))
    expect(results.map(({ result }) => result.kind)).toEqual(['past-epoch', 'past-epoch', 'message', 'message'])
  })

  test('T7: a proposal and the key of an own Update survive', async () => {
    const { room, alice, bob, id } = await pair()
    await (await bob.store.open(id)).propose({ update: true })
    await deliver(bob.device, bob.store, room)
    await bob.store.close()
    bob.store = await bob.device.open()
    await catchUp(bob.device, bob.store, id, room)
    await catchUp(alice.device, alice.store, id, room)
    await (await alice.store.open(id)).commit()
    await deliver(alice.device, alice.store, room)
    await catchUp(alice.device, alice.store, id, room)
    await catchUp(bob.device, bob.store, id, room)
    const epochs = await Promise.all(
      [alice, bob].map(async ({ store }) => (await store.open(id)).read((one) => [one.epoch, one.safetyNumber])),
    )
    expect(epochs[0]).toEqual(epochs[1])
  })
})

describe('the end', () => {
  test('T8: who is removed keeps a tombstone, and may be added again', async () => {
    const { room, alice, bob, id } = await pair()
    await (await alice.store.open(id)).commit({ remove: [1] })
    await deliver(alice.device, alice.store, room)
    await catchUp(alice.device, alice.store, id, room)
    await catchUp(bob.device, bob.store, id, room)
    const [summary] = await bob.store.list()
    expect([summary?.phase, summary?.lastEpoch]).toEqual(['gone', 1n])
    const left = await bob.store.sizes()
    expect([left.trees, left.ratchets, left.outbox]).toEqual([0, 0, 0])
    expect(await codeOf((await bob.store.open(id)).send(bytesOf('zombie')))).toBe('group/removed')
    const { message } = await bob.store.createKeyPackage({ suite: bob.device.suite, identity: bob.device.identity })
    await (await alice.store.open(id)).commit({ add: [message] })
    await deliver(alice.device, alice.store, room)
    await catchUp(alice.device, alice.store, id, room)
    await deliver(alice.device, alice.store, room)
    const group = await bob.store.join({ suite: bob.device.suite, welcome: room.welcomes.at(-1)! })
    expect(group.phase).toBe('ready')
  })

  test('deleting and forgetting leave nothing', async () => {
    const { alice, id } = await pair()
    const group = await alice.store.open(id)
    await group.send(bytesOf('to be forgotten'))
    await group.forget()
    expect(await group.history()).toEqual([])
    await alice.store.delete(id)
    expect(await alice.store.list()).toEqual([])
    expect((await alice.store.sizes()).groups + (await alice.store.sizes()).outbox).toBe(0)
    expect(await codeOf(alice.store.open(id))).toBe('group/unknown')
  })
})

describe('joining again', () => {
  test('T9: the old life is readable until the commit comes back, then the new one counts', async () => {
    const { room, alice, bob, id } = await pair()
    const late = await (await alice.store.open(id)).send(bytesOf('late'))
    for (const { id: one } of alice.store.outbox()) await alice.store.sent(one)
    const groupInfo = await (await alice.store.open(id)).read((one) => one.groupInfo())
    const bobs = await bob.store.open(id)
    const { identity } = bob.device
    await bobs.rejoin({ identity, groupInfo })
    expect(bobs.phase).toBe('joining')
    expect(await codeOf(bobs.send(bytesOf('early')))).toBe('group/pending')
    expect(await codeOf(bobs.rejoin({ identity, groupInfo }))).toBe('group/pending')
    await bob.store.close()
    bob.store = await bob.device.open()
    const again = await bob.store.open(id)
    expect(texts([await again.receive({ message: late.bytes })])).toEqual(['late'])
    await deliver(bob.device, bob.store, room)
    const results = await catchUp(bob.device, bob.store, id, room)
    expect(results.map(({ result }) => result.kind)).toEqual(['joined'])
    await catchUp(alice.device, alice.store, id, room)
    await again.send(bytesOf('back'))
    await deliver(bob.device, bob.store, room)
    expect(texts(await catchUp(alice.device, alice.store, id, room))).toEqual(['back'])
    expect(bob.store.outbox().length).toBe(1)
  })

  test('another commit was first: the old life counts again', async () => {
    const { room, alice, bob, id } = await pair()
    const groupInfo = await (await alice.store.open(id)).read((one) => one.groupInfo())
    const bobs = await bob.store.open(id)
    await bobs.rejoin({ identity: bob.device.identity, groupInfo })
    await (await alice.store.open(id)).commit()
    await deliver(alice.device, alice.store, room)
    const results = await catchUp(bob.device, bob.store, id, room)
    expect(results.map(({ result }) => result.kind)).toEqual(['join-lost'])
    expect(bobs.phase).toBe('ready')
    expect(bob.store.outbox()).toEqual([])
    expect(await bobs.read((one) => one.epoch)).toBe(2n)
  })
})

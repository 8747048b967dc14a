import { describe, expect, test } from 'vitest'
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { fromUtf8 } from '../../src/bytes/text.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import type { GroupStore } from '../../src/group-store/group-store.ts'
import { tables } from '../../src/group-store/layout.ts'
import type { Received } from '../../src/group-store/received.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { bytesOf, catchUp, Device, deliver, makeGroup, Room, random } from './support.ts'

const hour = 60 * 60 * 1000
const day = 24 * hour

/** Alice on a clock that is set by hand, and bob. */
class World {
  now = Date.now()
  readonly room = new Room()
  readonly medium = new MemoryMedium()
  readonly alice = new Device('alice')
  readonly bob = new Device('bob')
  storage!: Storage
  store!: GroupStore
  bobs!: GroupStore
  id!: Bytes

  static async make(): Promise<World> {
    const world = new World()
    await world.open()
    world.bobs = await world.bob.open()
    const pair = [
      { device: world.alice, store: world.store },
      { device: world.bob, store: world.bobs },
    ] as const
    world.id = await makeGroup(world.room, ...pair)
    return world
  }

  async open(): Promise<void> {
    await this.store?.close()
    this.storage = await openMemoryStorage({ medium: this.medium, randomBytes: random })
    const config = makeConfig(
      { limits: { skippedPerSender: 3 } },
      {
        authentication: basicAuthentication(),
        psks: { externalPsk: () => undefined },
        clock: { now: () => this.now },
      },
    )
    this.store = await this.alice.open({ storage: this.storage, config })
    if (this.id !== undefined) await this.read([])
  }

  /** What bob encrypts, not delivered. */
  async say(...words: readonly string[]): Promise<Bytes[]> {
    const group = await this.bobs.open(this.id)
    const entries = []
    for (const word of words) entries.push(await group.send(bytesOf(word)))
    for (const { id } of entries) await this.bobs.sent(id)
    return entries.map(({ bytes }) => bytes)
  }

  async read(messages: readonly Uint8Array[]): Promise<string[]> {
    const group = await this.store.open(this.id)
    const { received } = await group.reconcile(messages.map((message) => ({ message })))
    return received.map(outcome)
  }

  async rows(table: string): Promise<number> {
    return (await this.storage.scanKeys(table, { limit: 100 })).length
  }
}

function outcome({ result }: Received): string {
  if (result.kind === 'message') return fromUtf8(result.data)
  return result.kind === 'rejected' ? result.error.code : result.kind
}

describe('keys of skipped generations', () => {
  test('go with the number of newer ones', async () => {
    const world = await World.make()
    const said = await world.say('0', '1', '2', '3', '4')
    expect(await world.read([said[4]!])).toEqual(['4'])
    expect(await world.read([said[0]!, said[1]!, said[3]!])).toEqual(['duplicate', '1', '3'])
  })

  test.each([false, true])('go with time (opened again between: %s)', async (again) => {
    const world = await World.make()
    const said = await world.say('0', '1', '2', '3', '4')
    expect(await world.read([said[2]!])).toEqual(['2'])
    world.now += 2 * day
    if (again) await world.open()
    // the twin: within the time
    expect(await world.read([said[1]!])).toEqual(['1'])
    expect(await world.rows(tables.marks)).toBe(1)
    world.now += day + hour
    if (again) await world.open()
    expect(await world.read([said[3]!])).toEqual(['3'])
    const before = (await world.store.sizes()).ratchets
    expect(before).toBeGreaterThan(0)
    expect(await world.read([said[0]!])).toEqual(['duplicate'])
    expect(await world.read([said[4]!])).toEqual(['4'])
  })

  test('those that came later stay', async () => {
    const world = await World.make()
    const said = await world.say('0', '1', '2', '3')
    await world.read([said[1]!])
    world.now += 2 * day
    await world.read([said[3]!])
    world.now += day + hour
    await (await world.store.open(world.id)).expire()
    expect(await world.read([said[0]!, said[2]!])).toEqual(['duplicate', '2'])
  })
})

describe('past epochs', () => {
  test('go with time: rows and all', async () => {
    const world = await World.make()
    const [early, late] = await world.say('early', 'late')
    await (await world.store.open(world.id)).commit()
    await deliver(world.alice, world.store, world.room)
    await catchUp(world.alice, world.store, world.id, world.room)
    expect(await world.rows(tables.epochs)).toBe(3)
    expect(await world.read([early!])).toEqual(['early'])
    world.now += day + hour
    await (await world.store.open(world.id)).expire()
    expect(await world.rows(tables.epochs)).toBe(1)
    expect(await world.read([late!])).toEqual(['past-epoch'])
    const { groups, trees, ratchets, total } = await world.store.sizes()
    expect(total).toBeGreaterThanOrEqual(groups + trees + ratchets)
  })
})

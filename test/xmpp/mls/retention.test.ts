import { describe, expect, test } from 'vitest'
import type { Group } from '../../../src/group/group.ts'
import type { Identity } from '../../../src/group/key-package.ts'
import { tables } from '../../../src/group-store/layout.ts'
import { createGroup, createKeyPackage, joinGroup } from '../../../src/index.ts'
import type { Storage } from '../../../src/ports/storage.ts'
import { keySigner } from '../../../src/signed/signer.ts'
import { MemoryMedium, openMemoryStorage } from '../../../src/storage/memory.ts'
import { defaultSettings } from '../../../src/xmpp/mls/client-options.ts'
import { sealContent } from '../../../src/xmpp/mls/content.ts'
import type { EngineEvent } from '../../../src/xmpp/mls/engine/events.ts'
import { restoreRoomGroup } from '../../../src/xmpp/mls/engine/groups.ts'
import type { EngineContext, RoomState } from '../../../src/xmpp/mls/engine/state.ts'
import { step } from '../../../src/xmpp/mls/engine/step.ts'
import { deviceCredential, formAuthentication } from '../../../src/xmpp/mls/identity.ts'
import { ClientStore } from '../../../src/xmpp/mls/store.ts'
import type { RetentionPolicy } from '../../../src/xmpp/mls/types.ts'
import { openSuite } from '../../support/suite.ts'
import { roomJid, World } from './world.ts'

const suite = openSuite(1)
const hour = 60 * 60 * 1000
const day = 24 * hour
const account = 'alice@a.test'

const identityOf = (name: string): Identity => ({
  credential: deviceCredential(name, new Uint8Array(16)),
  signer: keySigner(suite, suite.generateSignatureKeyPair().privateKey),
})

/** A group of two: the own member as a snapshot, the other one in memory. */
async function pair(own: Identity) {
  const other = identityOf('bob@a.test')
  const group = await createGroup({ suite, identity: own, options: { limits: { pastEpochs: 0 } } })
  const keyPackage = await createKeyPackage({ suite, identity: other })
  const { staged } = await group.commit({ add: [keyPackage] })
  const { welcome } = group.merge(staged)
  if (welcome === undefined) throw new Error('no Welcome')
  return { partner: await joinGroup({ suite, keyPackage, welcome }), snapshot: group.snapshot() }
}

/** The room of a device on a clock that is set by hand, and what its partner sends. */
class Retained {
  now = Date.now()
  readonly medium = new MemoryMedium()
  readonly #identity = identityOf(account)
  partner!: Group
  storage!: Storage
  readonly #retention: RetentionPolicy | undefined
  #store!: Awaited<ReturnType<ClientStore['openRoom']>>
  #engine!: EngineContext
  #state!: RoomState
  #serial = 0

  private constructor(retention: RetentionPolicy | undefined) {
    this.#retention = retention
  }

  static async make(retention?: RetentionPolicy): Promise<Retained> {
    const made = new Retained(retention)
    await made.open()
    const { partner, snapshot } = await pair(made.#identity)
    made.partner = partner
    const group = restoreRoomGroup(made.#engine, snapshot)
    Object.assign(made.#state, { group, phase: 'active', live: true, cursor: '0', joinEpoch: group.epoch })
    await made.#store.save(made.#state)
    return made
  }

  async open(): Promise<void> {
    await this.storage?.close()
    this.storage = await openMemoryStorage({ medium: this.medium, randomBytes: (n) => suite.randomBytes(n) })
    const engine: EngineContext = {
      suite,
      identity: this.#identity,
      account,
      device: '00'.repeat(16),
      room: roomJid,
      kind: 'muc',
      clock: { now: () => this.now },
      authentication: formAuthentication,
      settings: defaultSettings,
      trust: () => 'unverified',
      retention: this.#retention,
    }
    this.#engine = engine
    this.#store = await new ClientStore(this.storage, { keyAge: this.#retention?.skippedKeyMs }).openRoom(engine)
    this.#state = await this.#store.load()
    this.#state.live = true
  }

  /** What the partner encrypts, not delivered. */
  say(...texts: readonly string[]): Uint8Array[] {
    return texts.map((body) => {
      const data = sealContent({ kind: 'text', body }, { from: 'bob@a.test', to: roomJid, time: 0 })
      return this.partner.protect(data)
    })
  }

  async #run(item: Extract<EngineEvent, { kind: 'archived' }>['entry']['item']): Promise<string[]> {
    const entry = { archiveId: `a${++this.#serial}`, from: undefined, item }
    const { state, effects } = await step(this.#engine, this.#state, { kind: 'archived', entry })
    this.#state = state
    this.#store.observe(state)
    await this.#store.save(state, effects)
    return effects.flatMap((effect) => {
      if (effect.kind !== 'emit') return []
      const { name, value } = effect.event
      if (name === 'message') return [value.body ?? '']
      return name === 'unreadable' ? [value.reason] : []
    })
  }

  /** What the application is told of messages. */
  async read(...messages: readonly Uint8Array[]): Promise<string[]> {
    const told: string[] = []
    for (const bytes of messages)
      told.push(...(await this.#run({ kind: 'encrypted', group: this.partner.id, bytes: Uint8Array.from(bytes) })))
    return told
  }

  /** Another epoch, by the partner. */
  async commit(): Promise<void> {
    const { epoch } = this.partner
    const { commit } = await this.partner.commit()
    await this.partner.receive(commit)
    const item = { kind: 'handshake', handshake: 'commit', group: this.partner.id, epoch, bytes: commit } as const
    await this.#run({ ...item, groupInfo: undefined, tree: undefined })
  }

  /** What the client does by itself from time to time. */
  async expire(): Promise<boolean> {
    const { due } = this.#store
    if (due) await this.#store.save(this.#state)
    return due
  }

  async bytes(table: string): Promise<number> {
    return (await this.storage.sizes()).tables.get(table)?.valueBytes ?? 0
  }

  async rows(table: string): Promise<number> {
    return (await this.storage.scanKeys(table, { limit: 100 })).length
  }
}

describe('keys of messages that a room has passed over', () => {
  test.each([false, true])('go with time (opened again between: %s)', async (again) => {
    const room = await Retained.make()
    const said = room.say('0', '1', '2', '3', '4')
    expect(await room.read(said[2]!)).toEqual(['2'])
    room.now += 2 * day
    if (again) await room.open()
    // the twin: within the time
    expect(await room.read(said[1]!)).toEqual(['1'])
    room.now += day + hour
    if (again) await room.open()
    expect(await room.read(said[3]!)).toEqual(['3'])
    expect(await room.read(said[0]!)).toEqual([])
    expect(await room.read(said[4]!)).toEqual(['4'])
  })

  test('go from a room where nothing happens', async () => {
    const room = await Retained.make({ skippedKeyMs: hour })
    const said = room.say('0', '1')
    expect(await room.read(said[1]!)).toEqual(['1'])
    expect(await room.expire()).toBe(false)
    const before = await room.bytes(tables.ratchets)
    room.now += hour
    expect(await room.expire()).toBe(true)
    expect(await room.bytes(tables.ratchets)).toBeLessThan(before)
    expect(await room.expire()).toBe(false)
    expect(await room.read(said[0]!)).toEqual([])
  })
})

describe('past epochs of a room', () => {
  test('go by number', async () => {
    const room = await Retained.make({ pastEpochs: 1 })
    const [first, second] = room.say('first', 'second')
    await room.commit()
    const [third] = room.say('third')
    expect(await room.rows(tables.epochs)).toBe(2)
    expect(await room.read(first!)).toEqual(['first'])
    await room.commit()
    expect(await room.rows(tables.epochs)).toBe(2)
    expect(await room.read(second!, third!)).toEqual(['too-old', 'third'])
  })

  test('four by default', async () => {
    const room = await Retained.make()
    const [first] = room.say('first')
    for (let i = 0; i < 4; i++) await room.commit()
    expect(await room.read(first!)).toEqual(['first'])
    expect(await room.rows(tables.epochs)).toBe(5)
    await room.commit()
    expect(await room.rows(tables.epochs)).toBe(5)
  })

  test('go by time, from a room where nothing happens too', async () => {
    const room = await Retained.make({ pastEpochMs: hour })
    const [first, second] = room.say('first', 'second')
    await room.commit()
    room.now += hour
    expect(await room.expire()).toBe(false)
    expect(await room.read(first!)).toEqual(['first'])
    room.now += 1
    expect(await room.expire()).toBe(true)
    expect(await room.rows(tables.epochs)).toBe(1)
    expect(await room.read(second!)).toEqual(['too-old'])
  })
})

test('a client applies what its options say, hourly', async () => {
  const world = new World('retention')
  const alice = await world.device('alice@a.test/x', { retention: { pastEpochs: 2, pastEpochMs: 3 * hour } })
  const garden = await alice.client.room(roomJid)
  const epochs = async () => (await alice.storage.scanKeys(tables.epochs, { limit: 100 })).length
  for (let i = 0; i < 4; i++) await garden.update()
  expect(await epochs()).toBe(3)
  await world.wait(2 * hour)
  expect(await epochs()).toBe(3)
  await world.wait(2 * hour)
  expect(await epochs()).toBe(1)
  world.stop()
})

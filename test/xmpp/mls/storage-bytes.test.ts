import { describe, expect, test } from 'vitest'
import { basicAuthentication } from '../../../src/authentication/basic-authentication.ts'
import { copyBytes } from '../../../src/bytes/bytes.ts'
import { systemClock } from '../../../src/providers/system-clock.ts'
import { openMemoryStorage } from '../../../src/storage/memory.ts'
import { defaultSettings } from '../../../src/xmpp/mls/client-options.ts'
import { sealContent } from '../../../src/xmpp/mls/content.ts'
import type { EngineEvent } from '../../../src/xmpp/mls/engine/events.ts'
import type { EngineContext, RoomState } from '../../../src/xmpp/mls/engine/state.ts'
import { step } from '../../../src/xmpp/mls/engine/step.ts'
import { encodeHeader, forkTag } from '../../../src/xmpp/mls/header.ts'
import { deviceCredential } from '../../../src/xmpp/mls/identity.ts'
import { ClientStore } from '../../../src/xmpp/mls/store.ts'
import { populatedGroup } from '../../support/populated-group.ts'
import { openSuite } from '../../support/suite.ts'
import { metered } from './metered.ts'
import { roomJid, World } from './world.ts'

const suite = openSuite(1)
const account = 'alice@a.test'

/** A room whose group has so many members, at the one at leaf 0; the one at leaf 1 is its partner. */
async function roomOf(members: number, kind: 'muc' | 'mix' = 'muc') {
  const group = populatedGroup(suite, members, { externalPub: true })
  const { meter, storage } = metered(await openMemoryStorage({ randomBytes: (n) => suite.randomBytes(n) }))
  const engine: EngineContext = {
    suite,
    identity: { credential: deviceCredential(account, new Uint8Array(16)), signer: group.fixture.signer(0) },
    account,
    device: '00'.repeat(16),
    room: roomJid,
    kind,
    clock: systemClock,
    authentication: basicAuthentication(),
    settings: defaultSettings,
    trust: () => 'unverified',
  }
  const store = await new ClientStore(storage).openRoom(engine)
  let state: RoomState = await store.load()
  Object.assign(state, { group: group.member(0), phase: 'active', live: true, cursor: '0', joinEpoch: 5n })
  await store.save(state)
  const partner = group.member(1)
  const rival = group.member(2)
  let serial = 0
  const archived = (item: Extract<EngineEvent, { kind: 'archived' }>['entry']['item']): EngineEvent => ({
    kind: 'archived',
    entry: { archiveId: `a${++serial}`, from: undefined, item },
  })
  return {
    meter,
    partner,
    rival,
    archived,
    get state() {
      return state
    },
    async run(event: EngineEvent): Promise<number> {
      meter.take()
      await store.reserve(state, {
        application: event.kind === 'say' ? 1 : 0,
        handshake: event.kind === 'intend' ? 4 : 0,
      })
      const result = await step(engine, state, event)
      state = result.state
      store.observe(state)
      await store.save(state, result.effects)
      return meter.take()
    },
    async reload(): Promise<void> {
      state = await store.load()
      state.live = true
    },
  }
}

type Room = Awaited<ReturnType<typeof roomOf>>

const hear = (room: Room): EngineEvent => {
  const { partner } = room
  const content = { kind: 'text', body: 'a message of ordinary length' } as const
  const data = sealContent(content, { from: 'm@a.test', to: roomJid, time: 0 })
  const authenticatedData = encodeHeader({
    generation: partner.nextGeneration,
    id: suite.randomBytes(16),
    number: BigInt(partner.nextGeneration + 1),
    previous: new Uint8Array(0),
    seen: undefined,
    fork: forkTag(partner),
  })
  return room.archived({ kind: 'encrypted', group: partner.id, bytes: partner.protect(data, { authenticatedData }) })
}

/** The bytes of the fifth of its kind: the first ones fill the list of past epochs. */
async function measure(members: number, kind: 'muc' | 'mix' = 'muc') {
  const room = await roomOf(members, kind)
  const say: EngineEvent = { kind: 'say', op: 'op', content: { kind: 'text', body: 'a message of ordinary length' } }
  const figures = { said: 0, heard: 0, commit: 0, committed: 0, snapshot: 0 }
  for (let i = 0; i < 5; i++) {
    // the first message of an epoch opens the ratchet, the second one is as all others
    for (let j = 0; j < 2; j++) {
      figures.said = await room.run({ ...say, op: `op${i} ${j}` })
      const [item] = room.state.outbox
      if (item === undefined) throw new Error('nothing in the outbox')
      figures.said += await room.run(room.archived({ kind: 'encrypted', group: room.partner.id, bytes: item.bytes }))
      figures.heard = await room.run(hear(room))
    }
    // somebody else's commit
    const { commit } = await room.partner.commit()
    await room.partner.receive(commit)
    const item2 = { kind: 'handshake', handshake: 'commit', group: room.partner.id } as const
    const epoch = room.partner.epoch - 1n
    const entry = { ...item2, epoch, bytes: commit, groupInfo: undefined, tree: undefined }
    figures.commit = await room.run(room.archived(entry))
    // the own one
    figures.committed = await room.run({ kind: 'intend', intent: { id: `i${i}`, kind: 'update' } })
    const { attempt } = room.state
    if (attempt === undefined) throw new Error('no commit')
    const own = { ...item2, epoch: attempt.epoch, bytes: attempt.commit, groupInfo: undefined, tree: undefined }
    figures.committed += await room.run(room.archived(own))
    await room.partner.receive(attempt.commit)
    expect(room.state.group?.epoch).toBe(room.partner.epoch)
  }
  await room.reload()
  expect(room.state.group?.epochAuthenticator).toEqual(room.partner.epochAuthenticator)
  figures.snapshot = room.state.group?.snapshot().length ?? 0
  return figures
}

describe('bytes that a room writes', () => {
  test.each(['muc', 'mix'] as const)(
    'a message writes the same in a group of any size, a commit what its path needs (%s)',
    async (kind) => {
      const [small, large] = [await measure(64, kind), await measure(2048, kind)]
      const table = Object.entries(small).map(
        ([name, bytes]) => `${name} ${bytes} -> ${large[name as keyof typeof large]}`,
      )
      expect(large.snapshot, table.join(', ')).toBeGreaterThan(20 * small.snapshot)
      for (const name of ['said', 'heard'] as const) {
        expect(large[name], table.join(', ')).toBeLessThan(small[name] + 64)
        expect(large[name]).toBeLessThan(4096)
      }
      // 11 levels instead of 6: twice as much would be too much
      for (const name of ['commit', 'committed'] as const) {
        expect(large[name], table.join(', ')).toBeLessThan(2.2 * small[name])
        expect(large[name]).toBeLessThan(large.snapshot / 4)
      }
    },
    120_000,
  )

  test('the epoch before the last commit of a channel is found again after a restart', async () => {
    const room = await roomOf(64, 'mix')
    const { partner, rival } = room
    const { epoch } = partner
    // the archive has the rival's first, and shows it late
    const [won, lost] = [await rival.commit(), await partner.commit()]
    rival.merge(won.staged)
    partner.merge(lost.staged)
    const commit = (bytes: Uint8Array) =>
      ({
        kind: 'handshake',
        handshake: 'commit',
        group: partner.id,
        epoch,
        bytes: copyBytes(bytes),
        groupInfo: undefined,
        tree: undefined,
      }) as const
    await room.run(room.archived(commit(lost.commit)))
    expect(room.state.group?.epochAuthenticator).toEqual(partner.epochAuthenticator)
    await room.reload()
    expect(room.state.previous?.epoch).toBe(epoch)
    const entry = { archiveId: 'a0', from: undefined, item: commit(won.commit) }
    await room.run({ kind: 'late', entry })
    expect(room.state.group?.epochAuthenticator).toEqual(rival.epochAuthenticator)
    await room.reload()
    expect(room.state.group?.epochAuthenticator).toEqual(rival.epochAuthenticator)
    // what was said before in the epoch of both is still read
    expect(room.state.group?.state.past.map((past) => past.epoch.context.epoch)).toContain(epoch)
  })

  test('an own commit of a channel that was first after all counts, after a restart too', async () => {
    const room = await roomOf(64, 'mix')
    const { partner, rival } = room
    const { epoch } = partner
    await room.run({ kind: 'intend', intent: { id: 'own', kind: 'update' } })
    const own = room.state.attempt?.commit ?? new Uint8Array(0)
    const lost = await partner.commit()
    await rival.receive(own)
    const commit = (bytes: Uint8Array) =>
      ({
        kind: 'handshake',
        handshake: 'commit',
        group: partner.id,
        epoch,
        bytes: copyBytes(bytes),
        groupInfo: undefined,
        tree: undefined,
      }) as const
    await room.run(room.archived(commit(lost.commit)))
    expect(room.state).toMatchObject({ attempt: undefined, intents: [{ id: 'own' }] })
    await room.reload()
    await room.run({ kind: 'late', entry: { archiveId: 'a0', from: undefined, item: commit(own) } })
    expect(room.state.group?.epochAuthenticator).toEqual(rival.epochAuthenticator)
    expect(room.state).toMatchObject({ forked: false, attempt: undefined, intents: [], quarantine: undefined })
  })

  test('a message that is heard is stored with what it says, in one batch', async () => {
    const world = new World('metered')
    const alice = await world.device('alice@a.test/x')
    const { meter, storage } = metered(await openMemoryStorage({ randomBytes: (n) => suite.randomBytes(n) }))
    const bob = await world.device('bob@a.test/x', { storage })
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    let finish: () => void = () => undefined
    const heard: string[] = []
    bobs.on('message', async ({ body = '' }) => {
      heard.push(body)
      await new Promise<void>((resolve) => {
        finish = resolve
      })
    })
    await garden.send('one')
    await world.until('one', () => heard.length === 1)
    finish()
    await world.wait(5_000)
    const before = meter.batches
    meter.take()
    await garden.send('two')
    await world.until('two', () => heard.length === 2)
    expect(meter.batches - before).toBe(1)
    const { bytes } = meter
    expect(bytes).toBeLessThan(2048)
    // and one more, to note that the application has taken it
    finish()
    await world.wait(5_000)
    expect(meter.batches - before).toBeLessThanOrEqual(3)
    world.stop()
  })
})

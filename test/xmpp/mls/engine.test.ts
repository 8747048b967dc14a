import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EngineEntry } from '../../../src/xmpp/mls/engine/entries.ts'
import type { Effect, EngineEvent } from '../../../src/xmpp/mls/engine/events.ts'
import type { RoomState } from '../../../src/xmpp/mls/engine/state.ts'
import { issuesOf, step } from '../../../src/xmpp/mls/engine/step.ts'
import { ClientStore } from '../../../src/xmpp/mls/store.ts'
import { roomJid, World } from './world.ts'

/** Traffic of three members, and a fourth whose engine sees it in many ways. */
async function traffic() {
  const world = new World('traffic')
  const alice = await world.device('alice@a.test/x')
  const bob = await world.device('bob@a.test/x')
  const dave = await world.device('dave@a.test/x')
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await garden.invite('dave@a.test')
  await world.until('the invitations', () => bob.client.invitations.length + dave.client.invitations.length === 2)
  const bobs = await bob.client.room(roomJid)
  const daves = await dave.client.room(roomJid)
  const { engine } = daves.session.ports
  await daves.synchronise()
  await world.until('dave is idle', () => daves.idle)
  const from = daves.session.state.cursor
  await dave.client.close()
  dave.port.disconnect()
  for (let i = 0; i < 3; i++) {
    await garden.send(`alice ${i}`)
    await bobs.send(`bob ${i}`)
    if (i === 0) await bobs.update()
    if (i === 1) await Promise.all([garden.update(), bobs.update()])
  }
  await garden.send('last')
  const { entries } = await garden.session.ports.room.page({ after: from!, max: 250 })
  const session = garden.session
  const read: EngineEntry[] = []
  for (const entry of entries) read.push(await session.read(entry))
  const store = new ClientStore(dave.storage)
  return {
    world,
    entries: read,
    engine,
    authenticator: garden.epochAuthenticator,
    fresh: () => store.room(engine),
  }
}

interface Run {
  readonly bodies: string[]
  readonly state: RoomState
  readonly effects: Effect[]
}

async function run(engine: Parameters<typeof step>[0], start: RoomState, events: readonly EngineEvent[]): Promise<Run> {
  let state = start
  const bodies: string[] = []
  const all: Effect[] = []
  for (const event of events) {
    const { state: next, effects } = await step(engine, state, event)
    state = next
    all.push(...effects)
    for (const effect of effects) {
      if (effect.kind !== 'emit') continue
      const { name, value } = effect.event
      if (name === 'message') bodies.push(value.body ?? '')
      else if (name === 'unreadable' || name === 'error')
        bodies.push(`${name} ${JSON.stringify(value, (_k, v) => (typeof v === 'bigint' ? `${v}` : v))}`)
    }
  }
  return { bodies, state, effects: all }
}

describe('the engine', () => {
  test('any mixture of live and archived copies gives each message once and the same state', async () => {
    const { world, entries, engine, authenticator, fresh } = await traffic()
    const expected = ['alice 0', 'alice 1', 'alice 2', 'bob 0', 'bob 1', 'bob 2', 'last']
    const plain = await run(engine, await fresh(), [
      ...entries.map((entry) => ({ kind: 'archived', entry }) as const),
      { kind: 'caught-up' },
    ])
    expect([...plain.bodies].sort()).toEqual(expected)
    expect(plain.state.group?.epochAuthenticator).toEqual(authenticator)
    // live copies in any order and number, at any time, with pages between them
    const copies = fc.array(fc.tuple(fc.nat(entries.length - 1), fc.nat(entries.length)), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(copies, async (list) => {
        const events: EngineEvent[] = []
        for (let i = 0; i <= entries.length; i++) {
          for (const [which, at] of list) if (at === i) events.push({ kind: 'live', entry: entries[which]! })
          const entry = entries[i]
          events.push(entry === undefined ? { kind: 'caught-up' } : { kind: 'archived', entry })
        }
        const { bodies, state } = await run(engine, await fresh(), events)
        expect([...bodies].sort()).toEqual(expected)
        expect(state.group?.epochAuthenticator).toEqual(authenticator)
        expect(state.cursor).toBe(entries.at(-1)!.archiveId)
        state.group?.close()
      }),
      { numRuns: 60 },
    )
    world.stop()
  })

  test('a message that the archive withholds is named by sender and number, and forgiven when it comes', async () => {
    const { world, entries, engine, fresh } = await traffic()
    const messages = entries.filter(({ item }) => item.kind === 'encrypted')
    const [, , third] = messages
    const without = entries.filter((entry) => entry !== third)
    const archived = (list: readonly EngineEntry[]): EngineEvent[] => [
      ...list.map((entry) => ({ kind: 'archived', entry }) as const),
      { kind: 'caught-up' },
    ]
    const { state, bodies } = await run(engine, await fresh(), archived(without))
    expect(bodies).toHaveLength(6)
    const gaps = [...state.chains.values()].filter(({ reported }) => reported.length > 0)
    expect(gaps.map(({ account, reported }) => [account, reported])).toEqual([['alice@a.test', [2n]]])
    const late = await run(engine, state, [{ kind: 'late', entry: third! }])
    expect(late.bodies).toEqual(['alice 1'])
    expect([...late.state.chains.values()].every(({ reported }) => reported.length === 0)).toBe(true)
    world.stop()
  })

  test('the newest message that another has seen is missed even when its sender says nothing more', async () => {
    const { world, entries, engine, fresh } = await traffic()
    const encrypted = entries.filter(({ item }) => item.kind === 'encrypted')
    // bob's last message mentions alice's before it: hold back that and everything of alice behind it
    const bobsLast = encrypted[5]!
    const held = new Set([encrypted[4]!, encrypted[6]!])
    const list = entries.filter((entry) => !held.has(entry))
    expect(list).toContain(bobsLast)
    const { state } = await run(engine, await fresh(), [
      ...list.map((entry) => ({ kind: 'archived', entry }) as const),
      { kind: 'caught-up' },
    ])
    const gaps = [...state.chains.values()].filter(({ reported }) => reported.length > 0)
    expect(gaps.map(({ account, reported }) => [account, reported])).toEqual([['alice@a.test', [3n]]])
    world.stop()
  })

  test('a device that was coming in when the connection went away goes on when it is back', async () => {
    const { world, entries, engine, fresh } = await traffic()
    const archived: EngineEvent[] = entries.map((entry) => ({ kind: 'archived', entry }))
    const joining = await run(engine, await fresh(), [
      ...archived,
      { kind: 'caught-up' },
      { kind: 'rejoin', recent: entries },
      { kind: 'lost' },
      { kind: 'timer', name: 'join' },
    ])
    expect(joining.state.joining?.asked).toBe(1)
    const back = await run(engine, joining.state, [{ kind: 'caught-up' }])
    expect(back.effects).toContainEqual(expect.objectContaining({ kind: 'timer', name: 'join' }))
    const again = await run(engine, back.state, [{ kind: 'timer', name: 'join' }])
    expect(again.state.joining?.asked).toBe(2)
    expect(again.effects.filter(({ kind }) => kind === 'send')).toHaveLength(1)
    world.stop()
  })

  test('a message that comes behind a later one of its sender is late, and the later one stays the newest', async () => {
    const { world, entries, engine, fresh } = await traffic()
    const messages = entries.filter(({ item }) => item.kind === 'encrypted')
    const [older, newer] = [messages[4]!, messages[6]!]
    const commits = entries.filter(({ item }) => item.kind !== 'encrypted')
    const archived = (list: readonly EngineEntry[]): EngineEvent[] => list.map((entry) => ({ kind: 'archived', entry }))
    // nothing else of its sender was ever seen, so the gap does not show
    const { effects, bodies, state } = await run(engine, await fresh(), [
      ...archived(commits),
      { kind: 'live', entry: newer },
      ...archived([older, newer]),
      { kind: 'caught-up' },
    ])
    expect(bodies).toEqual(['last', 'alice 2'])
    const lates = effects.flatMap((effect) =>
      effect.kind === 'emit' && effect.event.name === 'message' ? [effect.event.value.late] : [],
    )
    expect(lates).toEqual([false, true])
    expect(state.head?.number).toBe(4n)
    world.stop()
  })

  test('a withheld commit is a gap, and what comes behind it waits', async () => {
    const { world, entries, engine, fresh, authenticator } = await traffic()
    const index = entries.findIndex(({ item }) => item.kind === 'handshake' && item.handshake === 'commit')
    const commit = entries[index]!
    const { state, effects } = await run(engine, await fresh(), [
      ...entries.filter((entry) => entry !== commit).map((entry) => ({ kind: 'archived', entry }) as const),
      { kind: 'caught-up' },
    ])
    expect(state.future.length).toBeGreaterThan(0)
    expect(effects.some(({ kind }) => kind === 'health')).toBe(true)
    // a restart reads from before what waits
    expect(state.hold).toBeDefined()
    const healed = await run(engine, state, [{ kind: 'late', entry: commit }, { kind: 'caught-up' }])
    expect(healed.state.future).toEqual([])
    expect(healed.state.group?.epochAuthenticator).toEqual(authenticator)
    world.stop()
  })

  test('epochs that somebody outside of the group makes up are no gap, and do not fill the memory', async () => {
    const { world, entries, engine, fresh } = await traffic()
    const message = entries.findLast(({ item }) => item.kind === 'encrypted')!
    const commit = entries.find(({ item }) => item.kind === 'handshake' && item.handshake === 'commit')!
    // a handshake says its epoch openly, so it can be made up
    const claim = (from: string, i: number): EngineEvent => {
      if (commit.item.kind !== 'handshake') throw new Error('no handshake')
      return { kind: 'archived', entry: { archiveId: `made-up-${i}`, from, item: { ...commit.item, epoch: 99n } } }
    }
    const issues = (state: RoomState) => issuesOf({ context: engine, state, effects: [] }).map(({ kind }) => kind)
    const whole = entries.map((entry) => ({ kind: 'archived', entry }) as const)
    const honest = await run(engine, await fresh(), [...whole, { kind: 'caught-up' }])
    expect(issues(honest.state)).toEqual([])
    const lies = Array.from({ length: 1_500 }, (_, i) => claim('mallory@a.test', i))
    const flooded = await run(engine, honest.state, [...lies, { kind: 'caught-up' }])
    expect(issues(flooded.state)).toEqual([])
    expect(flooded.state.future).toHaveLength(1_024)
    // somebody of the group is believed
    flooded.state.future = []
    const member = await run(engine, flooded.state, [claim(message.from!, -1), { kind: 'caught-up' }])
    expect(issues(member.state)).toEqual(['gap'])
    world.stop()
  })

  test('in a channel an earlier commit that turns up later makes the one that was applied void', async () => {
    const { world, entries, engine, fresh, authenticator } = await traffic()
    const channel = { ...engine, kind: 'mix' } as const
    const epochOf = ({ item }: EngineEntry) =>
      item.kind === 'handshake' && item.handshake === 'commit' ? item.epoch : -1n
    const second = entries.findIndex(
      (entry, i) => epochOf(entry) >= 0n && entries.slice(0, i).some((one) => epochOf(one) === epochOf(entry)),
    )
    const first = entries.findIndex((entry) => epochOf(entry) === epochOf(entries[second]!))
    expect(first).toBeGreaterThan(0)
    expect(second).toBeGreaterThan(first)
    const archived = (list: readonly EngineEntry[]): EngineEvent[] => list.map((entry) => ({ kind: 'archived', entry }))
    // the winner was not in the archive yet when it was read
    const wrong = await run(channel, await fresh(), [
      ...archived([...entries.slice(0, first), ...entries.slice(first + 1, second + 1)]),
      { kind: 'caught-up' },
    ])
    const epoch = wrong.state.group!.epoch
    const voided = wrong.state.group!.epochAuthenticator
    const settled = await run(channel, wrong.state, [
      { kind: 'late', entry: entries[first]! },
      ...archived(entries.slice(first + 1)),
      { kind: 'caught-up' },
    ])
    expect(settled.state.group!.epoch).toBeGreaterThanOrEqual(epoch)
    expect(settled.state.group!.epochAuthenticator).toEqual(authenticator)
    expect(settled.state.group!.epochAuthenticator).not.toEqual(voided)
    expect([...wrong.bodies, ...settled.bodies].filter((body) => !body.startsWith('error')).sort()).toEqual([
      'alice 0',
      'alice 1',
      'alice 2',
      'bob 0',
      'bob 1',
      'bob 2',
      'last',
    ])
    world.stop()
  })
})

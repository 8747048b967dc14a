import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../../src/bytes/text.ts'
import { MemoryMedium } from '../../../src/storage/memory.ts'
import type { RoomState } from '../../../src/xmpp/mls/engine/state.ts'
import { element, withAttrs, type XmlElement } from '../../../src/xmpp/stanza/element.ts'
import { presence } from '../../../src/xmpp/stanza/stanza.ts'
import { buildCarbon } from '../../../src/xmpp/xep/xep-0280.ts'
import { buildArchiveResult, isArchiveResult } from '../../../src/xmpp/xep/xep-0313.ts'
import { bodies, listen, roomJid, World } from './world.ts'

const [own, full] = ['dave@a.test', 'dave@a.test/x']

/** Ways in which an archived message of the room may come once more; only the live ones are to be taken. */
const kinds = ['live', 'live', 'carbon-received', 'carbon-sent', 'forged-carbon', 'other-query', 'forged-room'] as const

function copyOf(stanza: XmlElement, kind: (typeof kinds)[number]): XmlElement {
  const live = withAttrs(stanza, { to: full })
  if (kind === 'carbon-received') return buildCarbon(own, full, 'groupchat', { direction: 'received', message: live })
  if (kind === 'carbon-sent')
    return buildCarbon(own, full, 'groupchat', { direction: 'sent', message: withAttrs(stanza, { from: full }) })
  if (kind === 'forged-carbon')
    return buildCarbon('eve@a.test/x', full, 'groupchat', { direction: 'received', message: live })
  if (kind === 'other-query') {
    const delay = { from: roomJid, stamp: '2026-01-01T00:00:00Z' }
    return buildArchiveResult(roomJid, full, { queryId: 'another', id: 'another', message: stanza, delay })
  }
  return kind === 'forged-room' ? withAttrs(live, { from: 'garden@conference.b.test/alice' }) : live
}

/** Everything of a state that its events decide. */
function digest(state: RoomState): unknown {
  const { phase, cursor, base, joinEpoch, chains, head, authors, ownNumber, forked, group } = state
  return JSON.parse(
    JSON.stringify(
      {
        phase,
        cursor,
        base,
        joinEpoch,
        head,
        ownNumber,
        forked,
        future: state.future.length,
        epoch: group?.epoch,
        authenticator: group?.epochAuthenticator,
        chains: [...chains].sort(([a], [b]) => (a < b ? -1 : 1)),
        authors: [...authors].sort(([a], [b]) => (a < b ? -1 : 1)),
      },
      (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? toHex(value) : value,
    ),
  )
}

function cloned(medium: MemoryMedium): MemoryMedium {
  const copy = new MemoryMedium()
  const before = new Uint8Array(64).fill(255)
  for (const { address, value } of medium.rows({ from: new Uint8Array(0), before, reverse: false, limit: 1 << 20 }))
    copy.write(Uint8Array.from(address), Uint8Array.from(value))
  return copy
}

/** A member who was away while the others talked and committed, and the archive that waits for him. */
async function away() {
  const world = new World('interleavings')
  const alice = await world.device('alice@a.test/x')
  const bob = await world.device('bob@a.test/x')
  const dave = await world.device(full)
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await garden.invite(own)
  await world.until('the invitations', () => bob.client.invitations.length + dave.client.invitations.length === 2)
  const bobs = await bob.client.room(roomJid)
  const daves = await dave.client.room(roomJid)
  await world.until('dave is idle', () => daves.idle)
  const { cursor } = daves.session.state
  await dave.client.close()
  dave.port.disconnect()
  for (let i = 0; i < 3; i++) {
    await garden.send(`alice ${i}`)
    await bobs.send(`bob ${i}`)
    if (i === 0) await bobs.update()
    if (i === 1) await Promise.all([garden.update(), bobs.update()])
  }
  await garden.send('last')
  const all = world.service.archive(roomJid).entries
  const entries = all.slice(all.findIndex(({ id }) => id === cursor) + 1)
  return { world, garden, entries, medium: dave.medium }
}

describe('copies of the same traffic', () => {
  test('in any order and number, live, from the archive, as carbons, forged: each message once, and the same state', async () => {
    const { world, garden, entries, medium } = await away()
    const expected = ['alice 0', 'alice 1', 'alice 2', 'bob 0', 'bob 1', 'bob 2', 'last']
    const delivered = new Map<string, number>()

    /** Dave comes back; before the k-th message of his archive page come the copies that belong there. */
    const comeBack = async (copies: readonly { which: number; at: number; kind: (typeof kinds)[number] }[]) => {
      let position = 0
      const stop = world.service.intercept((stanza, to) => {
        if (to !== full) return stanza
        const last = stanza.name === 'iq' && stanza.attrs['from'] === roomJid && position === entries.length
        if (!(isArchiveResult(stanza) && stanza.attrs['from'] === roomJid) && !last) return stanza
        const here = copies.filter(({ at }) => at === position)
        position++
        for (const { kind } of here) delivered.set(kind, (delivered.get(kind) ?? 0) + 1)
        return [...here.map(({ which, kind }) => copyOf(entries[which]!.message, kind)), stanza]
      })
      const back = await world.device(full, { medium: cloned(medium) })
      const room = await back.client.room(roomJid)
      const heard = listen(room)
      await world.until('dave is idle', () => room.idle)
      expect(position).toBeGreaterThan(entries.length)
      expect([...bodies(heard.messages)].sort()).toEqual(expected)
      expect(heard.unreadable).toEqual([])
      expect(heard.errors).toEqual([])
      expect(room.epochAuthenticator).toEqual(garden.epochAuthenticator)
      const state = digest(room.session.state)
      stop()
      await back.client.close()
      back.port.disconnect()
      return state
    }

    const plain = await comeBack([])
    const copies = fc.array(
      fc.record({
        which: fc.nat(entries.length - 1),
        at: fc.nat(entries.length),
        kind: fc.constantFrom(...kinds),
      }),
      { minLength: 10, maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(copies, async (list) => {
        expect(await comeBack(list)).toEqual(plain)
      }),
      { numRuns: 25 },
    )
    // they were really in
    expect([...delivered.keys()].sort()).toEqual([...new Set(kinds)].sort())
    for (const count of delivered.values()) expect(count).toBeGreaterThan(5)
    world.stop()
  })

  test('a Welcome that comes live, as a carbon, from the queue and from the archive is one invitation', async () => {
    const world = new World('welcome copies')
    const alice = await world.device('alice@a.test/x')
    const bob = await world.device('bob@a.test/x')
    // a resource that gets nothing itself: carbons alone
    await bob.port.send(presence({}, element('priority', 'jabber:client', {}, '-1')))
    bob.port.carbons = true
    const main = world.service.connect('bob@a.test/main')
    await main.send(presence({}))
    const seen: string[] = []
    bob.port.onStanza((stanza) => {
      if (stanza.children.some((node) => typeof node !== 'string' && node.ns === 'urn:xmpp:carbons:2'))
        seen.push('carbon')
    })
    const told: string[] = []
    bob.client.on('invitation', ({ room }) => told.push(room))
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => told.length === 1)
    expect(seen).toEqual(['carbon'])
    const [entry] = world.service.archive('bob@a.test').entries
    const welcome = entry!.message
    for (const from of ['bob@a.test', 'eve@a.test'])
      world.service.inject(
        bob.port.jid,
        buildCarbon(from, bob.port.jid, 'chat', { direction: 'received', message: welcome }),
      )
    world.service.inject(bob.port.jid, withAttrs(welcome, { to: bob.port.jid }))
    bob.port.disconnect()
    bob.port.reconnect()
    await world.wait(5_000)
    const room = await bob.client.room(roomJid)
    world.service.inject(bob.port.jid, withAttrs(welcome, { to: bob.port.jid }))
    await world.wait(5_000)
    expect(told).toEqual([roomJid])
    expect(bob.client.invitations).toEqual([])
    expect(room.health.state).toBe('active')
    expect(room.epochAuthenticator).toEqual(garden.epochAuthenticator)
    world.stop()
  })
})

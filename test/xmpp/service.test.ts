import { describe, expect, test } from 'vitest'
import { noFaults } from '../../src/testing/xmpp/index.ts'
import { readArchive } from '../../src/xmpp/archive.ts'
import { fetchPep } from '../../src/xmpp/pep/pep-fetch.ts'
import { PepPublisher } from '../../src/xmpp/pep/pep-publisher.ts'
import { RoomSync } from '../../src/xmpp/room-sync.ts'
import { element, withChildren, type XmlElement } from '../../src/xmpp/stanza/element.ts'
import { serialise } from '../../src/xmpp/stanza/serialise.ts'
import { iq, message, presence } from '../../src/xmpp/stanza/stanza.ts'
import { buildStanzaId, stanzaIdBy } from '../../src/xmpp/xep/xep-0359.ts'
import { content, probeOf } from './conformance/backend.ts'
import { contextOf, make, run, seat } from './support.ts'

describe('the same seed gives the same run', () => {
  const story = async (seed: number): Promise<string> => {
    const service = make({ seed })
    const lines: string[] = []
    const alice = await seat(service, 'alice@a.test/x', 'r@conference.a.test')
    const bob = await seat(service, 'bob@b.test/y', 'r@conference.a.test', alice.room)
    bob.port.onStanza((stanza) => lines.push(`${service.clock.now()} ${serialise(stanza)}`))
    service.faults = { ...noFaults, drop: 0.2, duplicate: 0.2, reorder: 0.2, delay: [0, 30] }
    for (let i = 0; i < 30; i++)
      void alice.port.send(message({ to: alice.room.jid, type: 'groupchat', id: `m${i}` }, ...content(`${i}`)))
    await service.clock.advance(5_000)
    return lines.join('\n')
  }

  test('twice, and another seed another one', async () => {
    const first = await story(7)
    expect(first.length).toBeGreaterThan(2000)
    expect(await story(7)).toBe(first)
    expect(await story(8)).not.toBe(first)
  })
})

describe('faults', () => {
  test('whatever happens on the way, one reread gives every message once and in order', async () => {
    for (const kind of ['conference', 'mix'])
      for (let seed = 0; seed < 6; seed++) {
        const service = make({ seed: `faults ${kind} ${seed}` })
        const alice = await seat(service, 'alice@a.test', `r@${kind}.a.test`)
        const bob = await seat(service, 'bob@a.test', `r@${kind}.a.test`, alice.room)
        const taken: { id: string; late: boolean }[] = []
        const sync = new RoomSync(bob.room, {
          pageSize: 9,
          consume: ({ archiveId }, late) => void taken.push({ id: archiveId, late }),
        })
        await run(service, sync.catchUp())
        service.faults = { ...noFaults, drop: 0.15, duplicate: 0.2, reorder: 0.2, delay: [0, 80] }
        for (let i = 0; i < 40; i++) {
          await alice.port.send(message({ to: alice.room.jid, type: 'groupchat', id: `m${i}` }, ...content(String(i))))
          await service.clock.advance(5)
        }
        await service.clock.advance(2_000)
        service.faults = noFaults
        const before = taken.length
        await run(service, sync.reread(undefined))
        await run(service, sync.idle())
        const ids = taken.map(({ id }) => id)
        const archive = service.archive(alice.room.jid).entries.map(({ id }) => id)
        expect(archive.length).toBe(40)
        expect([...ids].sort()).toEqual([...archive].sort())
        expect(before).toBeLessThan(40)
        // What was not marked late came in the archive's order.
        const onTime = taken.filter(({ late }) => !late).map(({ id }) => archive.indexOf(id))
        expect(onTime).toEqual([...onTime].sort((a, b) => a - b))
        expect(onTime.at(-1)).toBe(39)
      }
  })

  test('a stream that ends loses what is on its way and reports the outcome as unknown', async () => {
    const service = make()
    const { port, room } = await seat(service, 'alice@a.test', 'r@conference.a.test')
    const sending = room.send(content('x'))
    port.disconnect()
    await expect(run(service, sending)).rejects.toMatchObject({ code: 'xmpp/offline' })
    await expect(port.send(presence({}))).rejects.toMatchObject({ code: 'xmpp/offline' })
    await expect(port.request(iq('get', {}))).rejects.toMatchObject({ code: 'xmpp/offline' })
  })

  test('a stanza over the limit ends the stream', async () => {
    const service = make()
    const { port, room } = await seat(service, 'alice@a.test', 'r@conference.a.test')
    await expect(run(service, room.send(content('A'.repeat(262_144))))).rejects.toMatchObject({ code: 'xmpp/offline' })
    expect(port.online).toBe(false)
  })

  test('a suspended session is resumed with what came meanwhile, in its seat', async () => {
    const service = make()
    const alice = await seat(service, 'alice@a.test', 'r@conference.a.test')
    const bob = await seat(service, 'bob@a.test', 'r@conference.a.test', alice.room)
    const heard: string[] = []
    bob.room.onEvent((event) => {
      if (event.kind === 'message') heard.push(probeOf(event.entry.element) ?? '')
    })
    bob.port.suspend()
    expect(bob.room.joined).toBe(false)
    await run(service, alice.room.send(content('meanwhile')))
    expect(heard).toEqual([])
    bob.port.resume()
    await service.clock.settle()
    expect(heard).toEqual(['meanwhile'])
    expect(bob.room.joined).toBe(true)
  })
})

describe('a hostile server', () => {
  test('withholds, forges and rewrites through an interceptor', async () => {
    const service = make()
    const alice = await seat(service, 'alice@a.test', 'r@conference.a.test')
    const bob = await seat(service, 'bob@a.test', 'r@conference.a.test', alice.room)
    const heard: (string | undefined)[] = []
    bob.room.onEvent((event) => {
      if (event.kind === 'message') heard.push(probeOf(event.entry.element))
    })
    const stop = service.intercept((stanza, to) => {
      const text = probeOf(stanza)
      if (!to.startsWith('bob@') || text === undefined) return stanza
      if (text === 'withheld') return undefined
      return [
        stanza,
        withChildren(stanza, [...stanza.children.slice(1), element('probe', 'urn:example:probe', {}, 'forged')]),
      ]
    })
    await run(service, alice.room.send(content('withheld')))
    await run(service, alice.room.send(content('shown')))
    stop()
    await run(service, alice.room.send(content('honest')))
    await service.clock.settle()
    expect(heard).toEqual(['shown', 'forged', 'honest'])
  })

  test('replaces items of nodes', async () => {
    const service = make()
    const port = service.connect('alice@a.test')
    await run(
      service,
      new PepPublisher(port).publish({ node: 'n', id: 'a', payload: element('p', 'urn:p'), access: 'open' }),
    )
    service.forgeItem('alice@a.test', 'n', 'a', element('q', 'urn:q'))
    const found = await run(service, fetchPep(port, 'alice@a.test', 'n'))
    expect(found.kind === 'items' && found.items.map(({ payload }) => payload?.name)).toEqual(['q'])
  })

  test('clients cannot give their messages ids of the room', async () => {
    const service = make()
    const { port, room } = await seat(service, 'alice@a.test', 'r@conference.a.test')
    const ids: (string | undefined)[] = []
    port.onStanza((stanza) => {
      if (probeOf(stanza) !== undefined) ids.push(stanzaIdBy(stanza, room.jid))
    })
    const real = await run(service, room.send([...content('x'), buildStanzaId({ id: 'forged', by: room.jid })]))
    expect(ids).toEqual([real])
    expect(real).not.toBe('forged')
  })
})

describe('differences of the servers', () => {
  const filled = async (site: string) => {
    const service = make()
    const { port, room } = await seat(service, `alice@${site}`, `r@conference.${site}`)
    const ids: string[] = []
    for (let i = 0; i < 10; i++) ids.push(await run(service, room.send(content(String(i)))))
    service.archive(room.jid).truncate(4)
    return { service, port, room, ids }
  }

  test('a cursor that is gone is an error with Prosody and silence with ejabberd', async () => {
    const prosody = await filled('b.test')
    const sync = new RoomSync(prosody.room, { cursor: prosody.ids[2]!, consume: () => undefined })
    expect(await run(prosody.service, sync.catchUp())).toEqual({ kind: 'cursor-gone' })
    const ejabberd = await filled('a.test')
    const silent = new RoomSync(ejabberd.room, { cursor: ejabberd.ids[2]!, consume: () => undefined })
    expect(await run(ejabberd.service, silent.catchUp())).toEqual({ kind: 'complete', entries: 4 })
  })

  test('live orders of a channel differ from the archive’s, those of a room never', async () => {
    for (const kind of ['conference', 'mix']) {
      const service = make({ seed: 3 })
      const members = [await seat(service, 'm0@a.test', `r@${kind}.a.test`)]
      for (let i = 1; i < 6; i++)
        members.push(await seat(service, `m${i}@a.test`, `r@${kind}.a.test`, members[0]!.room))
      const live = members.map(() => [] as string[])
      members.forEach(({ room }, i) => {
        room.onEvent((event) => {
          if (event.kind === 'message') live[i]!.push(event.entry.archiveId)
        })
      })
      await run(
        service,
        Promise.all(
          members.flatMap(({ room }) => Array.from({ length: 20 }, async () => await room.send(content('x')))),
        ),
      )
      await service.clock.settle()
      const archive = service.archive(members[0]!.room.jid).entries.map(({ id }) => id)
      const same = live.filter((ids) => ids.join() === archive.join()).length
      expect(live.every((ids) => ids.length === 120)).toBe(true)
      if (kind === 'conference') expect(same).toBe(6)
      else expect(same).toBeLessThan(6)
    }
  })
})

describe('accounts', () => {
  test('a message to somebody who is away waits once, with its archive id', async () => {
    const service = make()
    service.register('bob@b.test')
    const alice = service.connect('alice@a.test')
    await alice.send(message({ to: 'bob@b.test', type: 'chat', id: 'w' }, ...content('welcome')))
    await service.clock.settle()
    const bob = service.connect('bob@b.test')
    const heard: XmlElement[] = []
    bob.onStanza((stanza) => heard.push(stanza))
    await bob.send(presence({}))
    await service.clock.settle()
    expect(heard.map(probeOf)).toEqual(['welcome'])
    const page = await run(service, readArchive(contextOf(service, bob), 'bob@b.test', {}))
    expect(page.results.map(({ id }) => id)).toEqual([stanzaIdBy(heard[0]!, 'bob@b.test')])
  })
})

test('a room of 2,000 carries 50 messages to all in seconds', async () => {
  const service = make()
  const owner = await seat(service, 'owner@a.test', 'big@conference.a.test')
  const room = service.site('a.test').muc.rooms.get(owner.room.jid)!
  room.config.presence = false
  let heard = 0
  for (let i = 0; i < 2000; i++) {
    room.affiliate(`u${i}@a.test`, 'member')
    const port = service.connect(`u${i}@a.test/r`)
    port.onStanza((stanza) => {
      if (probeOf(stanza) !== undefined) heard++
    })
    await port.send(presence({ to: `${owner.room.jid}/u${i}` }, element('x', 'http://jabber.org/protocol/muc')))
  }
  await service.clock.settle()
  await run(service, Promise.all(Array.from({ length: 50 }, async (_, i) => await owner.room.send(content(String(i))))))
  await service.clock.settle()
  expect(heard).toBe(100_000)
}, 100_000)

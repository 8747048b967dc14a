import { describe, expect, test } from 'vitest'
import type { Session, XmppService } from '../../src/testing/xmpp/index.ts'
import { MucRoom } from '../../src/xmpp/muc/muc-room.ts'
import { openRoom } from '../../src/xmpp/open-room.ts'
import type { Room, RoomEntry, RoomEvent } from '../../src/xmpp/room.ts'
import { type KeeperEvent, RoomKeeper } from '../../src/xmpp/room-keeper.ts'
import { RoomSync } from '../../src/xmpp/room-sync.ts'
import { iq, message, presence } from '../../src/xmpp/stanza/stanza.ts'
import { submission } from '../../src/xmpp/xep/xep-0004.ts'
import { buildMucOwner, mucRoomConfig } from '../../src/xmpp/xep/xep-0045.ts'
import { content, probeOf } from './conformance/backend.ts'
import { contextOf, make, run, seat } from './support.ts'

describe('the keeper of a seat', () => {
  const story = async (service: XmppService, trouble: (bob: Session) => Promise<void>, end = async () => {}) => {
    const alice = await seat(service, 'alice@a.test', 'r@conference.a.test')
    await run(service, alice.room.affiliate('bob@b.test', 'member'))
    const port = service.connect('bob@b.test')
    await port.send(presence({}))
    const context = contextOf(service, port)
    const room = await run(service, openRoom(alice.room.jid, context))
    const entries: RoomEntry[] = []
    const events: KeeperEvent[] = []
    const sync = new RoomSync(room, { consume: (entry) => void entries.push(entry) })
    const keeper = new RoomKeeper(room, sync, context, { pingEveryMs: 60_000, onEvent: (event) => events.push(event) })
    await run(service, keeper.start())
    await run(service, alice.room.send(content('1')))
    await trouble(port)
    if (!alice.room.joined) {
      alice.port.reconnect()
      await run(service, alice.room.join())
    }
    await run(service, alice.room.send(content('2')))
    await end()
    await service.clock.advance(400_000)
    await run(service, alice.room.send(content('3')))
    await service.clock.advance(1_000)
    keeper.stop()
    return { texts: entries.map(({ element: e }) => probeOf(e)), kinds: events.map(({ kind }) => kind), room, alice }
  }

  test('a cut of 30 seconds between the servers loses nothing', async () => {
    const service = make()
    const { texts, kinds } = await story(service, async () => {
      service.partition('a.test', 'b.test')
      // Somebody speaks into the cut: the room notices that the other server is gone.
      const other = service.connect('carol@a.test')
      await other.send(presence({}))
      await service.clock.advance(30_000)
      service.heal('a.test', 'b.test')
    })
    expect(texts).toEqual(['1', '2', '3'])
    expect(kinds.filter((kind) => kind === 'closed')).toEqual([])
  })

  test('a seat that was kept through a cut is not believed: the archive is read again', async () => {
    const service = make()
    // The room never hears that its messages did not arrive, so it keeps the seat.
    const stop = service.intercept((stanza, to) =>
      to.startsWith('bob@') && lost && stanza.name !== 'presence' ? undefined : stanza,
    )
    let lost = false
    const { texts, kinds } = await story(
      service,
      async () => {
        lost = true
        await service.clock.advance(200_000)
      },
      async () => {
        lost = false
        stop()
      },
    )
    expect(texts.sort()).toEqual(['1', '2', '3'])
    expect(kinds).toContain('retry')
    expect(kinds.at(-1)).toBe('live')
  })

  test('a restart of the room’s server is noticed by the self-ping', async () => {
    const service = make()
    const { texts, kinds } = await story(service, async () => service.restart('a.test'))
    expect(texts).toEqual(['1', '2', '3'])
    expect(kinds).toContain('live')
  })

  test('a lost connection is followed by a new join', async () => {
    const service = make()
    const { texts } = await story(service, async (bob) => {
      bob.disconnect()
      await service.clock.advance(5_000)
      bob.reconnect()
    })
    expect(texts).toEqual(['1', '2', '3'])
  })

  test('the banned do not come back', async () => {
    const service = make()
    const alice = await seat(service, 'alice@a.test', 'r@conference.a.test')
    const bob = await seat(service, 'bob@b.test', 'r@conference.a.test', alice.room)
    const events: KeeperEvent[] = []
    const sync = new RoomSync(bob.room, { consume: () => undefined })
    const keeper = new RoomKeeper(bob.room, sync, contextOf(service, bob.port), {
      onEvent: (event) => events.push(event),
    })
    await run(service, keeper.start())
    await run(service, alice.room.affiliate('bob@b.test', 'outcast'))
    await service.clock.advance(1_000_000)
    expect(events).toEqual([{ kind: 'closed', reason: 'banned' }])
    expect(bob.room.joined).toBe(false)
  })
})

describe('what a room must be', () => {
  const configured = async (site: string, values: Record<string, string>) => {
    const service = make()
    const { port, room } = await seat(service, `alice@${site}`, `r@conference.${site}`)
    await run(service, port.request(iq('set', { to: room.jid }, buildMucOwner(submission(mucRoomConfig, values)))))
    await run(service, room.affiliate(`bob@${site}`, 'member'))
    const bob = service.connect(`bob@${site}`)
    return await run(service, new MucRoom(room.jid, contextOf(service, bob)).join())
  }

  test('with archive and addresses it is entered', async () => {
    await expect(configured('a.test', {})).resolves.toBeUndefined()
  })

  test.each([
    ['a.test', 'mam'],
    ['b.test', 'muc#roomconfig_enablearchiving'],
  ])('without archive it is refused at %s', async (site, field) => {
    await expect(configured(site, { [field]: '0' })).rejects.toMatchObject({ code: 'xmpp/room_archive' })
  })

  test('semi-anonymous it is refused', async () => {
    const masked = configured('a.test', { 'muc#roomconfig_whois': 'moderators' })
    await expect(masked).rejects.toMatchObject({ code: 'xmpp/room_anonymous' })
  })
})

describe('the stream of a room', () => {
  const fill = async () => {
    const service = make()
    const alice = await seat(service, 'alice@a.test', 'r@conference.a.test')
    const bob = await seat(service, 'bob@a.test', 'r@conference.a.test', alice.room)
    return { service, alice, bob }
  }

  test('a consumer that fails holds the stream, and gets the same entry again', async () => {
    const { service, alice, bob } = await fill()
    const seen: string[] = []
    let broken = true
    const errors: unknown[] = []
    const sync = new RoomSync(bob.room, {
      consume: ({ element: e }) => {
        if (probeOf(e) === '2' && broken) throw new Error('disk full')
        seen.push(probeOf(e) ?? '')
      },
      onError: (error) => errors.push(error),
    })
    await run(service, sync.catchUp())
    for (const text of ['1', '2', '3']) await run(service, alice.room.send(content(text)))
    await service.clock.settle()
    expect(seen).toEqual(['1'])
    expect(errors.length).toBe(1)
    await expect(run(service, sync.catchUp())).rejects.toThrow('disk full')
    broken = false
    await run(service, sync.catchUp())
    await run(service, alice.room.send(content('4')))
    await service.clock.settle()
    expect(seen).toEqual(['1', '2', '3', '4'])
  })

  test('entries are consumed one after the other, also when the consumer is slow', async () => {
    const { service, alice, bob } = await fill()
    const log: string[] = []
    const sync = new RoomSync(bob.room, {
      consume: async ({ element: e }) => {
        log.push(`+${probeOf(e)}`)
        await new Promise<void>((resolve) => service.clock.after(50, resolve))
        log.push(`-${probeOf(e)}`)
      },
    })
    await run(service, sync.catchUp())
    for (const text of ['1', '2', '3']) await run(service, alice.room.send(content(text)))
    await run(service, sync.idle())
    expect(log).toEqual(['+1', '-1', '+2', '-2', '+3', '-3'])
  })

  test('where ids say nothing, a reread still knows what comes late', async () => {
    const service = make()
    const alice = await seat(service, 'alice@b.test', 'r@conference.b.test')
    const bob = await seat(service, 'bob@b.test', 'r@conference.b.test', alice.room)
    const seen: string[] = []
    const sync = new RoomSync(bob.room, {
      consume: ({ element: e }, late) => void seen.push(`${probeOf(e)}${late ? ' late' : ''}`),
    })
    await run(service, sync.catchUp())
    const stop = service.intercept((stanza, to) =>
      to.startsWith('bob@') && probeOf(stanza) === '2' ? undefined : stanza,
    )
    for (const text of ['1', '2', '3']) await run(service, alice.room.send(content(text)))
    stop()
    await run(service, sync.idle())
    const cursor = sync.cursor
    expect(await run(service, sync.reread(undefined))).toEqual({ kind: 'complete', entries: 1 })
    expect(seen).toEqual(['1', '3', '2 late'])
    expect(sync.cursor).toBe(cursor)
  })

  test('what a channel said while the archive was read is put in order where ids tell it', async () => {
    const listeners: ((event: RoomEvent) => void)[] = []
    const entry = (archiveId: string): RoomEntry => ({ archiveId, from: undefined, element: message({}), own: false })
    const room = {
      liveOrderIsFinal: false,
      precedes: (a: string, b: string) => Number(a) < Number(b),
      onEvent: (listener: (event: RoomEvent) => void) => listeners.push(listener),
      page: async () => {
        for (const id of ['5', '3', '4']) for (const tell of listeners) tell({ kind: 'message', entry: entry(id) })
        return { entries: [entry('1'), entry('2')], complete: true, stable: true }
      },
    } as unknown as Room
    const seen: string[] = []
    await new RoomSync(room, { consume: ({ archiveId }) => void seen.push(archiveId) }).catchUp()
    expect(seen).toEqual(['1', '2', '3', '4', '5'])
  })

  test('a closed room hears nothing more', async () => {
    const { service, alice, bob } = await fill()
    let heard = 0
    bob.room.onEvent(() => heard++)
    bob.room.close()
    await run(service, alice.room.send(content('x')))
    await service.clock.settle()
    expect(heard).toBe(0)
  })
})

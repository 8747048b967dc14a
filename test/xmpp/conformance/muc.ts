import { expect, test } from 'vitest'
import { openRoom } from '../../../src/xmpp/open-room.ts'
import { element } from '../../../src/xmpp/stanza/element.ts'
import { iq, presence } from '../../../src/xmpp/stanza/stanza.ts'
import { submission } from '../../../src/xmpp/xep/xep-0004.ts'
import { buildMucJoin, buildMucOwner, mucRoomConfig } from '../../../src/xmpp/xep/xep-0045.ts'
import { type Backend, enter, unique, until } from './backend.ts'
import { gather } from './room.ts'

export function mucTests(current: () => Backend): void {
  test('messages without text are archived only with the hint to store', async () => {
    const backend = current()
    const { rooms } = await gather(backend, unique('hints'))
    const sending = rooms[0]!.send([element('probe', 'urn:example:probe', {}, 'x')], { timeoutMs: 5_000 })
    await expect(sending).rejects.toMatchObject({ code: 'xmpp/unsupported' })
    expect((await rooms[0]!.page({})).entries).toEqual([])
  })

  test('a member whose standing is taken away is out', async () => {
    const backend = current()
    const [alice, bob] = [unique('alice'), unique('bob')]
    const { rooms } = await gather(backend, alice, bob)
    let reason: string | undefined
    rooms[1]!.onEvent((event) => {
      if (event.kind === 'removed') reason = event.reason
    })
    await rooms[0]!.affiliate(backend.jid(bob), 'none')
    await until(backend, () => reason !== undefined, 'the removal')
    expect(reason).toBe('affiliation')
    await expect(rooms[1]!.affiliate(backend.jid(alice), 'none')).rejects.toMatchObject({ code: 'xmpp/stanza_error' })
  })

  test('a self-ping tells whether the seat is still there', async () => {
    const backend = current()
    const { rooms } = await gather(backend, unique('pinger'))
    const room = rooms[0]!
    expect(await room.ping()).toBe('joined')
    await room.leave()
    await backend.wait(100)
    expect(await room.ping()).toBe('not-joined')
    await room.join()
    expect(await room.ping()).toBe('joined')
  })
  test('a room that hides addresses is refused with its reason', async () => {
    const backend = current()
    const client = await enter(backend, unique('alice'))
    const jid = backend.room(unique('masked'))
    const { port } = client.context
    await port.send(presence({ to: `${jid}/alice` }, buildMucJoin()))
    const form = submission(mucRoomConfig, { 'muc#roomconfig_whois': 'moderators' })
    await port.request(iq('set', { to: jid }, buildMucOwner(form)))
    const other = await enter(backend, unique('bob'))
    const masked = await openRoom(jid, other.context)
    await expect(masked.join()).rejects.toMatchObject({ code: 'xmpp/room_anonymous' })
    expect(masked.joined).toBe(false)
  })
}

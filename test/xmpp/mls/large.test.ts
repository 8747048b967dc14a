import { describe, expect, test } from 'vitest'
import type { XmppPort } from '../../../src/xmpp/index.ts'
import { listen, roomJid, World } from './world.ts'

const text = (length: number) => 'All work and no play. '.repeat(Math.ceil(length / 22)).slice(0, length)

/** The port without HTTP. */
function withoutFetch(port: XmppPort): XmppPort {
  return {
    jid: port.jid,
    send: (stanza) => port.send(stanza),
    request: (iq, options) => port.request(iq, options),
    onStanza: (listener) => port.onStanza(listener),
    ...(port.onState === undefined
      ? {}
      : { onState: (listener: Parameters<NonNullable<XmppPort['onState']>>[0]) => port.onState!(listener) }),
  }
}

describe.each([
  ['uploaded', true],
  ['in chunks', false],
])('large payloads %s', (_name, http) => {
  test('messages, Welcomes and trees arrive whole, live and from the archive', async () => {
    const world = new World(`large ${http}`)
    const settings = { keyPackages: 1, inlineLimit: 600 }
    const open = async (jid: string) => {
      const bare = await world.device(jid, { settings })
      if (http) return bare
      await bare.client.close()
      return { ...bare, ...(await world.device(jid, { settings, wrap: withoutFetch })) }
    }
    const alice = await open('alice@a.test/x')
    const [bob, carol] = [await open('bob@a.test/x'), await open('carol@a.test/x')]
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    const heard = listen(bobs)
    await garden.invite('carol@a.test')
    await garden.send(text(200_000))
    await garden.send('short')
    await world.until('both', () => heard.messages.length === 2)
    expect(heard.messages.map(({ body }) => body?.length).sort()).toEqual([200_000, 5])
    await world.until('the second invitation', () => carol.client.invitations.length === 1)
    const room = await carol.client.room(roomJid)
    const late = listen(room)
    await world.until('both from the archive', () => late.messages.length === 2)
    expect(late.messages[0]!.body).toBe(text(200_000))
    expect([...heard.unreadable, ...late.unreadable]).toEqual([])
    world.stop()
  })
})

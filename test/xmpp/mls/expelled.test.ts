import { describe, expect, test } from 'vitest'
import type { XmlElement } from '../../../src/xmpp/stanza/element.ts'
import { listen, roomJid, World } from './world.ts'

const isRoomMessage = (stanza: XmlElement): boolean =>
  stanza.name === 'message' && (stanza.attrs['from'] ?? '').startsWith(`${roomJid}/`)

async function two(seed: string) {
  const world = new World(seed)
  const alice = await world.device('alice@a.test/x')
  const bob = await world.device('bob@a.test/x')
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation', () => bob.client.invitations.length === 1)
  const bobs = await bob.client.room(roomJid)
  await world.until('bob is idle', () => bobs.idle)
  return { world, garden, bob, bobs }
}

describe('put out by the room', () => {
  test('who is put out before he could read why is told, and nothing that he wanted hangs', async () => {
    const { world, garden, bob, bobs } = await two('expelled')
    const stop = world.service.intercept((stanza, to) =>
      to === 'bob@a.test/x' && isRoomMessage(stanza) ? undefined : stanza,
    )
    const sending = Promise.allSettled([bobs.update(), bobs.send('lost')])
    await garden.remove('bob@a.test')
    await world.until('bob knows', () => bobs.health.state === 'expelled')
    for (const outcome of await sending)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'xmpp/expelled' } })
    await expect(bobs.send('later')).rejects.toMatchObject({ code: 'xmpp/expelled' })
    await expect(bobs.update()).rejects.toMatchObject({ code: 'xmpp/expelled' })
    expect(bobs.idle).toBe(true)
    stop()
    // an invitation ends it, in the same room object
    const heard = listen(bobs)
    await garden.invite('bob@a.test')
    await world.until('bob is back', () => bobs.health.state === 'active')
    await garden.send('here again')
    await world.until('the message', () => heard.messages.length === 1)
    expect(bobs.epochAuthenticator).toEqual(garden.epochAuthenticator)
    expect(bob.client.invitations).toEqual([])
    world.stop()
  })

  test('who is kicked may still read the archive, and stays out', async () => {
    const { world, bobs } = await two('kicked')
    world.service.site(roomJid).muc.rooms.get(roomJid)?.expel('bob@a.test', [307])
    await world.until('bob knows', () => bobs.health.state === 'expelled')
    await expect(bobs.send('hello?')).rejects.toMatchObject({ code: 'xmpp/expelled' })
    // until the person wants to come back
    await bobs.rejoin()
    expect(bobs.health.state).toBe('active')
    world.stop()
  })
})

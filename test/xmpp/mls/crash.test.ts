import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../../src/bytes/text.ts'
import { diskFaults } from '../../../src/testing/storage/simulated-disk.ts'
import type { XmppPort } from '../../../src/xmpp/index.ts'
import { mlsElementIn } from '../../../src/xmpp/mls/items.ts'
import { parseEncrypted } from '../../../src/xmpp/mls/wire/encrypted.ts'
import { live } from './crash-life.ts'
import { bodies, copyOf, listen, muting, roomJid, World } from './world.ts'

test('what was stored and not sent when the power failed goes out after the start: the same bytes, once', async () => {
  const world = new World('unsent')
  const line = { muted: false }
  const wrap = (port: XmppPort) => muting(port, () => line.muted)
  const alice = await world.device('alice@a.test/x', { wrap })
  const bob = await world.device('bob@a.test/x')
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation', () => bob.client.invitations.length === 1)
  const bobs = await bob.client.room(roomJid)
  const heard = listen(bobs)
  await garden.send('heard')
  await world.until('it', () => heard.messages.length === 1)
  line.muted = true
  const texts = ['one', 'two', 'three']
  for (const text of texts) garden.send(text).catch(() => undefined)
  garden.update().catch(() => undefined)
  await world.wait(500)
  const stored = garden.session.state.outbox.map(({ bytes }) => toHex(bytes))
  expect(stored).toHaveLength(3)
  const { epoch } = bobs.health
  // what the process does from here on reaches no disk and no server
  const medium = copyOf(alice.medium)
  alice.port.disconnect()
  await alice.client.close()
  line.muted = false
  const arrived: string[] = []
  const stop = world.service.intercept((stanza, to) => {
    if (to !== 'bob@a.test/x') return stanza
    const payload = parseEncrypted(mlsElementIn(stanza))?.payload
    if (payload?.kind === 'inline') arrived.push(toHex(payload.bytes))
    return stanza
  })
  const again = await world.device('alice@a.test/x', { medium, wrap })
  const room = await again.client.room(roomJid)
  await world.until('the commit', () => bobs.health.epoch !== epoch)
  await world.until('all', () => heard.messages.length >= 4)
  await world.wait(60_000)
  expect(bodies(heard.messages)).toEqual(['heard', ...texts])
  expect(arrived).toEqual(stored)
  expect(bobs.health.epoch).toBe((epoch ?? 0n) + 1n)
  expect(room.session.state).toMatchObject({ outbox: [], attempt: undefined, intents: [] })
  stop()
  world.stop()
})

describe('a room through crashes', () => {
  test('its life is long enough, and right without a crash', async () => {
    const { violations, crashed, operations, seals } = await live()
    expect([violations, crashed]).toEqual([[], false])
    expect(operations).toBeGreaterThan(100)
    expect(seals).toBeGreaterThan(20)
  }, 30_000)

  test('whenever and however the disk fails: nothing is lost, doubled, encrypted twice or stuck', async () => {
    const crash = fc.record({
      fault: fc.constantFrom(...diskFaults),
      at: fc.integer({ min: 1, max: 120 }),
      mute: fc.integer({ min: 0, max: 12 }),
    })
    await fc.assert(
      fc.asyncProperty(crash, async (one) => {
        expect((await live(one)).violations).toEqual([])
      }),
      { numRuns: 12 },
    )
  }, 120_000)
})

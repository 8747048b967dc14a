import { describe, expect, test } from 'vitest'
import { roomJid } from '../mls/world.ts'
import { Town } from './town.ts'

describe('an identity', () => {
  test('create, restart, publish', async () => {
    const town = new Town('create')
    const phone = await town.phone('alice@a.test/phone')
    expect(phone.identity.status.deviceState).toBe('FRESH')
    const { recoveryCode } = await phone.identity.create()
    expect(recoveryCode.split(/[ -]/)).toHaveLength(9)
    expect(phone.identity.status).toMatchObject({
      deviceState: 'ACTIVE',
      rootState: 'CREATED',
      published: true,
      seq: 1n,
    })
    await phone.identity.codeSaved()
    await phone.close()
    const again = await town.phone('alice@a.test/phone', { medium: phone.medium })
    expect(again.identity.status).toMatchObject({
      deviceState: 'ACTIVE',
      rootState: 'HELD',
      published: true,
      steward: true,
    })
    await expect(again.identity.create()).rejects.toMatchObject({ code: 'identity/state' })
    town.stop()
  })

  test('contacts are pinned, rooms show trust', async () => {
    const town = new Town('rooms')
    const alice = await town.phone('alice@a.test/phone')
    const bob = await town.phone('bob@a.test/phone')
    expect((await alice.identity.contact('bob@a.test')).state).toBe('UNKNOWN')
    await alice.identity.create()
    await bob.identity.create()
    const [a, b] = [await alice.mls(), await bob.mls()]
    const seen = await alice.identity.contact('bob@a.test')
    expect(seen.state).toBe('TOFU')
    expect(seen.devices.map(({ device }) => device)).toEqual([b.device])
    const garden = await a.room(roomJid)
    await garden.invite('bob@a.test')
    await town.until('the invitation', () => b.invitations.length === 1)
    const bobs = await b.room(roomJid)
    expect(garden.devices().map(({ trust, own }) => [own, trust])).toEqual([
      [true, 'verified'],
      [false, 'unverified'],
    ])
    const heard: string[] = []
    garden.on('message', ({ body }) => heard.push(body ?? ''))
    await bobs.send('hello')
    await town.until('the message', () => heard.includes('hello'))
    expect([...alice.errors, ...bob.errors]).toEqual([])
    town.stop()
  })
})

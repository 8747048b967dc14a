import { describe, expect, test } from 'vitest'
import { noFaults, SeededRandom } from '../../../src/testing/xmpp/index.ts'
import type { MlsRoom } from '../../../src/xmpp/index.ts'
import { type Device, listen, roomJid, World } from './world.ts'

interface Member {
  readonly name: string
  device: Device
  room: MlsRoom
  heard: ReturnType<typeof listen>
  /** Whether it ran without a stop, so that it must have been told everything. */
  whole: boolean
}

/** A story of one seed: faults on every stream, commits, stops, lost connections; then quiet. */
async function story(seed: number): Promise<void> {
  const world = new World(`chaos ${seed}`, { 'a.test': seed % 2 === 0 ? 'prosody' : 'ejabberd' })
  const random = new SeededRandom(`story ${seed}`)
  const names = ['alice', 'bob', 'carol', 'dave']
  const members: Member[] = []
  for (const name of names) {
    const device = await world.device(`${name}@a.test/x`, { settings: { keyPackages: 1 } })
    if (members[0] !== undefined) {
      await members[0].room.invite(`${name}@a.test`)
      await world.until('the invitation', () => device.client.invitations.length === 1)
    }
    const room = await device.client.room(roomJid)
    members.push({ name, device, room, heard: listen(room), whole: true })
  }
  world.service.faults = { ...noFaults, drop: 0.1, duplicate: 0.1, reorder: 0.1, delay: [0, 60] }
  const sent: string[] = []
  for (let i = 0; i < 40; i++) {
    const member = members[Math.floor(random.between(0, 4)) % 4]!
    const dice = Math.floor(random.between(0, 20))
    if (dice < 11) {
      const body = `${member.name} ${i}`
      member.room.send(body).then(
        () => sent.push(body),
        () => undefined,
      )
    } else if (dice < 15) member.room.update().catch(() => undefined)
    else if (dice < 17) {
      member.device.port.suspend()
      await world.wait(random.between(10, 3000))
      member.device.port.resume()
    } else if (dice < 19 && member.name !== 'alice') {
      member.whole = false
      await member.device.client.close()
      member.device.port.disconnect()
      await world.wait(random.between(10, 5000))
      member.device = await world.device(`${member.name}@a.test/x`, { medium: member.device.medium })
      member.room = await member.device.client.room(roomJid)
      member.heard = listen(member.room)
    }
    await world.wait(random.between(0, 400))
  }
  world.service.faults = noFaults
  const rooms = members.map(({ room }) => room)
  const quiet = async (): Promise<void> => {
    for (const room of rooms) await room.synchronise()
  }
  await quiet()
  await world.until(`seed ${seed} quiet`, () => rooms.every(({ idle }) => idle))
  await quiet()
  expect(new Set(rooms.map(({ epochAuthenticator }) => epochAuthenticator.join())).size).toBe(1)
  for (const { heard, room, name, whole } of members) {
    expect(room.health, `${name} of seed ${seed}`).toMatchObject({ state: 'active', canSend: true, issues: [] })
    expect(heard.unreadable).toEqual([])
    expect(heard.errors.filter(({ kind }) => kind === 'internal' || kind === 'storage')).toEqual([])
    const texts = heard.messages.map(({ body }) => body)
    expect(new Set(texts).size).toBe(texts.length)
    if (whole)
      expect([...texts].sort()).toEqual(expect.arrayContaining(sent.filter((body) => !body.startsWith(name)).sort()))
  }
  for (const { device } of members) await device.client.close()
  world.stop()
}

describe('chaos', () => {
  test.each([1, 2, 3, 4, 5, 6])('seed %i ends in agreement, nothing lost or shown twice', story)
})

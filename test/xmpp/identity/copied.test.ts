/** An old copy of the storage of a device with an identity is put back. */
import { describe, expect, test } from 'vitest'
import { toHex } from '../../../src/bytes/text.ts'
import { deviceOf } from '../../../src/xmpp/index.ts'
import { copyOf, listen, roomJid } from '../mls/world.ts'
import { linked, Town } from './town.ts'

/** The device of a test talks with bob; its storage is copied, it goes on, and then the copy is put back. */
async function copied(seed: string, steward: boolean) {
  const town = new Town(seed)
  const first = await town.phone('alice@a.test/first')
  await first.identity.create()
  const device = steward ? first : await linked(town, first, 'alice@a.test/second')
  const bob = await town.phone('bob@a.test/phone')
  await bob.identity.create()
  await (await bob.identity.digits('alice@a.test')).confirm()
  const [mls, bobs] = [await device.mls(), await bob.mls()]
  const garden = await mls.room(roomJid)
  await garden.invite('bob@a.test')
  await town.until('the invitation', () => bobs.invitations.length === 1)
  const atBob = await bobs.room(roomJid)
  await town.until('quiet', () => garden.idle && atBob.devices().every(({ own, trust }) => own || trust === 'verified'))
  const backup = copyOf(device.medium)
  await garden.send('later')
  await garden.send('later still')
  await town.until('quiet', () => garden.idle)
  await device.close()
  const again = await town.phone(device.jid, { medium: backup })
  const room = await (await again.mls()).room(roomJid)
  const keyAtBob = () => {
    const members = [...(atBob.session.state.group?.members() ?? [])]
    const found = members.find(({ credential }) => deviceOf(credential)?.account === 'alice@a.test')
    return toHex(found!.signatureKey)
  }
  return { town, first, again, bob, atBob, room, keyAtBob }
}

describe('a copy of a device with an identity', () => {
  test('a steward shows CLONED, takes a new key with a new certificate, and goes on as verified', async () => {
    const { town, again, bob, atBob, room, keyAtBob } = await copied('steward', true)
    await town.until('the copy is noticed', () => again.identity.status.deviceState === 'CLONED')
    expect(again.identity.status.deviceSentence).toMatch(/copied/)
    const before = keyAtBob()
    await room.rejoin()
    expect(again.identity.status).toMatchObject({ deviceState: 'ACTIVE', published: true })
    await town.until('the new leaf', () => keyAtBob() !== before)
    const heard = listen(atBob)
    await room.send('here again')
    await town.until('it', () => heard.messages.some(({ body }) => body === 'here again'))
    await town.until('it is trusted', () => atBob.devices().every(({ own, trust }) => own || trust === 'verified'))
    expect((await bob.identity.contact('alice@a.test')).state).toBe('VERIFIED')
    expect(again.identity.status.devices).toHaveLength(1)
    expect([...again.alarms, ...again.errors, ...bob.errors]).toEqual([])
    // the new key outlives the process, and once is enough
    const key = keyAtBob()
    await again.close()
    const third = await town.phone(again.jid, { medium: again.medium })
    const same = await (await third.mls()).room(roomJid)
    await same.update()
    expect([keyAtBob(), third.identity.status.deviceState]).toEqual([key, 'ACTIVE'])
    town.stop()
  })

  test('a device that is no steward keeps its key, since nobody is there to certify another', async () => {
    const { town, again, atBob, room, keyAtBob } = await copied('no steward', false)
    await town.until('the copy is noticed', () => again.identity.status.deviceState === 'CLONED')
    const before = keyAtBob()
    await room.rejoin()
    await town.until('the same epoch', () => atBob.health.epoch === room.health.epoch)
    expect([keyAtBob(), again.identity.status.deviceState]).toEqual([before, 'PROBATION'])
    await room.send('here again')
    town.stop()
  })
})

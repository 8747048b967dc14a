/** The key with which stewards sign ends after 400 days: where the root is at hand nobody notices, else the code is asked for. */
import { expect, test } from 'vitest'
import { omemoStatement } from '../../../src/identity.ts'
import { linked, Town } from './town.ts'

const day = 86_400_000
const statement = (byte: number) => omemoStatement(1, new Uint8Array(32).fill(byte))

test('a device that holds the root renews the key by itself; other stewards go on with what they hold', async () => {
  const town = new Town('renewal, casual')
  const phone = await town.phone('alice@a.test/phone')
  await phone.identity.create()
  await phone.identity.codeSaved()
  const laptop = await linked(town, phone, 'alice@a.test/laptop', { steward: true })
  const bob = await town.phone('bob@a.test/phone')
  await bob.identity.create()
  await (await bob.identity.digits('alice@a.test')).confirm()
  const first = phone.identity.status.signsUntil!
  expect(first.getTime() - town.service.clock.now()).toBeGreaterThan(399 * day)
  expect(first.getTime() - town.service.clock.now()).toBeLessThanOrEqual(400 * day)
  for (let days = 0; days < 420; days += 30) {
    await town.service.clock.advance(30 * day)
    for (const one of [phone, laptop]) await one.identity.audit()
  }
  expect(phone.identity.status.renewalDue).toBe(false)
  expect(phone.identity.status.signsUntil!.getTime()).toBeGreaterThan(first.getTime() + 300 * day)
  expect(laptop.identity.status.deviceState).toBe('ACTIVE')
  await laptop.identity.vouch(statement(1))
  await bob.identity.refresh('alice@a.test')
  expect(await bob.identity.contact('alice@a.test')).toMatchObject({ state: 'VERIFIED', statements: [statement(1)] })
  for (const one of [phone, laptop]) expect(one.alarms).toEqual([])
  town.stop()
})

test('without the root the owner is told, and the recovery code renews it', async () => {
  const town = new Town('renewal, strict')
  const phone = await town.phone('alice@a.test/phone')
  const { recoveryCode } = await phone.identity.create({ profile: 'strict' })
  await phone.identity.codeSaved()
  const bob = await town.phone('bob@a.test/phone')
  const bobs = await bob.identity.create()
  await (await bob.identity.digits('alice@a.test')).confirm()
  const first = phone.identity.status.signsUntil!
  for (let days = 0; days < 330; days += 30) {
    await town.service.clock.advance(30 * day)
    await phone.identity.audit()
    expect(phone.identity.status.renewalDue).toBe(false)
  }
  await town.service.clock.advance(20 * day)
  await phone.identity.audit()
  expect(phone.identity.status).toMatchObject({ renewalDue: true, signsUntil: first })
  await expect(phone.identity.renew(bobs.recoveryCode)).rejects.toMatchObject({ code: 'identity_backup/secret' })
  expect(phone.identity.status.signsUntil).toEqual(first)
  await phone.identity.renew(recoveryCode)
  expect(phone.identity.status).toMatchObject({ renewalDue: false, published: true, generation: 0 })
  expect(phone.identity.status.signsUntil!.getTime()).toBeGreaterThan(first.getTime() + 300 * day)
  await town.service.clock.advance(100 * day)
  await phone.identity.audit()
  await phone.identity.vouch(statement(2))
  await bob.identity.refresh('alice@a.test')
  expect(await bob.identity.contact('alice@a.test')).toMatchObject({ state: 'VERIFIED', statements: [statement(2)] })
  expect(phone.alarms).toEqual([])
  town.stop()
})

test('a device that is no steward renews nothing', async () => {
  const town = new Town('renewal, no steward')
  const phone = await town.phone('alice@a.test/phone')
  const { recoveryCode } = await phone.identity.create()
  await phone.identity.codeSaved()
  const laptop = await linked(town, phone, 'alice@a.test/laptop')
  expect(laptop.identity.status.renewalDue).toBe(false)
  await expect(laptop.identity.renew(recoveryCode)).rejects.toMatchObject({ code: 'identity/state' })
  town.stop()
})

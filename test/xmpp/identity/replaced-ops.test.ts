/** The operational key was replaced because a steward was stolen: what its thief signs later stands for nothing. */
import { describe, expect, test } from 'vitest'
import { nextManifest } from '../../../src/identity/account.ts'
import { deviceFlags } from '../../../src/identity/device-entry.ts'
import { type VerifiedManifest, verifyManifest } from '../../../src/identity/manifest.ts'
import { omemoStatement } from '../../../src/identity.ts'
import { keySigner } from '../../../src/signed/signer.ts'
import { Directory } from '../../../src/xmpp/identity/directory.ts'
import { IdentityStore } from '../../../src/xmpp/identity/store.ts'
import { defaultSuite } from '../../../src/xmpp/mls/open-device.ts'
import { linked, type Phone, Town } from './town.ts'

const suite = await defaultSuite()
const account = 'alice@a.test'

/** Three stewards out of probation, and a contact who has compared. */
async function household(seed: string) {
  const town = new Town(seed)
  const phone = await town.phone(`${account}/phone`)
  await phone.identity.create()
  const laptop = await linked(town, phone, `${account}/laptop`, { steward: true })
  const tablet = await linked(town, phone, `${account}/tablet`, { steward: true })
  await town.wait(25 * 3_600_000)
  for (const one of [phone, laptop, tablet, phone]) await one.identity.audit()
  const bob = await town.phone('bob@a.test/phone')
  await bob.identity.create()
  await (await bob.identity.digits(account)).confirm()
  return { town, phone, laptop, tablet, bob }
}

/** The keys of a device, as they are before it learns that it was removed. */
async function robbed(device: Phone) {
  const stored = await new IdentityStore(device.storage, suite).own()
  const last = verifyManifest(suite, stored!.manifest!)
  const deviceId = last.devices.at(-1)!.deviceId
  const signer = { kind: 'ops', ops: keySigner(suite, stored!.ops!), by: deviceId } as const
  const ghost = {
    deviceId: new Uint8Array(16).fill(9),
    leafKeys: [suite.generateSignatureKeyPair().publicKey],
    flags: deviceFlags.steward,
    encLabel: new Uint8Array(0),
  }
  return {
    /** A manifest that lists a ghost, beside what the owner does. */
    forge: async (): Promise<VerifiedManifest> => {
      const add = { kind: 'add_device', device: ghost, probation: false } as const
      return (await nextManifest(suite, signer, last, [add], last.issuedAt)).manifest
    },
    /** A manifest that removes everybody else. */
    purge: async (): Promise<VerifiedManifest> => {
      const gone = last.devices.slice(0, -1)
      const changes = gone.map(({ deviceId: id }) => ({ kind: 'remove_device', deviceId: id, reason: 'lost' }) as const)
      return (await nextManifest(suite, signer, last, changes, last.issuedAt)).manifest
    },
    ghost: Buffer.from(ghost.deviceId).toString('hex'),
    directory: new Directory(device.port, suite),
  }
}

describe('an operational key that was replaced', () => {
  test('lists no ghost, however late and beside what its thief publishes', async () => {
    const { town, phone, tablet, bob } = await household('ghost')
    const thief = await robbed(tablet)
    await phone.identity.removeDevice(tablet.identity.status.device, { reason: 'lost' })
    for (let i = 0; i < 3; i++) await phone.identity.vouch(omemoStatement(i, new Uint8Array(32).fill(i)))
    const forged = await thief.forge()
    await thief.directory.logManifest(forged)
    await thief.directory.publishCurrent(forged)
    await phone.identity.audit()
    await bob.identity.refresh(account)
    const listed = (one: Phone) =>
      one === bob
        ? bob.identity.contacts.find((contact) => contact.account === account)!.devices
        : one.identity.status.devices
    for (const one of [phone, bob]) expect(listed(one).map(({ device }) => device)).not.toContain(thief.ghost)
    expect((await bob.identity.contact(account)).state).toBe('VERIFIED')
    expect(phone.identity.status).toMatchObject({ published: true, steward: true })
    town.stop()
  })

  test('does not remove those who have the new one', async () => {
    const { town, phone, tablet, bob } = await household('purge')
    const thief = await robbed(tablet)
    await phone.identity.removeDevice(tablet.identity.status.device, { reason: 'lost' })
    const forged = await thief.purge()
    await thief.directory.logManifest(forged)
    await thief.directory.publishCurrent(forged)
    await phone.identity.audit()
    expect(phone.identity.status).toMatchObject({ deviceState: 'ACTIVE', steward: true, published: true })
    expect(phone.alarms).toEqual(['misused'])
    await bob.identity.refresh(account)
    expect(
      bob.identity.contacts.find((contact) => contact.account === account)!.devices.map(({ device }) => device),
    ).toContain(phone.identity.status.device)
    town.stop()
  })

  test('a steward that publishes at the same moment makes no error and no alarm', async () => {
    for (const seed of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const { town, phone, laptop, tablet, bob } = await household(`moment ${seed}`)
      town.service.faults = { ...town.service.faults, delay: [0, 300], applies: ({ name }) => name === 'iq' }
      await Promise.all([
        phone.identity.removeDevice(tablet.identity.status.device, { reason: 'lost' }),
        laptop.identity.vouch(omemoStatement(7, new Uint8Array(32).fill(7))).catch((error: unknown) => {
          // it read the new list, before it signed or after
          expect(error).toMatchObject({ code: 'identity/state' })
        }),
      ])
      town.service.faults = { ...town.service.faults, delay: [0, 0] }
      for (const one of [phone, laptop, phone, laptop]) await one.identity.audit()
      expect(laptop.identity.status).toMatchObject({ deviceState: 'ACTIVE', steward: false })
      expect(laptop.identity.status.seq).toBe(phone.identity.status.seq)
      expect([...phone.alarms, ...laptop.alarms, ...phone.errors, ...laptop.errors]).toEqual([])
      await bob.identity.refresh(account)
      expect((await bob.identity.contact(account)).state).toBe('VERIFIED')
      // linked again it is what it was
      const link = await laptop.identity.link('laptop')
      const approval = await phone.identity.review(link.text)
      await approval.approve(link.showCode(approval.challenge), { steward: true })
      await link.done
      expect(laptop.identity.status.steward).toBe(true)
      town.stop()
    }
  })
})

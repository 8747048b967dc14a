/** A thief of the operational key dates a list far ahead: whoever went on from it would publish what nobody believes. */
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
const day = 86_400n
const statement = omemoStatement(1, new Uint8Array(32).fill(5))

const ghost = {
  deviceId: new Uint8Array(16).fill(9),
  leafKeys: [suite.generateSignatureKeyPair().publicKey],
  flags: deviceFlags.steward,
  encLabel: new Uint8Array(0),
}
const ghostName = Buffer.from(ghost.deviceId).toString('hex')

/** An owner with one device, a contact who has compared, and a thief who has copied what the device holds. */
async function robbed(seed: string) {
  const town = new Town(seed)
  const phone = await town.phone(`${account}/phone`)
  const { recoveryCode } = await phone.identity.create()
  await phone.identity.codeSaved()
  await phone.identity.vouch(omemoStatement(9, new Uint8Array(32)))
  const bob = await town.phone('bob@a.test/phone')
  await bob.identity.create()
  await (await bob.identity.digits(account)).confirm()
  const stored = await new IdentityStore(phone.storage, suite).own()
  const last = verifyManifest(suite, stored!.manifest!)
  const signer = { kind: 'ops', ops: keySigner(suite, stored!.ops!), by: last.devices[0]!.deviceId } as const
  const directory = new Directory(phone.port, suite)
  const add = { kind: 'add_device', device: ghost, probation: false } as const
  const later = last.issuedAt + 60n * day
  const ahead = (await nextManifest(suite, signer, last, [add], later)).manifest
  const publish = async (manifest: VerifiedManifest): Promise<void> => {
    await directory.logManifest(manifest)
    await directory.publishCurrent(manifest)
  }
  return { town, phone, bob, recoveryCode, last, ahead, directory, publish }
}

const listed = (devices: readonly { readonly device: string }[]): readonly string[] =>
  devices.map(({ device }) => device)

async function atBob(bob: Phone) {
  await bob.identity.refresh(account)
  return bob.identity.contact(account)
}

const now = (town: Town): bigint => BigInt(Math.floor(town.service.clock.now() / 1000))

async function newest(directory: Directory): Promise<VerifiedManifest> {
  return verifyManifest(suite, (await directory.current(account))!)
}

describe('a list that is dated ahead', () => {
  test('is taken by no contact and continued by no own device, which tells of it', async () => {
    const { town, phone, bob, ahead, directory, publish } = await robbed('ahead')
    await publish(ahead)
    expect(listed((await atBob(bob)).devices)).not.toContain(ghostName)
    await phone.identity.audit()
    expect(phone.alarms).toEqual(['ahead'])
    expect(listed(phone.identity.status.devices)).not.toContain(ghostName)
    expect(phone.identity.status.published).toBe(true)
    await phone.identity.vouch(statement)
    expect((await newest(directory)).issuedAt).toBeLessThanOrEqual(now(town))
    const seen = await atBob(bob)
    expect(seen).toMatchObject({ state: 'VERIFIED', statements: [statement] })
    expect(phone.alarms).toEqual(['ahead'])
    town.stop()
  })

  test('does not hide a recovery, though it is shown as current', async () => {
    const { town, phone, bob, ahead, directory, publish, recoveryCode } = await robbed('hidden')
    await publish(ahead)
    await phone.identity.recover(recoveryCode)
    const own = phone.identity.status
    phone.identity.close()
    await directory.publishCurrent(ahead)
    const seen = await atBob(bob)
    expect(seen).toMatchObject({ state: 'VERIFIED', generation: 1 })
    expect(listed(seen.devices)).toEqual([own.device])
    town.stop()
  })

  test.each(['with the log', 'without a log'])('a new device recovers the account, %s', async (name) => {
    const { town, phone, bob, last, ahead, directory, publish, recoveryCode } = await robbed(name)
    phone.identity.close()
    await publish(ahead)
    if (name === 'without a log') {
      const { manifests } = await directory.read(account)
      await directory.prune(
        manifests.map((one) => verifyManifest(suite, one)).filter(({ issuedAt }) => issuedAt < ahead.issuedAt),
      )
    }
    const fresh = await town.phone(`${account}/new`)
    await fresh.identity.recover(recoveryCode)
    expect(fresh.identity.status).toMatchObject({ generation: 1, published: true, steward: true })
    const first = await newest(directory)
    expect(first.seq).toBe(name === 'with the log' ? last.seq + 1n : ahead.seq + 1n)
    expect(first.issuedAt).toBeLessThanOrEqual(now(town))
    await fresh.identity.vouch(statement)
    const seen = await atBob(bob)
    expect(seen).toMatchObject({ state: 'VERIFIED', generation: 1, statements: [statement] })
    expect(listed(seen.devices)).toEqual([fresh.identity.status.device])
    town.stop()
  })

  test('that a device went on from before is left by a recovery, not by a rotation', async () => {
    const { town, phone, bob, last, ahead, publish, recoveryCode } = await robbed('poisoned')
    await publish(ahead)
    await phone.close()
    const store = new IdentityStore(phone.storage, suite)
    const stored = await store.own()
    await store.saveOwn({ ...stored!, manifest: ahead.bytes, history: [...stored!.history, last.bytes] })
    const again = await town.phone(`${account}/phone`, { medium: phone.medium })
    expect(listed(again.identity.status.devices)).toContain(ghostName)
    expect((await again.identity.contact(account)).findings.map(({ kind }) => kind)).toContain('ahead')
    await expect(again.identity.rotate(recoveryCode)).rejects.toMatchObject({ code: 'identity/future' })
    await again.identity.recover(recoveryCode)
    expect(listed(again.identity.status.devices)).toEqual([again.identity.status.device])
    expect(await atBob(bob)).toMatchObject({ state: 'VERIFIED', generation: 1 })
    town.stop()
  })

  test('two own devices with different clocks do not publish against one another for ever', async () => {
    const { town, phone } = await robbed('clocks')
    const laptop = await linked(town, phone, `${account}/laptop`, { steward: true })
    await town.wait(25 * 3_600_000)
    for (const one of [phone, laptop, phone]) await one.identity.audit()
    await laptop.close()
    const { clock } = town.service
    const timers = { now: () => clock.now() - 3 * 86_400_000, after: clock.after.bind(clock) }
    const slow = await town.phone(`${account}/laptop`, { medium: laptop.medium, ports: { timers } })
    await phone.identity.vouch(statement)
    let published = 0
    town.service.faults = {
      ...town.service.faults,
      applies: (stanza) => {
        if (JSON.stringify(stanza).includes(':manifest"')) published++
        return false
      },
    }
    await town.wait(3_600_000)
    expect(slow.identity.status.seq).toBeLessThan(phone.identity.status.seq!)
    expect((await slow.identity.contact(account)).findings.map(({ kind }) => kind)).toContain('ahead')
    expect(published).toBeGreaterThan(0)
    const settled = published
    await town.wait(3_600_000)
    expect(published - settled).toBeLessThan(8)
    expect(phone.identity.status.published).toBe(true)
    town.stop()
  })

  test('a clock that is behind begins no new generation', async () => {
    const { town, phone, recoveryCode } = await robbed('1970')
    phone.identity.close()
    const { clock } = town.service
    const timers = { now: () => clock.now() - 300 * 86_400_000, after: clock.after.bind(clock) }
    const fresh = await town.phone(`${account}/new`, { ports: { timers } })
    await expect(fresh.identity.recover(recoveryCode)).rejects.toMatchObject({ code: 'identity/future' })
    await expect(fresh.identity.restore({ recoveryCode })).rejects.toMatchObject({ code: 'identity/future' })
    town.stop()
  })
})

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { crossStatementKinds } from '../../../src/identity/cross-statement.ts'
import {
  IdentityClient,
  type IdentityFinding,
  identityNodes,
  omemoStatement,
  openPgpStatement,
} from '../../../src/identity.ts'
import { MemoryMedium, openMemoryStorage } from '../../../src/storage/memory.ts'
import { type ClientSettings, MlsClient } from '../../../src/xmpp/index.ts'
import { keyPackagesNode } from '../../../src/xmpp/mls/wire/namespace.ts'
import { fetchPep } from '../../../src/xmpp/pep/pep-fetch.ts'
import { configureNode, isConfigured, readNodeConfig } from '../../../src/xmpp/pep/pep-node.ts'
import type { XmppPort } from '../../../src/xmpp/port.ts'
import { appear, type Backend, unique, until } from '../conformance/backend.ts'
import { walkedLog } from './walked-log.ts'

interface Opened {
  readonly port: XmppPort
  readonly identity: IdentityClient
  readonly findings: IdentityFinding[]
  readonly alarms: string[]
  mls(settings?: Partial<ClientSettings>): Promise<MlsClient>
  close(): Promise<void>
}

/** A device with an identity client on a backend. */
async function open(backend: Backend, user: string, resource: string, time = { ahead: 0 }): Promise<Opened> {
  const connection = await backend.connect(user, resource)
  await appear(connection)
  const { port, timers, random } = connection.context
  const storage = await openMemoryStorage({ medium: new MemoryMedium(), randomBytes })
  // the clock of the device, which may be ahead of the server's
  const ports = { timers: { now: () => timers.now() + time.ahead, after: timers.after.bind(timers) }, random }
  const identity = await IdentityClient.open({ xmpp: port, storage, ports })
  const [findings, alarms]: [IdentityFinding[], string[]] = [[], []]
  identity.on('finding', (one) => findings.push(one))
  identity.on('alarm', ({ kind }) => alarms.push(kind))
  let client: MlsClient | undefined
  return {
    port,
    identity,
    findings,
    alarms,
    async mls(settings = {}) {
      client = await MlsClient.open({
        xmpp: port,
        storage,
        ports,
        identity,
        settings: { keyPackages: 2, slotMs: 300, ...settings },
      })
      return client
    },
    async close() {
      await client?.close()
      identity.close()
      await connection.close()
    },
  }
}

/** Links a device over the server, as two people would by their eyes. */
async function link(steward: Opened, device: Opened): Promise<void> {
  const asking = await device.identity.link('laptop')
  const approval = await steward.identity.review(asking.text)
  await approval.approve(asking.showCode(approval.challenge), { steward: true })
  await asking.done
}

/** What identities do on every backend alike. */
export function identityConformance(name: string, start: () => Promise<Backend>): void {
  describe(`identity: ${name}`, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await start()
    }, 60_000)
    afterAll(async () => {
      await backend?.close()
    })

    test('create and publish: a stranger reads list and log, nobody else the backup; closed nodes are mended', async () => {
      const user = unique('alice')
      const jid = backend.jid(user)
      const alice = await open(backend, user, 'phone')
      await alice.identity.create()
      expect(alice.identity.status).toMatchObject({ deviceState: 'ACTIVE', published: true })
      const stranger = await backend.connect(unique('stranger'), 'r')
      await appear(stranger)
      const { port } = stranger.context
      for (const node of [identityNodes.manifest, identityNodes.log, identityNodes.certificates]) {
        const found = await fetchPep(port, jid, node)
        expect([node, found.kind === 'items' && found.items.length > 0]).toEqual([node, true])
      }
      const secret = await fetchPep(port, jid, identityNodes.backup)
      expect(secret.kind === 'items' && secret.items.length > 0).toBe(false)
      expect(isConfigured(await readNodeConfig(alice.port, identityNodes.backup), 'whitelist')).toBe(true)
      await configureNode(alice.port, identityNodes.manifest, 'whitelist')
      const closed = await fetchPep(port, jid, identityNodes.manifest)
      expect(closed.kind === 'items' && closed.items.length > 0).toBe(false)
      await alice.identity.vouch()
      const mended = await fetchPep(port, jid, identityNodes.manifest)
      expect(mended.kind === 'items' && mended.items.length).toBe(1)
      expect(alice.alarms).toEqual([])
      await stranger.close()
      await alice.close()
    }, 60_000)

    test('a contact who was away walks the log, through a rotation', async () => {
      const [alice, bob] = [unique('alice'), unique('bob')]
      const jid = backend.jid(alice)
      const phone = await open(backend, alice, 'phone')
      const { recoveryCode } = await phone.identity.create()
      await phone.identity.codeSaved()
      const reader = await open(backend, bob, 'tablet')
      await reader.identity.create()
      expect((await reader.identity.contact(jid)).state).toBe('TOFU')
      await (await reader.identity.digits(jid)).confirm()
      for (let i = 0; i < 3; i++) await phone.identity.vouch()
      await phone.identity.rotate(recoveryCode)
      await phone.identity.vouch()
      await reader.identity.refresh(jid)
      const seen = await reader.identity.contact(jid)
      expect(seen).toMatchObject({ state: 'VERIFIED', generation: 1 })
      expect(seen.rootHash).toEqual(phone.identity.status.rootHash)
      expect(reader.findings.map(({ finding }) => finding.kind)).toContain('rotated')
      await phone.close()
      await reader.close()
    }, 60_000)

    test('two devices publish at the same moment, again and again: no update is lost, the chain has no gap', async () => {
      const user = unique('alice')
      const jid = backend.jid(user)
      const time = { ahead: 0 }
      const phone = await open(backend, user, 'phone', time)
      await phone.identity.create()
      const laptop = await open(backend, user, 'laptop', time)
      await link(phone, laptop)
      expect(laptop.identity.status.deviceState).toBe('PROBATION')
      await expect(laptop.identity.vouch()).rejects.toMatchObject({ code: 'identity/state', rule: 'I092' })
      // the clocks of both devices go on by a day: probation is over
      time.ahead = 25 * 3_600_000
      await phone.identity.audit()
      await laptop.identity.audit()
      expect(laptop.identity.status).toMatchObject({ deviceState: 'ACTIVE', steward: true })
      const reader = await open(backend, unique('bob'), 'tablet', time)
      await reader.identity.create()
      await reader.identity.contact(jid)
      const rounds = 4
      for (let i = 1; i <= rounds; i++) {
        await Promise.all([
          phone.identity.vouch(omemoStatement(1, new Uint8Array(32).fill(i))),
          laptop.identity.vouch(openPgpStatement(new Uint8Array(20).fill(i))),
        ])
        await Promise.all([phone.identity.audit(), laptop.identity.audit()])
      }
      const current = await walkedLog(reader.port, jid, 2 * rounds)
      for (const { identity } of [phone, laptop]) {
        await identity.audit()
        expect(identity.status.seq).toBe(current.seq)
      }
      expect(current.others.map(({ kind, value }) => [kind, value[0]])).toEqual(
        expect.arrayContaining([
          [crossStatementKinds.omemo, rounds],
          [crossStatementKinds.openpgp, rounds],
        ]),
      )
      await reader.identity.refresh(jid)
      expect((await reader.identity.contact(jid)).state).toBe('TOFU')
      expect([...phone.alarms, ...laptop.alarms]).toEqual([])
      for (const one of [phone, laptop, reader]) await one.close()
    }, 60_000)

    test('one scan in a room verifies both; a restored device takes the place of the old one; a lost one leaves list and room', async () => {
      const [alice, bob] = [unique('alice'), unique('bob')]
      const [aliceJid, bobJid] = [backend.jid(alice), backend.jid(bob)]
      const phone = await open(backend, alice, 'phone')
      const { recoveryCode } = await phone.identity.create()
      const tablet = await open(backend, bob, 'tablet')
      await tablet.identity.create()
      const [a, b] = [await phone.mls(), await tablet.mls()]
      const jid = backend.room(unique('garden'))
      const garden = await a.room(jid)
      await garden.invite(bobJid)
      await until(backend, () => b.invitations.length === 1, 'the invitation')
      const bobs = await b.room(jid)
      await tablet.identity.contact(aliceJid)
      await phone.identity.contact(bobJid)
      const code = phone.identity.showCode(bobJid)
      expect(await tablet.identity.scanCode(code.text, aliceJid)).toMatchObject({ outcome: 'match' })
      const verified = (one: Opened, whom: string) =>
        one.identity.contacts.some(({ account, state }) => account === whom && state === 'VERIFIED')
      await until(backend, () => verified(phone, bobJid) && verified(tablet, aliceJid), 'both verified')
      code.close()

      const laptop = await open(backend, alice, 'laptop')
      await link(phone, laptop)
      const c = await laptop.mls()
      const laptops = await c.room(jid)
      await until(backend, () => laptops.health.state === 'active' && bobs.devices().length === 3, 'the laptop is in')
      const { device } = laptop.identity.status
      await until(
        backend,
        () => bobs.devices().some((one) => one.device === device && one.trust === 'verified'),
        'the laptop is trusted without a question',
      )
      await phone.identity.backup({ recoveryCode })
      const gone = phone.identity.status.device
      await phone.close()
      const next = await open(backend, alice, 'next')
      const restored = await next.identity.restore({ recoveryCode }, { replaces: [gone] })
      expect(restored).toMatchObject({ findings: [], contacts: 1, rooms: [jid] })
      expect(verified(next, bobJid)).toBe(true)
      const d = await next.mls()
      const again = await d.room(jid)
      const fresh = next.identity.status.device
      const leaves = () => bobs.devices().map((one) => one.device)
      await until(backend, () => again.health.state === 'active' && leaves().includes(fresh), 'the new leaf')
      await until(backend, () => !leaves().includes(gone), 'the old leaf is gone')

      await next.identity.removeDevice(device, { reason: 'lost' })
      await until(backend, () => bobs.devices().length === 2, 'the lost device is out of the room')
      expect(leaves()).toContain(fresh)
      const packages = await fetchPep(tablet.port, aliceJid, keyPackagesNode)
      const left = packages.kind === 'items' ? packages.items.map(({ id }) => id) : []
      expect(left).toContain(fresh)
      expect(left).not.toContain(device)
      await tablet.identity.refresh(aliceJid)
      expect((await tablet.identity.contact(aliceJid)).state).toBe('VERIFIED')
      for (const one of [next, laptop, tablet]) await one.close()
    }, 60_000)
  })
}

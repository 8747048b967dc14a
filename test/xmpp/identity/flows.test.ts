/** Each flow of an owner, end to end on the embedded service. */
import { describe, expect, test } from 'vitest'
import { OfflineLink, omemoStatement } from '../../../src/identity.ts'
import { MemoryMedium, openMemoryStorage } from '../../../src/storage/memory.ts'
import { seededRandom } from '../mls/seeded.ts'
import { roomJid } from '../mls/world.ts'
import { linked, type Phone, Town } from './town.ts'

const states = (phone: Phone) => phone.identity.status.devices.map(({ flags }) => flags.join('+') || 'none')

describe('devices', () => {
  test('linked over the server: on probation for a day, then in', async () => {
    const town = new Town('link')
    const phone = await town.phone('alice@a.test/phone')
    await phone.identity.create({ name: 'my phone' })
    const laptop = await linked(town, phone, 'alice@a.test/laptop', { steward: true })
    expect(laptop.identity.status).toMatchObject({ deviceState: 'PROBATION', steward: false, published: true })
    expect(laptop.identity.status.rootHash).toEqual(phone.identity.status.rootHash)
    expect(states(phone)).toEqual(['steward', 'steward+probation'])
    const names = ['my phone', 'a new device']
    for (const { identity } of [phone, laptop]) expect(identity.status.devices.map(({ name }) => name)).toEqual(names)
    await town.wait(25 * 3_600_000)
    await phone.identity.audit()
    await laptop.identity.audit()
    expect(laptop.identity.status).toMatchObject({ deviceState: 'ACTIVE', steward: true })
    expect([...phone.alarms, ...laptop.alarms]).toEqual([])
    town.stop()
  })

  test('linked by two QR codes without any connection', async () => {
    const town = new Town('offline')
    const phone = await town.phone('alice@a.test/phone')
    await phone.identity.create()
    const medium = new MemoryMedium()
    const random = seededRandom('offline')
    const storage = await openMemoryStorage({ medium, randomBytes: (length) => random.randomBytes(length) })
    const link = await OfflineLink.begin({ storage, name: 'tablet', ports: { timers: town.service.clock } })
    const approval = await phone.identity.review(link.text)
    expect(approval.name).toBe('tablet')
    const code = link.showCode(approval.challenge)
    const login = { login: 'password', secret: new Uint8Array([1, 2]) } as const
    const sealed = await approval.approve(code, { via: 'qr', login })
    const { account, login: given } = await link.openText(sealed!)
    expect([account, given]).toEqual(['alice@a.test', login])
    await storage.close()
    const tablet = await town.phone('alice@a.test/tablet', { medium })
    expect(tablet.identity.status).toMatchObject({ deviceState: 'PROBATION', device: approval.device })
    expect(tablet.identity.rooms.leaf).toBeDefined()
    town.stop()
  })

  test('wrong digits let nobody in', async () => {
    const town = new Town('digits')
    const phone = await town.phone('alice@a.test/phone')
    await phone.identity.create()
    const eve = await town.phone('alice@a.test/eve')
    const link = await eve.identity.link('eve')
    const approval = await phone.identity.review(link.text)
    const code = link.showCode(approval.challenge)
    const wrong = code === '0000' ? '1111' : '0000'
    await expect(approval.approve(wrong)).rejects.toMatchObject({ code: 'identity_link/code' })
    await expect(approval.approve(code)).rejects.toMatchObject({ code: 'identity_link/used' })
    await expect(phone.identity.review(link.text)).rejects.toMatchObject({ code: 'identity_link/used' })
    expect(states(phone)).toEqual(['steward'])
    link.cancel()
    town.stop()
  })

  test('one that is lost leaves the list, the packages and the rooms', async () => {
    const town = new Town('lost')
    const phone = await town.phone('alice@a.test/phone')
    await phone.identity.create()
    const laptop = await linked(town, phone, 'alice@a.test/laptop')
    const bob = await town.phone('bob@a.test/phone')
    await bob.identity.create()
    const [mls, other] = [await phone.mls(), await laptop.mls()]
    const bobs = await bob.mls()
    const garden = await mls.room(roomJid)
    await town.until('the laptop', () => garden.devices().length === 2)
    await garden.invite('bob@a.test')
    await town.until('the invitations', () => bobs.invitations.length === 1 && other.invitations.length === 1)
    const atBob = await bobs.room(roomJid)
    const atLaptop = await other.room(roomJid)
    await town.until('agreement', () => atLaptop.devices().length === 3 && atBob.devices().length === 3)
    expect(await phone.identity.removeDevice(other.device, { reason: 'lost' })).toBe(false)
    await town.until('the removal', () => atBob.devices().length === 2 && atLaptop.health.state === 'removed')
    expect(await bobs.devices('alice@a.test')).toEqual([mls.device])
    await town.until('the laptop knows', () => laptop.identity.status.deviceState === 'REVOKED')
    expect((await bob.identity.contact('alice@a.test')).state).toBe('TOFU')
    await atBob.send('still here')
    town.stop()
  })

  test('statements about OMEMO keys reach the contacts', async () => {
    const town = new Town('omemo')
    const phone = await town.phone('alice@a.test/phone')
    const bob = await town.phone('bob@a.test/phone')
    await phone.identity.create()
    const statement = omemoStatement(7, new Uint8Array(32).fill(9))
    await phone.identity.vouch(statement)
    expect((await bob.identity.contact('alice@a.test')).statements).toEqual([statement])
    town.stop()
  })
})

describe('roots', () => {
  async function pair(seed: string) {
    const town = new Town(seed)
    const phone = await town.phone('alice@a.test/phone')
    const bob = await town.phone('bob@a.test/phone')
    const { recoveryCode } = await phone.identity.create()
    await phone.identity.codeSaved()
    await bob.identity.create()
    const digits = await bob.identity.digits('alice@a.test')
    expect(digits.same((await phone.identity.digits('bob@a.test')).digits)).toBe(true)
    await digits.confirm()
    expect((await bob.identity.contact('alice@a.test')).state).toBe('VERIFIED')
    return { town, phone, bob, recoveryCode }
  }

  test('a rotation keeps what contacts have verified, in rooms too', async () => {
    const { town, phone, bob, recoveryCode } = await pair('rotate')
    const [mls, bobs] = [await phone.mls(), await bob.mls()]
    const garden = await mls.room(roomJid)
    await garden.invite('bob@a.test')
    await town.until('the invitation', () => bobs.invitations.length === 1)
    const atBob = await bobs.room(roomJid)
    await town.until('verified', () => atBob.devices().some(({ own, trust }) => !own && trust === 'verified'))
    const epoch = atBob.health.epoch
    await phone.identity.rotate(recoveryCode)
    expect(phone.identity.status).toMatchObject({ generation: 1, rootState: 'ACTIVE', published: true })
    await town.until(
      'the new leaf',
      () => atBob.health.epoch! > epoch! && atBob.devices().every(({ own, trust }) => own || trust === 'verified'),
    )
    await bob.identity.refresh('alice@a.test')
    expect(await bob.identity.contact('alice@a.test')).toMatchObject({ state: 'VERIFIED', generation: 1 })
    await atBob.send('hello')
    expect([...phone.errors, ...bob.errors]).toEqual([])
    town.stop()
  })

  test('recovery after a theft: the thief is out, contacts stay verified', async () => {
    const { town, phone, bob, recoveryCode } = await pair('recover')
    const fresh = await town.phone('alice@a.test/new')
    const { removed } = await fresh.identity.recover(recoveryCode)
    expect(removed).toEqual([phone.identity.status.device])
    expect(fresh.identity.status).toMatchObject({
      generation: 1,
      rootState: 'RECOVERED',
      deviceState: 'ACTIVE',
      steward: true,
    })
    await bob.identity.refresh('alice@a.test')
    expect(await bob.identity.contact('alice@a.test')).toMatchObject({ state: 'VERIFIED', generation: 1 })
    await town.until('the thief knows', () => phone.identity.status.deviceState === 'REVOKED')
    await expect(phone.identity.vouch(omemoStatement(1, new Uint8Array(32)))).rejects.toThrow()
    town.stop()
  })

  test('a reset is a new person until compared again', async () => {
    const { town, bob } = await pair('reset')
    const fresh = await town.phone('alice@a.test/new')
    await fresh.identity.reset()
    await bob.identity.refresh('alice@a.test')
    const seen = await bob.identity.contact('alice@a.test')
    expect(seen).toMatchObject({ state: 'CHANGED', sending: 'block', generation: 0 })
    expect(seen.findings.at(-1)).toMatchObject({ kind: 'changed', loudness: 'alarm' })
    await bob.identity.accept('alice@a.test', seen.offered!)
    expect((await bob.identity.contact('alice@a.test')).state).toBe('TOFU')
    town.stop()
  })

  test('the code of another identity recovers nothing', async () => {
    const { town, phone } = await pair('wrong code')
    const eve = await town.phone('eve@a.test/phone')
    const { recoveryCode } = await eve.identity.create()
    await expect(phone.identity.rotate(recoveryCode)).rejects.toMatchObject({ code: 'identity_backup/secret' })
    expect(phone.identity.status.generation).toBe(0)
    town.stop()
  })
})

describe('a backup', () => {
  test('brings back contacts and rooms on a new device; the old leaf goes', async () => {
    const town = new Town('restore')
    const phone = await town.phone('alice@a.test/phone')
    const bob = await town.phone('bob@a.test/phone')
    const { recoveryCode } = await phone.identity.create()
    await bob.identity.create()
    await (await phone.identity.digits('bob@a.test')).confirm()
    const [mls, bobs] = [await phone.mls(), await bob.mls()]
    const garden = await mls.room(roomJid)
    await garden.invite('bob@a.test')
    await town.until('the invitation', () => bobs.invitations.length === 1)
    const atBob = await bobs.room(roomJid)
    await phone.identity.backup({ recoveryCode })
    const old = phone.identity.status.device
    await phone.close()
    const fresh = await town.phone('alice@a.test/new')
    const back = await fresh.identity.restore({ recoveryCode }, { replaces: [old] })
    expect(back).toMatchObject({ findings: [], rooms: [roomJid] })
    expect((await fresh.identity.contact('bob@a.test')).state).toBe('VERIFIED')
    expect(fresh.identity.status).toMatchObject({ deviceState: 'ACTIVE', steward: true })
    const again = await (await fresh.mls()).room(roomJid)
    await town.until('the new leaf alone', () => {
      const devices = atBob.devices().filter(({ account }) => account === 'alice@a.test')
      return devices.length === 1 && devices[0]!.device === fresh.identity.status.device
    })
    await again.send('back')
    await atBob.send('welcome')
    town.stop()
  })

  test('opens with nothing but its own secret', async () => {
    const town = new Town('secret')
    const phone = await town.phone('alice@a.test/phone')
    await phone.identity.create()
    const eve = await town.phone('eve@a.test/phone')
    const other = await eve.identity.create()
    const fresh = await town.phone('alice@a.test/new')
    await expect(fresh.identity.restore(other)).rejects.toMatchObject({ code: 'identity_backup/secret' })
    expect(fresh.identity.status.deviceState).toBe('FRESH')
    town.stop()
  })
})

describe('verification', () => {
  async function room(seed: string) {
    const town = new Town(seed)
    const [alice, bob] = [await town.phone('alice@a.test/phone'), await town.phone('bob@a.test/phone')]
    for (const one of [alice, bob]) await one.identity.create()
    const [a, b] = [await alice.mls(), await bob.mls()]
    const chat = await a.direct('bob@a.test')
    await town.until('the invitation', () => b.invitations.length === 1)
    const atBob = await b.direct('alice@a.test')
    const messages: unknown[] = []
    for (const one of [chat, atBob]) one.on('message', (message) => messages.push(message))
    return { town, alice, bob, messages }
  }
  const both = async ({ alice, bob }: { alice: Phone; bob: Phone }) => [
    (await alice.identity.contact('bob@a.test')).state,
    (await bob.identity.contact('alice@a.test')).state,
  ]

  test('one scan verifies both', async () => {
    const world = await room('scan')
    const { town, alice, bob, messages } = world
    const code = alice.identity.showCode('bob@a.test')
    expect(await bob.identity.scanCode(code.text)).toEqual({
      account: 'alice@a.test',
      outcome: 'match',
      answered: true,
    })
    await town.wait(5_000)
    expect(await both(world)).toEqual(['VERIFIED', 'VERIFIED'])
    expect(messages).toEqual([])
    town.stop()
  })

  test('emoji are the same on both sides, and each side decides', async () => {
    const world = await room('emoji')
    const { town, alice, bob } = world
    const incoming = new Promise<Parameters<Parameters<typeof bob.identity.on<'verification'>>[1]>[0]>((resolve) => {
      bob.identity.on('verification', resolve)
    })
    const started = await alice.identity.emoji('bob@a.test')
    const asked = await incoming
    const [a, b] = await Promise.all([started.emoji, asked.emoji])
    expect(a).toEqual(b)
    expect(a).toHaveLength(7)
    expect(await both(world)).toEqual(['TOFU', 'TOFU'])
    await started.confirm()
    expect(await both(world)).toEqual(['VERIFIED', 'TOFU'])
    await asked.confirm()
    expect(await both(world)).toEqual(['VERIFIED', 'VERIFIED'])
    town.stop()
  })

  test('a link verifies the first contact', async () => {
    const town = new Town('invite')
    const [alice, bob] = [await town.phone('alice@a.test/phone'), await town.phone('bob@a.test/phone')]
    await alice.identity.create()
    expect(await bob.identity.followLink(alice.identity.inviteLink())).toBe('alice@a.test')
    expect((await bob.identity.contact('alice@a.test')).state).toBe('LINK_VERIFIED')
    town.stop()
  })
})

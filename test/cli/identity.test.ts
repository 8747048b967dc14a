import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { chat } from '../../src/cli/chat.ts'
import { parseCommand } from '../../src/cli/commands.ts'
import {
  acceptRoot,
  followInvite,
  keepRoot,
  showContacts,
  showInvite,
  unverify,
} from '../../src/cli/identity-contacts.ts'
import { checkEvidence, evidenceAbout, rootOfText } from '../../src/cli/identity-evidence.ts'
import {
  createIdentity,
  deviceNamed,
  haveIdentity,
  makeBackup,
  recoverAccount,
  removeDevice,
  resetAccount,
  restoreBackup,
  rotateRoot,
} from '../../src/cli/identity-flows.ts'
import { approveDevice, linkDevice, linkOffline } from '../../src/cli/identity-linking.ts'
import { showVerifyCode, verifyByDigits, verifyByEmoji, verifyByScan } from '../../src/cli/identity-verify.ts'
import { paintFor } from '../../src/cli/paint.ts'
import type { Person } from '../../src/cli/person.ts'
import { qrLines } from '../../src/cli/qr-code.ts'
import { encodeEvidence } from '../../src/identity/evidence.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { defaultSuite } from '../../src/xmpp/mls/open-device.ts'
import { type Phone, Town } from '../xmpp/identity/town.ts'

const paint = paintFor(false)
const towns: Town[] = []
afterEach(() => {
  for (const town of towns.splice(0)) town.stop()
})

function town(seed: string): Town {
  const made = new Town(seed)
  towns.push(made)
  return made
}

/** Somebody at a terminal: each question is answered by the next function, which sees all that was printed. */
class Scripted implements Person {
  readonly paint = paint
  readonly printed: string[] = []
  readonly asked: string[] = []
  readonly #answers: ((text: string) => string | Promise<string>)[]

  constructor(...answers: readonly (string | ((text: string) => string | Promise<string>))[]) {
    this.#answers = answers.map((one) => (typeof one === 'string' ? () => one : one))
  }

  readonly print = (line: string): void => {
    this.printed.push(line)
  }

  async ask(question: string): Promise<string> {
    this.asked.push(question)
    return (await this.#answers.shift()?.(this.text)) ?? ''
  }

  get text(): string {
    return this.printed.join('\n')
  }

  /** The first group of a pattern, as soon as it is printed. */
  async reads(pattern: RegExp): Promise<string> {
    for (let i = 0; i < 12_000; i++) {
      const found = pattern.exec(this.text)?.[1]
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error(`never printed: ${pattern}`)
  }
}

const codeIn = (text: string): string =>
  (text.match(/[0-9A-Z]{4}(?: {3}[0-9A-Z]{4}){2}/g) ?? []).join(' ').replace(/ +/g, '-')
const writesDown = (text: string): string => codeIn(text).slice(-4).toLowerCase()

/** An account with an identity, and its recovery code. */
async function owner(place: Town, jid: string): Promise<{ phone: Phone; code: string; person: Scripted }> {
  const phone = await place.phone(jid)
  const person = new Scripted('XXXX', writesDown)
  await createIdentity(phone.identity, person, { profile: 'casual', hybrid: false })
  return { phone, code: codeIn(person.text), person }
}

async function linked(place: Town, phone: Phone, jid: string, steward: boolean): Promise<Phone> {
  const laptop = await place.phone(jid)
  const [atLaptop, atPhone] = [
    new Scripted('12', () => atPhone.reads(/six digits on the new device: +(\d{6})/)),
    new Scripted('12', () => atLaptop.reads(/four digits on the other device: +(\d{4})/)),
  ] as [Scripted, Scripted]
  const linking = linkDevice(laptop.identity, atLaptop, 'laptop')
  const text = await atLaptop.reads(/^(XMPPID:L:\S+)$/m)
  await approveDevice(phone.identity, atPhone, { steward, offline: false, text })
  await linking
  expect(atPhone.text).toContain('A device that calls itself "laptop"')
  expect(atLaptop.text).toContain('This device is in.')
  for (const { text: shown } of [atLaptop, atPhone]) expect(shown).toContain('That is mistyped.')
  return laptop
}

describe('the own identity at a terminal', () => {
  test('create: the code is shown once and its last group is asked for', async () => {
    const { phone, code, person } = await owner(town('create'), 'alice@a.test/phone')
    expect(code).toMatch(/^([0-9A-Z]{4}-){8}[0-9A-Z]{4}$/)
    expect(person.text).toContain('That is not the last group.')
    expect(phone.identity.status.rootState).toBe('HELD')
    expect(person.text).toContain('this device, can let in others')
    const again = new Scripted()
    await expect(createIdentity(phone.identity, again, { profile: 'casual', hybrid: false })).rejects.toMatchObject({
      code: 'identity/state',
    })
  })

  test('create: who does not write it down is reminded', async () => {
    const phone = await town('unsaved').phone('alice@a.test/phone')
    const person = new Scripted('')
    await createIdentity(phone.identity, person, { profile: 'casual', hybrid: false })
    expect(phone.identity.status.rootState).toBe('CREATED')
    expect(person.text).toContain('You will be reminded')
    const next = new Scripted()
    expect(await haveIdentity(phone.identity, next)).toBe(true)
    expect(next.text).toContain('write its recovery code down now')
  })

  test('link and approve: QR code, six digits, four digits; then the device is taken off', async () => {
    const place = town('link')
    const { phone } = await owner(place, 'alice@a.test/phone')
    const laptop = await linked(place, phone, 'alice@a.test/laptop', false)
    expect(laptop.identity.status.deviceState).toBe('PROBATION')
    expect(phone.identity.status.devices).toHaveLength(2)
    const { device } = laptop.identity.status
    expect(deviceNamed(phone.identity.status, device.slice(0, 6)).device).toBe(device)
    expect(() => deviceNamed(phone.identity.status, '')).toThrow('2 devices begin with')
    expect(() => deviceNamed(phone.identity.status, 'zz')).toThrow('no device')
    const person = new Scripted()
    await removeDevice(phone.identity, person, { device: device.slice(0, 8), reason: 'retired' })
    expect(person.text).toContain('is off your list')
    expect(phone.identity.status.devices).toHaveLength(1)
    await laptop.identity.audit()
    expect(laptop.identity.status.deviceState).toBe('RETIRED')
  })

  test('approve: wrong digits let nobody in', async () => {
    const place = town('wrong digits')
    const { phone } = await owner(place, 'alice@a.test/phone')
    const laptop = await place.phone('alice@a.test/laptop')
    const link = await laptop.identity.link('laptop')
    const person = new Scripted((text) => {
      const right = link.showCode(/(\d{6})$/m.exec(text)?.[1] ?? '')
      return right === '0000' ? '0001' : '0000'
    })
    const approving = approveDevice(phone.identity, person, { steward: false, offline: false, text: link.text })
    await expect(approving).rejects.toMatchObject({ code: 'identity_link/code' })
    expect(phone.identity.status.devices).toHaveLength(1)
    link.cancel()
  })

  test('link offline: what is sealed comes as a second QR code', async () => {
    const place = town('offline')
    const { phone } = await owner(place, 'alice@a.test/phone')
    const medium = new MemoryMedium()
    const storage = await openMemoryStorage({ medium, randomBytes })
    const [atLaptop, atPhone] = [
      new Scripted(
        () => atPhone.reads(/six digits on the new device: +(\d{6})/),
        () => atPhone.reads(/^(XMPPID:P:\S+)$/m),
      ),
      new Scripted(
        () => atLaptop.reads(/^(XMPPID:L:\S+)$/m),
        () => atLaptop.reads(/four digits on the other device: +(\d{4})/),
      ),
    ] as [Scripted, Scripted]
    await Promise.all([
      linkOffline(storage, atLaptop, { account: 'alice@a.test', name: 'laptop', timers: place.service.clock }),
      approveDevice(phone.identity, atPhone, { steward: true, offline: true, text: undefined }),
    ])
    expect(atLaptop.text).toContain('it belongs to alice@a.test')
    // no password and no connection until now
    await storage.close()
    const laptop = await place.phone('alice@a.test/laptop', { medium })
    expect(laptop.identity.status).toMatchObject({ deviceState: 'PROBATION', steward: false, published: true })
    expect(phone.identity.status.devices.map(({ name }) => name)).toContain('laptop')
  })

  test('link offline: a device of another account is refused, and nothing is stored', async () => {
    const place = town('offline other')
    const { phone } = await owner(place, 'eve@a.test/phone')
    const storage = await openMemoryStorage({ medium: new MemoryMedium(), randomBytes })
    const [atLaptop, atPhone] = [
      new Scripted(
        () => atPhone.reads(/six digits on the new device: +(\d{6})/),
        () => atPhone.reads(/^(XMPPID:P:\S+)$/m),
      ),
      new Scripted(
        () => atLaptop.reads(/^(XMPPID:L:\S+)$/m),
        () => atLaptop.reads(/four digits on the other device: +(\d{4})/),
      ),
    ] as [Scripted, Scripted]
    const linking = linkOffline(storage, atLaptop, {
      account: 'alice@a.test',
      name: 'laptop',
      timers: place.service.clock,
    })
    const refused = expect(linking).rejects.toMatchObject({ code: 'identity_link/account' })
    await approveDevice(phone.identity, atPhone, { steward: true, offline: true, text: undefined })
    await refused
    const again = new Scripted('')
    await expect(linkOffline(storage, again, { account: 'alice@a.test', name: 'laptop' })).rejects.toThrow('given up')
  })

  test('backup and restore: a new device, the old one is gone', async () => {
    const place = town('restore')
    const { phone, code } = await owner(place, 'alice@a.test/phone')
    await makeBackup(phone.identity, new Scripted(code), false)
    const { device } = phone.identity.status
    await phone.close()
    const next = await place.phone('alice@a.test/next')
    const person = new Scripted(code.toLowerCase().replaceAll('-', ' '))
    await restoreBackup(next.identity, person, { passphrase: false, replaces: [device] })
    expect(person.text).toContain('You are back')
    expect(next.identity.status.devices.map((one) => one.device)).toEqual([next.identity.status.device])
  })

  test('rotate, recover, reset: what contacts see', async () => {
    const place = town('roots')
    const { phone, code } = await owner(place, 'alice@a.test/phone')
    const { phone: bob } = await owner(place, 'bob@a.test/phone')
    const compare = await bob.identity.digits('alice@a.test')
    await compare.confirm()
    const state = async () => {
      await bob.identity.refresh('alice@a.test')
      return (await bob.identity.contact('alice@a.test')).state
    }
    await rotateRoot(phone.identity, new Scripted(code))
    expect(await state()).toBe('VERIFIED')
    const laptop = await linked(place, phone, 'alice@a.test/laptop', true)
    const wrong = recoverAccount(phone.identity, new Scripted(''), { keep: [] })
    await expect(wrong).rejects.toThrow('nothing was changed')
    const person = new Scripted(code)
    await recoverAccount(phone.identity, person, { keep: [] })
    expect(person.text).toContain(`device ${laptop.identity.status.device.slice(0, 8)} is out`)
    expect(await state()).toBe('VERIFIED')
    await expect(resetAccount(phone.identity, new Scripted('no'), { keep: [] })).rejects.toThrow('nothing was changed')
    const reset = new Scripted('yes', writesDown)
    await resetAccount(phone.identity, reset, { keep: [] })
    expect(codeIn(reset.text)).not.toBe(code)
    expect(await state()).toBe('CHANGED')
    const seen = new Scripted()
    await showContacts(bob.identity, seen, 'alice@a.test')
    expect(seen.text).toContain('Messages wait until you have decided.')
  })

  test('a changed identity: stay, accept, or compare the new one', async () => {
    const place = town('changed')
    const { phone } = await owner(place, 'alice@a.test/phone')
    const { phone: bob } = await owner(place, 'bob@a.test/phone')
    await (await bob.identity.digits('alice@a.test')).confirm()
    const state = async () => (await bob.identity.contact('alice@a.test')).state
    for (const decide of [acceptRoot, keepRoot])
      await expect(decide(bob.identity, new Scripted('yes'), 'alice@a.test')).rejects.toThrow('no other identity')
    await resetAccount(phone.identity, new Scripted('yes', writesDown), { keep: [] })
    const see = async () => {
      await bob.identity.refresh('alice@a.test')
      expect(await state()).toBe('CHANGED')
    }
    await see()
    const stays = new Scripted()
    await keepRoot(bob.identity, stays, 'alice@a.test')
    expect(stays.text).toContain('stays')
    expect(await state()).toBe('VERIFIED')
    await see()
    await expect(acceptRoot(bob.identity, new Scripted('no'), 'alice@a.test')).rejects.toThrow('nothing was changed')
    expect(await state()).toBe('CHANGED')
    // both see the same digits, those of the new identity
    const others = await phone.identity.digits('bob@a.test')
    const compares = new Scripted(others.digits)
    expect(await verifyByDigits(bob.identity, compares, 'alice@a.test')).toBe(true)
    expect(await state()).toBe('VERIFIED')
    await resetAccount(phone.identity, new Scripted('yes', writesDown), { keep: [] })
    await see()
    const takes = new Scripted('yes')
    await acceptRoot(bob.identity, takes, 'alice@a.test')
    expect(takes.text).toMatch(/known here {3}[0-9a-f]{64}\n {2}now shown {4}[0-9a-f]{64}/)
    expect(await state()).toBe('TOFU')
    const code = phone.identity.showCode('bob@a.test')
    expect((await bob.identity.scanCode(code.text)).outcome).toBe('match')
    await unverify(bob.identity, takes, 'alice@a.test')
    expect(await state()).toBe('TOFU')
  })

  test('an invite link: who follows it knows the identity from the start', async () => {
    const place = town('invite')
    const { phone } = await owner(place, 'alice@a.test/phone')
    const bob = await place.phone('bob@a.test/phone')
    const inviting = new Scripted()
    await showInvite(phone.identity, inviting)
    const link = /^(xmpp:\S+)$/m.exec(inviting.text)![1]!
    const following = new Scripted()
    await followInvite(bob.identity, following, link)
    expect(following.text).toContain('The identity of this person is the one in the link that you followed.')
    await expect(followInvite(bob.identity, following, 'xmpp:alice@a.test')).rejects.toThrow('no identity')
  })

  test('a device without identity is told how to come in', async () => {
    const place = town('have')
    const phone = await place.phone('alice@a.test/phone')
    const first = new Scripted()
    expect(await haveIdentity(phone.identity, first)).toBe(true)
    expect(codeIn(first.text)).toHaveLength(44)
    const laptop = await place.phone('alice@a.test/laptop')
    const second = new Scripted()
    expect(await haveIdentity(laptop.identity, second)).toBe(false)
    expect(second.text).toContain('xmpp-mls identity link alice@a.test')
  })
})

describe('comparing at two terminals', () => {
  /** Two people in one encrypted room. */
  async function pair(seed: string) {
    const place = town(seed)
    const [{ phone: alice }, { phone: bob }] = [
      await owner(place, 'alice@a.test/p'),
      await owner(place, 'bob@a.test/p'),
    ]
    const [a, b] = [await alice.mls(), await bob.mls()]
    const room = await a.room('garden@conference.a.test')
    await room.invite('bob@a.test')
    await place.until('the invitation', () => b.invitations.length === 1)
    const bobs = await b.room('garden@conference.a.test')
    return { place, alice, bob, room, bobs }
  }

  test('digits: the same on both sides; others verify nobody', async () => {
    const { alice, bob } = await pair('digits')
    const [first, second] = [new Scripted('same'), new Scripted('00000 '.repeat(12))]
    expect(await verifyByDigits(alice.identity, first, 'bob@a.test')).toBe(true)
    expect(await verifyByDigits(bob.identity, second, 'alice@a.test')).toBe(false)
    const rows = (text: string) => text.match(/^ +\d{5}( {2}\d{5}){3}$/gm)
    expect(rows(first.text)).toHaveLength(3)
    expect(rows(first.text)).toEqual(rows(second.text))
    expect((await alice.identity.contact('bob@a.test')).state).toBe('VERIFIED')
    expect((await bob.identity.contact('alice@a.test')).state).toBe('TOFU')
  })

  test('one scan verifies both', async () => {
    const { alice, bob } = await pair('scan')
    const showing = new Scripted(async () => {
      await showing.reads(/(Scanned: both of you are verified)/)
      return ''
    })
    const shown = showVerifyCode(alice.identity, showing, 'bob@a.test')
    const text = await showing.reads(/^(XMPPID:V:\S+)$/m)
    expect(await verifyByScan(bob.identity, new Scripted(), text, 'alice@a.test')).toBe(true)
    expect(await shown).toBe(true)
    for (const [one, of] of [
      [alice, 'bob@a.test'],
      [bob, 'alice@a.test'],
    ] as const)
      expect((await one.identity.contact(of)).state).toBe('VERIFIED')
  })

  test('emoji: seven, the same on both sides', async () => {
    const { place, alice, bob } = await pair('emoji')
    const begun: Parameters<Parameters<typeof bob.identity.on<'verification'>>[1]>[0][] = []
    bob.identity.on('verification', (one) => begun.push(one))
    const [first, second] = [new Scripted('yes'), new Scripted('yes')]
    const asking = verifyByEmoji(alice.identity, first, 'bob@a.test')
    await place.until('the question', () => begun.length === 1)
    expect(await verifyByEmoji(bob.identity, second, 'alice@a.test', begun[0])).toBe(true)
    expect(await asking).toBe(true)
    const emoji = (text: string) => text.split('\n').filter((line) => /\p{Extended_Pictographic}/u.test(line))[0]
    expect(emoji(first.text)?.trim().split(/\s+/)).toHaveLength(7)
    expect(emoji(first.text)).toBe(emoji(second.text))
  })

  test('in a chat: marks beside senders, /verify, /health', async () => {
    const { place, alice, bob, room, bobs } = await pair('chat')
    const printed: string[] = []
    const typed: string[] = []
    let ended = false
    async function* lines(): AsyncGenerator<string> {
      while (!ended || typed.length > 0) {
        const next = typed.shift()
        if (next !== undefined) yield next
        else await place.wait(5)
      }
    }
    const talking = chat({
      account: 'alice@a.test',
      room,
      identity: alice.identity,
      paint,
      lines: lines(),
      print: (line) => printed.push(line),
    })
    const sees = (text: string) => place.until(text, () => printed.join('\n').includes(text))
    await bobs.send('before')
    await sees('bob: before')
    typed.push('/verify bob@a.test digits', 'same', '/health')
    await sees('Verified.')
    await sees('You have compared the identity of this person yourself.')
    await bobs.send('after')
    await sees('bob ✓: after')
    typed.push('/saved')
    await sees('Your identity is kept safe')
    ended = true
    await talking
    expect((await alice.identity.contact('bob@a.test')).state).toBe('VERIFIED')
    expect([...alice.errors, ...bob.errors]).toEqual([])
  })

  test.each([
    ['/verify', { kind: 'verify', account: undefined, how: undefined }],
    ['/verify emoji', { kind: 'verify', account: undefined, how: 'emoji' }],
    ['/verify bob@a.test digits', { kind: 'verify', account: 'bob@a.test', how: 'digits' }],
    ['/verify bob@a.test digits now', { kind: 'wrong', usage: 'usage: /verify [ACCOUNT]' }],
  ])('%s', (line, command) => {
    expect(parseCommand(line)).toEqual(command)
  })
})

describe('evidence', () => {
  test('a rollback is proven offline, about the root that one believes and no other', async () => {
    const { phone } = await owner(town('evidence'), 'alice@a.test/phone')
    const seen: Uint8Array[] = []
    phone.identity.on('own', ({ manifest }) => seen.push(manifest.bytes))
    const { rootHash } = phone.identity.status
    await phone.identity.vouch()
    await phone.identity.vouch()
    const [shown, newer] = seen as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]
    const suite = await defaultSuite()
    const bytes = encodeEvidence({ version: 1, kind: 'rollback', newer, shown })
    const believed = { account: 'alice@a.test', rootHash: rootHash! }
    expect(checkEvidence(suite, bytes, believed).join('\n')).toMatch(/newer list than the one that was shown/)
    expect(() => checkEvidence(suite, bytes, { ...believed, account: 'bob@a.test' })).toThrow(
      expect.objectContaining({ code: 'identity/root' }),
    )
    const turned = encodeEvidence({ version: 1, kind: 'rollback', newer: shown, shown: newer })
    expect(() => checkEvidence(suite, turned, believed)).toThrow(expect.objectContaining({ code: 'identity/evidence' }))
    expect(evidenceAbout({ findings: [] })).toBeUndefined()
    expect(rootOfText(` ${'0a'.repeat(32).toUpperCase()} `)).toEqual(new Uint8Array(32).fill(10))
    expect(() => rootOfText('0a')).toThrow('64 hexadecimal digits')
  })
})

test('a QR code: as wide as high, dark on light in colour, inverted without', async () => {
  const [plain, coloured] = [await qrLines('XMPPID:L:0', paint), await qrLines('XMPPID:L:0', paintFor(true))]
  expect(new Set(plain.map((line) => line.length)).size).toBe(1)
  expect(plain[0]).toMatch(/^█+$/)
  expect(coloured[0]).toContain('\u001b[30;107m')
  expect(Math.abs((plain[0]?.length ?? 0) - 2 * plain.length)).toBeLessThan(2)
})

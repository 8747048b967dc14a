// The story of `npm run demo -- identity`, as a function that tests run too: one identity for all devices, verified once; a
// server that lies, and a thief.

import { MlsError } from '../src/bytes/errors.ts'
import { contactLines, recoveryLines, trustMark } from '../src/cli/identity-lines.ts'
import { harmless, type Paint, paintFor } from '../src/cli/paint.ts'
import { qrLines } from '../src/cli/qr-code.ts'
import { drawTree } from '../src/cli/tree-drawing.ts'
import { encode } from '../src/codec/codec.ts'
import { decodeManifest, Manifest } from '../src/identity/manifest.ts'
import { sendSentences } from '../src/identity/sentences.ts'
import { buildBytes, currentItem, identityNodes, parseBytes } from '../src/xmpp/identity/wire.ts'
import type { XmlElement } from '../src/xmpp/stanza/element.ts'
import { type Phone, Phones } from './demo-identity-devices.ts'
import type { Audience } from './demo-scenario.ts'
import type { Stage } from './demo-stage.ts'

/** How the story ended: all of it must be true, and `leaked` none. */
export interface IdentityOutcome {
  /** One scan, and both have verified the other. */
  readonly verified: boolean
  /** The second device is shown as verified, and nobody was asked about it. */
  readonly inherited: boolean
  /** `undefined` where the server is honest. */
  readonly ghost: { readonly listRefused: boolean; readonly keptOut: boolean; readonly notInvited: boolean } | undefined
  readonly rollback: { readonly caught: boolean; readonly blocked: boolean; readonly over: boolean } | undefined
  readonly thief: { readonly noticed: boolean; readonly revoked: boolean; readonly out: boolean }
  /** The owner is shown as verified after the recovery. */
  readonly still: boolean
  /** What the thief read of what was said after the recovery. */
  readonly leaked: number
  /** Times that Bob was asked something about a device of Alice. */
  readonly prompts: number
}

/** Whether everything went as it must. */
export function identityHolds(outcome: IdentityOutcome): boolean {
  const { verified, inherited, ghost, rollback, thief, still, leaked, prompts } = outcome
  const parts = [{ verified, inherited, still }, ghost ?? {}, rollback ?? {}, thief]
  return parts.every((part) => Object.values(part).every(Boolean)) && leaked === 0 && prompts === 0
}

/** A day and an hour: probation is over. */
const probationMs = 25 * 60 * 60 * 1000

/** Plays the story. @throws Error that names what did not happen */
export async function playIdentity(
  stage: Stage,
  audience: Audience,
  options: { readonly paint?: Paint; readonly suffix?: string } = {},
): Promise<IdentityOutcome> {
  const { paint = paintFor(false), suffix = '' } = options
  const phones = new Phones(stage, audience)
  const [alice, bob] = [`alice${suffix}`, `bob${suffix}`]
  const [aliceJid, bobJid] = [stage.jid(alice), stage.jid(bob)]
  const tell = (line: string): void => audience.people(line)
  const aside = (line: string): void => audience.people(paint.dim(line))
  const on = (phone: Phone, line: string): void => tell(`${paint.dim(`${phone.name}:`)} ${line}`)
  const { hostile } = stage

  /** What a device was told since the last time. */
  const news = (phone: Phone, mark: (text: string) => string = paint.note, but = ''): void => {
    for (const line of new Set(phone.news())) if (line !== but) on(phone, mark(line))
  }
  /** What a device shows of an account. */
  const shown = async (phone: Phone, account: string) => {
    const contact = await phone.sees(account)
    news(phone, paint.note, contact.sentence)
    const [first = '', second = ''] = contactLines(contact, paint)
    on(phone, first)
    tell(second)
    return contact
  }
  const say = async (from: Phone, text: string, to: readonly Phone[]): Promise<void> => {
    const { id } = await from.room.send(text)
    for (const phone of to) {
      const { sender, body } = await phone.heard(id)
      const name = paint.name(sender.account, harmless(sender.account.split('@')[0] ?? ''))
      on(phone, `${name}${trustMark(sender.trust, paint)} ${body ?? ''}`)
    }
  }

  try {
    audience.scene('Alice and Bob make an identity each; Alice writes her recovery code down')
    const phone = await phones.open(alice, 'phone')
    const { recoveryCode } = await phone.identity.create()
    for (const line of recoveryLines(recoveryCode, paint)) tell(line)
    await phone.identity.codeSaved()
    on(phone, phone.identity.status.rootSentence)
    const tablet = await phones.open(bob, 'tablet')
    await tablet.identity.create()
    await tablet.identity.codeSaved()

    audience.scene('Alice adds her laptop: it shows a QR code, her phone scans it, then six digits and four')
    const laptop = await phones.open(alice, 'laptop')
    on(laptop, laptop.identity.status.deviceSentence)
    const link = await laptop.identity.link('laptop')
    audience.wide(await qrLines(link.text, paint))
    const approval = await phone.identity.review(link.text)
    on(phone, `"${approval.name}" wants to speak as you. Type there: ${paint.bold(approval.challenge)}`)
    const code = link.showCode(approval.challenge)
    on(laptop, `Type on your phone: ${paint.bold(code)}`)
    await approval.approve(code, { steward: true })
    await link.done
    on(laptop, laptop.identity.status.deviceSentence)

    audience.scene("Bob scans the code on Alice's phone, once: both are verified, with all their devices")
    const garden = stage.room(`garden${suffix}`)
    await phone.enter(garden)
    await phone.room.invite(bobJid)
    await tablet.invited()
    await tablet.enter(garden)
    await laptop.enter(garden)
    await laptop.active()
    await phone.until('three devices', () => phone.room.devices().length === 3)
    await shown(tablet, aliceJid)
    await phone.sees(bobJid)
    const showing = phone.identity.showCode(bobJid)
    const scan = await tablet.identity.scanCode(showing.text, aliceJid)
    aside(`  Bob points his tablet at Alice's phone: ${scan.outcome}`)
    await phone.until('the answer to the scan', () => stateOf(phone, bobJid) === 'VERIFIED')
    showing.close()
    const [atBob, atAlice] = [await shown(tablet, aliceJid), await shown(phone, bobJid)]
    const verified = atBob.state === 'VERIFIED' && atAlice.state === 'VERIFIED'
    await say(laptop, 'Hi Bob, from my laptop.', [tablet])
    const inherited = tablet.messages.at(-1)?.sender.trust === 'verified'
    aside("      ✓ though Bob has never seen the laptop: it is on Alice's signed list")
    const ghost = hostile === undefined ? undefined : await haunt()
    const rollback = hostile === undefined ? undefined : await rollBack()

    const canWait = hostile !== undefined
    audience.scene(
      canWait
        ? "The next day the laptop is stolen, unlocked. The thief lets a device of his own into Alice's account"
        : 'The laptop is stolen, unlocked. The thief tries to let in a device of his own',
    )
    if (canWait) {
      await hostile?.skip(probationMs)
      await phone.identity.audit()
      await laptop.identity.audit()
      on(laptop, laptop.identity.status.deviceSentence)
    }
    const spy = await phones.open(alice, 'thief')
    const thiefLink = await spy.identity.link('phone of Alice')
    let noticed = false
    try {
      const review = await laptop.identity.review(thiefLink.text)
      await review.approve(thiefLink.showCode(review.challenge))
      await thiefLink.done
      await spy.enter(garden)
      await spy.active()
      aside('  The thief holds the key that signs the list: this device is really on it.')
      await phone.identity.audit()
      await phone.until('the notice', () => phone.told.some((line) => line.includes('speaks as you')))
      noticed = true
      news(phone, paint.bad)
      await shown(tablet, aliceJid)
    } catch (error) {
      const tooNew = error instanceof MlsError && error.rule === 'I092'
      if (canWait || !tooNew) throw error
      noticed = true
      on(laptop, paint.bad('A device cannot let in others on its first day.'))
    }

    audience.scene('Alice enters her recovery code on her phone, and has her account back')
    const { removed } = await phone.identity.recover(recoveryCode)
    on(phone, phone.identity.status.rootSentence)
    on(
      phone,
      `${removed.length} ${removed.length === 1 ? 'device was' : 'devices were'} removed, and thrown out of all rooms.`,
    )
    await phone.until('the thief is out', () => phone.room.devices().length === 2)
    await laptop.identity.audit()
    await laptop.until('revoked', () => laptop.identity.status.deviceState === 'REVOKED')
    on(laptop, paint.bad(laptop.identity.status.deviceSentence))
    const after = await shown(tablet, aliceJid)
    await tablet.until('two devices', () => tablet.room.devices().length === 2)
    const had = laptop.messages.length + spy.messages.length
    await say(tablet, 'Are you all right?', [phone])
    await say(phone, 'Yes. It is me, and only me.', [tablet])
    const still = after.state === 'VERIFIED' && tablet.messages.at(-1)?.sender.trust === 'verified'
    const leaked = laptop.messages.length + spy.messages.length - had

    audience.scene('The end')
    const leaves = tablet.room.devices().map(({ account, device, leafIndex, trust }) => ({
      leafIndex,
      label: [`${account.split('@')[0] ?? account}${trustMark(trust, paint)}`, phones.nameOf(device)],
    }))
    // the old list was no question about a device, and it was the server's doing
    const prompts = tablet.warned.filter((kind) => kind !== 'rollback').length
    const came = tablet.identity.contacts
      .flatMap(({ findings }) => findings)
      .filter(({ kind }) => kind.startsWith('device_')).length
    const revoked = laptop.identity.status.deviceState === 'REVOKED'
    audience.wide([
      '',
      ...drawTree(leaves),
      '',
      `Bob compared once. Since then devices of Alice came and went ${times(came)}; he was asked about it ${times(prompts)}.`,
      `The thief read ${leaked} of what was said after the recovery. Alice and Bob did nothing but what is told above.`,
    ])
    const out = tablet.room.devices().length === 2
    return {
      verified,
      inherited,
      ghost,
      rollback,
      thief: { noticed, revoked, out },
      still,
      leaked,
      prompts,
    }

    /** The server adds a device to Alice's list, and logs in as her. */
    async function haunt() {
      if (hostile === undefined) return undefined
      audience.scene(
        "The server puts a ghost into Alice's account: a device of its own, with KeyPackages and on her list",
      )
      const specter = await phones.open(alice, 'ghost', { honest: false })
      const real = hostile.item(aliceJid, identityNodes.manifest, currentItem)
      hostile.forge(aliceJid, identityNodes.manifest, currentItem, withGhost(real, specter.client.device))
      aside('  it publishes KeyPackages in her node, and a list with the ghost on it')
      await tablet.identity.refresh(aliceJid).then(
        () => on(tablet, paint.bad('took the list')),
        () => on(tablet, paint.good('The list that the server shows is not signed by Alice: not used.')),
      )
      const seen = await shown(tablet, aliceJid)
      const listRefused = seen.devices.length === 2
      hostile.forge(aliceJid, identityNodes.manifest, currentItem, real)
      await specter.enter(garden).catch(() => undefined)
      await hostile.skip(20_000)
      const inRoom = tablet.room.devices()
      const keptOut = !inRoom.some(({ device }) => device === specter.client.device)
      on(specter, keptOut ? paint.bad('no member of the group, and reads nothing') : 'is in')
      const kitchen = await tablet.client.room(stage.room(`kitchen${suffix}`))
      await kitchen.invite(aliceJid)
      const invited = kitchen.devices().filter(({ account }) => account === aliceJid)
      on(tablet, `makes a room and invites Alice: ${invited.map(({ device }) => phones.nameOf(device)).join(' and ')}`)
      const notInvited = !invited.some(({ device }) => device === specter.client.device) && invited.length === 2
      return { listRefused, keptOut, notInvited }
    }

    /** The server shows Bob the list from before the laptop. */
    async function rollBack() {
      if (hostile === undefined) return undefined
      audience.scene('The server shows Bob an old list, as if a newer one had never been')
      const real = hostile.item(aliceJid, identityNodes.manifest, currentItem)
      const log = hostile.items(aliceJid, identityNodes.log)
      const old = log.find(([id]) => id.startsWith('1.'))
      if (old === undefined) throw new Error('the log has no list 1')
      hostile.forge(aliceJid, identityNodes.manifest, currentItem, old[1])
      for (const [id] of log)
        if (!id.startsWith('0.') && id !== old[0]) hostile.forge(aliceJid, identityNodes.log, id, undefined)
      const caught = await shown(tablet, aliceJid)
      on(tablet, paint.bad(sendSentences[caught.sending]))
      const { canSend } = tablet.room.health
      aside('  then it gives up, and shows what there is:')
      for (const [id, payload] of log) hostile.forge(aliceJid, identityNodes.log, id, payload)
      hostile.forge(aliceJid, identityNodes.manifest, currentItem, real)
      const after = await shown(tablet, aliceJid)
      return { caught: caught.state === 'ROLLBACK', blocked: !canSend, over: after.state === 'VERIFIED' }
    }
  } finally {
    await phones.closeAll()
  }
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)

/** The state of an account on a device, without asking the server. */
function stateOf(phone: Phone, account: string): string | undefined {
  return phone.identity.contacts.find((one) => one.account === account)?.state
}

/** A list with one more device on it; the signature is that of the real one. */
function withGhost(real: XmlElement | undefined, device: string): XmlElement {
  const bytes = parseBytes('manifest', real)
  if (bytes === undefined) throw new Error('there is no list')
  const manifest = decodeManifest(bytes)
  const [first] = manifest.devices
  if (first === undefined) throw new Error('an empty list')
  const ghost = {
    ...first,
    deviceId: Uint8Array.from(Buffer.from(device, 'hex')),
    leafKeys: [new Uint8Array(32).fill(9)],
  }
  return buildBytes('manifest', encode(Manifest, { ...manifest, devices: [...manifest.devices, ghost] }))
}

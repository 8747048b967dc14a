// The story of the demo, as a function that tests run too: on any stage, told to any audience.
import { toHex } from '../src/bytes/text.ts'
import { type Paint, paintFor } from '../src/cli/paint.ts'
import { Transcript } from '../src/cli/transcript.ts'
import { drawTree } from '../src/cli/tree-drawing.ts'
import { type Device, Devices } from './demo-devices.ts'
import type { Stage } from './demo-stage.ts'
import type { ServerView } from './demo-tap.ts'

/** Who is told the story. */
export interface Audience {
  scene(title: string): void
  /** A line of what people see. */
  people(line: string): void
  /** A stanza of what the server sees. */
  server(view: ServerView): void
  /** Lines over the whole width. */
  wide(lines: readonly string[]): void
}

/** How the story ended. */
export interface Outcome {
  /** All texts that were sent. */
  readonly texts: readonly string[]
  /** Those that the server has stored readably: must be none. */
  readonly readable: readonly string[]
  /** Those that the devices have on their disks readably: must be none. */
  readonly unsealed: readonly string[]
  /** Whether one comparison has verified Alice and Bob with all their devices, and the one that came later. */
  readonly verified: boolean
  /** Stored files or archives that were looked at, and their size. */
  readonly searched: { readonly files: number; readonly bytes: number }
  /** Whether all devices are in one epoch with one history. */
  readonly agree: boolean
  readonly epoch: bigint
  /** Whether the withheld message was shown, as one that was found late. */
  readonly repaired: boolean
  /** What the removed device got of what was said after it: must be none. */
  readonly leaked: number
}

/** What a test may do in the middle. */
export interface Hooks {
  readonly beforeRemoval?: (devices: Devices) => Promise<void>
  readonly atEnd?: (devices: Devices) => Promise<void>
}

/** Plays the story. @throws Error that names what did not happen */
export async function play(
  stage: Stage,
  audience: Audience,
  options: { readonly paint?: Paint; readonly hooks?: Hooks; readonly suffix?: string } = {},
): Promise<Outcome> {
  const { paint = paintFor(false), hooks = {}, suffix = '' } = options
  const transcript = new Transcript(paint, { markOwn: false })
  const devices = new Devices(stage, audience)
  const texts: string[] = []
  const tell = (line: string): void => audience.people(line)
  const aside = (line: string): void => audience.people(paint.dim(line))
  const roomJid = stage.room(`garden${suffix}`)
  const [alice, bob, carol] = [`alice${suffix}`, `bob${suffix}`, `carol${suffix}`]

  /** Somebody says something, and everybody who is in the room reads it. */
  const say = async (from: Device, content: Parameters<Device['room']['send']>[0], to: readonly Device[]) => {
    const body = typeof content === 'string' ? content : 'body' in content ? content.body : undefined
    if (body !== undefined) texts.push(body)
    const sent = await from.room.send(content)
    await devices.heard(sent.id, to)
    const seen = to.map((device) => device.message(sent.id)).find((message) => message !== undefined)
    if (seen !== undefined) tell(transcript.line(seen))
    aside(`      read by ${to.map(({ name }) => name).join(', ')}`)
    return sent
  }

  try {
    audience.scene('Three people make an identity each; Alice lets her laptop into hers. All publish KeyPackages')
    const phone = await devices.open(alice, 'phone')
    const { recoveryCode } = await phone.identity.create()
    await phone.identity.codeSaved()
    const laptop = await devices.open(alice, 'laptop')
    await devices.link(laptop, phone)
    let tablet = await devices.open(bob, 'tablet')
    const mobile = await devices.open(carol, 'mobile')
    for (const { identity } of [tablet, mobile]) {
      await identity.create()
      await identity.codeSaved()
    }
    for (const device of [phone, laptop, tablet, mobile]) aside(`  ${device.name} is ready`)

    audience.scene('Bob goes offline. Alice makes a room and invites him and Carol')
    await devices.close(tablet)
    aside(`  ${tablet.name} is offline`)
    await phone.enter(roomJid)
    tell(paint.note(`  * ${transcript.name({ account: stage.jid(alice), own: false })} makes ${roomJid}`))
    await laptop.enter(roomJid)
    await phone.changes(1)
    await phone.room.invite(stage.jid(bob))
    await phone.room.invite(stage.jid(carol))
    for (const change of phone.membership) tell(transcript.change(change))
    await mobile.invited()
    await mobile.enter(roomJid)
    await devices.agree([phone, laptop, mobile])

    audience.scene('They talk; Bob comes back and finds his invitation and what was said')
    const first = await say(phone, 'The garden party is on Saturday at six.', [laptop, mobile])
    tablet = await devices.open(bob, 'tablet', tablet)
    await tablet.invited()
    await tablet.enter(roomJid)
    await devices.heard(first.id, [tablet])
    tell(paint.note(`  * ${transcript.name({ account: stage.jid(bob), own: false })} is back and reads it, too`))
    const answer = await say(tablet, { kind: 'reply', to: first.id, body: 'I bring the lemonade.' }, [
      phone,
      laptop,
      mobile,
    ])
    await say(mobile, { kind: 'reaction', to: answer.id, emojis: ['🎉'] }, [phone, laptop, tablet])

    audience.scene('Alice and Bob compare sixty digits on the telephone, once; devices are never compared')
    const [atAlice, atBob] = [
      await phone.identity.digits(stage.jid(bob)),
      await tablet.identity.digits(stage.jid(alice)),
    ]
    tell(`  ${atAlice.digits}`)
    if (!atAlice.same(atBob.digits)) await devices.missing('the same digits')
    await atAlice.confirm()
    await atBob.confirm()
    for (const [device, user] of [
      [phone, bob],
      [tablet, alice],
    ] as const)
      tell(`  ${paint.dim(`${device.name}:`)} ${(await device.identity.contact(stage.jid(user))).sentence}`)
    await say(laptop, 'Bob, this is my laptop.', [tablet, phone, mobile])

    audience.scene('A message to Bob gets lost on the way; his device notices and repairs it')
    tablet.tap.dropNext()
    const lost = 'Bring a torch, it gets dark early.'
    texts.push(lost)
    const withheld = await phone.room.send(lost)
    await devices.heard(withheld.id, [laptop, mobile])
    tell(transcript.line(laptop.message(withheld.id) ?? (await devices.missing('the message on the other device'))))
    tell(paint.bad(`  ! withheld from ${tablet.name}`))
    const next = await phone.room.send('And a chair.')
    texts.push('And a chair.')
    await devices.heard(next.id, [laptop, mobile, tablet])
    await devices.heard(withheld.id, [tablet])
    const bobs = new Transcript(paint, { markOwn: false })
    aside(`  ${tablet.name} misses a number and asks the archive:`)
    for (const message of tablet.messages.slice(-2)) tell(`  ${bobs.line(message).trimStart()}`)
    const repaired = tablet.message(withheld.id) !== undefined && tablet.tap.dropped === 1

    audience.scene('Alice removes Carol; from now on Carol cannot read')
    await hooks.beforeRemoval?.(devices)
    let before = phone.membership.length
    await phone.room.remove(stage.jid(carol))
    for (const change of phone.membership.slice(before)) tell(transcript.change(change))
    const had = mobile.messages.length
    await mobile.ended()
    await devices.agree([phone, laptop, tablet])
    await say(tablet, 'The surprise for Carol is a treehouse.', [phone, laptop])
    aside(`  what ${mobile.name} shows:`)
    for (const line of transcript.health(mobile.room.health)) tell(line)

    audience.scene(
      "Alice's laptop loses its disk. Her recovery code brings it back, with new keys in place of the old ones",
    )
    before = phone.membership.length
    await devices.close(laptop)
    const returned = await devices.open(alice, 'laptop')
    await returned.identity.restore({ recoveryCode }, { replaces: [laptop.client.device] })
    tell(`  ${paint.dim(`${returned.name}:`)} ${returned.identity.status.deviceSentence}`)
    await returned.enter(roomJid)
    await phone.replaced(laptop.client.device, before)
    await devices.agree([phone, returned, tablet])
    const back = phone.membership.slice(before)
    for (const change of back) tell(transcript.change(change))
    await say(returned, 'Here I am again.', [phone, tablet])
    await say(phone, 'Good. See you on Saturday!', [returned, tablet])
    await devices.agree([phone, returned, tablet])
    const leaked = mobile.messages.length - had

    audience.scene('The end: one tree, one epoch, and what the server has kept')
    const members = phone.room.devices()
    const leaves = members.map(({ account, device, leafIndex, own, trust }) => ({
      leafIndex,
      label: [transcript.name({ account, own, trust }), devices.nameOf(device)],
    }))
    const epoch = phone.room.health.epoch ?? 0n
    const stored = await stage.stored()
    const readable = texts.filter((text) => stored.some((file) => file.includes(text)))
    const bytes = stored.reduce((sum, file) => sum + file.length, 0)
    const unsealed = texts.filter((text) => devices.disk.some((file) => file.includes(text)))
    const trusted = (await tablet.identity.contact(stage.jid(alice))).state
    const verified = trusted === 'VERIFIED' && tablet.messages.at(-1)?.sender.trust === 'verified'
    const authenticators = [phone, returned, tablet].map(({ room }) => toHex(room.epochAuthenticator))
    const agree = new Set(authenticators).size === 1
    audience.wide([
      '',
      ...drawTree(leaves),
      '',
      `epoch ${epoch}; epoch authenticator ${authenticators[0]?.slice(0, 16) ?? ''}… ${agree ? 'is the same on all devices' : 'DIFFERS'}`,
      `safety number ${phone.room.safetyNumber}`,
      `${texts.length} texts were sent; of what the server has stored (${stored.length} files or archives, ${bytes} bytes), it can read ${readable.length}`,
      `the devices keep their state in LMDB, sealed: on their disks ${unsealed.length} of the texts can be read`,
      `Alice and Bob compared once, before the laptop was replaced: Bob's tablet says ${trusted}`,
      `Carol read ${leaked} of what was said after she was removed`,
    ])
    await hooks.atEnd?.(devices)
    return {
      texts,
      readable,
      unsealed,
      verified,
      searched: { files: stored.length, bytes },
      agree,
      epoch,
      repaired,
      leaked,
    }
  } finally {
    await devices.closeAll()
  }
}

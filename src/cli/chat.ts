import { MlsError } from '../bytes/errors.ts'
import type { IdentityClient } from '../xmpp/identity/client.ts'
import type { EmojiVerification } from '../xmpp/identity/emoji-sessions.ts'
import type { MlsRoom } from '../xmpp/mls/room.ts'
import type { MessageContent, RoomHealth } from '../xmpp/mls/types.ts'
import { tryBareJid } from '../xmpp/stanza/jid.ts'
import { type ChatCommand, chatHelp, parseCommand } from './commands.ts'
import { groupLines } from './group-lines.ts'
import { contactLines, statusLines } from './identity-lines.ts'
import { tellProblems } from './identity-notices.ts'
import { showVerifyCode, verifyByDigits, verifyByEmoji, verifyByScan } from './identity-verify.ts'
import { harmless, type Paint, padTo } from './paint.ts'
import type { Person } from './person.ts'
import { sentenceOf } from './report.ts'
import { Transcript } from './transcript.ts'

/** What a chat needs. */
export interface ChatInput {
  /** Bare JID of the person. */
  readonly account: string
  readonly room: MlsRoom
  /** The identity of the account, where this device belongs to it. */
  readonly identity?: IdentityClient
  readonly paint: Paint
  /** Lines that the person types. */
  readonly lines: AsyncIterable<string>
  readonly print: (line: string) => void
}

/** A conversation in a room: prints what happens, does what is typed; ends with the lines, on /quit and on /leave. */
export async function chat({ account, room, identity, paint, lines, print }: ChatInput): Promise<void> {
  const transcript = new Transcript(paint)
  const conditionOf = ({ state, canSend, issues }: RoomHealth): string =>
    // the epoch alone is no news
    JSON.stringify([state, canSend, issues.map((issue) => transcript.issue(issue))])
  let shown = conditionOf(room.health)
  print(paint.dim(`${room.jid}, ${room.kind === 'mix' ? 'a channel' : 'a room'}; /help lists the commands`))
  for (const line of transcript.health(room.health)) print(line)
  const stops = [
    room.on('message', (message) => print(transcript.line(message))),
    room.on('membership', (change) => print(transcript.change(change))),
    room.on('unreadable', (value) => print(transcript.unreadable(value))),
    room.on('error', ({ kind, error }) => print(paint.bad(`  ! ${kind}: ${sentenceOf(error)}`))),
    room.on('health', () => {
      // what is now, not what was while the room was being entered
      const { health } = room
      const now = conditionOf(health)
      if (now !== shown) for (const line of transcript.health(health)) print(line)
      shown = now
    }),
    ...(identity === undefined ? [] : [tellProblems(identity, { print, paint })]),
  ]
  const begun = new Map<string, EmojiVerification>()
  const stopVerification = identity?.on('verification', (one) => {
    begun.set(one.account, one)
    print(paint.note(`  * ${harmless(one.account)} wants to compare emoji: /verify ${harmless(one.account)} emoji`))
  })
  if (stopVerification !== undefined) stops.push(stopVerification)
  const typed = lines[Symbol.asyncIterator]()
  const person: Person = {
    paint,
    print,
    async ask(question) {
      print(paint.bold(question))
      const next = await typed.next()
      return next.done === true ? '' : next.value.trim()
    },
  }
  const scene = { account, room, identity, paint, print, transcript, person, begun }
  const under = new Set<Promise<void>>()
  const report = (error: unknown): void => {
    if (!(error instanceof MlsError)) throw error
    print(paint.bad(`  ! ${sentenceOf(error)}`))
  }
  try {
    for (let next = await typed.next(); next.done !== true; next = await typed.next()) {
      const command = parseCommand(next.value)
      if (command.kind === 'quit') break
      const work = perform(command, scene).catch(report)
      under.add(work)
      void work.finally(() => under.delete(work))
      // messages wait for their place in the archive, maybe for a connection: the next line need not
      if (!messages.has(command.kind)) await work
      if (command.kind === 'leave') break
    }
    await Promise.race([Promise.all(under), new Promise((resolve) => setTimeout(resolve, farewellMs).unref())])
  } finally {
    for (const stop of stops) stop()
  }
}

/** Commands that send a message. */
const messages: ReadonlySet<ChatCommand['kind']> = new Set(['say', 'reply', 'react', 'correct'])
/** How long the end waits for messages on their way, in milliseconds; they are kept and go out the next time. */
const farewellMs = 5_000

interface Scene {
  readonly account: string
  readonly room: MlsRoom
  readonly identity: IdentityClient | undefined
  readonly paint: Paint
  readonly print: (line: string) => void
  readonly transcript: Transcript
  readonly person: Person
  /** Comparisons that others have begun. */
  readonly begun: Map<string, EmojiVerification>
}

async function perform(command: ChatCommand, scene: Scene): Promise<void> {
  const { account, room, identity, paint, print, transcript } = scene
  const said = (number: number): string => {
    const found = transcript.message(number)
    if (found === undefined) throw new MlsError('codec/range', 'no message has this number')
    return found.id
  }
  const send = async (content: MessageContent): Promise<void> => {
    const { id } = await room.send(content)
    print(transcript.sent(id, account, content))
  }
  switch (command.kind) {
    case 'nothing':
    case 'quit':
      return
    case 'say':
      await send({ kind: 'text', body: command.body })
      return
    case 'reply':
      await send({ kind: 'reply', to: said(command.number), body: command.body })
      return
    case 'react':
      await send({ kind: 'reaction', to: said(command.number), emojis: command.emojis })
      return
    case 'correct': {
      const last = transcript.lastOwn
      if (last === undefined) throw new MlsError('codec/range', 'there is no message of yours')
      await send({ kind: 'correction', to: last.id, body: command.body })
      return
    }
    case 'invite':
      await room.invite(address(command.account))
      return
    case 'remove':
      await room.remove(address(command.account))
      return
    case 'who':
      for (const line of whoLines(room, paint, transcript)) print(line)
      return
    case 'tree':
      for (const line of groupLines(room)) print(line)
      return
    case 'health':
      for (const line of transcript.health(room.health)) print(line)
      for (const line of peopleLines(room, identity, paint)) print(line)
      return
    case 'verify':
      await verify(command, scene)
      return
    case 'saved':
      await known(identity).codeSaved()
      for (const line of statusLines(known(identity).status, paint)) print(line)
      return
    case 'rejoin':
      await room.rejoin()
      return
    case 'leave':
      await room.leave()
      print(paint.note('  * you have left'))
      return
    case 'help':
      for (const [usage, what] of chatHelp) print(`  ${padTo(usage, 22)} ${paint.dim(what)}`)
      return
    case 'wrong':
      print(paint.bad(`  ! ${command.usage}`))
  }
}

function known(identity: IdentityClient | undefined): IdentityClient {
  if (identity === undefined)
    throw new MlsError('identity/state', 'this device belongs to no identity: xmpp-mls identity link')
  return identity
}

async function verify(
  { account: named, how }: Extract<ChatCommand, { kind: 'verify' }>,
  { account: self, room, identity, person, begun }: Scene,
): Promise<void> {
  const others = room.members().filter(({ account }) => account !== self)
  const only = others.length === 1 ? others[0]?.account : undefined
  const account = named === undefined ? only : address(named)
  if (account === undefined) throw new MlsError('xmpp/jid', 'whom? /verify ACCOUNT')
  const own = known(identity)
  if (how === 'digits') await verifyByDigits(own, person, account)
  else if (how === 'emoji') {
    await verifyByEmoji(own, person, account, begun.get(account))
    begun.delete(account)
  } else if (how !== undefined) await verifyByScan(own, person, how, account)
  else await showVerifyCode(own, person, account)
}

/** What is known of the people in a room, one sentence each. */
function peopleLines(room: MlsRoom, identity: IdentityClient | undefined, paint: Paint): string[] {
  if (identity === undefined) return []
  const here = new Set(room.members().map(({ account }) => account))
  const contacts = identity.contacts.filter(({ account }) => here.has(account) && account !== identity.account)
  return [...statusLines(identity.status, paint).slice(1, 3), ...contacts.flatMap((one) => contactLines(one, paint))]
}

function address(text: string): string {
  const jid = tryBareJid(text)
  if (jid === undefined || !jid.includes('@')) throw new MlsError('xmpp/jid', 'that is no address: name@server')
  return jid
}

/** The accounts of a room with their devices, one line each. */
function whoLines(room: MlsRoom, paint: Paint, transcript: Transcript): string[] {
  return room.members().map(({ account, devices, affiliation, difference }) => {
    const own = devices.some((device) => device.own)
    const name = padTo(transcript.name({ account, own }), 16)
    const count = devices.length === 1 ? '1 device' : `${devices.length} devices`
    const trust = devices.length === 0 ? '' : `, ${[...new Set(devices.map((device) => device.trust))].join(' and ')}`
    const what = {
      none: '',
      outsider: paint.bad('  in the group and not in the room: /remove'),
      unreached: paint.note('  in the room and not in the group: cannot read'),
    }[difference]
    return `  ${name} ${padTo(harmless(account), 28)} ${paint.dim(`${affiliation ?? ''} ${count}${trust}`.trim())}${what}`
  })
}

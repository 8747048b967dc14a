// What must be true when a simulation is over.
import { toHex } from '../src/bytes/text.ts'
import type { XmppService } from '../src/testing/xmpp/xmpp-service.ts'
import { mlsElementIn } from '../src/xmpp/mls/items.ts'
import type { RoomIssue } from '../src/xmpp/mls/types.ts'
import { messagePlace, parseEncrypted } from '../src/xmpp/mls/wire/encrypted.ts'
import type { Actor } from './sim-actor.ts'

/** What was found. */
export interface Verdict {
  /** Sentences; empty when all is well. */
  readonly violations: readonly string[]
  /** Messages that the archive has. */
  readonly messages: number
  /** Messages shown, over all clients. */
  readonly shown: number
  /** Messages reported as unreadable, over all clients, by reason. */
  readonly reported: Readonly<Record<string, number>>
  /** Messages that members who stayed were only told of. */
  readonly told: number
  readonly epochs: number
}

/** Looks at all rooms. */
export function judge(service: XmppService, actors: readonly Actor[]): Verdict {
  const violations = actors.flatMap(({ failures }) => failures)
  const sums = { messages: 0, epochs: 0, told: 0 }
  for (const room of new Set(actors.map((actor) => actor.room))) {
    const found = judgeRoom(
      service,
      room,
      actors.filter((actor) => actor.room === room),
    )
    violations.push(...found.violations)
    sums.messages += found.messages
    sums.epochs += found.epoch
    sums.told += found.told
  }
  const reported: Record<string, number> = {}
  for (const { reports } of actors)
    for (const [reason, count] of reports) reported[reason] = (reported[reason] ?? 0) + count
  return { ...sums, violations, reported, shown: actors.reduce((sum, { shownEver }) => sum + shownEver, 0) }
}

function judgeRoom(service: XmppService, room: string, actors: readonly Actor[]) {
  const members = judgeMembers(room, actors)
  const messages = judgeMessages(service, room, actors)
  return { ...messages, epoch: members.epoch, violations: [...members.violations, ...messages.violations] }
}

/** Everybody whom the tree names is in, shares one history, and waits for nothing; nobody else is. */
function judgeMembers(room: string, actors: readonly Actor[]) {
  const violations: string[] = []
  const active = actors.filter(({ handle }) => handle?.health.state === 'active')
  const histories = new Set(active.map(({ handle }) => toHex(handle?.epochAuthenticator ?? Uint8Array.of())))
  if (histories.size !== 1) violations.push(`${room} has ${histories.size} histories`)
  const first = active[0]
  const leaves = first?.handle?.devices().map(({ account }) => account) ?? []
  if (new Set(leaves).size < leaves.length) violations.push(`${room} has a device twice`)
  for (const actor of actors) {
    const { jid, quiet, handle, invitations } = actor
    const inside = handle?.health.state === 'active'
    if (!quiet) violations.push(`${jid} is stuck in ${room}: ${describe(actor)}`)
    if (leaves.includes(jid) !== inside)
      violations.push(`${jid} is ${inside ? 'in' : 'not in'} ${room}, the tree says otherwise: ${describe(actor)}`)
    if (inside && handle?.health.canSend !== true) violations.push(`${jid} cannot send in ${room}: ${describe(actor)}`)
    if (inside && invitations.includes(room)) violations.push(`${jid} is in ${room} and still invited`)
  }
  return { violations, epoch: Number(first?.handle?.health.epoch ?? 0n) }
}

/** Each message is shown to each member of its epoch, or that member was told of it. */
function judgeMessages(service: XmppService, room: string, actors: readonly Actor[]) {
  const violations: string[] = []
  let told = 0
  const epochOf = new Map<string, bigint>()
  for (const { id, message } of service.archive(room).entries) {
    const payload = parseEncrypted(mlsElementIn(message))?.payload
    const place = payload?.kind === 'inline' ? messagePlace(payload.bytes) : undefined
    if (place !== undefined) epochOf.set(id, place.epoch)
  }
  const sent = actors.flatMap((author) =>
    [...author.sent].map(([archiveId, { id, body }]) => ({ author, archiveId, id, body })),
  )
  for (const { author, archiveId, id, body } of sent) {
    const epoch = epochOf.get(archiveId)
    if (epoch === undefined) violations.push(`${author.jid} sent ${archiveId}, and the archive does not have it`)
    else {
      const copies = actors.flatMap(({ shown }) => shown.get(id) ?? [])
      if (copies.some((copy) => copy.body !== body)) violations.push(`${archiveId} was shown with another text`)
      for (const actor of actors) {
        const { handle, shown, unreadable } = actor
        const { joinEpoch } = handle?.session.state ?? { joinEpoch: 0n }
        if (actor === author || handle?.health.state !== 'active' || epoch < joinEpoch || shown.has(id)) continue
        told++
        if (!unreadable.has(archiveId) && !isMissing(handle.health.issues, author.jid, copies[0]?.number))
          violations.push(`${actor.jid} was not shown ${archiveId} of epoch ${epoch} by ${author.jid}, and not told`)
      }
    }
  }
  return { violations, told, messages: sent.length }
}

function isMissing(issues: readonly RoomIssue[], account: string, number: number | undefined): boolean {
  return issues.some(
    (issue) =>
      issue.kind === 'missing' &&
      issue.sender.account === account &&
      (number === undefined || (issue.first <= number && number <= issue.last)),
  )
}

function describe({ handle }: Actor): string {
  if (handle === undefined) return 'not entered'
  const { state, issues, epoch } = handle.health
  return `${state} at epoch ${epoch ?? 'none'}, ${issues.map(({ kind }) => kind).join()}, idle ${handle.idle}`
}

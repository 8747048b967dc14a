// What must be true when a simulation is over.
import { toHex } from '../src/bytes/text.ts'
import type { XmppService } from '../src/testing/xmpp/xmpp-service.ts'
import { mlsElementIn } from '../src/xmpp/mls/items.ts'
import { parseEncrypted } from '../src/xmpp/mls/wire/encrypted.ts'
import type { Actor } from './sim-actor.ts'

/** What was found. */
export interface Verdict {
  readonly violations: readonly string[]
  readonly messages: number
  readonly shown: number
  readonly reported: number
  readonly epochs: number
}

/** Looks at all rooms. */
export function judge(service: XmppService, actors: readonly Actor[]): Verdict {
  const violations = actors.flatMap(({ failures }) => failures)
  let messages = 0
  let epochs = 0
  for (const room of new Set(actors.map((actor) => actor.room))) {
    const members = actors.filter((actor) => actor.room === room)
    const found = judgeRoom(service, room, members)
    violations.push(...found.violations)
    messages += found.messages
    epochs += found.epoch
  }
  const sum = (of: (actor: Actor) => number): number => actors.reduce((total, actor) => total + of(actor), 0)
  return {
    violations,
    messages,
    shown: sum(({ shownEver }) => shownEver),
    reported: sum(({ reportedEver }) => reportedEver),
    epochs,
  }
}

function judgeRoom(service: XmppService, room: string, actors: readonly Actor[]) {
  const violations: string[] = []
  const active = actors.filter(({ handle }) => handle?.health.state === 'active')
  const histories = new Set(active.map(({ handle }) => toHex(handle?.epochAuthenticator ?? Uint8Array.of())))
  if (histories.size > 1) violations.push(`${room} has ${histories.size} histories`)
  // who the tree names can read, and nobody else
  const first = active[0]
  const leaves = new Set(first?.handle?.devices().map(({ account }) => account))
  // who was put out of the room before he could read why has no way to know more than that he is out
  const isOut = (actor: Actor): boolean => actor.handle?.health.state === 'offline' && !leaves.has(actor.jid)
  for (const actor of actors)
    if (!actor.quiet && !isOut(actor)) violations.push(`${actor.jid} is stuck in ${room}: ${describe(actor)}`)
  for (const { jid, handle } of actors) {
    const inside = handle?.health.state === 'active'
    if (leaves.has(jid) !== inside)
      violations.push(
        `${jid} is ${inside ? 'in' : 'not in'} the group of ${room}, the tree says otherwise: ${handle?.health.state ?? 'not entered'}`,
      )
  }

  const epochOf = new Map<string, bigint>()
  for (const { id, message } of service.archive(room).entries) {
    const encrypted = parseEncrypted(mlsElementIn(message))
    if (encrypted !== undefined) epochOf.set(id, encrypted.epoch)
  }
  const sent = actors.flatMap((author) => [...author.sent].map(([archiveId, id]) => ({ author, archiveId, id })))
  for (const actor of actors) {
    for (const [id, times] of actor.shown) if (times > 1) violations.push(`${actor.jid} was shown ${id} ${times} times`)
    if (!active.includes(actor)) continue
    const { joinEpoch } = actor.handle?.session.state ?? { joinEpoch: 0n }
    const missing = actor.handle?.health.issues.some(({ kind }) => kind === 'missing') === true
    for (const { author, archiveId, id } of sent) {
      const epoch = epochOf.get(archiveId)
      if (author === actor || epoch === undefined || epoch < joinEpoch) continue
      if (!actor.shown.has(id) && !actor.unreadable.has(archiveId) && !missing)
        violations.push(`${actor.jid} was not shown ${archiveId} of epoch ${epoch} by ${author.jid}, and not told`)
    }
  }
  return { violations, messages: sent.length, epoch: Number(first?.handle?.health.epoch ?? 0n) }
}

function describe({ handle }: Actor): string {
  if (handle === undefined) return 'starting'
  const { state, issues, epoch } = handle.health
  return `${state} at epoch ${epoch ?? 'none'}, ${issues.map(({ kind }) => kind).join()}, idle ${handle.idle}`
}

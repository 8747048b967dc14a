/**
 * The engine of one room: `step(state, event)` gives the next state and what is to be done. No socket, timer, clock or
 * random source in it but the ports of its context: the same events give the same state.
 *
 * ```
 * archive page ─ archived* ─ caught-up ─┐
 * live stanza ──────────────── live ────┼─> step ─> state (stored first) ─> effects: send, welcome, emit, pull, timer
 * application ─ say, intend, rejoin ────┘
 * ```
 *
 * The archive's order decides. What arrives live is a hint: messages of the present epoch are read at once, everything
 * else waits until the archive shows its place. Messages that were read live are known by their archive id when the page
 * comes.
 */

import { equalBytes } from '../../../bytes/bytes.ts'
import { MlsError } from '../../../bytes/errors.ts'
import type { RoomIssue } from '../types.ts'
import { attemptRefused, resendAttempt, tryCommit } from './attempts.ts'
import { createGroup } from './beginning.ts'
import { forgetOldest, missingIssues, reportMissing } from './chains.ts'
import { receiveHandshake } from './commits.ts'
import { quarantine } from './copies.ts'
import type { EngineEntry } from './entries.ts'
import type { Effect, EngineEvent, TimerName, Turn } from './events.ts'
import { missesCommit } from './future.ts'
import { turnOf } from './groups.ts'
import {
  adoptGroup,
  answered,
  answerRequests,
  joinTimeout,
  observe,
  receiveRequest,
  rejoin,
  scheduleAnswers,
} from './joining.ts'
import { expel, leave, notHere, resendProposals } from './leaving.ts'
import { type Arrival, receiveMessage, unreadable } from './messages.ts'
import { rollBack } from './rollback.ts'
import { identityIssues, noteAffiliation, outsidersOf, removeOutsiders, scheduleOutsiders } from './roster.ts'
import { flushQueue, resend, say } from './sending.ts'
import type { EngineContext, Intent, RoomState } from './state.ts'

/** Archive ids that are remembered. */
const maxProcessed = 4096

/** One step. The given state belongs to the engine from then on; go on with the returned one. @throws kind `environment`, `bug` */
export async function step(
  context: EngineContext,
  state: RoomState,
  event: EngineEvent,
): Promise<{ readonly state: RoomState; readonly effects: readonly Effect[] }> {
  const turn: Turn = { context, state, effects: [] }
  await dispatch(turn, event)
  return { state, effects: turn.effects }
}

/** What needs no time is done when this returns. */
function dispatch(turn: Turn, event: EngineEvent): Promise<void> | undefined {
  const { state, effects } = turn
  switch (event.kind) {
    case 'archived':
      return receiveArchived(turn, event.entry)
    case 'live':
      return receive(turn, event.entry, 'live')
    case 'late':
      return receive(turn, event.entry, 'late')
    case 'caught-up':
      return caughtUp(turn)
    case 'lost':
      state.live = false
      effects.push({ kind: 'health' })
      return undefined
    case 'expelled':
      expel(turn)
      return undefined
    case 'admitted':
      state.expelled = false
      return undefined
    case 'copied':
      quarantine(turn, event.reason)
      return undefined
    case 'truncated':
      state.truncated = true
      effects.push({ kind: 'health' })
      return undefined
    case 'say':
      return say(turn, event.op, event.content)
    case 'intend':
      return intend(turn, event.intent)
    case 'leave':
      return leave(turn, event.op)
    case 'create':
      return createGroup(turn, event.policy, event.direct)
    case 'rejoin':
      return rejoin(turn, event.recent)
    case 'adopt':
      adoptGroup(turn, event.group, event.at, event.lastResort)
      return undefined
    case 'roster':
      state.roster = event.roster === undefined ? undefined : new Map(event.roster)
      state.rosterStale = false
      state.outsiders = undefined
      effects.push({ kind: 'health' })
      scheduleOutsiders(turn)
      return flushQueue(turn)
    case 'affiliation':
      noteAffiliation(turn, event.account, event.affiliation)
      effects.push({ kind: 'health' })
      scheduleOutsiders(turn)
      return undefined
    case 'unsure':
      markUnsure(turn, event.id)
      effects.push({ kind: 'pull' })
      return undefined
    case 'refused':
      refused(turn, event.id, event.error)
      return undefined
    case 'welcomed':
      state.welcomes = state.welcomes.filter(({ id }) => id !== event.id)
      return undefined
    case 'timer':
      return timer(turn, event.name)
  }
}

async function receiveArchived(turn: Turn, entry: EngineEntry): Promise<void> {
  const { state } = turn
  await receive(turn, entry, 'archived')
  if (state.future.length === 0) state.hold = undefined
  else state.hold ??= { cursor: state.cursor }
  state.cursor = entry.archiveId
}

async function intend(turn: Turn, intent: Intent): Promise<void> {
  const { state, effects } = turn
  if (state.phase === 'active' && !state.expelled) {
    state.intents.push(intent)
    await tryCommit(turn)
  } else effects.push({ kind: 'failed', op: intent.id, error: notHere(state) })
}

async function receive(turn: Turn, entry: EngineEntry, arrival: Arrival): Promise<void> {
  const { state } = turn
  const { archiveId, item } = entry
  if (state.processed.has(archiveId)) return
  let settled = true
  if (item.kind === 'encrypted') {
    if (state.group === undefined || equalBytes(item.group, state.group.id)) {
      const received = receiveMessage(turn, entry, item.bytes, arrival)
      settled = received instanceof Promise ? await received : received
    }
  } else if (arrival === 'live' && item.kind !== 'other') {
    // where it stands is for the archive to say
    turn.effects.push({ kind: 'pull' })
    settled = false
  } else await receiveOrdered(turn, entry, arrival)
  if (!settled) return
  state.processed.add(archiveId)
  forgetOldest(state.processed, maxProcessed)
}

async function receiveOrdered(turn: Turn, entry: EngineEntry, arrival: Arrival): Promise<void> {
  const { state } = turn
  const { item } = entry
  if (item.kind === 'broken') unreadable(turn, entry, item.reason)
  else if (item.kind === 'request') receiveRequest(turn, entry)
  else if (item.kind === 'handshake') {
    if (item.tree?.request !== undefined) answered(turn, item.tree.request)
    if (state.phase === 'outside') await observe(turn, entry, item)
    else if (state.group !== undefined && equalBytes(item.group, state.group.id) && item.bytes !== undefined) {
      if (arrival === 'late' && item.handshake === 'commit') await rollBack(turn, entry, item.bytes, item.epoch)
      await receiveHandshake(turn, entry, item.bytes, item.epoch)
    }
  }
}

async function caughtUp(turn: Turn): Promise<void> {
  const { state, effects } = turn
  const first = !state.live
  state.live = true
  if (state.previous !== undefined && turn.context.clock.now() > state.previous.until) {
    state.previous.earlier.fill(0)
    state.previous = undefined
  }
  if (state.quarantine === undefined) {
    resend(turn)
    resendAttempt(turn)
    await resendProposals(turn)
  }
  reportMissing(turn)
  if (first) {
    for (const welcome of state.welcomes) effects.push({ kind: 'welcome', welcome })
    effects.push({ kind: 'read-roster' }, { kind: 'health' })
    // what nobody answered while the connection was away
    if (state.phase === 'outside' && state.joining !== undefined)
      effects.push({ kind: 'timer', name: 'join', ms: turn.context.settings.timeoutMs, windowMs: 0 })
  }
  if (state.future.length > 0) effects.push({ kind: 'health' })
  scheduleAnswers(turn)
  if (state.attempt === undefined && state.races === 0) await tryCommit(turn)
  const { group } = state
  if (state.phase === 'active' && group !== undefined && group.proposals.length > 0 && state.attempt === undefined)
    effects.push({ kind: 'timer', name: 'proposals', ...turnOf(turn) })
  await flushQueue(turn)
}

function markUnsure({ state }: Turn, id: string): void {
  for (const item of state.outbox) if (item.id === id) item.unsure = true
  for (const item of state.proposals) if (item.id === id) item.unsure = true
  if (state.attempt?.id === id) state.attempt.unsure = true
}

/** The room itself said no: whoever wanted it is told. */
function refused(turn: Turn, id: string, cause: unknown): void {
  const { state, effects } = turn
  const error =
    cause instanceof MlsError ? cause : new MlsError('xmpp/stanza_error', 'the room refused a message', { cause })
  const item = state.outbox.find((one) => one.id === id)
  if (item !== undefined) {
    state.outbox = state.outbox.filter((one) => one !== item)
    effects.push({ kind: 'failed', op: item.op, error })
  }
  if (state.attempt?.id === id) attemptRefused(turn, error)
  if (state.creating?.id === id) {
    state.creating.group.close()
    state.creating = undefined
    effects.push({ kind: 'emit', event: { name: 'error', value: { kind: 'network', archiveId: undefined, error } } })
  }
  effects.push({ kind: 'health' })
}

async function timer(turn: Turn, name: TimerName): Promise<void> {
  const { state } = turn
  if (name === 'retry') {
    state.races = state.live ? state.races : 0
    await tryCommit(turn)
  } else if (name === 'proposals') await tryCommit(turn, true)
  else if (name === 'requests') await answerRequests(turn)
  else if (name === 'join') await joinTimeout(turn)
  else if (state.live) await removeOutsiders(turn)
}

/** What is wrong with the room, as the application is told. */
export function issuesOf(turn: Turn): readonly RoomIssue[] {
  const { state } = turn
  const identity = identityIssues(turn)
  const own: readonly RoomIssue[] = [
    ...outsidersOf(turn).map((account) => ({ kind: 'outsider', account }) as const),
    ...missingIssues(state),
    ...(missesCommit(state) ? [{ kind: 'gap' } as const] : []),
    ...(state.quarantine === undefined ? [] : [{ kind: 'copied', reason: state.quarantine } as const]),
    ...(state.forked ? [{ kind: 'fork' } as const] : []),
    ...(state.truncated ? [{ kind: 'archive-truncated' } as const] : []),
  ]
  // the same list as long as it says the same: looked at with every commit
  return own.length === 0 ? identity : [...own, ...identity]
}

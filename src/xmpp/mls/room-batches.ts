/** What a session asks of the events that it hands to the engine together. */
import type { Effect, Emission, EngineEvent } from './engine/events.ts'
import { participantOf } from './engine/groups.ts'
import type { EngineContext, RoomState } from './engine/state.ts'
import { sealBatch } from './store-state.ts'

/** Commits and proposals that one step may make. */
const handshakesOfStep = 4

/** What is believed of a sender is not stored with a message. */
export function trusted(engine: EngineContext, { group }: RoomState, event: Emission): Emission {
  if (event.name !== 'message') return event
  const { sender } = event.value
  const member = group?.member(sender.leafIndex)
  const now = member === undefined ? undefined : participantOf(engine, member)
  const same = now?.account === sender.account && now.device === sender.device
  return same ? { name: 'message', value: { ...event.value, sender: { ...sender, trust: now.trust } } } : event
}

/** Whether an event may make the engine encrypt or sign something with a generation. */
export function seals({ kind }: EngineEvent): boolean {
  return ['say', 'intend', 'leave', 'roster', 'caught-up', 'timer'].includes(kind)
}

/** Whether an event is an application message that came in: nothing is sealed for it. */
export function isMessage(event: EngineEvent): boolean {
  return 'entry' in event && event.entry.item.kind === 'encrypted'
}

/** At most how many generations of each kind events need. */
export function mayBeSealed(
  { phase, quarantine, queue, outbox, intents, leaving, group }: RoomState,
  events: readonly EngineEvent[],
): { readonly application: number; readonly handshake: number } {
  const sealing = events.filter(seals)
  if (phase !== 'active' || quarantine !== undefined || sealing.length === 0) return { application: 0, handshake: 0 }
  const said = sealing.filter(({ kind }) => kind === 'say').length
  const flushes = sealing.some(({ kind }) => kind === 'roster' || kind === 'caught-up')
  const waiting = flushes ? queue.length + outbox.filter(({ unsure }) => unsure).length : 0
  const changes =
    intents.length > 0 ||
    leaving !== undefined ||
    (group?.proposals.length ?? 0) > 0 ||
    sealing.some(({ kind }) => kind === 'intend' || kind === 'leave' || kind === 'timer')
  return { application: Math.min(said + waiting, sealBatch), handshake: changes ? handshakesOfStep : 0 }
}

/** Whether a step has left nothing that a restart would have to know. */
export function isPassing(events: readonly EngineEvent[], effects: readonly Effect[]): boolean {
  const passing = ['live', 'lost', 'roster', 'affiliation', 'unsure']
  const quiet = ['pull', 'health', 'timer', 'read-roster']
  return events.every(({ kind }) => passing.includes(kind)) && effects.every(({ kind }) => quiet.includes(kind))
}

/** Whether nothing that was begun waits for its end. */
export function isSettled({ outbox, attempt, intents, queue, creating, expelled }: RoomState): boolean {
  const sent = outbox.every(({ archiveId }) => archiveId !== undefined)
  const wanted = (attempt !== undefined && !expelled) || intents.length + queue.length > 0 || creating !== undefined
  return sent && !wanted
}

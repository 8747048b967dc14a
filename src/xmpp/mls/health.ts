import type { Turn } from './engine/events.ts'
import { isJoining } from './engine/offers.ts'
import { blockOf } from './engine/roster.ts'
import type { EngineContext, RoomState } from './engine/state.ts'
import { issuesOf } from './engine/step.ts'
import type { RoomHealth } from './types.ts'

/** How a room does: the engine's state and the seat, as an application is told. */
export function healthOf(
  context: EngineContext,
  state: RoomState,
  seat: { readonly closed: boolean; readonly joined: boolean },
): RoomHealth {
  const turn: Turn = { context, state, effects: [] }
  const issues = issuesOf(turn)
  const lost = issues.some(({ kind }) => kind === 'gap' || kind === 'fork' || kind === 'copied')
  const condition = conditionOf(state, seat, lost)
  const canSend = condition === 'active' && blockOf(turn) === undefined
  return { state: condition, issues, epoch: state.group?.epoch, canSend }
}

function conditionOf(
  state: RoomState,
  { closed, joined }: { readonly closed: boolean; readonly joined: boolean },
  lost: boolean,
): RoomHealth['state'] {
  const { phase, live, expelled, creating } = state
  if (closed) return 'closed'
  if (phase === 'removed') return 'removed'
  if (expelled) return 'expelled'
  if (!joined) return 'offline'
  if (phase === 'outside') return isJoining(state) || creating !== undefined ? 'joining' : 'waiting'
  if (!live) return 'catching-up'
  return lost ? 'desynchronised' : 'active'
}

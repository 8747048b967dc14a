/**
 * The life of the own root, as a table.
 *
 *     NONE ── create ──> CREATED ── code saved ──> SAVED ── strict ──> SEALED    SEALED, HELD, ACTIVE ── rotate ──> ROTATING
 *                                                    └──── casual ──> HELD      ROTATING ── published ──> ACTIVE (g + 1)
 *     LOST: no code, no copy ── reset ──> RESET ── code saved ──> SAVED (g + 1)
 *     COMPROMISED: somebody else has it ── recover ──> RECOVERED (g + 1)
 */
import { MlsError } from '../bytes/errors.ts'

/** States of the own root. `SEALED`: no copy on devices (strict); `HELD`: sealed on steward devices (casual). */
export const rootStates = [
  'NONE',
  'CREATED',
  'SAVED',
  'SEALED',
  'HELD',
  'ROTATING',
  'ACTIVE',
  'LOST',
  'RESET',
  'COMPROMISED',
  'RECOVERED',
] as const
/** A state of {@link rootStates}. */
export type RootState = (typeof rootStates)[number]

/** What can happen to the own root. */
export const rootEvents = [
  'created',
  /** The user confirmed that the recovery code is written down. */
  'code_saved',
  /** No root material stays on any device. */
  'sealed',
  /** The seed of this generation, never the recovery secret, is sealed on steward devices. */
  'held',
  'rotation_started',
  'rotation_failed',
  'rotation_published',
  /** Neither code nor copy is left. */
  'lost',
  'reset',
  'compromised',
  'recovered',
] as const
/** An event of {@link rootEvents}. */
export type RootEvent = (typeof rootEvents)[number]

/** The root of an account, as its owner sees it. */
export interface OwnRoot {
  readonly state: RootState
  readonly generation: number
  /** Where a rotation that fails goes back to. */
  readonly before: RootState
}

/** No root yet. */
export const noRoot: OwnRoot = { state: 'NONE', generation: 0, before: 'NONE' }

const exits: Partial<Record<RootEvent, RootState>> = { lost: 'LOST', compromised: 'COMPROMISED' }
const resting: Partial<Record<RootEvent, RootState>> = {
  ...exits,
  sealed: 'SEALED',
  held: 'HELD',
  rotation_started: 'ROTATING',
}

/** Every step that is allowed; all others are an error of the caller (I094). */
const table: Readonly<Record<RootState, Partial<Record<RootEvent, RootState>>>> = {
  NONE: { created: 'CREATED' },
  // a root whose code was never saved is not kept alone on a device: one loss would end the account
  CREATED: { ...exits, code_saved: 'SAVED' },
  SAVED: resting,
  SEALED: resting,
  HELD: resting,
  ROTATING: { ...exits, rotation_published: 'ACTIVE' },
  ACTIVE: resting,
  LOST: { reset: 'RESET' },
  RESET: { ...exits, code_saved: 'SAVED' },
  COMPROMISED: { recovered: 'RECOVERED', lost: 'LOST' },
  RECOVERED: resting,
}
/** Events that begin another generation. */
const turns: readonly RootEvent[] = ['rotation_published', 'reset', 'recovered']

/**
 * The own root after an event. Generations only grow.
 * @throws `identity/state` (I094) for an event that the state does not allow; the root is then unchanged
 */
export function rootStep(root: OwnRoot, event: RootEvent): OwnRoot {
  const failed = root.state === 'ROTATING' && event === 'rotation_failed'
  const state = failed ? root.before : table[root.state][event]
  if (state === undefined)
    throw new MlsError('identity/state', 'a step that this state of a root does not allow', { rule: 'I094' })
  const generation = turns.includes(event) ? root.generation + 1 : root.generation
  return { state, generation, before: event === 'rotation_started' ? root.state : state }
}

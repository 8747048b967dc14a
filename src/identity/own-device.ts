/**
 * The life of an own device, as a table.
 *
 *     FRESH ── link ──> PENDING ── certified ──> PROBATION ── a day ──> ACTIVE ── renewed ──> ACTIVE
 *       └──────── created or recovered ────────────────────────────────> ┘
 *     any certified ── revoked ──> RETIRED | REVOKED         any certified ── anchor went back ──> CLONED ── new leaf ──> ACTIVE
 */
import { MlsError } from '../bytes/errors.ts'

/** States of an own device. */
export const ownDeviceStates = ['FRESH', 'PENDING', 'PROBATION', 'ACTIVE', 'RETIRED', 'REVOKED', 'CLONED'] as const
/** A state of {@link ownDeviceStates}. */
export type OwnDeviceState = (typeof ownDeviceStates)[number]

/** What can happen to an own device. */
export const ownDeviceEvents = [
  /** QR code shown or recovery code begun. */
  'link_started',
  /** The link was given up or timed out. */
  'link_failed',
  /** A manifest lists it, on probation. */
  'certified',
  /** It made the account or recovered it: listed without probation. */
  'created',
  'probation_over',
  'renewed',
  /** A manifest revokes it: the user removed it. */
  'retired',
  /** A manifest revokes it as lost or compromised. */
  'revoked',
  /** The state anchor is newer than the state: a copy or a restored image. */
  'anchor_regressed',
  /** It made a new leaf with a new key after {@link OwnDeviceState} `CLONED`. */
  'renewed_leaf',
] as const
/** An event of {@link ownDeviceEvents}. */
export type OwnDeviceEvent = (typeof ownDeviceEvents)[number]

/** What the device does at once, without asking. */
export type OwnDeviceAction =
  | 'notify_own_devices'
  | 'publish_key_packages'
  | 'delete_key_packages'
  | 'wipe_ratchets'
  | 'wipe_identity_keys'
  | 'new_leaf'

/** Where an event leads. */
export interface OwnDeviceStep {
  readonly state: OwnDeviceState
  readonly actions: readonly OwnDeviceAction[]
}

const retire: OwnDeviceStep = {
  state: 'RETIRED',
  actions: ['delete_key_packages', 'wipe_ratchets', 'wipe_identity_keys'],
}
const revoke: OwnDeviceStep = {
  state: 'REVOKED',
  actions: ['delete_key_packages', 'wipe_ratchets', 'wipe_identity_keys'],
}
const clone: OwnDeviceStep = { state: 'CLONED', actions: ['delete_key_packages', 'wipe_ratchets', 'new_leaf'] }
const active: OwnDeviceStep = { state: 'ACTIVE', actions: [] }
const created: OwnDeviceStep = { state: 'ACTIVE', actions: ['publish_key_packages'] }
const restart: OwnDeviceStep = { state: 'PENDING', actions: [] }
const certified: OwnDeviceStep = { state: 'PROBATION', actions: ['publish_key_packages', 'notify_own_devices'] }
const ends = { retired: retire, revoked: revoke, anchor_regressed: clone }

/** Every step that is allowed; all others are an error of the caller (I093). */
const table: Readonly<Record<OwnDeviceState, Partial<Record<OwnDeviceEvent, OwnDeviceStep>>>> = {
  FRESH: { link_started: restart, created },
  PENDING: { link_failed: { state: 'FRESH', actions: [] }, certified, created },
  PROBATION: { ...ends, probation_over: active, renewed: { state: 'PROBATION', actions: [] } },
  ACTIVE: { ...ends, renewed: active },
  // a device that was taken off the list begins anew, with another id
  RETIRED: { link_started: restart },
  REVOKED: { link_started: restart },
  CLONED: { retired: retire, revoked: revoke, anchor_regressed: clone, renewed_leaf: created },
}

/**
 * The state of an own device after an event, and what it does.
 * @throws `identity/state` (I093) for an event that the state does not allow; the state is then unchanged
 */
export function ownDeviceStep(state: OwnDeviceState, event: OwnDeviceEvent): OwnDeviceStep {
  const step = table[state][event]
  if (step === undefined)
    throw new MlsError('identity/state', 'a step that this state of a device does not allow', { rule: 'I093' })
  return step
}

/** Whether a device in this state may certify others and sign manifests. */
export function mayCertify(state: OwnDeviceState): boolean {
  return state === 'ACTIVE'
}

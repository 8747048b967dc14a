import type { SliceRules } from '../bytes/slices.ts'
import type { PaddingPolicy } from '../framing/padding.ts'
import type { AuthenticationService } from '../ports/authentication-service.ts'
import type { Clock } from '../ports/clock.ts'
import type { GroupRules } from '../ports/group-rules.ts'
import type { PskStore } from '../ports/psk-store.ts'
import type { CustomProposalType } from '../proposals/proposal-rules.ts'
import type { FramedWireFormat } from '../wire/framed-content.ts'
import type { Limits } from './limits.ts'
import type { CommitChanges } from './member.ts'

/**
 * The application's say on a commit (V261, V298): a pure function of its argument, which is the same for every member.
 * `false` rejects the commit with `policy/proposal`, or `policy/external` for an external one.
 */
export type CommitPolicy = (changes: CommitChanges) => boolean

/** Everything that a group needs besides its own state; the same object may serve many groups. */
export interface GroupConfig {
  readonly authentication: AuthenticationService
  readonly psks: PskStore
  readonly clock: Clock
  readonly limits: Limits
  readonly policy: CommitPolicy
  /** Rules that are part of the validation of groups and commits; none, unless given. */
  readonly rules?: GroupRules | undefined
  readonly customProposals: readonly CustomProposalType[]
  /** How application messages and handshakes are padded (RFC 9420 §6.3.1). */
  readonly padding: PaddingPolicy
  /** The wire format of own commits and proposals. */
  readonly handshakes: FramedWireFormat
  /** The wire formats in which commits and proposals of members are accepted (V096). */
  readonly acceptHandshakes: readonly FramedWireFormat[]
  /** Whether Welcomes and GroupInfos carry the ratchet tree; else it travels beside them. */
  readonly ratchetTreeExtension: boolean
  /** Whether GroupInfos carry `external_pub`, so that others can join by external commit. */
  readonly externalPub: boolean
  /** The longest lifetime of a KeyPackage that this client adds, in seconds (V105). Others' commits are not judged by it. */
  readonly maxLifetimeSeconds: bigint
  /** Called between slices of work longer than `limits.sliceMilliseconds`; a browser yields to its event loop here. */
  readonly pause?: (() => Promise<void>) | undefined
}

/** How the long work of a group shares the time. */
export function sliceRules({ clock, pause, limits }: GroupConfig): SliceRules {
  return { clock, pause, sliceMilliseconds: limits.sliceMilliseconds }
}

/** A commit of fewer proposals is made without a pause. */
const manyProposals = 64

/** Lets other work pass between two steps of a commit that each look at all of its proposals. */
export function giveWay({ pause }: SliceRules, proposals: number): Promise<void> | undefined {
  return proposals > manyProposals ? pause?.() : undefined
}

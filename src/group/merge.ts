/** How a group moves on: from one state to the next, and what is forgotten on the way (RFC 9420 §9.2, V216). */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Epoch, retireEpoch, wipeEpoch } from '../commit/epoch.ts'
import { discardStaged, type StagedCommit } from '../commit/staged-commit.ts'
import { ProposalCache } from '../proposals/proposal-cache.ts'
import { type GroupState, retainEpochs, withResumptionPsk } from './state.ts'

/** What merging an own commit releases. */
export interface Merged {
  /** The encoded Welcome for the members that the commit added. */
  readonly welcome: Bytes | undefined
  /** The encoded GroupInfo of the new epoch, when one was asked for. */
  readonly groupInfo: Bytes | undefined
}

/**
 * Whether a staged commit starts from a state and can still be merged.
 * @throws `group/staged`
 */
export function requireMergeable(state: GroupState, staged: StagedCommit): void {
  const other = staged.baseEpoch !== state.current.context.epoch || (staged.own && staged !== state.pending)
  // what was discarded has no secrets left
  if (other || staged.next?.secretTree.wiped === true)
    throw new MlsError('group/staged', 'a commit that was staged from another state')
}

/** The state after a staged commit; wipes what the old one must not keep. */
export function mergeState(state: GroupState, staged: StagedCommit): GroupState {
  const { current, config, pending } = state
  const { next, messageHash: lastCommit } = staged
  const proposals = ProposalCache.empty
  if (pending !== undefined && pending !== staged) discardStaged(pending)
  if (next === undefined) {
    wipeState(state)
    return { ...state, status: 'removed', past: [], proposals, pending: undefined, lastCommit }
  }
  retireEpoch(current)
  current.privateTree.wipeReplaced(next.privateTree)
  const { reinit } = staged.changes
  return {
    config,
    status: reinit === undefined ? 'active' : 'reinitialized',
    current: next,
    past: retainEpochs([{ epoch: current, endedAt: config.clock.now() }, ...state.past], config),
    proposals,
    pending: undefined,
    resumptionPsks: withResumptionPsk(state.resumptionPsks, next, config.limits.resumptionPsks),
    lastCommit,
    reinit,
  }
}

/** Wipes every secret of a state but those of its pending commit. */
export function wipeState({ current, past, resumptionPsks }: GroupState): void {
  for (const epoch of [current, ...past.map((one): Epoch => one.epoch)]) wipeEpoch(epoch)
  for (const psk of resumptionPsks.values()) psk.fill(0)
  current.privateTree.wipeReplaced(undefined)
}

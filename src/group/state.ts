/** The whole of a group at one client, as an immutable value: `Group` is a cell that holds one and swaps it. */
import type { Bytes } from '../bytes/bytes.ts'
import type { GroupConfig } from '../commit/config.ts'
import { type Epoch, wipeEpoch } from '../commit/epoch.ts'
import type { StagedCommit } from '../commit/staged-commit.ts'
import type { ProposalCache } from '../proposals/proposal-cache.ts'
import type { ReInitProposal } from '../wire/proposal.ts'

/** An epoch that has ended, kept for messages that come late (R08). */
export interface PastEpoch {
  readonly epoch: Epoch
  /** Milliseconds since the Unix epoch when it ended. */
  readonly endedAt: number
}

/**
 * `active`: everything works. `removed`: a commit removed this client. `reinitialized`: a commit with a ReInit ended the
 * group (RFC 9420 §11.2). `closed`: the application let it go.
 */
export type GroupStatus = 'active' | 'removed' | 'reinitialized' | 'closed'

/** See the file. */
export interface GroupState {
  readonly config: GroupConfig
  readonly status: GroupStatus
  readonly current: Epoch
  /** Newest first. */
  readonly past: readonly PastEpoch[]
  readonly proposals: ProposalCache
  /** The own commit that waits for the delivery service. */
  readonly pending: StagedCommit | undefined
  /** Resumption PSKs by epoch, this one's included; oldest first. */
  readonly resumptionPsks: ReadonlyMap<bigint, Bytes>
  /** Hash of the message that began the current epoch, to recognise it when it comes again. */
  readonly lastCommit: Bytes | undefined
  /** The ReInit that ended the group. */
  readonly reinit: ReInitProposal | undefined
}

/** Past epochs within the bounds of R08; those beyond are wiped. */
export function retainEpochs(past: readonly PastEpoch[], config: GroupConfig): readonly PastEpoch[] {
  if (past.length === 0) return past
  const oldest = config.clock.now() - config.limits.pastEpochMilliseconds
  const kept = past.slice(0, config.limits.pastEpochs).filter(({ endedAt }) => endedAt >= oldest)
  for (const one of past) if (!kept.includes(one)) wipeEpoch(one.epoch)
  return kept
}

/** The resumption PSKs with that of one more epoch, within their bound. */
export function withResumptionPsk(
  known: ReadonlyMap<bigint, Bytes>,
  epoch: Epoch,
  limit: number,
): ReadonlyMap<bigint, Bytes> {
  const next = new Map(known)
  next.set(
    epoch.context.epoch,
    epoch.secrets.resumptionPsk.use((bytes) => Uint8Array.from(bytes)),
  )
  for (const [number, psk] of next) {
    if (next.size <= limit) break
    psk.fill(0)
    next.delete(number)
  }
  return next
}

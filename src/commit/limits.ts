/**
 * Every bound of a client in one object (R01-R30 of `spec-notes/rules.md`). Bounds that decide which group states are
 * valid are constants of `wire/limits.ts`, the same for all clients; these here bound what one client keeps and does.
 */
import type { ProposalCacheLimits } from '../proposals/proposal-cache.ts'
import type { SecretTreeLimits } from '../secret-tree/limits.ts'

/** Bounds of one client. Exceeding one is `limit/exceeded` or a code of `ratchet/`. */
export interface Limits extends SecretTreeLimits, ProposalCacheLimits {
  /** R08: past epochs whose messages can still be read. */
  readonly pastEpochs: number
  /** R08: milliseconds for which they can be read. */
  readonly pastEpochMilliseconds: number
  /** Resumption PSKs that are kept, one an epoch. */
  readonly resumptionPsks: number
  /** R28: milliseconds of work between two pauses. */
  readonly sliceMilliseconds: number
}

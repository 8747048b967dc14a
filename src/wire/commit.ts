import { type Infer, opaque, optional, struct, uint8, variant, vec } from '../codec/codec.ts'
import { wireLimits } from './limits.ts'
import { Proposal } from './proposal.ts'
import { UpdatePath } from './update-path.ts'

/** RFC 9420 §12.4: a proposal by value, or the hash of one that was sent before. */
export const ProposalOrRef = variant(
  'type',
  uint8,
  { proposal: [1, { proposal: Proposal }], reference: [2, { reference: opaque }] },
  'V018',
)
export type ProposalOrRef = Infer<typeof ProposalOrRef>

/** RFC 9420 §12.4. */
export const Commit = struct({ proposals: vec(ProposalOrRef, wireLimits.proposals), path: optional(UpdatePath) })
export type Commit = Infer<typeof Commit>

import { type Infer, opaque, optional, struct, uint8, variant, vec } from '../codec/codec.ts'
import { type Remembered, remembered } from '../codec/remembered.ts'
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

const commit = struct({ proposals: vec(ProposalOrRef, wireLimits.proposals), path: optional(UpdatePath) })
/** RFC 9420 §12.4. */
export type Commit = Infer<typeof commit>
/** RFC 9420 §12.4. It is encoded to be signed, hashed, tagged and sent, and that is done once. */
export const Commit: Remembered<Commit> = remembered(commit)

import { type Infer, opaque, struct, vec } from '../codec/codec.ts'
import { EncodedLeafNode } from './leaf-node.ts'
import { wireLimits } from './limits.ts'

/** RFC 9420 §7.6. */
export const HpkeCiphertext = struct({ kemOutput: opaque, ciphertext: opaque })
export type HpkeCiphertext = Infer<typeof HpkeCiphertext>

/** RFC 9420 §7.6: one node of the filtered direct path; a ciphertext for each node of the copath's resolution. */
export const UpdatePathNode = struct({
  encryptionKey: opaque,
  encryptedPathSecret: vec(HpkeCiphertext, wireLimits.members),
})
export type UpdatePathNode = Infer<typeof UpdatePathNode>

/** RFC 9420 §7.6: from leaf to root. The leaf is kept with its bytes. */
export const UpdatePath = struct({ leafNode: EncodedLeafNode, nodes: vec(UpdatePathNode, wireLimits.pathNodes) })
export type UpdatePath = Infer<typeof UpdatePath>

import { type Infer, opaque, struct, uint16, uint64 } from '../codec/codec.ts'
import { Extensions } from './extension.ts'

/** RFC 9420 §8.1: the state that all members of an epoch share. */
export const GroupContext = struct({
  version: uint16,
  cipherSuite: uint16,
  groupId: opaque,
  epoch: uint64,
  treeHash: opaque,
  confirmedTranscriptHash: opaque,
  extensions: Extensions,
})
export type GroupContext = Infer<typeof GroupContext>

import { concat, type Infer, opaque, struct, uint32 } from '../codec/codec.ts'
import { Extensions } from './extension.ts'
import { GroupContext } from './group-context.ts'

/** GroupInfoTBS of RFC 9420 §12.4.3. `signer` is a leaf index. */
export const GroupInfoTbs = struct({
  groupContext: GroupContext,
  extensions: Extensions,
  confirmationTag: opaque,
  signer: uint32,
})
export type GroupInfoTbs = Infer<typeof GroupInfoTbs>

/** RFC 9420 §12.4.3. */
export const GroupInfo = concat(GroupInfoTbs, struct({ signature: opaque }))
export type GroupInfo = Infer<typeof GroupInfo>

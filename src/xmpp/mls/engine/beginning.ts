/** The beginning of a group in its room. */
import { type Bytes, equalBytes } from '../../../bytes/bytes.ts'
import { decodeMlsMessage } from '../../../wire/mls-message.ts'
import { roomBindingOf } from '../extensions.ts'
import type { RoomPolicy } from '../types.ts'
import type { Turn } from './events.ts'
import { createRoomGroup, engineId } from './groups.ts'
import { treeToOffer } from './offers.ts'

/** Begins a group in a room that has none. The first beginning in the archive is the room's. */
export async function createGroup(turn: Turn, policy: RoomPolicy, direct: readonly string[]): Promise<void> {
  const { context, state, effects } = turn
  if (state.phase === 'active' || state.outside !== undefined) return
  // a beginning of which the archive knows nothing is sent again
  if (state.creating === undefined) {
    const begun = await createRoomGroup(context, policy, direct)
    state.creating = { group: begun, id: engineId(context), groupInfo: await begun.groupInfo() }
  }
  const { group, id, groupInfo } = state.creating
  const tree = treeToOffer(context, group.state.current.tree)
  const item = {
    kind: 'handshake',
    handshake: 'init',
    group: group.id,
    epoch: 0n,
    bytes: undefined,
    groupInfo,
    ...(tree === undefined ? {} : { tree }),
  } as const
  effects.push({ kind: 'send', id, item })
}

/** Whether a GroupInfo begins a group of this room. */
export function isBeginning(groupInfo: Bytes | undefined, group: Bytes, room: string): boolean {
  try {
    const message = groupInfo === undefined ? undefined : decodeMlsMessage(groupInfo)
    if (message?.wireFormat !== 'mls_group_info') return false
    const { groupId, epoch, extensions } = message.groupInfo.groupContext
    return equalBytes(groupId, group) && epoch === 0n && roomBindingOf(extensions)?.room === room
  } catch {
    return false
  }
}

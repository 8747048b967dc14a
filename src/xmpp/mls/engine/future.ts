/** Entries of epochs to come: they wait for the commits between. */
import { accountsIn } from '../account-leaves.ts'
import type { EngineEntry } from './entries.ts'
import type { RoomState } from './state.ts'

/** Entries that wait at most: whoever may write into the room can name any epoch. */
const maxFuture = 1024

/** Lets an entry wait for its epoch. Returns whether there was room; else the archive has to give it again. */
export function awaitEpoch({ future }: RoomState, entry: EngineEntry, epoch: bigint): boolean {
  if (future.length >= maxFuture) return false
  future.push({ entry, epoch })
  return true
}

/**
 * Whether a commit is missing: somebody of the group, as the room names him, is in a later epoch. What others of the room say
 * of epochs proves nothing, and must not make the room look broken.
 */
export function missesCommit({ future, group, live }: RoomState): boolean {
  if (!live || group === undefined || future.length === 0) return false
  const accounts = accountsIn(group)
  return future.some(({ entry: { from } }) => from === undefined || accounts.has(from))
}

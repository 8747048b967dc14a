/**
 * Channels: an entry may turn up in the archive before others that were taken in. When it is a valid commit that comes
 * before the one that ended its epoch, that one is void: back to the epoch before, and on along the archive.
 */
import type { Bytes } from '../../../bytes/bytes.ts'
import { MlsError } from '../../../bytes/errors.ts'
import type { Group } from '../../../group/group.ts'
import type { EngineEntry } from './entries.ts'
import type { Turn } from './events.ts'
import { restoreEarlierGroup } from './groups.ts'

/** Goes back to the epoch that a late commit starts from, if it is the right one. The entry is then processed anew. */
export async function rollBack(turn: Turn, entry: EngineEntry, bytes: Bytes, epoch: bigint): Promise<boolean> {
  const { state, context, effects } = turn
  const { previous, group } = state
  if (previous === undefined || group === undefined || epoch !== previous.epoch) return false
  if (context.clock.now() > previous.until) return false
  let restored: Group | undefined
  let own = false
  try {
    restored = restoreEarlierGroup(context, group, previous.earlier)
    const result = await restored.stage(bytes)
    if (result.kind !== 'commit' && result.kind !== 'own-commit') throw new MlsError('commit/proposals', 'no commit')
    own = result.kind === 'own-commit'
    if (!own) restored.discard(result.kind === 'commit' ? result.staged : undefined)
  } catch (error) {
    restored?.close()
    if (error instanceof MlsError && error.kind !== 'bug') return false
    throw error
  }
  const voided = group.epoch
  group.close()
  state.group = restored
  state.base = previous.base
  state.previous = undefined
  state.fork = undefined
  state.outsiders = undefined
  // the own commit was first after all: it is merged as if nothing had come before it
  state.attempt = own ? previous.attempt : undefined
  if (!own) restored.discard()
  const known = new Set(state.intents.map(({ id }) => id))
  state.intents = [...previous.intents.filter(({ id }) => !known.has(id)), ...state.intents]
  // encrypted again when the archive was read on: in an epoch that is stored
  for (const item of state.outbox)
    if (item.epoch === voided) {
      item.voided = true
      item.unsure = true
    }
  // what came after the void commit is looked at again along the archive
  const ids = [...state.processed]
  for (const id of ids.slice(ids.indexOf(previous.end))) state.processed.delete(id)
  state.cursor = entry.archiveId
  effects.push({ kind: 'health' }, { kind: 'pull' })
  return true
}

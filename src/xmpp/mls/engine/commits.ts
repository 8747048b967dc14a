/** Handshakes of the own group that come in. */
import type { Bytes } from '../../../bytes/bytes.ts'
import { MlsError } from '../../../bytes/errors.ts'
import type { CommitChanges } from '../../../commit/member.ts'
import type { StagedCommit } from '../../../commit/staged-commit.ts'
import { encodeEarlier } from '../../../group/earlier.ts'
import type { Group } from '../../../group/group.ts'
import { policyOf } from '../extensions.ts'
import { sameBytes } from '../identity.ts'
import type { MembershipChange, Participant } from '../types.ts'
import { attemptLost, attemptWon } from './attempts.ts'
import { beginChain, endChain } from './chains.ts'
import { watch } from './copies.ts'
import type { EngineEntry } from './entries.ts'
import type { Turn } from './events.ts'
import { awaitEpoch } from './future.ts'
import { participantOf } from './groups.ts'
import { leaveGroup } from './leaving.ts'
import { receiveMessage } from './messages.ts'
import type { Intent } from './state.ts'

/** Takes in a commit or proposal in the archive's order. The first valid commit of an epoch is the one that counts. */
export async function receiveHandshake(turn: Turn, entry: EngineEntry, bytes: Bytes, epoch: bigint): Promise<void> {
  const { state } = turn
  const { group } = state
  if (group === undefined || state.phase !== 'active' || epoch < group.epoch) return
  if (epoch > group.epoch) {
    awaitEpoch(state, entry, epoch)
    return
  }
  try {
    const result = await group.stage(bytes)
    if (result.kind === 'commit' || result.kind === 'own-commit') await apply(turn, group, entry, result.staged)
    else if (result.kind === 'proposal' || result.kind === 'own-message') {
      proposed(turn, bytes)
      watch(turn, group, { entry, bytes, result })
    }
  } catch (error) {
    if (!(error instanceof MlsError) || error.kind === 'environment' || error.kind === 'bug') throw error
    const { archiveId } = entry
    // RFC 9420 §12.4.2 V271: a commit of this leaf that this device does not know: its state was copied or set back
    if (error.rule === 'V271') state.forked = true
    watch(turn, group, { entry, bytes, result: error })
    turn.effects.push({
      kind: 'emit',
      event: { name: 'error', value: { kind: 'invalid-handshake', archiveId, error } },
    })
  }
}

/** An own proposal that is in the archive is not sent again. */
function proposed({ state }: Turn, bytes: Bytes): void {
  state.proposals = state.proposals.filter((one) => !sameBytes(one.bytes, bytes))
}

async function apply(turn: Turn, group: Group, entry: EngineEntry, staged: StagedCommit): Promise<void> {
  const { state, context, effects } = turn
  const { attempt } = state
  const { changes } = staged
  const before = policyOf(group.extensions)
  const redo: Intent[] =
    staged.own && attempt !== undefined ? state.intents.filter(({ id }) => attempt.intents.includes(id)) : []
  const oldEpoch = group.epoch
  context.guard?.committing?.(context.room, group, changes)
  const next = context.kind === 'mix' ? staged.next : undefined
  const earlier = next === undefined ? undefined : encodeEarlier(group.state, next.tree)
  const merged = group.merge(staged)
  if (earlier !== undefined)
    state.previous = {
      epoch: oldEpoch,
      earlier,
      attempt: staged.own ? undefined : attempt,
      base: state.base,
      end: entry.archiveId,
      until: context.clock.now() + context.settings.rollbackMs,
      intents: redo,
    }
  state.base = entry.archiveId
  state.proposals = []
  announce(
    turn,
    entry,
    changes,
    before.externalJoin === policyOf(group.extensions).externalJoin ? undefined : policyOf(group.extensions),
  )
  if (staged.next === undefined) {
    leaveGroup(turn)
    return
  }
  follow(turn, changes)
  if (staged.own && attempt !== undefined) attemptWon(turn, attempt, merged.welcome, entry.archiveId)
  else attemptLost(turn)
  if (changes.added.length > 0 || changes.external) {
    state.rosterStale = true
    effects.push({ kind: 'read-roster' })
  }
  effects.push({ kind: 'health' })
  await replayFuture(turn)
}

/** Chains of those who came and went. */
function follow({ context, state }: Turn, changes: CommitChanges): void {
  for (const member of changes.removed) endChain(state, participantOf(context, member))
  const joined = changes.external ? [...changes.added, changes.committer] : changes.added
  for (const member of joined) beginChain(state, participantOf(context, member))
}

function announce(
  turn: Turn,
  { archiveId }: EngineEntry,
  changes: CommitChanges,
  policy: MembershipChange['policy'],
): void {
  const { context } = turn
  const view = (member: Parameters<typeof participantOf>[1]): Participant => participantOf(context, member)
  const [added, removed, by] = [changes.added.map(view), changes.removed.map(view), view(changes.committer)]
  if (added.length + removed.length === 0 && !changes.external && policy === undefined) return
  const again = removed.some(({ account, device }) => account === by.account && device === by.device)
  const external = changes.external ? (again ? 'rejoined' : 'joined') : undefined
  const value: MembershipChange = { epoch: changes.epoch, archiveId, by, added, removed, external, policy }
  turn.effects.push({ kind: 'emit', event: { name: 'membership', value } })
}

/** Entries that waited for this epoch. */
async function replayFuture(turn: Turn): Promise<void> {
  const { state } = turn
  const { group } = state
  if (group === undefined || state.future.length === 0) return
  const ready = state.future.filter(({ epoch }) => epoch <= group.epoch)
  state.future = state.future.filter(({ epoch }) => epoch > group.epoch)
  for (const { entry, epoch } of ready) {
    const { item } = entry
    if (item.kind === 'encrypted') await receiveMessage(turn, entry, item.bytes, 'archived')
    else if (item.kind === 'handshake' && item.bytes !== undefined)
      await receiveHandshake(turn, entry, item.bytes, epoch)
  }
}

/**
 * Leaving: nobody can commit his own removal (RFC 9420 §12.4), so it is proposed, and one of the others commits it. And being
 * put out, by the group or by the room.
 */
import { MlsError } from '../../../bytes/errors.ts'
import { accountsIn } from '../account-leaves.ts'
import type { Turn } from './events.ts'
import { engineId } from './groups.ts'
import type { RoomState, SentProposal } from './state.ts'

/** Wants all devices of the own account out. Done when a commit has removed this one. */
export async function leave(turn: Turn, op: string): Promise<void> {
  const { state, effects } = turn
  const { group } = state
  if (state.phase !== 'active' || state.expelled || group === undefined || group.memberCount === 1) {
    effects.push({ kind: 'done', op, sent: undefined })
    return
  }
  state.leaving = op
  await proposeLeaving(turn)
}

/** Proposes the removal in the present epoch. What nobody has committed before the epoch ended is proposed again. */
export async function proposeLeaving(turn: Turn): Promise<void> {
  const { context, state, effects } = turn
  const { group, leaving } = state
  if (state.phase !== 'active' || group === undefined || leaving === undefined) return
  if (state.quarantine !== undefined) return
  try {
    for (const leafIndex of accountsIn(group).leavesOf(context.account).keys()) {
      const { proposal: bytes } = await group.propose({ remove: leafIndex })
      const sent: SentProposal = { id: engineId(context), epoch: group.epoch, bytes, unsure: false }
      state.proposals.push(sent)
      transmit(turn, sent)
    }
  } catch (error) {
    if (!(error instanceof MlsError) || error.kind === 'bug') throw error
    state.leaving = undefined
    effects.push({ kind: 'failed', op: leaving, error })
  }
}

function transmit({ state, effects }: Turn, { id, epoch, bytes }: SentProposal): void {
  const { group } = state
  if (group === undefined) return
  const item = {
    kind: 'handshake',
    handshake: 'proposal',
    group: group.id,
    epoch,
    bytes,
    groupInfo: undefined,
  } as const
  effects.push({ kind: 'send', id, item })
}

/**
 * Proposals that the archive does not have are sent again; those of an epoch that is over are void, and a wish to leave is
 * proposed in the next.
 */
export async function resendProposals(turn: Turn): Promise<void> {
  const { state } = turn
  if (!state.proposals.some(({ epoch }) => epoch === state.group?.epoch)) await proposeLeaving(turn)
  for (const sent of state.proposals) {
    if (!sent.unsure || sent.epoch !== state.group?.epoch) continue
    sent.unsure = false
    transmit(turn, sent)
  }
}

/** Why nothing can be done in a room. */
export function notHere({ expelled }: RoomState): MlsError {
  return expelled
    ? new MlsError('xmpp/expelled', 'the room has put this account out')
    : new MlsError('xmpp/not_joined', 'this device is not in the group')
}

/** The group has removed this device. */
export function leaveGroup(turn: Turn): void {
  const { state } = turn
  state.phase = 'removed'
  state.previous = undefined
  state.attempt = undefined
  state.future = []
  abandon(turn, new MlsError('group/removed', 'this device was removed from the group'))
}

/**
 * The room has put this account out. Whether the group did, too, is in an archive that it may not read; a commit that is on
 * its way stays known, in case the room takes us back.
 */
export function expel(turn: Turn): void {
  const { state } = turn
  state.live = false
  if (state.phase === 'removed') return
  state.expelled = true
  state.joining = undefined
  abandon(turn, notHere(state))
}

/** Everything that was wanted and is not known to be done has failed. */
function abandon({ state, effects }: Turn, error: MlsError): void {
  if (state.leaving !== undefined) effects.push({ kind: 'done', op: state.leaving, sent: undefined })
  state.leaving = undefined
  for (const { id } of state.intents) effects.push({ kind: 'failed', op: id, error })
  for (const { op, archiveId } of state.outbox) if (archiveId === undefined) effects.push({ kind: 'failed', op, error })
  for (const { op } of state.queue) effects.push({ kind: 'failed', op, error })
  state.intents = []
  state.outbox = []
  state.queue = []
  effects.push({ kind: 'health' })
}

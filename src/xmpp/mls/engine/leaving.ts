/** Leaving: nobody can commit his own removal (RFC 9420 §12.4), so it is proposed, and one of the others commits it. */
import { MlsError } from '../../../bytes/errors.ts'
import type { Turn } from './events.ts'
import { engineId, participantsOf } from './groups.ts'
import type { SentProposal } from './state.ts'

/** Wants all devices of the own account out. Done when a commit has removed this one. */
export async function leave(turn: Turn, op: string): Promise<void> {
  const { state, effects } = turn
  const { group } = state
  if (state.phase !== 'active' || group === undefined || group.memberCount === 1) {
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
  try {
    for (const { leafIndex, account } of participantsOf(context, group)) {
      if (account !== context.account) continue
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

/** Proposals that the archive does not have are sent again; those of an epoch that is over are void. */
export function resendProposals(turn: Turn): void {
  const { state } = turn
  for (const sent of state.proposals) {
    if (!sent.unsure || sent.epoch !== state.group?.epoch) continue
    sent.unsure = false
    transmit(turn, sent)
  }
}

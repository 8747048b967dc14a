/** The room's list beside the tree. The list never adds anybody to the group; it takes away whom the room has put out. */
import { MlsError } from '../../../bytes/errors.ts'
import type { Group } from '../../../group/group.ts'
import type { Affiliation } from '../../xep/xep-0045.ts'
import { deviceOf } from '../identity.ts'
import type { IdentityIssue } from '../room-identity.ts'
import { tryCommit } from './attempts.ts'
import type { Turn } from './events.ts'
import { engineId, turnOf } from './groups.ts'

/** Accounts in the tree that are not in the room. Empty while the list is not known. */
export function outsidersOf(turn: Turn): readonly string[] {
  const { state } = turn
  const { group, roster } = state
  if (group === undefined || roster === undefined || state.phase !== 'active') return []
  // every message asks: looking at all members is for changes of the tree or the list
  if (state.outsiders?.epoch !== group.epoch)
    state.outsiders = { epoch: group.epoch, accounts: compare(turn, group, roster) }
  return state.outsiders.accounts
}

function compare({ context }: Turn, group: Group, roster: ReadonlyMap<string, Affiliation>): string[] {
  const absent = context.kind === 'muc' ? 'none' : 'member'
  const accounts = new Set<string>()
  for (const { credential } of group.members()) accounts.add(deviceOf(credential)?.account ?? '')
  accounts.delete(context.account)
  return [...accounts].filter((account) => isOut(roster.get(account) ?? absent))
}

function isOut(affiliation: Affiliation): boolean {
  return affiliation === 'none' || affiliation === 'outcast'
}

/** What is known of the people behind the leaves. */
export function identityIssues({ context, state }: Turn): readonly IdentityIssue[] {
  const { group } = state
  return group === undefined || state.phase !== 'active' ? [] : (context.guard?.issues?.(group) ?? [])
}

/** Why nothing is sent to the people in the group now, if so. */
export function blockOf(turn: Turn): MlsError | undefined {
  if (outsidersOf(turn).length > 0)
    return new MlsError('xmpp/blocked', 'somebody is in the group who is not in the room')
  if (identityIssues(turn).some(({ sending }) => sending === 'block'))
    return new MlsError('xmpp/identity_blocked', 'the identity of a member is in doubt: decide first')
  return undefined
}

/** Whoever is in the tree and not in the room is removed, by one of those who are there. */
export function scheduleOutsiders(turn: Turn): void {
  if (turn.state.live && outsidersOf(turn).length > 0)
    turn.effects.push({ kind: 'timer', name: 'outsiders', ...turnOf(turn) })
}

/** The own turn to remove outsiders. */
export async function removeOutsiders(turn: Turn): Promise<void> {
  const { state, context } = turn
  const wanted = new Set(state.intents.flatMap((intent) => (intent.kind === 'remove' ? [intent.account] : [])))
  for (const account of outsidersOf(turn))
    if (!wanted.has(account)) state.intents.push({ id: engineId(context), kind: 'remove', account, device: undefined })
  await tryCommit(turn)
}

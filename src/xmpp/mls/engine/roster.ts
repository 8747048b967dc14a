/** The room's list beside the tree. The list never adds anybody to the group; it takes away whom the room has put out. */
import type { Group } from '../../../group/group.ts'
import type { Affiliation } from '../../xep/xep-0045.ts'
import { deviceOf } from '../identity.ts'
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

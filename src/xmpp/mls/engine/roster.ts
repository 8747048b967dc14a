/** The room's list beside the tree. The list never adds anybody to the group; it takes away whom the room has put out. */
import { MlsError } from '../../../bytes/errors.ts'
import type { Affiliation } from '../../xep/xep-0045.ts'
import { accountsIn, leavesSince, nameOfLeaf, treeOf } from '../account-leaves.ts'
import type { IdentityIssue } from '../room-identity.ts'
import { tryCommit } from './attempts.ts'
import type { Turn } from './events.ts'
import { engineId, turnOf } from './groups.ts'
import type { EngineContext, Outsiders } from './state.ts'

type Roster = ReadonlyMap<string, Affiliation>
const none: readonly IdentityIssue[] = []

/** Accounts in the tree that are not in the room. Empty while the list is not known. */
export function outsidersOf(turn: Turn): readonly string[] {
  const { context, state } = turn
  const { group, roster } = state
  if (group === undefined || roster === undefined || state.phase !== 'active') return []
  const tree = treeOf(group)
  const kept = state.outsiders
  if (kept === undefined || kept.group !== group || kept.roster !== roster) {
    const accounts = new Set<string>()
    for (const account of accountsIn(group).names()) if (isOut(context, roster, account)) accounts.add(account)
    state.outsiders = { group, roster, tree, accounts, list: [...accounts] }
    return state.outsiders.list
  }
  if (kept.tree !== tree) {
    const touched = leavesSince(kept.tree, tree).flatMap(({ before, after }) =>
      [before, after].flatMap((leaf) => (leaf === undefined ? [] : [nameOfLeaf(leaf).account])),
    )
    kept.tree = tree
    for (const account of new Set(touched)) judge(context, kept, account)
  }
  return kept.list
}

/** The room says another standing of an account. */
export function noteAffiliation(turn: Turn, account: string, affiliation: Affiliation): void {
  const { context, state } = turn
  // what was kept follows the tree before it follows the list
  outsidersOf(turn)
  state.roster?.set(account, affiliation)
  if (state.outsiders !== undefined) judge(context, state.outsiders, account)
}

function judge(context: EngineContext, kept: Outsiders, account: string): void {
  const { accounts, group, roster } = kept
  const out = accountsIn(group).has(account) && isOut(context, roster, account)
  if (out === accounts.has(account)) return
  if (out) accounts.add(account)
  else accounts.delete(account)
  kept.list = [...accounts]
}

function isOut({ kind, account: own }: EngineContext, roster: Roster, account: string): boolean {
  const affiliation = roster.get(account) ?? (kind === 'muc' ? 'none' : 'member')
  return account !== own && (affiliation === 'none' || affiliation === 'outcast')
}

/** What is known of the people behind the leaves: the same list as long as it says the same. */
export function identityIssues({ context, state }: Turn): readonly IdentityIssue[] {
  const { group } = state
  return group === undefined || state.phase !== 'active' ? none : (context.guard?.issues?.(group) ?? none)
}
/** Lists that were looked through: every message asks, and they change seldom. */
const blocking = new WeakMap<readonly IdentityIssue[], boolean>()

function blocks(issues: readonly IdentityIssue[]): boolean {
  const known = blocking.get(issues)
  if (known !== undefined) return known
  const found = issues.some(({ sending }) => sending === 'block')
  blocking.set(issues, found)
  return found
}

/** Why nothing is sent to the people in the group now, if so. */
export function blockOf(turn: Turn): MlsError | undefined {
  if (outsidersOf(turn).length > 0)
    return new MlsError('xmpp/blocked', 'somebody is in the group who is not in the room')
  if (blocks(identityIssues(turn)))
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

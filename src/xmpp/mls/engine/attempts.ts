/** Own commits: from intents to a stanza, and to its end. Whoever loses a race tries again with what is left to do. */

import type { Bytes } from '../../../bytes/bytes.ts'
import { MlsError } from '../../../bytes/errors.ts'
import type { CommitOptions } from '../../../group/commit-options.ts'
import type { Group } from '../../../group/group.ts'
import { keyPackageReference } from '../../../group/key-package-reference.ts'
import { decodeMlsMessage, encodeMlsMessage } from '../../../wire/mls-message.ts'
import { accountsIn } from '../account-leaves.ts'
import { policyOf, withPolicy } from '../extensions.ts'
import { type DeviceName, deviceKey, deviceOf, sameBytes } from '../identity.ts'
import type { Turn } from './events.ts'
import { engineId } from './groups.ts'
import { treeToOffer } from './offers.ts'
import type { Attempt, Intent, PendingWelcome } from './state.ts'

/** Starts a commit when there is something to do. @param flush commit proposals that wait, too */
export async function tryCommit(turn: Turn, flush = false): Promise<void> {
  const { state } = turn
  const { group } = state
  if (state.phase !== 'active' || group === undefined || !state.live || state.attempt !== undefined) return
  if (state.quarantine !== undefined) {
    const error = new MlsError('group/quarantined', 'another copy of this device sends: rejoin with fresh keys')
    for (const { id } of state.intents) turn.effects.push({ kind: 'failed', op: id, error })
    state.intents = []
    return
  }
  settleIntents(turn, group)
  if (state.intents.length === 0 && !(flush && group.proposals.length > 0)) return
  try {
    await commit(turn, group, state.intents)
  } catch (error) {
    await commitOne(turn, group, error)
  }
}

/** All at once did not work: the first alone; when that fails too, it is given back to whoever wanted it. */
async function commitOne(turn: Turn, group: Group, cause: unknown): Promise<void> {
  const { state } = turn
  const first = state.intents[0]
  let error = cause
  if (first !== undefined && state.intents.length > 1)
    try {
      await commit(turn, group, [first])
      return
    } catch (alone) {
      error = alone
    }
  if (!(error instanceof MlsError) || error.kind === 'bug') throw error
  if (first === undefined) return
  state.intents = state.intents.slice(1)
  turn.effects.push({ kind: 'failed', op: first.id, error })
  await tryCommit(turn)
}

async function commit(turn: Turn, group: Group, intents: readonly Intent[]): Promise<void> {
  const { context, state, effects } = turn
  const { epoch } = group
  const wanted = optionsFor(group, intents, context)
  const options = (await context.leaf?.commitOptions?.(group, wanted)) ?? wanted
  const { commit: bytes, staged } = await group.commit({ ...options, groupInfo: true })
  const id = engineId(context)
  const { groupInfo } = staged
  const welcome = intents.flatMap((intent) =>
    intent.kind === 'add'
      ? [
          {
            account: intent.account,
            references: intent.keyPackages.map((one) => keyPackageReference(context.suite, one)),
          },
        ]
      : [],
  )
  state.attempt = { id, epoch, commit: bytes, groupInfo, intents: intents.map((one) => one.id), welcome, unsure: false }
  sendAttempt(turn, state.attempt)
  effects.push({ kind: 'health' })
}

function sendAttempt({ context, state, effects }: Turn, { id, epoch, commit: bytes, groupInfo }: Attempt): void {
  const { group } = state
  if (group === undefined) return
  const tree = treeToOffer(context, group.pending?.next?.tree)
  const offer = tree === undefined ? {} : { tree }
  const item = { kind: 'handshake', handshake: 'commit', group: group.id, epoch, bytes, groupInfo, ...offer } as const
  effects.push({ kind: 'send', id, item })
}

/** After the archive was read to its end and does not have the commit: the same bytes go out again, if still wanted. */
export function resendAttempt(turn: Turn): void {
  const { state } = turn
  const { attempt } = state
  if (attempt === undefined || !attempt.unsure) return
  const wanted = new Set(state.intents.map(({ id }) => id))
  if (attempt.intents.length > 0 && !attempt.intents.some((id) => wanted.has(id))) {
    state.group?.discard()
    state.attempt = undefined
    return
  }
  attempt.unsure = false
  sendAttempt(turn, attempt)
}

function optionsFor(
  group: Group,
  intents: readonly Intent[],
  { account, device }: { account: string; device: string },
): CommitOptions {
  const remove = new Set<number>()
  const add: Bytes[] = []
  const joining = new Set<string>()
  let { extensions } = group
  for (const intent of intents) {
    if (intent.kind === 'remove') for (const leaf of leavesOf(group, intent)) remove.add(leaf)
    else if (intent.kind === 'policy') extensions = withPolicy(extensions, intent.policy)
    else if (intent.kind === 'add')
      for (const one of newKeyPackages(group, intent.keyPackages)) {
        const name = deviceKey(deviceIn(one))
        if (joining.has(name)) continue
        joining.add(name)
        add.push(one)
      }
  }
  const own = accountsIn(group).leafOf(account, device)
  if (own !== undefined) remove.delete(own)
  return { remove: [...remove], add, ...(extensions === group.extensions ? {} : { extensions }) }
}

/** Leaves that an intent wants away; never the own one. */
function leavesOf(group: Group, intent: Extract<Intent, { kind: 'remove' }>): number[] {
  return [...accountsIn(group).leavesOf(intent.account)].flatMap(([leafIndex, device]) =>
    leafIndex !== group.leafIndex && (intent.device ?? device) === device ? [leafIndex] : [],
  )
}

function newKeyPackages(group: Group, messages: readonly Bytes[]): Bytes[] {
  const accounts = accountsIn(group)
  return messages.filter((message) => {
    const { account, device } = deviceIn(message)
    return accounts.leafOf(account, device) === undefined
  })
}

function deviceIn(message: Bytes): DeviceName {
  const decoded = decodeMlsMessage(message)
  const name = decoded.wireFormat === 'mls_key_package' && deviceOf(decoded.keyPackage.leafNode.credential)
  return name || { account: '', device: '' }
}

/** Intents that are true already, whoever made them so, are done. */
function settleIntents(turn: Turn, group: Group): void {
  const { state, effects } = turn
  state.intents = state.intents.filter((intent) => {
    if (!isDone(group, intent)) return true
    effects.push({ kind: 'done', op: intent.id, sent: undefined })
    return false
  })
}

function isDone(group: Group, intent: Intent): boolean {
  if (intent.kind === 'add') return newKeyPackages(group, intent.keyPackages).length === 0
  if (intent.kind === 'remove') return leavesOf(group, intent).length === 0
  if (intent.kind === 'policy') return policyOf(group.extensions).externalJoin === intent.policy.externalJoin
  return false
}

/** The own commit has won: its Welcomes may go out, what it did is done. */
export function attemptWon(turn: Turn, attempt: Attempt, welcome: Bytes | undefined, at: string): void {
  const { context, state, effects } = turn
  const { group } = state
  state.attempt = undefined
  state.races = 0
  if (group === undefined) return
  const done = new Set(attempt.intents)
  for (const intent of state.intents)
    if (done.has(intent.id)) effects.push({ kind: 'done', op: intent.id, sent: undefined })
  state.intents = state.intents.filter(({ id }) => !done.has(id))
  if (welcome === undefined) return
  const tree = group.ratchetTree()
  for (const { account, references } of attempt.welcome) {
    const part = welcomeFor(welcome, references)
    if (part === undefined) continue
    const pending: PendingWelcome = { id: engineId(context), account, epoch: group.epoch, at, welcome: part, tree }
    state.welcomes.push(pending)
    effects.push({ kind: 'welcome', welcome: pending })
  }
}

/** The Welcome with the entries of these KeyPackages alone; `undefined` when there is none. */
function welcomeFor(bytes: Bytes, references: readonly Bytes[]): Bytes | undefined {
  const message = decodeMlsMessage(bytes)
  if (message.wireFormat !== 'mls_welcome') return undefined
  const secrets = message.welcome.secrets.filter(({ newMember }) => references.some((one) => sameBytes(one, newMember)))
  if (secrets.length === 0) return undefined
  return encodeMlsMessage({ wireFormat: 'mls_welcome', welcome: { ...message.welcome, secrets } })
}

/** Somebody else's commit came first. The own one is void; what is left to do is tried again, at a random moment. */
export function attemptLost(turn: Turn): void {
  const { state, effects, context } = turn
  if (state.attempt === undefined) return
  // a wish for fresh keys is not fulfilled by somebody else's commit; everything else is compared with the tree
  state.attempt = undefined
  state.races++
  effects.push({ kind: 'timer', name: 'retry', ms: 0, windowMs: retryWindow(turn, context.settings.slotMs) })
}

/** As many slots as there may be others who try: known from how often this device has lost. */
function retryWindow({ state }: Turn, slotMs: number): number {
  const { group } = state
  const others = Math.min(group?.memberCount ?? 1, 64)
  return Math.min(others, 2 ** state.races) * slotMs
}

/** The room refused the commit itself: what it was to do has failed. */
export function attemptRefused(turn: Turn, error: MlsError): void {
  const { state, effects } = turn
  const { attempt } = state
  if (attempt === undefined) return
  state.group?.discard()
  state.attempt = undefined
  const failed = new Set(attempt.intents)
  for (const { id } of state.intents) if (failed.has(id)) effects.push({ kind: 'failed', op: id, error })
  state.intents = state.intents.filter(({ id }) => !failed.has(id))
}

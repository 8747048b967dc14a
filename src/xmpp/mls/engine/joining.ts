/** How this device comes into a group: its own beginning is the room's, it is welcomed, or it joins by external commit. */
import { equalBytes } from '../../../bytes/bytes.ts'
import { MlsError } from '../../../bytes/errors.ts'
import type { Group } from '../../../group/group.ts'
import { accountsIn } from '../account-leaves.ts'
import { policyOf } from '../extensions.ts'
import { sameBytes } from '../identity.ts'
import { isBeginning } from './beginning.ts'
import { beginChain, forgetChains } from './chains.ts'
import type { EngineEntry, EntryItem } from './entries.ts'
import type { Turn } from './events.ts'
import { engineId, joinRoomExternally, participantOf, turnOf } from './groups.ts'
import { notHere } from './leaving.ts'
import { unreadable } from './messages.ts'
import { judgeOffer, maxAsked, noteHandshake, treeToOffer } from './offers.ts'
import type { Offer } from './state.ts'

type HandshakeItem = Extract<EntryItem, { kind: 'handshake' }>

/** A group that this device holds begins to be used. */
function enter(turn: Turn, group: Group, base: string): void {
  const { state, effects } = turn
  state.group = group
  state.phase = 'active'
  state.base = base
  state.joinEpoch = group.epoch
  state.outside = undefined
  state.offer = undefined
  state.creating = undefined
  state.joining = undefined
  state.forked = false
  state.truncated = false
  state.quarantine = undefined
  state.ended = undefined
  state.outsiders = undefined
  state.fork = undefined
  abandonFuture(turn)
  forgetChains(state)
  state.ownNumber = 0n
  state.ownLink = new Uint8Array(0)
  state.head = undefined
  state.rosterStale = true
  effects.push({ kind: 'read-roster' }, { kind: 'health' })
}

/** Messages of epochs that this device will never see are given up. */
function abandonFuture(turn: Turn): void {
  const { state } = turn
  for (const { entry, epoch } of state.future)
    if (entry.item.kind === 'encrypted') unreadable(turn, entry, 'missing-epoch', epoch)
  state.future = []
  state.hold = undefined
}

/** A Welcome was opened. The archive is read from the commit that it comes from. */
export function adoptGroup(turn: Turn, group: Group, at: string, lastResort: boolean): void {
  const { state, effects, context } = turn
  state.group?.close()
  state.creating?.group.close()
  enter(turn, group, at)
  state.cursor = at
  state.processed.clear()
  state.live = false
  // keys that were used for somebody else before must not stay
  if (lastResort) state.intents.push({ id: engineId(context), kind: 'update' })
  effects.push({ kind: 'pull' })
}

/** Gives up what is left of the group, and joins by what the archive has of it or by what its members say. */
export async function rejoin(turn: Turn, recent: readonly EngineEntry[]): Promise<void> {
  const { state, context, effects } = turn
  const known = state.group?.id ?? state.ended?.groupId ?? state.outside?.group
  if (known === undefined) return
  state.group?.close()
  state.group = undefined
  state.attempt = undefined
  state.previous = undefined
  abandonFuture(turn)
  if (state.phase !== 'outside' || state.outside === undefined) {
    state.phase = 'outside'
    state.outside = { group: known, lastCommit: undefined }
    state.offer = undefined
    for (const { item } of recent)
      if (item.kind === 'handshake' && equalBytes(item.group, known)) noteHandshake(state, item)
  }
  await come(turn)
  effects.push({ kind: 'timer', name: 'join', ms: context.settings.timeoutMs, windowMs: context.settings.slotMs })
  effects.push({ kind: 'health' })
}

function ask({ state, context, effects }: Turn): void {
  const request = engineId(context)
  const asked = (state.joining?.asked ?? 0) + 1
  state.joining = { request, asked, commit: undefined, id: undefined, epoch: undefined, complete: undefined }
  const item = { kind: 'request', request: { id: request, what: 'state', device: context.device } } as const
  effects.push({ kind: 'send', id: engineId(context), item })
}

/** Joins by what the archive has of the present epoch; where that is nothing, asks. */
async function come(turn: Turn): Promise<void> {
  const { state } = turn
  const { offer, joining } = state
  if (offer !== undefined && (await joinBy(turn, offer, (joining?.asked ?? 0) + 1))) return
  ask(turn)
}

/** Nobody has answered, or the commit got lost: once more. */
export async function joinTimeout(turn: Turn): Promise<void> {
  const { state, context, effects } = turn
  if (state.phase !== 'outside' || state.joining === undefined) return
  effects.push({ kind: 'health' })
  // begins again when the archive was read
  if (!state.live) return
  const { joining } = state
  if (joining.asked >= (joining.commit === undefined ? maxAsked : 2 * maxAsked)) {
    // an answer that comes later is still taken
    state.joining = { ...joining, commit: undefined, id: undefined, epoch: undefined, complete: undefined }
    joining.complete?.().close()
    for (const { op } of state.queue) effects.push({ kind: 'failed', op, error: notHere(state) })
    state.queue = []
    return
  }
  await come(turn)
  const { timeoutMs } = context.settings
  effects.push({ kind: 'timer', name: 'join', ms: 2 * timeoutMs, windowMs: timeoutMs })
}

/** A handshake while this device is in no group. */
export async function observe(turn: Turn, entry: EngineEntry, item: HandshakeItem): Promise<void> {
  const { state } = turn
  if (item.handshake === 'init') {
    begin(turn, entry, item)
    return
  }
  state.outside ??= { group: item.group, lastCommit: undefined }
  const { outside, joining } = state
  if (!equalBytes(outside.group, item.group)) return
  const { lastCommit } = outside
  noteHandshake(state, item)
  if (item.handshake === 'commit') {
    if (joining?.commit !== undefined && joining.epoch === item.epoch && lastCommit !== item.epoch)
      await finish(turn, entry, item)
  } else if (item.handshake === 'state' && item.tree?.request === joining?.request && joining?.commit === undefined)
    await answeredBy(turn, item)
}

function begin(turn: Turn, { archiveId }: EngineEntry, item: HandshakeItem): void {
  const { group, groupInfo } = item
  const { state, context } = turn
  if (state.outside !== undefined || !isBeginning(groupInfo, group, context.room)) return
  const { creating } = state
  if (creating !== undefined && sameBytes(groupInfo, creating.groupInfo)) {
    enter(turn, creating.group, archiveId)
    return
  }
  creating?.group.close()
  state.creating = undefined
  state.outside = { group, lastCommit: undefined }
  noteHandshake(state, item)
  turn.effects.push({ kind: 'health' })
}

/** A member told the state of the group. */
async function answeredBy(turn: Turn, { epoch, groupInfo, tree }: HandshakeItem): Promise<void> {
  const { state } = turn
  const { joining, outside } = state
  if (joining === undefined || groupInfo === undefined || tree === undefined) return
  // a commit has ended that epoch meanwhile
  if (outside?.lastCommit === epoch) await come(turn)
  else await joinBy(turn, { epoch, groupInfo, tree: tree.bytes }, joining.asked)
}

/** Joins by external commit. Returns whether that is under way. */
async function joinBy(turn: Turn, { epoch, groupInfo, tree }: Offer, asked: number): Promise<boolean> {
  const { state, context, effects } = turn
  const { outside } = state
  if (outside === undefined) return false
  try {
    const { allowed, replaces } = judgeOffer(context, { groupInfo, tree })
    if (!allowed) return false
    const join = await joinRoomExternally(context, { groupInfo, tree, replaces })
    const joined = join.complete()
    const id = engineId(context)
    state.joining?.complete?.().close()
    state.joining = { request: engineId(context), asked, commit: join.commit, id, epoch, complete: () => joined }
    const offer = treeToOffer(context, joined.state.current.tree)
    const item = {
      kind: 'handshake',
      handshake: 'commit',
      group: outside.group,
      epoch,
      bytes: join.commit,
      groupInfo: join.groupInfo,
      ...(offer === undefined ? {} : { tree: offer }),
    } as const
    effects.push({ kind: 'send', id, item })
    return true
  } catch (error) {
    if (!(error instanceof MlsError) || error.kind === 'bug' || error.kind === 'environment') throw error
    const value = { kind: 'invalid-handshake', archiveId: undefined, error } as const
    effects.push({ kind: 'emit', event: { name: 'error', value } })
    return false
  }
}

/** The first commit of the epoch that we wanted to end: ours, or we were too late. */
async function finish(turn: Turn, entry: EngineEntry, { bytes }: HandshakeItem): Promise<void> {
  const { state, context, effects } = turn
  const { joining } = state
  if (joining?.complete === undefined) return
  if (!sameBytes(joining.commit, bytes)) {
    await come(turn)
    return
  }
  const group = joining.complete()
  enter(turn, group, entry.archiveId)
  const own = group.member(group.leafIndex)
  if (own === undefined) return
  const by = participantOf(context, own)
  beginChain(state, by)
  const { archiveId } = entry
  const value = {
    epoch: group.epoch,
    archiveId,
    by,
    added: [],
    removed: [],
    external: 'joined',
    policy: undefined,
  } as const
  effects.push({ kind: 'emit', event: { name: 'membership', value } })
}

/** Somebody outside asks for the state. Members take turns to answer, and only where the policy would let him in. */
export function receiveRequest(turn: Turn, { from, item }: EngineEntry): void {
  const { state } = turn
  if (item.kind !== 'request' || from === undefined) return
  const { group } = state
  if (state.phase !== 'active' || group === undefined || !mayJoin(group, from)) return
  state.requests = [
    ...state.requests.filter((one) => one.request.device !== item.request.device),
    { request: item.request, account: from },
  ].slice(-32)
  if (state.live) scheduleAnswers(turn)
}

function mayJoin(group: Group, account: string): boolean {
  const { externalJoin } = policyOf(group.extensions)
  return externalJoin === 'same-account' ? accountsIn(group).has(account) : externalJoin === 'anyone'
}

/** Plans the own turn to answer. */
export function scheduleAnswers(turn: Turn): void {
  if (turn.state.requests.length > 0) turn.effects.push({ kind: 'timer', name: 'requests', ...turnOf(turn) })
}

/** The own turn to answer. */
export async function answerRequests(turn: Turn): Promise<void> {
  const { state, context, effects } = turn
  const { group } = state
  if (group === undefined || state.phase !== 'active' || !state.live || state.quarantine !== undefined) return
  const { requests } = state
  if (requests.length === 0) return
  state.requests = []
  const [bytes, groupInfo] = [group.ratchetTree(), await group.groupInfo()]
  const { epoch, id } = group
  for (const { request, account } of requests) {
    const leaf = accountsIn(group).leafOf(account, request.device)
    const tree = { bytes, at: state.base, request: request.id, leaf }
    const item = { kind: 'handshake', handshake: 'state', group: id, epoch, bytes: undefined, groupInfo, tree } as const
    effects.push({ kind: 'send', id: engineId(context), item })
  }
}

/** A question was answered, or who asked is in. */
export function answered({ state }: Turn, request: string | undefined): void {
  state.requests = state.requests.filter((one) => one.request.id !== request)
}

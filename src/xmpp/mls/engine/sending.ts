/** Application messages that go out. */
import { type Bytes, equalBytes } from '../../../bytes/bytes.ts'
import { MlsError } from '../../../bytes/errors.ts'
import { toHex } from '../../../bytes/text.ts'
import { isOfIdentity, sealContent } from '../content.ts'
import { encodeHeader, linkTo } from '../header.ts'
import type { MessageContent } from '../types.ts'
import { tryCommit } from './attempts.ts'
import { noteAuthor } from './chains.ts'
import type { Turn } from './events.ts'
import { currentFork, engineId } from './groups.ts'
import { notHere } from './leaving.ts'
import { isJoining } from './offers.ts'
import { blockOf } from './roster.ts'
import type { OutboxItem } from './state.ts'

/** Own messages that are kept after the archive has shown them, while their epoch may turn out void. */
const maxConfirmed = 256

/** Encrypts and sends, or says why not, or waits until the epoch is known. */
export async function say(turn: Turn, op: string, content: MessageContent): Promise<void> {
  const { state, effects } = turn
  const { group } = state
  if (state.phase !== 'active' || group === undefined || state.expelled) {
    if (state.phase === 'outside' && (isJoining(state) || state.creating !== undefined))
      state.queue.push({ op, content })
    else effects.push({ kind: 'failed', op, error: notHere(state) })
    return
  }
  if (state.quarantine !== undefined) {
    const error = new MlsError('group/quarantined', 'another copy of this device sends: rejoin with fresh keys')
    effects.push({ kind: 'failed', op, error })
    return
  }
  if (!state.live || state.rosterStale) {
    state.queue.push({ op, content })
    return
  }
  const blocked = isOfIdentity(content) ? undefined : blockOf(turn)
  if (blocked !== undefined) {
    effects.push({ kind: 'failed', op, error: blocked })
    return
  }
  if (group.proposals.length > 0) {
    // RFC 9420 §12.4 V277: what was proposed takes effect first
    state.queue.push({ op, content })
    await tryCommit(turn, true)
    return
  }
  try {
    protect(turn, op, content)
  } catch (error) {
    if (!(error instanceof MlsError) || error.kind === 'bug') throw error
    // RFC 9420 §15.2: the keys of this epoch have encrypted enough; the next message finds new ones
    if (error.code === 'ratchet/exhausted') state.intents.push({ id: engineId(turn.context), kind: 'update' })
    effects.push({ kind: 'failed', op, error })
    await tryCommit(turn)
  }
}

function protect(turn: Turn, op: string, content: MessageContent): void {
  const { context, state } = turn
  const { account, room, clock, guard } = context
  const beside = state.group === undefined ? [] : (guard?.toSay?.(room, state.group) ?? [])
  encrypt(turn, op, sealContent(content, { from: account, to: room, time: clock.now(), beside }))
}

/** Encrypts plain content in the present epoch and puts it into the outbox. */
function encrypt(turn: Turn, op: string, data: Bytes): void {
  const { context, state } = turn
  const { group } = state
  if (group === undefined) return
  // one draw for the name of the message and that of its stanza
  const random = context.suite.randomBytes(32)
  const id = random.subarray(0, 16)
  const number = state.ownNumber + 1n
  const authenticatedData = encodeHeader({
    generation: group.nextGeneration,
    id,
    number,
    previous: state.ownLink,
    seen: state.head,
    fork: currentFork(turn, group),
  })
  const bytes = group.protect(data, { authenticatedData })
  state.ownNumber = number
  state.ownLink = linkTo(context.suite, bytes)
  const messageId = toHex(id)
  noteAuthor(turn, messageId, context.account)
  const { epoch } = group
  const item: OutboxItem = {
    id: toHex(random.subarray(16)),
    op,
    messageId,
    epoch,
    number,
    bytes,
    data,
    unsure: false,
    archiveId: undefined,
    voided: false,
  }
  state.outbox.push(item)
  send(turn, item)
}

function send({ state, effects }: Turn, { id, epoch, bytes }: OutboxItem): void {
  const { group } = state
  if (group !== undefined)
    effects.push({ kind: 'send', id, item: { kind: 'encrypted', group: group.id, epoch, bytes } })
}

/** Sends what waited for the epoch to be known. */
export async function flushQueue(turn: Turn): Promise<void> {
  const waiting = turn.state.queue
  turn.state.queue = []
  for (const { op, content } of waiting) await say(turn, op, content)
}

/** Whether bytes are an own message: then it has arrived. */
export function confirmOwn(turn: Turn, archiveId: string, bytes: Bytes): boolean {
  const { state, effects, context } = turn
  const item = state.outbox.find((one) => equalBytes(one.bytes, bytes))
  if (item === undefined) return false
  if (item.archiveId !== undefined || item.voided) return true
  item.archiveId = archiveId
  effects.push({ kind: 'done', op: item.op, sent: { id: item.messageId, archiveId } })
  const keep = context.kind === 'mix' ? maxConfirmed : 0
  let dropped = -keep
  for (const one of state.outbox) if (one.archiveId !== undefined) dropped++
  if (dropped > 0) state.outbox = state.outbox.filter((one) => one.archiveId === undefined || dropped-- <= 0)
  return true
}

/** After the archive was read: what it does not have is sent again, the same bytes; too late ones are encrypted anew. */
export function resend(turn: Turn): void {
  const { state } = turn
  const { group } = state
  if (group === undefined || state.phase !== 'active') return
  for (const item of [...state.outbox]) {
    if (!item.unsure || (item.archiveId !== undefined && !item.voided)) continue
    item.unsure = false
    if (!item.voided && group.epoch - item.epoch <= 2n) send(turn, item)
    else again(turn, item)
  }
}

/** Sends the content of a message again in the present epoch; its old form can no longer be read by anybody. */
function again(turn: Turn, item: OutboxItem): void {
  turn.state.outbox = turn.state.outbox.filter((one) => one !== item)
  encrypt(turn, item.op, item.data)
}

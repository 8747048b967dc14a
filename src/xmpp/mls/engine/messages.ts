/** Application messages that come in. */
import type { Bytes } from '../../../bytes/bytes.ts'
import { MlsError } from '../../../bytes/errors.ts'
import { toHex } from '../../../bytes/text.ts'
import type { Group } from '../../../group/group.ts'
import type { MessageReceived } from '../../../group/result.ts'
import { lendMlsMessage } from '../../../wire/mls-message.ts'
import { openContent } from '../content.ts'
import { decodeHeader, linkTo, type MessageHeader } from '../header.ts'
import { sameBytes } from '../identity.ts'
import type { Participant, UnreadableReason } from '../types.ts'
import { chainOf, noteAuthor, noteSeen, receiveNumber } from './chains.ts'
import { watch } from './copies.ts'
import type { EngineEntry } from './entries.ts'
import type { Turn } from './events.ts'
import { awaitEpoch } from './future.ts'
import { currentFork, participantOf } from './groups.ts'
import { confirmOwn } from './sending.ts'

/** How an entry was met. */
export type Arrival = 'archived' | 'live' | 'late'

/** Takes in one encrypted message. Returns whether it is settled: a live one may have to wait for the archive. */
export function receiveMessage(
  turn: Turn,
  entry: EngineEntry,
  bytes: Bytes,
  arrival: Arrival,
): boolean | Promise<boolean> {
  const { state } = turn
  const { group } = state
  if (state.phase === 'outside' || group === undefined) return true
  if (confirmOwn(turn, entry.archiveId, bytes)) return true
  const outer = headerOf(bytes, group)
  if (outer === undefined) return unreadable(turn, entry, 'malformed')
  const { epoch, header } = outer
  const fork = header?.fork
  if (state.phase === 'removed') return epoch < group.epoch ? true : unreadable(turn, entry, 'removed', epoch)
  if (epoch < state.joinEpoch) return unreadable(turn, entry, 'before-join', epoch)
  if (epoch > group.epoch) {
    if (arrival === 'live') return pull(turn)
    return awaitEpoch(state, entry, epoch) || unreadable(turn, entry, 'missing-epoch', epoch)
  }
  if (epoch === group.epoch && fork !== undefined && !sameBytes(fork, currentFork(turn, group))) {
    if (arrival === 'live') return pull(turn)
    state.forked = true
    turn.effects.push({ kind: 'health' })
    return unreadable(turn, entry, 'fork', epoch)
  }
  return open(turn, entry, bytes, { group, arrival, epoch, header })
}

/** What is done with a message that may be opened. */
interface Opening {
  readonly group: Group
  readonly arrival: Arrival
  readonly epoch: bigint
  /** As it stands in the message: signed, once the group has taken that. */
  readonly header: MessageHeader | undefined
}

async function open(turn: Turn, entry: EngineEntry, bytes: Bytes, opening: Opening): Promise<boolean> {
  const { group, epoch } = opening
  try {
    const result = await group.receive(bytes)
    watch(turn, group, { entry, bytes, result })
    if (result.kind === 'message')
      deliver(turn, entry, { bytes, result, arrival: opening.arrival, header: opening.header })
    else if (result.kind === 'past-epoch') return unreadable(turn, entry, 'too-old', epoch)
    return true
  } catch (error) {
    if (!(error instanceof MlsError) || error.kind === 'environment' || error.kind === 'bug') throw error
    return unreadable(turn, entry, error.kind === 'malformed' ? 'malformed' : 'tampered', epoch)
  }
}

function deliver(
  turn: Turn,
  entry: EngineEntry,
  message: Pick<Opening, 'arrival' | 'header'> & { readonly bytes: Bytes; readonly result: MessageReceived },
): void {
  const { context, state } = turn
  const { bytes, result, arrival, header } = message
  const sender = participantOf(context, result.sender)
  const { epoch } = result
  const id = header === undefined ? entry.archiveId : toHex(header.id)
  // reliability S5.6: what was signed says where the message belongs
  if (header !== undefined && (header.generation !== result.generation || state.authors.has(id))) {
    unreadable(turn, entry, 'replayed', epoch, sender)
    return
  }
  const opened = openContent(result.data, { account: sender.account, room: context.room })
  const chain = chainOf(state, sender)
  const late = follow(turn, sender, { header, bytes, epoch, arrival })
  if (typeof opened === 'string') {
    unreadable(turn, entry, opened, epoch, sender)
    return
  }
  const { content, body, elements, sentAt } = opened.opened
  if (content.kind === 'correction' || content.kind === 'retraction') {
    const author = state.authors.get(content.to)
    if (author !== undefined && author !== sender.account) {
      unreadable(turn, entry, 'not-author', epoch, sender)
      return
    }
  }
  noteAuthor(turn, id, sender.account)
  if (opened.identity.length > 0) context.guard?.heard?.(context.room, sender.account, opened.identity)
  if (!opened.message) return
  const number = header === undefined ? undefined : Number(header.number)
  turn.effects.push({
    kind: 'emit',
    data: result.data,
    event: {
      name: 'message',
      value: {
        id,
        archiveId: entry.archiveId,
        sender,
        epoch,
        number,
        binding: header === undefined ? 'unbound' : 'bound',
        late: late || (chain === undefined && arrival === 'late'),
        content,
        body,
        elements,
        sentAt,
      },
    },
  })
}

/** Puts a message into its sender's chain. Returns whether messages behind it were given before. */
function follow(
  turn: Turn,
  sender: Participant,
  message: {
    readonly header: MessageHeader | undefined
    readonly bytes: Bytes
    readonly epoch: bigint
    readonly arrival: Arrival
  },
): boolean {
  const { header, bytes, epoch, arrival } = message
  if (header === undefined) return false
  const { state, context } = turn
  const link = linkTo(context.suite, bytes)
  const { number, previous } = header
  const { place, gap } = receiveNumber(turn, sender, { epoch, number, link, previous })
  const unseen = header.seen !== undefined && noteSeen(turn, header.seen)
  if ((gap || unseen) && arrival === 'live') turn.effects.push({ kind: 'pull' })
  if (place === 'newest') state.head = { epoch, leafIndex: sender.leafIndex, number, link }
  return place === 'behind'
}

/** Reports a message that cannot be read. */
export function unreadable(
  turn: Turn,
  { archiveId }: EngineEntry,
  reason: UnreadableReason,
  epoch?: bigint,
  sender?: Participant,
): true {
  turn.effects.push({ kind: 'emit', event: { name: 'unreadable', value: { archiveId, reason, epoch, sender } } })
  return true
}

function pull(turn: Turn): false {
  turn.effects.push({ kind: 'pull' })
  return false
}

/** What a message says outside of its encryption; `undefined` when it is no application message of the group. */
function headerOf(
  bytes: Bytes,
  group: Group,
): { readonly epoch: bigint; readonly header: MessageHeader | undefined } | undefined {
  try {
    const message = lendMlsMessage(bytes)
    if (message.wireFormat !== 'mls_private_message') return undefined
    const { epoch, groupId, contentType, authenticatedData } = message.privateMessage
    if (contentType !== 'application' || !sameBytes(groupId, group.id)) return undefined
    return { epoch, header: decodeHeader(authenticatedData) }
  } catch {
    return undefined
  }
}

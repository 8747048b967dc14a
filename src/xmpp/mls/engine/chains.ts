/** The chains of senders: which of their messages came, and which are known only because others mention them. */
import type { Bytes } from '../../../bytes/bytes.ts'
import type { SeenMessage } from '../header.ts'
import { deviceKey, sameBytes } from '../identity.ts'
import type { Participant, RoomIssue } from '../types.ts'
import type { Turn } from './events.ts'
import { participantOf } from './groups.ts'
import type { Chain, RoomState } from './state.ts'

/** How many missing numbers of one sender are kept. */
const maxMissing = 1024
/** Authors of how many messages are remembered. */
const maxAuthors = 4096
/** So many entries more than its limit a collection may have for a while. */
const forgottenTogether = 128

/** The chain of a sender, if one of its messages was seen or it joined while we were there. */
export function chainOf(state: RoomState, sender: Pick<Participant, 'account' | 'device'>): Chain | undefined {
  return state.chains.get(deviceKey(sender))
}

/** Begins a chain: a sender that just joined starts at 1. */
export function beginChain(state: RoomState, sender: Participant): void {
  const { account, device, leafIndex } = sender
  const since = state.group?.epoch ?? 0n
  const chain: Chain = {
    account,
    device,
    leafIndex,
    since,
    number: 0n,
    link: new Uint8Array(0),
    missing: [],
    reported: [],
  }
  state.gaps?.delete(deviceKey(sender))
  state.chains.set(deviceKey(sender), chain)
}

/** Ends the chain of a sender who is gone. */
export function endChain(state: RoomState, sender: Pick<Participant, 'account' | 'device'>): void {
  state.gaps?.delete(deviceKey(sender))
  state.chains.delete(deviceKey(sender))
}

/** Forgets all chains. */
export function forgetChains(state: RoomState): void {
  state.gaps = undefined
  state.chains.clear()
}

/** Chains that miss something: looked for among all once, then noted where something is missed. */
function gapsOf(state: RoomState): Map<string, Chain> {
  state.gaps ??= new Map(state.chains)
  for (const [key, { missing, reported }] of state.gaps)
    if (missing.length === 0 && reported.length === 0) state.gaps.delete(key)
  return state.gaps
}

/** Where a message stands among those of its sender. */
export interface Standing {
  /**
   * `newest`: nothing behind it was given before. `behind`: something was, it fills a gap or comes out of turn. `before`: its
   * sender sent it with the leaf that it had before the present one.
   */
  readonly place: 'newest' | 'behind' | 'before'
  /** Whether numbers before it did not come. */
  readonly gap: boolean
}

/** Takes in the number of a message. */
export function receiveNumber(
  turn: Turn,
  sender: Participant,
  message: { readonly epoch: bigint; readonly number: bigint; readonly link: Bytes; readonly previous: Bytes },
): Standing {
  const { state } = turn
  const { number, link, previous } = message
  let chain = chainOf(state, sender)
  if (chain === undefined) {
    // the first that we see of somebody who was there before us
    beginChain(state, sender)
    chain = chainOf(state, sender)
    if (chain === undefined) return { place: 'newest', gap: false }
    chain.since = state.joinEpoch
    chain.number = number
    chain.link = link
    return { place: 'newest', gap: false }
  }
  if (message.epoch < chain.since) return { place: 'before', gap: false }
  if (number <= chain.number) {
    chain.missing = chain.missing.filter((one) => one !== number)
    if (chain.reported.includes(number)) {
      chain.reported = chain.reported.filter((one) => one !== number)
      turn.effects.push({ kind: 'health' })
    }
    return { place: 'behind', gap: false }
  }
  const next = chain.number + 1n
  const gap = miss(state, chain, next, number - 1n)
  // the number fits and the link does not: what we have under the last number is not what the sender sent
  const broken = number === next && chain.link.length > 0 && previous.length > 0 && !sameBytes(previous, chain.link)
  if (broken) miss(state, chain, chain.number, chain.number)
  chain.number = number
  chain.link = link
  return { place: 'newest', gap: gap || broken }
}

/** Takes in what a sender says it has seen. Returns whether that is new to us. */
export function noteSeen({ state, context }: Turn, seen: SeenMessage): boolean {
  const { group } = state
  // what was said before we came is not missing
  if (group === undefined || seen.epoch < state.joinEpoch) return false
  if (seen.leafIndex === group.leafIndex) return false
  const member = group.member(seen.leafIndex)
  const sender = member === undefined ? undefined : participantOf(context, member)
  let chain = sender === undefined ? undefined : chainOf(state, sender)
  if (chain === undefined) {
    if (sender === undefined) return false
    // somebody who was there before us, and of whom we have not seen a message yet: this one should have come
    beginChain(state, sender)
    chain = chainOf(state, sender)
    if (chain === undefined) return false
    chain.since = state.joinEpoch
    chain.number = seen.number - 1n
  }
  if (seen.number <= chain.number || seen.epoch < chain.since) return false
  miss(state, chain, chain.number + 1n, seen.number)
  chain.number = seen.number
  chain.link = seen.link
  return true
}

function miss(state: RoomState, chain: Chain, first: bigint, last: bigint): boolean {
  if (first > last) return false
  state.gaps?.set(deviceKey(chain), chain)
  const from = last - first >= BigInt(maxMissing) ? last - BigInt(maxMissing) + 1n : first
  for (let number = from; number <= last; number++) if (!chain.missing.includes(number)) chain.missing.push(number)
  chain.missing = chain.missing.slice(-maxMissing)
  return true
}

/** After the archive was read to its end: what is still missing is reported, once. */
export function reportMissing(turn: Turn): void {
  const { chains } = turn.state
  for (const [key, chain] of gapsOf(turn.state)) {
    if (chain.missing.length === 0) continue
    // said to have changed
    chains.set(key, chain)
    chain.reported = [...chain.reported, ...chain.missing].slice(-maxMissing)
    chain.missing = []
    turn.effects.push({ kind: 'health' })
  }
}

/** The gaps that were reported and not filled, as ranges. */
export function missingIssues(state: RoomState): RoomIssue[] {
  return [...gapsOf(state).values()].flatMap((chain) => {
    const { account, device, leafIndex } = chain
    const sender: Participant = { account, device, leafIndex, own: false, trust: 'unverified' }
    const issues: { kind: 'missing'; sender: Participant; first: number; last: number }[] = []
    for (const number of [...chain.reported].sort((a, b) => (a < b ? -1 : 1)).map(Number)) {
      const range = issues.at(-1)
      if (range !== undefined && number === range.last + 1) range.last = number
      else issues.push({ kind: 'missing', sender, first: number, last: number })
    }
    return issues
  })
}

/** Remembers who wrote a message, for corrections and against a second use of its id. */
export function noteAuthor({ state }: Turn, id: string, account: string): void {
  state.authors.set(id, account)
  forgetOldest(state.authors, maxAuthors)
}

/**
 * Takes the oldest entries away from a set or map that has more than `limit`, some at a time: where its beginning is must be
 * looked for among all that were deleted there.
 */
export function forgetOldest(
  entries: { readonly size: number; keys(): Iterable<string>; delete(key: string): boolean },
  limit: number,
): void {
  if (entries.size <= limit + forgottenTogether) return
  for (const oldest of entries.keys()) {
    if (entries.size <= limit) return
    entries.delete(oldest)
  }
}

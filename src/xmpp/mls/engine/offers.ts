/**
 * What commits carry for those outside: GroupInfo and tree of the epoch that they begin. With it a device comes back by
 * external commit when nobody is there to answer it.
 */
import type { Bytes } from '../../../bytes/bytes.ts'
import { membersOf } from '../../../commit/member.ts'
import { importTree } from '../../../ratchet-tree/import-tree.ts'
import type { Tree } from '../../../ratchet-tree/tree.ts'
import type { LeafIndex } from '../../../tree-math/tree-math.ts'
import { decodeMlsMessage } from '../../../wire/mls-message.ts'
import { policyOf } from '../extensions.ts'
import { deviceOf } from '../identity.ts'
import type { EntryItem } from './entries.ts'
import type { OutgoingItem } from './events.ts'
import type { EngineContext, Offer, RoomState } from './state.ts'

type HandshakeItem = Extract<EntryItem, { kind: 'handshake' }>
type Snapshot = Extract<OutgoingItem, { kind: 'handshake' }>['tree']

/** Larger groups are asked: somebody is always there, and each commit would carry the whole tree. */
const maxMembers = 64

/** How often a device tries to come in by itself. */
export const maxAsked = 3

/** Whether this device is coming in by itself, and has not given up. */
export function isJoining({ joining }: RoomState): boolean {
  return joining !== undefined && (joining.commit !== undefined || joining.asked < maxAsked)
}

/** The tree to go with a commit or a beginning, where it is small enough to travel every time. */
export function treeToOffer({ settings }: EngineContext, tree: Tree | undefined): Snapshot {
  if (tree === undefined || tree.memberCount > maxMembers) return undefined
  const bytes = tree.encode()
  if (bytes.length > settings.inlineLimit / 2) return undefined
  return { bytes, at: undefined, request: undefined, leaf: undefined }
}

/** Takes in what a handshake says of the epochs of a group that this device is not in, in the archive's order. */
export function noteHandshake(state: RoomState, { handshake, epoch, groupInfo, tree }: HandshakeItem): void {
  const { outside, offer } = state
  if (outside === undefined) return
  const { lastCommit } = outside
  const found = groupInfo === undefined || tree === undefined ? undefined : { groupInfo, tree: tree.bytes }
  if (handshake === 'init') state.offer = found === undefined ? undefined : { ...found, epoch: 0n }
  else if (handshake === 'commit') {
    if (lastCommit !== undefined && epoch <= lastCommit) return
    // only who saw the epoch begin knows that this is the first commit to end it
    const first = offer?.epoch === epoch || (lastCommit !== undefined && epoch === lastCommit + 1n)
    state.offer = found === undefined || !first ? undefined : { ...found, epoch: epoch + 1n }
    outside.lastCommit = epoch
  } else if (handshake === 'state' && found !== undefined && (lastCommit === undefined || epoch > lastCommit))
    state.offer = { ...found, epoch }
}

/** The own leaf in an offered tree, and whether the group's rules let this device in. @throws kind `malformed`, codes of `tree/` */
export function judgeOffer(
  context: EngineContext,
  offer: Pick<Offer, 'groupInfo' | 'tree'>,
): { readonly allowed: boolean; readonly replaces: LeafIndex | undefined } {
  let replaces: LeafIndex | undefined
  let known = false
  for (const { credential, leafIndex } of membersOf(importTree(context.suite, offer.tree))) {
    const name = deviceOf(credential)
    if (name?.account !== context.account) continue
    known = true
    if (name.device === context.device) replaces = leafIndex
    else if (context.guard?.replaces?.(name.device) === true) replaces ??= leafIndex
  }
  return { allowed: allows(offer.groupInfo, known), replaces }
}

function allows(groupInfo: Bytes, known: boolean): boolean {
  const message = decodeMlsMessage(groupInfo)
  if (message.wireFormat !== 'mls_group_info') return false
  const { externalJoin } = policyOf(message.groupInfo.groupContext.extensions)
  return externalJoin === 'anyone' || (externalJoin === 'same-account' && known)
}

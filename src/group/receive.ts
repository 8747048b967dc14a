/**
 * What happens to a message of the group (RFC 9420 §6, §12). Computes a result and what would change; the caller applies it.
 *
 * ```
 * bytes ─ decode ─ group id, epoch ─┬─ own, duplicate, past, future ──────────────────────────> a result, no change
 *                                   └─ unprotect ─┬─ application ─> message
 *                                                 ├─ proposal ─ rules ─> cached
 *                                                 └─ commit ─ rules, tree, key schedule ─> staged
 * ```
 */
import { type Bytes, empty, equalBytes } from '../bytes/bytes.ts'
import { bug, check, MlsError } from '../bytes/errors.ts'
import type { Epoch } from '../commit/epoch.ts'
import { memberOf } from '../commit/member.ts'
import type { PskLookup } from '../commit/psks.ts'
import { stageCommit } from '../commit/stage-commit.ts'
import { type OpenedMessage, unprotectPrivate } from '../framing/private-message.ts'
import { unprotectPublic } from '../framing/public-message.ts'
import type { ProposalCache } from '../proposals/proposal-cache.ts'
import { proposalRef, type VerifiedContent } from '../signed/framed-content.ts'
import { ExternalSenders, readExtension } from '../wire/extension.ts'
import type { ContentType, FramedWireFormat, SenderType } from '../wire/framed-content.ts'
import { lendMlsMessage, type MlsMessage } from '../wire/mls-message.ts'
import type { PrivateMessage } from '../wire/private-message.ts'
import { extensionTypes } from '../wire/registries.ts'
import { validateAlone } from './propose.ts'
import type { ReceiveResult } from './result.ts'
import type { GroupState } from './state.ts'

/** A result with what the caller must apply for it. */
export interface Staged {
  readonly result: ReceiveResult
  /** The cache after the message. */
  readonly proposals: ProposalCache
  /** Its key is spent when the result is applied; for commits when they are merged. */
  readonly opened?: OpenedMessage
}

type FramedMessage = Extract<MlsMessage, { wireFormat: FramedWireFormat }>

/**
 * Processes one encoded MLSMessage without changing anything. See `Group.receive`. What needs no rules, which may take their
 * time, is there at once: application messages above all.
 */
export function stageMessage(state: GroupState, bytes: Uint8Array, lookup: PskLookup): Staged | Promise<Staged> {
  const { current, proposals } = state
  // what may take its time keeps nothing of a PrivateMessage but what was decrypted
  const message = framedMessage(lendMlsMessage(bytes))
  const header = message.wireFormat === 'mls_public_message' ? message.publicMessage.content : message.privateMessage
  const { contentType, epoch } = header
  // RFC 9420 §6 V061
  check(equalBytes(header.groupId, current.context.groupId), 'framing/group_id', 'V061', 'a message of another group')
  // RFC 9420 §6 V062, §12.4.2 V269: nothing of a later epoch is applied
  if (epoch > current.context.epoch) return { proposals, result: { kind: 'future-epoch', contentType, epoch } }
  const isApplication = contentType === 'application' && message.wireFormat === 'mls_private_message'
  if (epoch < current.context.epoch && isApplication) return receivePast(state, message.privateMessage)
  // application messages are never compared with commits
  const messageHash = isApplication ? empty : current.suite.hash(bytes)
  if (epoch < current.context.epoch) {
    const known = state.lastCommit !== undefined && equalBytes(state.lastCommit, messageHash)
    // RFC 9420 §12.4.2 V063: a handshake of an epoch that is over; §14 V270: of two commits the first decides
    return { proposals, result: { kind: known ? 'duplicate' : 'past-epoch', contentType, epoch } }
  }
  const { pending } = state
  // RFC 9420 §14 V272: the echo of the own commit
  if (pending !== undefined && !isApplication && equalBytes(pending.messageHash, messageHash)) {
    const { changes } = pending
    const result = { kind: 'own-commit', changes, staged: pending, welcome: undefined, groupInfo: undefined } as const
    return { proposals, result }
  }
  checkWireFormat(state, message.wireFormat, contentType, senderTypeOf(message))
  if (message.wireFormat === 'mls_public_message') {
    const content = unprotectPublic(publicContext(current), message.publicMessage)
    return receiveContent(state, { content, size: bytes.length, messageHash, lookup })
  }
  const opened = openPrivate(current, message.privateMessage)
  if (opened === 'duplicate') return { proposals, result: { kind: 'duplicate', contentType, epoch } }
  if (opened.kind === 'own') {
    const { generation } = opened
    // RFC 9420 §12.4.2 V271: a commit in our name that is not the pending one
    check(contentType !== 'commit', 'commit/own_leaf', 'V271', 'a commit in the name of the own leaf')
    return { proposals, result: { kind: 'own-message', contentType, epoch, generation } }
  }
  const { content } = opened
  if (isApplication) return { proposals, result: messageResult(current, opened), opened }
  return receiveOpened(state, { content, size: bytes.length, messageHash, lookup }, opened)
}

/** {@link receiveContent} of a message whose key is spent with what comes of it. */
async function receiveOpened(state: GroupState, received: Received, opened: OpenedMessage): Promise<Staged> {
  try {
    return { ...(await receiveContent(state, received)), opened }
  } catch (error) {
    opened.reject()
    throw error
  }
}

/** What a verified message needs to be processed. */
interface Received {
  readonly content: VerifiedContent
  readonly size: number
  readonly messageHash: Bytes
  readonly lookup: PskLookup
}

async function receiveContent(state: GroupState, received: Received): Promise<Staged> {
  const { current, config, proposals } = state
  const { content, messageHash, lookup } = received
  const { sender, epoch, authenticatedData } = content.content
  const own = current.privateTree.leafIndex
  switch (content.content.contentType) {
    // RFC 9420 §6.1 V060, V068: framing lets application data be in PrivateMessages alone
    case 'application':
      throw bug('application data that is no PrivateMessage')
    case 'proposal': {
      const { proposal } = content.content
      const reference = proposalRef(current.suite, content)
      // RFC 9420 §12.1 V095
      if (proposals.get(reference) !== undefined) {
        const echo = sender.senderType === 'member' && sender.leafIndex === own
        return { proposals, result: { kind: echo ? 'own-message' : 'duplicate', contentType: 'proposal', epoch } }
      }
      // RFC 9420 §12.1 V238: what is cached was verified
      await validateAlone({ proposal, sender, reference }, state)
      const cached = { proposal, sender, reference, size: received.size }
      return {
        proposals: proposals.with(cached, config.limits),
        result: { kind: 'proposal', sender, epoch, proposal, reference, authenticatedData },
      }
    }
    case 'commit': {
      // RFC 9420 §12.4.2 V271
      check(
        sender.senderType !== 'member' || sender.leafIndex !== own,
        'commit/own_leaf',
        'V271',
        'a commit in the name of the own leaf',
      )
      const staged = await stageCommit({ epoch: current, config, cache: proposals, content, messageHash, lookup })
      const { changes, next } = staged
      return {
        proposals,
        result: { kind: 'commit', changes, staged, removed: next === undefined, authenticatedData },
      }
    }
  }
}

/** RFC 9420 §15.3 V217, V218: application messages of a kept epoch, whose sender is a member of that epoch. */
function receivePast(state: GroupState, message: PrivateMessage): Staged {
  const { proposals, config } = state
  const { epoch, contentType } = message
  const oldest = config.clock.now() - config.limits.pastEpochMilliseconds
  const kept = state.past.find((past) => past.epoch.context.epoch === epoch && past.endedAt >= oldest)?.epoch
  if (kept === undefined) return { proposals, result: { kind: 'past-epoch', contentType, epoch } }
  const opened = openPrivate(kept, message)
  if (opened === 'duplicate') return { proposals, result: { kind: 'duplicate', contentType, epoch } }
  if (opened.kind === 'own')
    return { proposals, result: { kind: 'own-message', contentType, epoch, generation: opened.generation } }
  return { proposals, result: messageResult(kept, opened), opened }
}

function messageResult(epoch: Epoch, { content: { content }, leafIndex, generation }: OpenedMessage): ReceiveResult {
  const leaf = epoch.tree.leaf(leafIndex)
  if (leaf === undefined || content.contentType !== 'application')
    throw new MlsError('internal/unreachable', 'a message without a sender')
  return {
    kind: 'message',
    sender: memberOf(leafIndex, leaf),
    epoch: content.epoch,
    generation,
    authenticatedData: content.authenticatedData,
    data: content.applicationData,
  }
}

function openPrivate(epoch: Epoch, message: PrivateMessage): ReturnType<typeof unprotectPrivate> | 'duplicate' {
  try {
    return unprotectPrivate({
      suite: epoch.suite,
      secretTree: epoch.secretTree,
      senderDataSecret: epoch.secrets.senderDataSecret,
      message,
      ownLeaf: epoch.privateTree.leafIndex,
      signatureKey: (leafIndex) => epoch.tree.leaf(leafIndex)?.signatureKey,
      encodedContext: epoch.encodedContext,
    })
  } catch (error) {
    // RFC 9420 §9.2 V211: a key that was used and is gone
    if (error instanceof MlsError && error.code === 'ratchet/generation_gone') return 'duplicate'
    throw error
  }
}

function publicContext({
  suite,
  tree,
  context,
  encodedContext,
  secrets,
}: Epoch): Parameters<typeof unprotectPublic>[0] {
  const external = readExtension(context.extensions, extensionTypes.externalSenders, ExternalSenders)
  return {
    suite,
    encodedContext,
    membershipKey: secrets.membershipKey,
    leafCount: tree.leafCount,
    senders: {
      signatureKey: (leafIndex) => tree.leaf(leafIndex)?.signatureKey,
      ...(external === undefined ? {} : { externalKey: (index: number) => external[index]?.signatureKey }),
    },
  }
}

function framedMessage(message: MlsMessage): FramedMessage {
  if (message.wireFormat === 'mls_public_message' || message.wireFormat === 'mls_private_message') return message
  throw new MlsError('framing/wire_format', 'a message that is not one of a group', {})
}

function senderTypeOf(message: FramedMessage): SenderType {
  return message.wireFormat === 'mls_public_message' ? message.publicMessage.content.sender.senderType : 'member'
}

/** V096: the group's setting for handshakes of members; others have PublicMessages alone (V075). */
function checkWireFormat(
  { config }: GroupState,
  wireFormat: FramedWireFormat,
  contentType: ContentType,
  senderType: SenderType,
): void {
  if (contentType === 'application' || senderType !== 'member') return
  check(
    config.acceptHandshakes.includes(wireFormat),
    'framing/wire_format',
    'V096',
    'a handshake in a wire format that this group does not use',
  )
}

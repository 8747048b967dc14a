/**
 * The list of proposals of a commit (RFC 9420 §12.2): references resolved, and the rules that concern the list as a whole.
 * Rules on single leaves and KeyPackages are those of `ratchet-tree/`; the result is a sorted list that can be applied.
 */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { suites } from '../crypto/suites.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { ProposalOrRef } from '../wire/commit.ts'
import { type Extension, ExternalSenders, readExtension, rejectDuplicateExtensions } from '../wire/extension.ts'
import type { Sender } from '../wire/framed-content.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import type { EncodedLeafNode } from '../wire/leaf-node.ts'
import {
  type CustomProposal,
  type ExternalInitProposal,
  type Proposal,
  proposalTypeCode,
  type ReInitProposal,
} from '../wire/proposal.ts'
import { PreSharedKeyId } from '../wire/psk.ts'
import { extensionTypes, isGrease } from '../wire/registries.ts'
import type { ProposalCache, SentProposal } from './proposal-cache.ts'

/** What a kind of custom proposal asks of a commit; the same for every member of a group. */
export interface CustomProposalType {
  /** The code point, not one of RFC 9420 and not GREASE. */
  readonly type: number
  /** Whether a commit with such a proposal must have a path. */
  readonly pathRequired: boolean
  /** Whether an external sender may propose it. */
  readonly fromExternal?: boolean
}

/** How a new group begins, which allows the PSK of that kind (RFC 9420 §11.2, §11.3). */
export type Beginning = 'reinit' | 'branch' | undefined

/** What the rules look at besides the list. */
export interface ListContext {
  readonly suite: CipherSuite
  readonly tree: Tree
  readonly extensions: readonly Extension[]
  readonly version: number
  /** The leaf of the committer; `undefined` for an external commit. */
  readonly committer: LeafIndex | undefined
  readonly customProposals: readonly CustomProposalType[]
  readonly beginning?: Beginning
}

/** The proposals of a commit, by type, in the order of the list. */
export interface ProposalList {
  readonly all: readonly SentProposal[]
  readonly extensions: readonly Extension[] | undefined
  readonly updates: readonly {
    readonly leafIndex: LeafIndex
    readonly leaf: EncodedLeafNode
    readonly reference: Bytes
  }[]
  readonly removes: readonly LeafIndex[]
  readonly adds: readonly KeyPackage[]
  readonly psks: readonly PreSharedKeyId[]
  readonly externalInit: ExternalInitProposal | undefined
  readonly reinit: ReInitProposal | undefined
  readonly custom: readonly { readonly proposal: CustomProposal; readonly sender: Sender }[]
}

/**
 * Replaces references by the proposals that they name.
 * @throws `proposal/unknown_ref` (V257, V258), `proposal/duplicate` (V259)
 */
export function resolveProposals(
  proposals: readonly ProposalOrRef[],
  cache: ProposalCache,
  committer: Sender,
): SentProposal[] {
  const seen = new Set<string>()
  return proposals.map((entry): SentProposal => {
    if (entry.type === 'proposal') return { proposal: entry.proposal, sender: committer, reference: undefined }
    const key = mapKey(entry.reference)
    // RFC 9420 §12.4 V259: one reference stands once
    check(!seen.has(key), 'proposal/duplicate', 'V259', 'one proposal is referenced twice')
    seen.add(key)
    const cached = cache.get(entry.reference)
    // RFC 9420 §12.4 V257, V258: the cache holds proposals of this epoch alone; §5.2 V046: a hash of another length names none
    if (cached === undefined)
      throw new MlsError('proposal/unknown_ref', 'a commit references a proposal that did not arrive', { rule: 'V257' })
    return cached
  })
}

/**
 * RFC 9420 §12.2 for a commit by a member.
 * @throws `commit/proposals` and the codes of single proposals, with the rule
 */
export function validateMemberList(list: readonly SentProposal[], context: ListContext): ProposalList {
  const sorted = sortProposals(list)
  const { committer } = context
  // RFC 9420 §12.2 V252, §12.4.3.2 V288: only a newcomer's
  check(sorted.externalInit === undefined, 'commit/proposals', 'V252', 'ExternalInit in the commit of a member')
  for (const sent of list) validateProposal(sent, context)
  const changed = new Set<LeafIndex>()
  for (const { leafIndex } of sorted.updates) {
    // RFC 9420 §12.2 V240: the committer updates through the path
    check(leafIndex !== committer, 'commit/proposals', 'V240', 'an Update by the committer')
    // RFC 9420 §12.2 V242
    check(!changed.has(leafIndex), 'commit/proposals', 'V242', 'two Updates of one leaf')
    changed.add(leafIndex)
  }
  const removed = new Set<LeafIndex>()
  for (const leafIndex of sorted.removes) {
    // RFC 9420 §12.2 V241
    check(leafIndex !== committer, 'commit/proposals', 'V241', 'the committer removes itself')
    // RFC 9420 §12.2 V244
    check(!removed.has(leafIndex), 'commit/proposals', 'V244', 'two Removes of one leaf')
    // RFC 9420 §12.2 V243
    check(!changed.has(leafIndex), 'commit/proposals', 'V243', 'an Update and a Remove of one leaf')
    removed.add(leafIndex)
  }
  const extensionProposals = list.filter(({ proposal }) => proposal.proposalType === 'group_context_extensions')
  // RFC 9420 §12.2 V250
  check(extensionProposals.length <= 1, 'commit/proposals', 'V250', 'two GroupContextExtensions proposals')
  // RFC 9420 §12.2 V251: a ReInit stands alone
  check(sorted.reinit === undefined || list.length === 1, 'commit/proposals', 'V251', 'a ReInit beside other proposals')
  validatePsks(sorted.psks, context)
  return sorted
}

/**
 * RFC 9420 §12.2 for an external commit: one ExternalInit, at most one Remove, PSKs, nothing by reference.
 * @throws `commit/external`, `psk/…`
 */
export function validateExternalList(list: readonly SentProposal[], context: ListContext): ProposalList {
  for (const sent of list) {
    // RFC 9420 §12.4.3.2 V286: by value only
    check(sent.reference === undefined, 'commit/external', 'V286', 'a reference in an external commit')
    const { proposalType } = sent.proposal
    // RFC 9420 §12.2 V285
    check(
      proposalType === 'external_init' || proposalType === 'remove' || proposalType === 'psk',
      'commit/external',
      'V285',
      'a proposal that an external commit may not have',
    )
    if (sent.proposal.proposalType === 'remove')
      // RFC 9420 §12.1.3 V284
      check(
        context.tree.leaf(sent.proposal.removed) !== undefined,
        'commit/external',
        'V284',
        'a Remove of a blank leaf',
      )
  }
  const sorted = sortProposals(list)
  const inits = list.filter(({ proposal }) => proposal.proposalType === 'external_init').length
  // RFC 9420 §12.2 V280, V281
  check(inits >= 1, 'commit/external', 'V280', 'an external commit without ExternalInit')
  check(inits <= 1, 'commit/external', 'V281', 'two ExternalInit proposals')
  // RFC 9420 §12.2 V282
  check(sorted.removes.length <= 1, 'commit/external', 'V282', 'two Removes in an external commit')
  validatePsks(sorted.psks, context)
  return sorted
}

/**
 * The rules of RFC 9420 §12.1 on one proposal and its sender; used for proposals that arrive alone as well (V237 and
 * signatures are the framing's). Leaves and KeyPackages are validated when they are applied.
 * @throws codes of `proposal/`, `psk/`, `extension/`, `group/reinit`, `framing/sender`
 */
export function validateProposal({ proposal, sender }: SentProposal, context: ListContext): void {
  validateSender(proposal, sender, context)
  switch (proposal.proposalType) {
    case 'remove':
      // RFC 9420 §12.1.3 V224
      check(context.tree.leaf(proposal.removed) !== undefined, 'proposal/invalid', 'V224', 'a Remove of a blank leaf')
      return
    case 'psk':
      validatePsk(proposal.psk, context)
      return
    case 'reinit':
      // RFC 9420 §12.1.5 V225
      check(proposal.version >= context.version, 'group/reinit', 'V225', 'a ReInit to an older version')
      // RFC 9420 §12.1.5 V226
      check(
        proposal.version === context.version && suites.some(({ id }) => id === proposal.cipherSuite),
        'group/reinit',
        'V226',
        'a ReInit to a version or cipher suite that is not supported',
      )
      validateContextExtensions(proposal.extensions, 'V227')
      return
    case 'external_init':
      // RFC 9420 §12.1.6 V228: only by value in an external commit
      throw new MlsError('proposal/invalid', 'ExternalInit outside an external commit', { rule: 'V228' })
    case 'group_context_extensions':
      validateContextExtensions(proposal.extensions, 'V233')
      return
    case 'custom': {
      const known = context.customProposals.some(({ type }) => type === proposal.type)
      // RFC 9420 §12.1 V022: a type that this client was not told about
      if (!known || isGrease(proposal.type))
        throw new MlsError('proposal/unsupported', 'a proposal of a type that is not registered', { rule: 'V022' })
      return
    }
    default:
      return
  }
}

/** RFC 9420 §13.4: what a list must obey to stand in a GroupContext; support by members is checked on the tree. */
export function validateContextExtensions(extensions: readonly Extension[], duplicateRule: string): void {
  // RFC 9420 §13.4 V233, V227, V338
  rejectDuplicateExtensions(extensions, duplicateRule)
  for (const { extensionType } of extensions) {
    // RFC 9420 §13.5 V234, V313, V340
    check(!isGrease(extensionType), 'extension/grease', 'V234', 'a GREASE extension in a GroupContext')
    // RFC 9420 §13.4 V235, V339
    check(
      extensionType !== extensionTypes.ratchetTree &&
        extensionType !== extensionTypes.externalPub &&
        extensionType !== extensionTypes.applicationId &&
        extensionType !== extensionTypes.lastResort,
      'extension/container',
      'V235',
      'an extension that does not belong in a GroupContext',
    )
  }
}

function validateSender(proposal: Proposal, sender: Sender, context: ListContext): void {
  const { proposalType } = proposal
  if (sender.senderType === 'member') return
  // RFC 9420 §12.1.2 V222: only a member has a leaf to update
  check(proposalType !== 'update', 'framing/sender', 'V222', 'an Update by someone who is no member')
  if (sender.senderType === 'new_member_proposal') {
    // RFC 9420 §6.1 V072
    check(proposalType === 'add', 'framing/sender', 'V072', 'a newcomer proposes something other than an Add')
    return
  }
  if (sender.senderType !== 'external') return
  const senders = readExtension(context.extensions, extensionTypes.externalSenders, ExternalSenders)
  // RFC 9420 §12.1.8 V066, V260: the extension of this epoch decides
  check(senders !== undefined, 'framing/sender', 'V066', 'an external proposal in a group without external senders')
  // RFC 9420 §6.1 V067
  check(sender.senderIndex < senders.length, 'framing/sender', 'V067', 'an external sender that is not listed')
  const custom = context.customProposals.find(({ type }) => type === proposalTypeCode(proposal))
  // RFC 9420 §12.1.8 V069
  check(
    ['add', 'remove', 'psk', 'reinit', 'group_context_extensions'].includes(proposalType) ||
      custom?.fromExternal === true,
    'framing/sender',
    'V069',
    'a proposal that an external sender may not make',
  )
}

function validatePsk(psk: PreSharedKeyId, context: ListContext): void {
  // RFC 9420 §12.1.4 V198
  check(
    psk.pskNonce.length === context.suite.parameters.hashLength,
    'psk/invalid',
    'V198',
    'a psk_nonce of another length than the hash',
  )
  if (psk.psktype !== 'resumption' || psk.usage === 'application') return
  // RFC 9420 §12.1.4 V199, V200: these usages begin groups
  check(
    context.beginning === psk.usage,
    'psk/invalid',
    psk.usage === 'reinit' ? 'V199' : 'V200',
    'a PSK whose usage belongs to the beginning of a group',
  )
}

function validatePsks(psks: readonly PreSharedKeyId[], context: ListContext): void {
  const seen = new Set<string>()
  for (const psk of psks) {
    validatePsk(psk, context)
    const key = mapKey(encode(PreSharedKeyId, psk))
    // RFC 9420 §12.2 V203; another nonce is another id (V204)
    check(!seen.has(key), 'psk/duplicate', 'V203', 'one PSK twice in a commit')
    seen.add(key)
  }
}

/** The proposals by type. @throws `framing/sender` (V222) for an Update by someone who is no member */
export function sortProposals(all: readonly SentProposal[]): ProposalList {
  const updates: { leafIndex: LeafIndex; leaf: EncodedLeafNode; reference: Bytes }[] = []
  const removes: LeafIndex[] = []
  const adds: KeyPackage[] = []
  const psks: PreSharedKeyId[] = []
  const custom: { proposal: CustomProposal; sender: Sender }[] = []
  let extensions: readonly Extension[] | undefined
  let externalInit: ExternalInitProposal | undefined
  let reinit: ReInitProposal | undefined
  for (const { proposal, sender, reference } of all) {
    switch (proposal.proposalType) {
      case 'update':
        // RFC 9420 §12.1.2 V222
        check(sender.senderType === 'member', 'framing/sender', 'V222', 'an Update by someone who is no member')
        updates.push({
          leafIndex: sender.leafIndex,
          leaf: proposal.leafNode,
          reference: reference ?? new Uint8Array(0),
        })
        break
      case 'remove':
        removes.push(proposal.removed)
        break
      case 'add':
        adds.push(proposal.keyPackage)
        break
      case 'psk':
        psks.push(proposal.psk)
        break
      case 'group_context_extensions':
        extensions = proposal.extensions
        break
      case 'external_init':
        externalInit = proposal
        break
      case 'reinit':
        reinit = proposal
        break
      case 'custom':
        custom.push({ proposal, sender })
        break
    }
  }
  return { all, extensions, updates, removes, adds, psks, externalInit, reinit, custom }
}

/**
 * RFC 9420 §12.4 V263-V267: whether a commit of these proposals must have a path.
 */
export function isPathRequired(list: ProposalList, customProposals: readonly CustomProposalType[]): boolean {
  if (list.all.length === 0) return true
  return list.all.some(({ proposal }) => {
    if (proposal.proposalType === 'custom')
      return customProposals.some(({ type, pathRequired }) => type === proposal.type && pathRequired)
    return ['update', 'remove', 'external_init', 'group_context_extensions'].includes(proposal.proposalType)
  })
}

/** The rule that a missing path breaks, for the error. */
export function pathRule(list: ProposalList): string {
  if (list.all.length === 0) return 'V263'
  if (list.externalInit !== undefined) return 'V267'
  if (list.updates.length > 0) return 'V264'
  if (list.removes.length > 0) return 'V265'
  return 'V266'
}

/** Whether two lists of extensions are the same bytes in the same order (V329). */
export function sameExtensions(a: readonly Extension[], b: readonly Extension[]): boolean {
  return (
    a.length === b.length &&
    a.every((extension, i) => {
      const other = b[i]
      return (
        other !== undefined &&
        other.extensionType === extension.extensionType &&
        equalBytes(other.extensionData, extension.extensionData)
      )
    })
  )
}

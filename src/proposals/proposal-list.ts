/**
 * The list of proposals of a commit (RFC 9420 §12.2): references resolved, and the rules that concern the list as a whole.
 * Rules on single leaves and KeyPackages are those of `ratchet-tree/`; the result is a sorted list that can be applied.
 */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import { encode } from '../codec/codec.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { ProposalOrRef } from '../wire/commit.ts'
import type { Extension } from '../wire/extension.ts'
import type { Sender } from '../wire/framed-content.ts'
import type { KeyPackage } from '../wire/key-package.ts'
import type { EncodedLeafNode } from '../wire/leaf-node.ts'
import type { CustomProposal, ExternalInitProposal, ReInitProposal } from '../wire/proposal.ts'
import { PreSharedKeyId } from '../wire/psk.ts'
import type { ProposalCache, SentProposal } from './proposal-cache.ts'
import { type CustomProposalType, type ListContext, validateProposal, validatePsk } from './proposal-rules.ts'

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

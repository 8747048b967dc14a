/** The rules of RFC 9420 §12.1 on single proposals: what they hold, and who may send them. */
import { check, MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { suites } from '../crypto/suites.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import { type Extension, ExternalSenders, readExtension, rejectDuplicateExtensions } from '../wire/extension.ts'
import type { Sender } from '../wire/framed-content.ts'
import { type Proposal, proposalTypeCode } from '../wire/proposal.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'
import { extensionTypes, isGrease } from '../wire/registries.ts'
import type { SentProposal } from './proposal-cache.ts'

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

/** RFC 9420 §12.1.4. @throws `psk/invalid` (V198-V200) */
export function validatePsk(psk: PreSharedKeyId, context: ListContext): void {
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

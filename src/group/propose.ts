/** Proposals as messages of their own (RFC 9420 §12.1). */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { sliceRules } from '../commit/config.ts'
import type { OwnLeafChange } from '../commit/create-commit.ts'
import { protectPrivate } from '../framing/private-message.ts'
import { protectPublic } from '../framing/public-message.ts'
import { applyProposals } from '../proposals/apply.ts'
import type { CachedProposal, OwnUpdate, ProposalCache, SentProposal } from '../proposals/proposal-cache.ts'
import { type ProposalList, sortProposals } from '../proposals/proposal-list.ts'
import { type ListContext, validateProposal } from '../proposals/proposal-rules.ts'
import { proposalRef, signFramedContent } from '../signed/framed-content.ts'
import { signLeafNode } from '../signed/leaf-node.ts'
import type { AuthenticatedContent, FramedContent, FramedWireFormat, Sender } from '../wire/framed-content.ts'
import { encodeMlsMessage, type MlsMessage } from '../wire/mls-message.ts'
import type { Proposal } from '../wire/proposal.ts'
import { mls10 } from '../wire/registries.ts'
import { type CommitOptions, type KeyPackageSource, keyPackageOf } from './commit-options.ts'
import type { GroupState } from './state.ts'

/** What to propose: exactly one of these. */
export type ProposeOptions = (
  | { readonly add: KeyPackageSource }
  | { readonly update: true | OwnLeafChange }
  | { readonly remove: number }
  | { readonly psk: NonNullable<CommitOptions['psk']>[number] }
  | { readonly extensions: NonNullable<CommitOptions['extensions']> }
  | { readonly reinit: NonNullable<CommitOptions['reinit']> }
  | { readonly custom: NonNullable<CommitOptions['custom']>[number] }
) & { readonly authenticatedData?: Uint8Array; readonly wireFormat?: FramedWireFormat }

/** A proposal that is ready to be sent, and the cache that knows it. */
export interface Proposed {
  readonly message: Bytes
  readonly cached: CachedProposal
  readonly proposals: ProposalCache
}

/** Makes, checks and frames a proposal. See `Group.propose`. */
export async function proposeIn(state: GroupState, options: ProposeOptions): Promise<Proposed> {
  const { current, config } = state
  const { suite, context } = current
  const leafIndex = current.privateTree.leafIndex
  const sender: Sender = { senderType: 'member', leafIndex }
  const { proposal, ownUpdate } = await proposalOf(state, options)
  await validateAlone({ proposal, sender, reference: undefined }, state)
  const wireFormat = options.wireFormat ?? config.handshakes
  const content: FramedContent = {
    groupId: context.groupId,
    epoch: context.epoch,
    sender,
    authenticatedData: Uint8Array.from(options.authenticatedData ?? []),
    contentType: 'proposal',
    proposal,
  }
  const signature = await signFramedContent(current.signer, wireFormat, content, current.encodedContext)
  const authenticated: AuthenticatedContent = { wireFormat, content, auth: { signature } }
  const message = encodeMlsMessage(frame(state, authenticated))
  const cached: CachedProposal = {
    proposal,
    sender,
    reference: proposalRef(suite, authenticated),
    size: message.length,
    ...(ownUpdate === undefined ? {} : { ownUpdate }),
  }
  return { message, cached, proposals: state.proposals.with(cached, config.limits) }
}

/**
 * The rules for a proposal that stands alone: sender, type, and what it would put in the tree. An Update by its sender, a
 * KeyPackage and new extensions are validated as a commit would.
 */
export async function validateAlone(sent: SentProposal, state: GroupState): Promise<void> {
  const { current, config } = state
  const context: ListContext = {
    suite: current.suite,
    tree: current.tree,
    extensions: current.context.extensions,
    version: current.context.version,
    committer: undefined,
    customProposals: config.customProposals,
  }
  validateProposal(sent, context)
  const list: ProposalList = sortProposals([{ ...sent, reference: sent.reference ?? new Uint8Array(0) }])
  if (list.updates.length + list.adds.length > 0 || list.extensions !== undefined || list.custom.length > 0)
    await applyProposals(list, {
      suite: current.suite,
      tree: current.tree,
      groupContext: current.context,
      authentication: config.authentication,
      share: sliceRules(config),
    })
}

async function proposalOf(
  { current }: GroupState,
  options: ProposeOptions,
): Promise<{ readonly proposal: Proposal; readonly ownUpdate?: OwnUpdate }> {
  if ('add' in options) return { proposal: { proposalType: 'add', keyPackage: keyPackageOf(options.add) } }
  if ('remove' in options) return { proposal: { proposalType: 'remove', removed: options.remove } }
  if ('psk' in options) return { proposal: { proposalType: 'psk', psk: options.psk } }
  if ('extensions' in options)
    return { proposal: { proposalType: 'group_context_extensions', extensions: options.extensions } }
  if ('reinit' in options) return { proposal: { proposalType: 'reinit', version: mls10, ...options.reinit } }
  if ('custom' in options) return { proposal: { proposalType: 'custom', ...options.custom } }

  const { suite, context, tree, privateTree } = current
  const change: OwnLeafChange = options.update === true ? {} : options.update
  const own = tree.leaf(privateTree.leafIndex)
  if (own === undefined) throw new MlsError('internal/unreachable', 'the own leaf is blank')
  const old = own.leafNode
  const signer = change.signer ?? current.signer
  const encryptionKeyPair = await suite.deriveKeyPair(suite.randomBytes(suite.parameters.hashLength))
  const leafNode = await signLeafNode(
    signer,
    {
      encryptionKey: encryptionKeyPair.publicKey,
      signatureKey: signer.publicKey,
      credential: change.credential ?? old.credential,
      capabilities: change.capabilities ?? old.capabilities,
      leafNodeSource: 'update',
      extensions: change.extensions ?? old.extensions,
    },
    { groupId: context.groupId, leafIndex: privateTree.leafIndex },
  )
  return { proposal: { proposalType: 'update', leafNode }, ownUpdate: { encryptionKeyPair, signer } }
}

function frame({ current, config }: GroupState, content: AuthenticatedContent): MlsMessage {
  const { suite, secrets, secretTree, encodedContext } = current
  if (content.wireFormat === 'mls_public_message')
    return {
      wireFormat: 'mls_public_message',
      publicMessage: protectPublic({ suite, encodedContext, membershipKey: secrets.membershipKey }, content),
    }
  return {
    wireFormat: 'mls_private_message',
    privateMessage: protectPrivate({
      suite,
      secretTree,
      senderDataSecret: secrets.senderDataSecret,
      content,
      padding: config.padding,
    }),
  }
}

/**
 * The misbehaving peer: commits and proposals as a member with all secrets of the group makes them, without validation. One
 * step is bent; everything downstream (leaf signature, parent hashes, tree hash, transcript, confirmation tag, signature,
 * membership tag or AEAD) is computed with genuine secrets, so that only the named rule is broken.
 */
import type { Bytes } from '../../src/bytes/bytes.ts'
import { Secret } from '../../src/bytes/secret.ts'
import { encode } from '../../src/codec/codec.ts'
import type { Epoch } from '../../src/commit/epoch.ts'
import { nextEpoch } from '../../src/commit/epoch.ts'
import { protectPrivate } from '../../src/framing/private-message.ts'
import { protectPublic } from '../../src/framing/public-message.ts'
import { defaultLimits } from '../../src/group/defaults.ts'
import { derivePskSecret } from '../../src/key-schedule/psk-secret.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import { proposalRef, signFramedContent } from '../../src/signed/framed-content.ts'
import type { Signer } from '../../src/signed/signer.ts'
import type { ProposalOrRef } from '../../src/wire/commit.ts'
import type { Extension } from '../../src/wire/extension.ts'
import type { AuthenticatedContent, FramedContent, FramedWireFormat, Sender } from '../../src/wire/framed-content.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'
import { encodeMlsMessage } from '../../src/wire/mls-message.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import type { PreSharedKeyId } from '../../src/wire/psk.ts'
import { type ForgedPath, forgePath, orElse, type PathForgery } from './forge-path.ts'
import { suite, type World } from './world.ts'

/** How content is framed and signed. */
export interface FramingForgery {
  readonly format?: FramedWireFormat
  readonly sender?: Sender
  readonly signer?: Signer
  readonly signedContext?: Bytes | undefined
  readonly signedFormat?: FramedWireFormat
  /** The content before it is signed. */
  readonly content?: (content: FramedContent) => FramedContent
}

/** A proposal that was sent as a message of its own. */
export interface SentForgery {
  readonly message: Bytes
  readonly reference: Bytes
  readonly proposal: Proposal
  readonly sender: Sender
}

/** What of a commit is bent. */
export interface CommitForgery extends FramingForgery, PathForgery {
  /** By value, or by the reference of one that was sent. */
  readonly proposals?: readonly (Proposal | SentForgery)[]
  /** On by default. */
  readonly path?: boolean
  readonly psk?: (id: PreSharedKeyId) => Bytes
  /** Another order of the PSKs for their secret. */
  readonly pskOrder?: (ids: readonly PreSharedKeyId[]) => readonly PreSharedKeyId[]
  readonly initSecret?: Bytes
  /** The GroupContext of the next epoch without its transcript hash, for the key schedule. */
  readonly nextContext?: (
    context: Omit<GroupContext, 'confirmedTranscriptHash'>,
  ) => Omit<GroupContext, 'confirmedTranscriptHash'>
  /** The format that enters the transcript. */
  readonly transcriptFormat?: FramedWireFormat
  readonly tag?: (tag: Bytes) => Bytes
}

/** A proposal by a member (or by whom `sender` says) as a message of its own. */
export async function forgeProposal(
  world: World,
  by: number,
  proposal: Proposal,
  forgery: FramingForgery & { readonly epoch?: bigint } = {},
): Promise<SentForgery> {
  const { current } = world.state(by)
  const sender: Sender = forgery.sender ?? { senderType: 'member', leafIndex: by }
  const content: FramedContent = {
    groupId: current.context.groupId,
    epoch: forgery.epoch ?? current.context.epoch,
    sender,
    authenticatedData: new Uint8Array(0),
    contentType: 'proposal',
    proposal,
  }
  const signed = await sign(current, content, forgery)
  return { message: frame(current, signed), reference: proposalRef(suite, signed), proposal, sender }
}

/** A commit by a member. */
export async function forgeCommit(world: World, by: number, forgery: CommitForgery = {}): Promise<Bytes> {
  return (await forgeCommitWith(world, by, forgery)).message
}

/** {@link forgeCommit}, with the path and the tree that it was made from. */
export async function forgeCommitWith(
  world: World,
  by: number,
  forgery: CommitForgery = {},
): Promise<{ readonly message: Bytes; readonly forged: ForgedPath | undefined; readonly tree: Tree }> {
  const { current } = world.state(by)
  const { context } = current
  const proposals = (forgery.proposals ?? []).map((entry) => ('reference' in entry ? entry : { proposal: entry }))
  const applied = apply(current.tree, by, proposals)
  const extensions = lastExtensions(proposals) ?? context.extensions
  const own = (applied.tree.leaf(by) ?? current.tree.leaf(by)!).leafNode
  const forged =
    forgery.path === false
      ? undefined
      : await forgePath(
          {
            tree: applied.tree,
            leafIndex: by,
            leaf: { credential: own.credential, capabilities: own.capabilities, extensions: own.extensions },
            signer: current.signer,
            groupId: context.groupId,
            newLeaves: applied.newLeaves,
            contextOf: (tree) =>
              encode(GroupContext, { ...context, epoch: context.epoch + 1n, treeHash: tree.treeHash, extensions }),
          },
          forgery,
        )
  const entries = proposals.map((entry): ProposalOrRef => {
    if ('reference' in entry) return { type: 'reference', reference: entry.reference }
    return { type: 'proposal', proposal: entry.proposal }
  })
  const honest: FramedContent = {
    groupId: context.groupId,
    epoch: context.epoch,
    sender: forgery.sender ?? { senderType: 'member', leafIndex: by },
    authenticatedData: new Uint8Array(0),
    contentType: 'commit',
    commit: { proposals: entries, path: forged?.path },
  }
  const signed = await sign(current, honest, forgery)
  const next = { ...context, epoch: context.epoch + 1n, treeHash: (forged?.tree ?? applied.tree).treeHash, extensions }
  const psks = proposals.flatMap(({ proposal }) => (proposal.proposalType === 'psk' ? [proposal.psk] : []))
  const tag = confirmationTagOf(
    current,
    signed,
    next,
    forged?.commitSecret ?? forgery.commitSecret?.(new Uint8Array(32), []) ?? new Uint8Array(32),
    psks,
    forgery,
  )
  const message = frame(current, { ...signed, auth: { ...signed.auth, confirmationTag: tag } })
  return { message, forged, tree: forged?.tree ?? applied.tree }
}

/** The confirmation tag of the epoch that a commit begins. */
export function confirmationTagOf(
  current: Epoch,
  signed: AuthenticatedContent,
  next: GroupContext,
  commitSecret: Bytes,
  psks: readonly PreSharedKeyId[],
  forgery: CommitForgery,
): Bytes {
  const ordered = forgery.pskOrder?.(psks) ?? psks
  const { epoch } = nextEpoch({
    suite,
    context: forgery.nextContext?.(next) ?? next,
    interimTranscriptHash: current.interimTranscriptHash,
    commit: { ...signed, wireFormat: forgery.transcriptFormat ?? signed.wireFormat },
    tree: current.tree,
    privateTree: current.privateTree,
    signer: current.signer,
    initSecret:
      forgery.initSecret === undefined ? current.secrets.initSecret.clone() : new Secret(forgery.initSecret.slice()),
    commitSecret: new Secret(commitSecret.slice()),
    pskSecret: derivePskSecret(
      suite,
      ordered.slice(0, 16).map((id) => ({ id, psk: forgery.psk?.(id) ?? new Uint8Array(32) })),
    ),
    limits: defaultLimits,
  })
  return forgery.tag?.(epoch.confirmationTag) ?? epoch.confirmationTag
}

async function sign(current: Epoch, honest: FramedContent, forgery: FramingForgery): Promise<AuthenticatedContent> {
  const content = forgery.content?.(honest) ?? honest
  const wireFormat = forgery.format ?? 'mls_public_message'
  const signature = await signFramedContent(
    forgery.signer ?? current.signer,
    forgery.signedFormat ?? wireFormat,
    content,
    'signedContext' in forgery ? forgery.signedContext : current.encodedContext,
  )
  return { wireFormat, content, auth: { signature } }
}

/** Frames content with the secrets of a member. */
export function frame(current: Epoch, content: AuthenticatedContent): Bytes {
  const { encodedContext, secrets, secretTree } = current
  if (content.content.sender.senderType !== 'member')
    return encodeMlsMessage({ wireFormat: 'mls_public_message', publicMessage: content })
  if (content.wireFormat === 'mls_public_message')
    return encodeMlsMessage({
      wireFormat: 'mls_public_message',
      publicMessage: protectPublic({ suite, encodedContext, membershipKey: secrets.membershipKey }, content),
    })
  return encodeMlsMessage({
    wireFormat: 'mls_private_message',
    privateMessage: protectPrivate({
      suite,
      secretTree,
      senderDataSecret: secrets.senderDataSecret,
      content,
      padding: { kind: 'none' },
    }),
  })
}

/** Applies proposals as far as a tree can bear them: Updates, Removes, Adds. */
export function apply(
  tree: Tree,
  committer: number | undefined,
  proposals: readonly { readonly proposal: Proposal; readonly sender?: Sender }[],
): { readonly tree: Tree; readonly newLeaves: ReadonlySet<number> } {
  const newLeaves = new Set<number>()
  const next = orElse(tree, () => {
    const draft = new TreeDraft(tree)
    const each = (run: (proposal: Proposal, sender: Sender | undefined) => void): void => {
      for (const { proposal, sender } of proposals) orElse(undefined, () => run(proposal, sender))
    }
    each((proposal, sender) => {
      const leaf = sender?.senderType === 'member' ? sender.leafIndex : committer
      if (proposal.proposalType === 'update' && leaf !== undefined) draft.update(leaf, proposal.leafNode)
    })
    each((proposal) => {
      if (proposal.proposalType === 'remove') draft.remove(proposal.removed)
    })
    each((proposal) => {
      if (proposal.proposalType !== 'add') return
      const { leafNode } = proposal.keyPackage
      newLeaves.add(draft.add({ leafNode, bytes: encode(LeafNode, leafNode) }))
    })
    return draft.finish(suite)
  })
  if (next === tree) newLeaves.clear()
  return { tree: next, newLeaves }
}

function lastExtensions(proposals: readonly { readonly proposal: Proposal }[]): readonly Extension[] | undefined {
  return proposals.flatMap(({ proposal }) =>
    proposal.proposalType === 'group_context_extensions' ? [proposal.extensions] : [],
  )[0]
}

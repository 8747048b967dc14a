/**
 * Creating a commit (RFC 9420 §12.4.1). The result is a staged value and the message; the group changes when it is merged.
 *
 * ```
 * proposals ── validate, apply ──> tree ── path ──> tree' ── seal path secrets ──> Commit ── sign ──> key schedule
 *                                                                                              └──> confirmation tag ──> message
 * ```
 */
import type { Bytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import { protectPrivate } from '../framing/private-message.ts'
import { protectPublic } from '../framing/public-message.ts'
import { zeroCommitSecret } from '../key-schedule/key-schedule.ts'
import { type AppliedProposals, applyProposals, authenticateMember } from '../proposals/apply.ts'
import { carryClients } from '../proposals/clients.ts'
import type { CachedProposal, SentProposal } from '../proposals/proposal-cache.ts'
import { isPathRequired, validateMemberList } from '../proposals/proposal-list.ts'
import type { Beginning } from '../proposals/proposal-rules.ts'
import type { PrivateTree } from '../ratchet-tree/private-tree.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { type PreparedPath, preparePath, sealPath } from '../ratchet-tree/treekem-send.ts'
import { signFramedContent } from '../signed/framed-content.ts'
import { signLeafNode } from '../signed/leaf-node.ts'
import type { Signer } from '../signed/signer.ts'
import { Commit } from '../wire/commit.ts'
import type { Credential } from '../wire/credential.ts'
import type { Extension } from '../wire/extension.ts'
import type { AuthenticatedContent, FramedContent, FramedWireFormat, Sender } from '../wire/framed-content.ts'
import { GroupContext } from '../wire/group-context.ts'
import type { Capabilities } from '../wire/leaf-node.ts'
import { encodeMlsMessage, type MlsMessage } from '../wire/mls-message.ts'
import type { Proposal } from '../wire/proposal.ts'
import type { UpdatePath } from '../wire/update-path.ts'
import { type GroupConfig, giveWay, sliceRules } from './config.ts'
import { type Epoch, nextEpoch, wipeEpoch } from './epoch.ts'
import { type PskLookup, resolvePskSecret } from './psks.ts'
import { checkTransition } from './rules.ts'
import { describeChanges, type StagedCommit } from './staged-commit.ts'
import { makeGroupInfo, makeWelcome } from './welcome.ts'

/** What a commit may change of the own leaf. */
export interface OwnLeafChange {
  readonly credential?: Credential
  readonly capabilities?: Capabilities
  readonly extensions?: readonly Extension[]
  /** A new signature key. */
  readonly signer?: Signer
}

/** What to commit. */
export interface CommitRequest {
  /** Proposals of this commit itself. */
  readonly proposals: readonly Proposal[]
  /** Proposals of others (and own ones) that were sent before. */
  readonly references: readonly CachedProposal[]
  /** A path even where none is required: new keys for the own leaf and the nodes above. */
  readonly path: boolean
  readonly leaf?: OwnLeafChange
  readonly authenticatedData: Uint8Array
  readonly wireFormat: FramedWireFormat
  /** Set for the first commit of a group that follows another one. */
  readonly beginning?: Beginning
  readonly lookup: PskLookup
  /** Makes a GroupInfo of the next epoch with `external_pub`, to be published with the commit. */
  readonly groupInfo: boolean
}

/** The encoded MLSMessage, and what it stages. */
export interface CreatedCommit {
  readonly message: Bytes
  readonly staged: StagedCommit
}

/**
 * Creates a commit by a member. Nothing of `epoch` changes (RFC 9420 §14 V275) but a generation of the handshake ratchet, when the commit is a
 * PrivateMessage.
 * @throws codes of the proposals, `psk/missing`, `policy/proposal`, what the rules of the group refuse it with
 */
export async function createCommit(epoch: Epoch, config: GroupConfig, request: CommitRequest): Promise<CreatedCommit> {
  const { suite } = epoch
  const committer = epoch.privateTree.leafIndex
  const sender: Sender = { senderType: 'member', leafIndex: committer }
  const byValue = request.proposals.map((proposal): SentProposal => ({ proposal, sender, reference: undefined }))
  const list = validateMemberList([...request.references, ...byValue], {
    suite,
    tree: epoch.tree,
    extensions: epoch.context.extensions,
    version: epoch.context.version,
    committer,
    customProposals: config.customProposals,
    beginning: request.beginning,
  })
  const applied = await applyProposals(list, {
    suite,
    tree: epoch.tree,
    groupContext: epoch.context,
    authentication: config.authentication,
    share: sliceRules(config),
  })
  const needsPath = request.path || request.leaf !== undefined || isPathRequired(list, config.customProposals)
  const signer = request.leaf?.signer ?? epoch.signer
  const kept = epoch.privateTree.withoutBlanked(applied.tree)
  const pskSecret = await resolvePskSecret(suite, list.psks, request.lookup)
  const built = needsPath ? await buildPath(epoch, config, applied, kept, signer, request.leaf) : undefined

  const many = list.all.length
  await giveWay(config, many)
  const tree = built?.prepared.tree ?? applied.tree
  const changes = describeChanges(
    applied,
    epoch.tree,
    tree,
    { leafIndex: committer, external: false, path: needsPath },
    epoch.context.epoch + 1n,
  )
  if (!config.policy(changes))
    throw new MlsError('policy/proposal', 'the policy of the group refuses this commit', { rule: 'V261' })
  await checkTransition(config.rules, epoch, applied, { tree, committer, external: false, path: needsPath })

  const content: FramedContent = {
    groupId: epoch.context.groupId,
    epoch: epoch.context.epoch,
    sender,
    authenticatedData: Uint8Array.from(request.authenticatedData),
    contentType: 'commit',
    commit: Commit.keep({
      proposals: [
        ...request.references.map(({ reference }) => ({ type: 'reference' as const, reference })),
        ...request.proposals.map((proposal) => ({ type: 'proposal' as const, proposal })),
      ],
      path: built?.path,
    }),
  }
  const { wireFormat } = request
  await giveWay(config, many)
  const signature = await signFramedContent(epoch.signer, wireFormat, content, epoch.encodedContext)
  await giveWay(config, many)
  const {
    epoch: next,
    joinerSecret,
    welcomeSecret,
  } = nextEpoch({
    suite,
    context: contextAfter(epoch.context, tree, applied.extensions),
    interimTranscriptHash: epoch.interimTranscriptHash,
    commit: { wireFormat, content, auth: { signature } },
    tree,
    privateTree: built?.prepared.privateTree ?? kept,
    signer,
    initSecret: epoch.secrets.initSecret.clone(),
    commitSecret: built?.prepared.commitSecret ?? zeroCommitSecret(suite),
    pskSecret,
    limits: config.limits,
  })
  try {
    await giveWay(config, many)
    const message = await frame(epoch, config, {
      wireFormat,
      content,
      auth: { signature, confirmationTag: next.confirmationTag },
    })
    await giveWay(config, many)
    const groupInfoOptions = { ratchetTree: config.ratchetTreeExtension, externalPub: config.externalPub }
    const groupInfo = request.groupInfo
      ? encodeMlsMessage({ wireFormat: 'mls_group_info', groupInfo: await makeGroupInfo(next, groupInfoOptions) })
      : undefined
    const welcome =
      applied.added.length === 0
        ? undefined
        : await makeWelcome({
            suite,
            share: sliceRules(config),
            groupInfo: await makeGroupInfo(next, groupInfoOptions),
            added: applied.added,
            psks: list.psks,
            joinerSecret,
            welcomeSecret,
            pathSecretFor: built === undefined ? undefined : (leaf) => built.prepared.pathSecretFor(leaf),
          })
    const messageHash = suite.hash(message)
    const staged = { baseEpoch: epoch.context.epoch, own: true, changes, next, messageHash, welcome, groupInfo }
    return { message, staged }
  } catch (error) {
    wipeEpoch(next)
    throw error
  } finally {
    joinerSecret.wipe()
    welcomeSecret.wipe()
    built?.prepared.wipe()
  }
}

/** Epochs are uint64. */
const lastEpoch = 2n ** 64n - 1n

/** The GroupContext after a commit, but for the transcript hash (RFC 9420 §12.4.1). @throws `limit/exceeded` (V025) */
export function contextAfter(
  context: GroupContext,
  tree: Tree,
  extensions: readonly Extension[],
): Omit<GroupContext, 'confirmedTranscriptHash'> {
  const { version, cipherSuite, groupId, epoch } = context
  // RFC 9420 §8.1 V025: a GroupInfo may name the last epoch that a uint64 can hold, and nothing follows it
  check(epoch < lastEpoch, 'limit/exceeded', 'V025', 'an epoch that no other can follow')
  return { version, cipherSuite, groupId, epoch: epoch + 1n, treeHash: tree.treeHash, extensions }
}

/** The provisional GroupContext that path secrets are sealed to: the next one with the transcript hash of this epoch. */
export function provisionalContext(context: GroupContext, tree: Tree, extensions: readonly Extension[]): Bytes {
  const { confirmedTranscriptHash } = context
  return encode(GroupContext, { ...contextAfter(context, tree, extensions), confirmedTranscriptHash })
}

async function buildPath(
  epoch: Epoch,
  config: GroupConfig,
  applied: AppliedProposals,
  privateTree: PrivateTree,
  signer: Signer,
  change: OwnLeafChange | undefined,
): Promise<{ readonly prepared: PreparedPath; readonly path: UpdatePath }> {
  const { leafIndex } = privateTree
  const own = applied.tree.leaf(leafIndex)
  if (own === undefined) throw new MlsError('internal/unreachable', 'the own leaf is blank')
  const current = own.leafNode
  const next = { credential: change?.credential ?? current.credential, signatureKey: signer.publicKey }
  await authenticateMember(config.authentication, next, current, 'V049', 'V051')
  const prepared = await preparePath({
    suite: epoch.suite,
    tree: applied.tree,
    privateTree,
    leafIndex,
    signLeaf: ({ encryptionKey, parentHash }) =>
      signLeafNode(
        signer,
        {
          encryptionKey,
          ...next,
          capabilities: change?.capabilities ?? current.capabilities,
          leafNodeSource: 'commit',
          parentHash,
          extensions: change?.extensions ?? current.extensions,
        },
        { groupId: epoch.context.groupId, leafIndex },
      ),
  })
  carryClients(config.authentication, applied.tree, prepared.tree, [leafIndex])
  const provisional = provisionalContext(epoch.context, prepared.tree, applied.extensions)
  return { prepared, path: await sealPath(epoch.suite, prepared, provisional, applied.newLeaves, sliceRules(config)) }
}

async function frame(epoch: Epoch, config: GroupConfig, content: AuthenticatedContent): Promise<Bytes> {
  const { suite, secrets, secretTree, encodedContext } = epoch
  const message: MlsMessage =
    content.wireFormat === 'mls_public_message'
      ? {
          wireFormat: 'mls_public_message',
          publicMessage: protectPublic({ suite, encodedContext, membershipKey: secrets.membershipKey }, content),
        }
      : {
          wireFormat: 'mls_private_message',
          privateMessage: protectPrivate({
            suite,
            secretTree,
            senderDataSecret: secrets.senderDataSecret,
            content,
            padding: config.padding,
          }),
        }
  return encodeMlsMessage(message)
}

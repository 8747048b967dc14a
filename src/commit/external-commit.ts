/** Joining by external commit (RFC 9420 §12.4.3.2), as a newcomer or to replace an own leaf (resync). */
import type { Bytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { externalInitSender } from '../key-schedule/external.ts'
import { interimTranscriptHash } from '../key-schedule/key-schedule.ts'
import { applyProposals, authenticateMember } from '../proposals/apply.ts'
import { requireNewClient } from '../proposals/clients.ts'
import type { SentProposal } from '../proposals/proposal-cache.ts'
import { validateExternalList } from '../proposals/proposal-list.ts'
import { validateLeafNode } from '../ratchet-tree/leaf-validation.ts'
import { preparePath, sealPath } from '../ratchet-tree/treekem-send.ts'
import { signFramedContent } from '../signed/framed-content.ts'
import { signLeafNode } from '../signed/leaf-node.ts'
import type { Signer } from '../signed/signer.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import { Commit } from '../wire/commit.ts'
import type { Credential } from '../wire/credential.ts'
import { type Extension, ExternalPub, readExtension } from '../wire/extension.ts'
import type { FramedContent, Sender } from '../wire/framed-content.ts'
import { GroupContext } from '../wire/group-context.ts'
import type { GroupInfo } from '../wire/group-info.ts'
import type { Capabilities, EncodedLeafNode } from '../wire/leaf-node.ts'
import { encodeMlsMessage } from '../wire/mls-message.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'
import { extensionTypes } from '../wire/registries.ts'
import { type GroupConfig, sliceRules } from './config.ts'
import { type CreatedCommit, contextAfter, provisionalContext } from './create-commit.ts'
import { nextEpoch } from './epoch.ts'
import { openGroupInfo } from './join-checks.ts'
import { type PskLookup, resolvePskSecret } from './psks.ts'
import { checkTransition } from './rules.ts'
import { describeChanges } from './staged-commit.ts'
import { makeGroupInfo } from './welcome.ts'

/** What an external commit is made of. */
export interface ExternalCommitRequest {
  readonly suite: CipherSuite
  readonly groupInfo: GroupInfo
  /** The tree beside the GroupInfo, when it has no `ratchet_tree` extension. */
  readonly ratchetTree: Uint8Array | undefined
  readonly credential: Credential
  readonly signer: Signer
  readonly capabilities: Capabilities
  readonly leafExtensions: readonly Extension[]
  /** An old leaf of this client, which the commit removes. */
  readonly replaces: LeafIndex | undefined
  readonly psks: readonly PreSharedKeyId[]
  readonly lookup: PskLookup
  readonly authenticatedData: Uint8Array
}

/**
 * Creates the external commit. The staged epoch becomes a group when the delivery service has accepted the message.
 * @throws `group_info/external_pub` (V301), codes of a join, `policy/external`
 */
export async function createExternalCommit(
  config: GroupConfig,
  request: ExternalCommitRequest,
): Promise<CreatedCommit> {
  const { suite, groupInfo, signer } = request
  const { groupContext } = groupInfo
  const found = readExtension(groupInfo.extensions, extensionTypes.externalPub, ExternalPub)
  // RFC 9420 §12.4.3.2 V301
  if (found === undefined)
    throw new MlsError('group_info/external_pub', 'this GroupInfo does not allow an external commit', { rule: 'V301' })
  const tree = await openGroupInfo({ suite, config, groupInfo, ratchetTree: request.ratchetTree, rule: 'V053' })
  // RFC 9420 §12.4.3.2 V293
  check(suite.isHpkePublicKey(found.externalPub), 'crypto/key', 'V293', 'an external_pub that is no public key')

  const { kemOutput, initSecret } = await externalInitSender(suite, found.externalPub)
  const sender: Sender = { senderType: 'new_member_commit' }
  const proposals = [
    { proposalType: 'external_init' as const, kemOutput },
    ...(request.replaces === undefined ? [] : [{ proposalType: 'remove' as const, removed: request.replaces }]),
    ...request.psks.map((psk) => ({ proposalType: 'psk' as const, psk })),
  ]
  const list = validateExternalList(
    proposals.map((proposal): SentProposal => ({ proposal, sender, reference: undefined })),
    {
      suite,
      tree,
      extensions: groupContext.extensions,
      version: groupContext.version,
      committer: undefined,
      customProposals: config.customProposals,
    },
  )
  const applied = await applyProposals(list, { suite, tree, groupContext, authentication: config.authentication })
  const binding = { credential: request.credential, signatureKey: signer.publicKey }
  const old = request.replaces === undefined ? undefined : tree.leaf(request.replaces)?.leafNode
  await authenticateMember(config.authentication, binding, old, 'V053', 'V283')
  requireNewClient(applied.tree, config.authentication, binding)
  const sign = (leafIndex: LeafIndex, keys: { encryptionKey: Bytes; parentHash: Bytes }): Promise<EncodedLeafNode> =>
    signLeafNode(
      signer,
      {
        ...keys,
        ...binding,
        capabilities: request.capabilities,
        leafNodeSource: 'commit',
        extensions: request.leafExtensions,
      },
      { groupId: groupContext.groupId, leafIndex },
    )
  const prepared = await preparePath({
    suite,
    tree: applied.tree,
    leafIndex: applied.tree.freeLeaf,
    signLeaf: (keys) => sign(applied.tree.freeLeaf, keys),
  })
  // RFC 9420 §13.4 V299: we support what the group asks for
  validateLeafNode(prepared.leafNode.leafNode, {
    suite,
    version: groupContext.version,
    cipherSuite: groupContext.cipherSuite,
    extensions: applied.extensions,
    source: 'commit',
  })
  const path = await sealPath(
    suite,
    prepared,
    provisionalContext(groupContext, prepared.tree, applied.extensions),
    applied.newLeaves,
    sliceRules(config),
  )
  const leafIndex = prepared.privateTree.leafIndex
  const changes = describeChanges(
    applied,
    tree,
    prepared.tree,
    { leafIndex, external: true, path: true },
    groupContext.epoch + 1n,
  )
  if (!config.policy(changes))
    throw new MlsError('policy/external', 'the policy of the group refuses this commit', { rule: 'V298' })
  const committed = { tree: prepared.tree, committer: leafIndex, external: true, path: true }
  await checkTransition(config.rules, { context: groupContext, tree }, applied, committed)
  const content: FramedContent = {
    groupId: groupContext.groupId,
    epoch: groupContext.epoch,
    sender,
    authenticatedData: Uint8Array.from(request.authenticatedData),
    contentType: 'commit',
    commit: Commit.keep({ proposals: proposals.map((proposal) => ({ type: 'proposal' as const, proposal })), path }),
  }
  const wireFormat = 'mls_public_message'
  const signature = await signFramedContent(signer, wireFormat, content, encodeContext(groupContext))
  const {
    epoch: next,
    joinerSecret,
    welcomeSecret,
  } = nextEpoch({
    suite,
    context: contextAfter(groupContext, prepared.tree, applied.extensions),
    interimTranscriptHash: interimTranscriptHash(
      suite,
      groupContext.confirmedTranscriptHash,
      groupInfo.confirmationTag,
    ),
    commit: { wireFormat, content, auth: { signature } },
    tree: prepared.tree,
    privateTree: prepared.privateTree,
    signer,
    initSecret,
    commitSecret: prepared.commitSecret,
    pskSecret: await resolvePskSecret(suite, list.psks, request.lookup),
    limits: config.limits,
  })
  joinerSecret.wipe()
  welcomeSecret.wipe()
  prepared.wipe()
  const message = encodeMlsMessage({
    wireFormat,
    publicMessage: { content, auth: { signature, confirmationTag: next.confirmationTag } },
  })
  const options = { ratchetTree: config.ratchetTreeExtension, externalPub: config.externalPub }
  const published = encodeMlsMessage({ wireFormat: 'mls_group_info', groupInfo: await makeGroupInfo(next, options) })
  return {
    message,
    staged: {
      baseEpoch: groupContext.epoch,
      own: true,
      changes,
      next,
      messageHash: suite.hash(message),
      welcome: undefined,
      groupInfo: published,
    },
  }
}

function encodeContext(context: GroupContext): Bytes {
  return encode(GroupContext, context)
}

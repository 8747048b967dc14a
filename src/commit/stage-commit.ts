/**
 * Staging a received commit (RFC 9420 §12.4.2): every check, and the next epoch as a value. Nothing of the group changes.
 */
import { type Bytes, empty } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import { externalInitReceiver } from '../key-schedule/external.ts'
import { checkConfirmationTag, zeroCommitSecret } from '../key-schedule/key-schedule.ts'
import { type AppliedProposals, applyProposals, authenticateMember } from '../proposals/apply.ts'
import { carryClients, requireNewClient } from '../proposals/clients.ts'
import type { ProposalCache } from '../proposals/proposal-cache.ts'
import {
  isPathRequired,
  pathRule,
  resolveProposals,
  validateExternalList,
  validateMemberList,
} from '../proposals/proposal-list.ts'
import type { ListContext } from '../proposals/proposal-rules.ts'
import { validateCredentialSupport, validateLeafNode } from '../ratchet-tree/leaf-validation.ts'
import type { PrivateTree } from '../ratchet-tree/private-tree.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { applyPath, openPath } from '../ratchet-tree/treekem-receive.ts'
import type { VerifiedContent } from '../signed/framed-content.ts'
import { verifyLeafNodeSignature } from '../signed/leaf-node.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { Commit } from '../wire/commit.ts'
import type { UpdatePath } from '../wire/update-path.ts'
import { type GroupConfig, giveWay, sliceRules } from './config.ts'
import { contextAfter, provisionalContext } from './create-commit.ts'
import { type Epoch, nextEpoch, wipeEpoch } from './epoch.ts'
import { type PskLookup, resolvePskSecret } from './psks.ts'
import { checkTransition } from './rules.ts'
import { describeChanges, type StagedCommit } from './staged-commit.ts'

/** What staging needs besides the epoch. */
export interface StageInput {
  readonly epoch: Epoch
  readonly config: GroupConfig
  readonly cache: ProposalCache
  readonly content: VerifiedContent
  readonly messageHash: Bytes
  readonly lookup: PskLookup
}

/**
 * Checks a commit whose signature holds and computes the epoch that it begins.
 * @throws codes of proposals, `commit/…`, `psk/missing`, `policy/…`, `crypto/decrypt`
 */
export async function stageCommit(input: StageInput): Promise<StagedCommit> {
  const { epoch, config, content } = input
  const { suite } = epoch
  if (content.content.contentType !== 'commit') throw new MlsError('internal/unreachable', 'not a commit')
  const { commit, sender } = content.content
  const external = sender.senderType === 'new_member_commit'
  const committer = sender.senderType === 'member' ? sender.leafIndex : undefined
  // RFC 9420 §6.1 V068, §12.4: only members and newcomers commit
  check(external || committer !== undefined, 'framing/sender', 'V068', 'a commit by an external sender')

  const context: ListContext = {
    suite,
    tree: epoch.tree,
    extensions: epoch.context.extensions,
    version: epoch.context.version,
    committer,
    customProposals: config.customProposals,
  }
  const resolved = resolveProposals(commit.proposals, input.cache, sender)
  const list = external ? validateExternalList(resolved, context) : validateMemberList(resolved, context)
  const { path } = commit
  if (external)
    // RFC 9420 §12.4.3.2 V287
    check(path !== undefined, 'commit/path_required', 'V287', 'an external commit without a path')
  // RFC 9420 §12.4 V263-V268
  check(
    path !== undefined || !isPathRequired(list, config.customProposals),
    'commit/path_required',
    pathRule(list),
    'a commit without the path that its proposals require',
  )
  const applied = await applyProposals(list, {
    suite,
    tree: epoch.tree,
    groupContext: epoch.context,
    authentication: config.authentication,
    share: sliceRules(config),
  })
  const staged = await applyCommitPath(input, commit, applied, committer)
  await giveWay(config, list.all.length)
  const changes = describeChanges(
    applied,
    epoch.tree,
    staged.tree,
    { leafIndex: staged.committer, external, path: path !== undefined, leafNode: path?.leafNode.leafNode },
    epoch.context.epoch + 1n,
  )
  if (!config.policy(changes))
    throw new MlsError(
      external ? 'policy/external' : 'policy/proposal',
      'the policy of the group refuses this commit',
      {
        rule: external ? 'V298' : 'V261',
      },
    )
  const committed = { tree: staged.tree, committer: staged.committer, external, path: path !== undefined }
  await checkTransition(config.rules, epoch, applied, committed)
  const result = { baseEpoch: epoch.context.epoch, own: false, changes, messageHash: input.messageHash }
  const own = epoch.privateTree.leafIndex
  if (list.removes.includes(own)) return { ...result, next: undefined, welcome: undefined, groupInfo: undefined }
  const next = await deriveNext(input, applied, staged, path, external)
  return { ...result, next, welcome: undefined, groupInfo: undefined }
}

/** The tree after the path, and who committed in it. */
interface PathApplied {
  readonly tree: Tree
  /** The tree that the path was applied to. */
  readonly before: Tree
  readonly committer: LeafIndex
  /** Leaves that get no path secret (RFC 9420 §12.4.2). */
  readonly newLeaves: ReadonlySet<LeafIndex>
}

async function applyCommitPath(
  { epoch, config }: StageInput,
  { path }: Commit,
  applied: AppliedProposals,
  committer: LeafIndex | undefined,
): Promise<PathApplied> {
  const { suite } = epoch
  if (path === undefined) {
    if (committer === undefined) throw new MlsError('internal/unreachable', 'an external commit without a path')
    return { tree: applied.tree, before: applied.tree, committer, newLeaves: applied.newLeaves }
  }
  const { leafNode } = path.leafNode
  const rules = {
    suite,
    version: epoch.context.version,
    cipherSuite: epoch.context.cipherSuite,
    extensions: applied.extensions,
    source: 'commit',
  } as const
  // RFC 9420 §7.3 V103 and the rules of every leaf, a newcomer's too (§11.1, §13.4 V297)
  validateLeafNode(leafNode, rules)
  // RFC 9420 §12.4.3.2 V295: a newcomer takes the leftmost blank leaf after the Remove, or extends the tree
  const leafIndex = committer ?? applied.tree.freeLeaf
  const tree = applyPath({
    suite,
    tree: applied.tree,
    leafIndex,
    path,
    newLeaves: applied.newLeaves,
    external: committer === undefined,
  })
  // RFC 9420 §7.3 V120, V121
  validateCredentialSupport(leafNode, applied.tree, committer)
  carryClients(config.authentication, applied.tree, tree, [leafIndex])
  // RFC 9420 §7.3 V098 with V099, V100 and V294
  verifyLeafNodeSignature(suite, path.leafNode.bytes, { groupId: epoch.context.groupId, leafIndex })
  const { list } = applied
  if (committer !== undefined)
    await authenticateMember(config.authentication, leafNode, epoch.tree.leaf(committer)?.binding, 'V049', 'V051')
  else {
    const [removed] = list.removes
    const old = removed === undefined ? undefined : epoch.tree.leaf(removed)?.leafNode
    requireNewClient(applied.tree, config.authentication, leafNode)
    // RFC 9420 §12.2 V283: a newcomer removes an old self alone
    await authenticateMember(config.authentication, leafNode, old, 'V053', 'V283')
    // RFC 9420 §12.4.3.2 V289: that the commit is signed with the key of this leaf was checked with its framing
  }
  return { tree, before: applied.tree, committer: leafIndex, newLeaves: applied.newLeaves }
}

async function deriveNext(
  { epoch, config, cache, content, lookup }: StageInput,
  applied: AppliedProposals,
  { tree, before, committer, newLeaves }: PathApplied,
  path: UpdatePath | undefined,
  external: boolean,
): Promise<Epoch> {
  const { suite } = epoch
  const { list } = applied
  const pskSecret = await resolvePskSecret(suite, list.psks, lookup)
  const own = ownLeafAfter(epoch, cache, applied)
  let privateTree = own.privateTree
  let commitSecret: Secret<'commit_secret'>
  if (path === undefined) commitSecret = zeroCommitSecret(suite)
  else {
    const opened = await openPath({
      suite,
      tree,
      before,
      privateTree,
      sender: committer,
      path,
      encodedGroupContext: provisionalContext(epoch.context, tree, applied.extensions),
      newLeaves,
    })
    privateTree = opened.privateTree
    commitSecret = opened.commitSecret
  }
  const initSecret =
    external && list.externalInit !== undefined
      ? await externalInitReceiver(suite, epoch.secrets.externalSecret, list.externalInit.kemOutput)
      : epoch.secrets.initSecret.clone()
  const {
    epoch: next,
    joinerSecret,
    welcomeSecret,
  } = nextEpoch({
    suite,
    context: contextAfter(epoch.context, tree, applied.extensions),
    interimTranscriptHash: epoch.interimTranscriptHash,
    commit: content,
    tree,
    privateTree,
    signer: own.signer,
    initSecret,
    commitSecret,
    pskSecret,
    limits: config.limits,
  })
  joinerSecret.wipe()
  welcomeSecret.wipe()
  // RFC 9420 §12.4.2 V084, V085: the committer knows the next epoch
  try {
    checkConfirmationTag(next.confirmationTag, content.auth.confirmationTag ?? empty)
  } catch (error) {
    wipeEpoch(next)
    throw error
  }
  return next
}

/** The own secrets after the proposals: keys above blanked nodes are gone, a committed own Update brings its new key. */
function ownLeafAfter(
  epoch: Epoch,
  cache: ProposalCache,
  { tree, list }: AppliedProposals,
): { readonly privateTree: PrivateTree; readonly signer: Epoch['signer'] } {
  const own = epoch.privateTree.leafIndex
  const privateTree = epoch.privateTree.withoutBlanked(tree)
  const update = list.updates.find(({ leafIndex }) => leafIndex === own)
  if (update === undefined) return { privateTree, signer: epoch.signer }
  const ownUpdate = cache.get(update.reference)?.ownUpdate
  if (ownUpdate === undefined)
    throw new MlsError('commit/own_leaf', 'an own Update whose key is not known', { rule: 'V271' })
  return { privateTree: privateTree.withLeaf(ownUpdate.encryptionKeyPair), signer: ownUpdate.signer }
}

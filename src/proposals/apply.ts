/**
 * Applies a validated list of proposals to a tree (RFC 9420 §12.3): extensions, Updates, Removes, Adds. Everything that
 * enters the tree is validated here (V262), on every path: own commits, received ones, by value and by reference.
 */
import { check, MlsError } from '../bytes/errors.ts'
import { inBatches, inSlices, type SliceRules, slices } from '../bytes/slices.ts'
import { mapKey } from '../bytes/text.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { AuthenticationService, CredentialBinding } from '../ports/authentication-service.ts'
import { TreeDraft } from '../ratchet-tree/draft.ts'
import { validateKeyPackage } from '../ratchet-tree/key-package-validation.ts'
import { validateLeafNode } from '../ratchet-tree/leaf-validation.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { type VerifiedKeyPackage, verifyKeyPackages } from '../signed/key-package.ts'
import { leafNodeVerifyRequest } from '../signed/leaf-node.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import { type Extension, ExternalSenders, RequiredCapabilities, readExtension } from '../wire/extension.ts'
import type { GroupContext } from '../wire/group-context.ts'
import { leafNodeBytes } from '../wire/key-package.ts'
import type { LeafNode } from '../wire/leaf-node.ts'
import { wireLimits } from '../wire/limits.ts'
import { defaultExtensionTypes, defaultProposalTypes, extensionTypes } from '../wire/registries.ts'
import { carryClients, isClientOfMember } from './clients.ts'
import type { ProposalList } from './proposal-list.ts'

/** What the application of a list needs. */
export interface ApplyContext {
  readonly suite: CipherSuite
  readonly tree: Tree
  readonly groupContext: GroupContext
  readonly authentication: AuthenticationService
  /** How to share the time; without it, everything at once. */
  readonly share?: SliceRules
}

/** A leaf that a commit added. */
export interface AddedLeaf {
  readonly leafIndex: LeafIndex
  readonly keyPackage: VerifiedKeyPackage
}

/** A tree after the proposals and before the path. */
export interface AppliedProposals {
  readonly list: ProposalList
  readonly tree: Tree
  readonly extensions: readonly Extension[]
  readonly added: readonly AddedLeaf[]
  /** The leaves of {@link added}: they get no path secrets (RFC 9420 §12.4.2). */
  readonly newLeaves: ReadonlySet<LeafIndex>
}

/**
 * Validates and applies.
 * @throws codes of `leaf/`, `key_package/`, `extension/`, `auth/`, `crypto/signature`, `commit/proposals`, `limit/exceeded`
 */
export async function applyProposals(list: ProposalList, context: ApplyContext): Promise<AppliedProposals> {
  const { suite, tree, groupContext } = context
  // RFC 9420 §12.3 V254: extensions first, all else is held against them
  const extensions = list.extensions ?? groupContext.extensions
  const removed = new Set(list.removes)
  // R10: equal for all clients
  check(
    tree.memberCount - removed.size + list.adds.length <= wireLimits.members,
    'limit/exceeded',
    'R10',
    'more members than a group may have',
  )
  const share = context.share ?? {}
  // of a tree from a store they are not there yet; all that follows looks at them
  if (!tree.hasIndexes) await inSlices(tree.indexSteps(), share)
  // the path follows, or nothing: the tree and what is asked of it stay as they were checked before
  if (list.all.length === 0) return { list, tree, extensions, added: [], newLeaves: new Set() }
  let keyPackages: readonly VerifiedKeyPackage[] = []
  if (list.adds.length + list.updates.length > 0) {
    await inSlices(validateNewLeaves(list, context, extensions), share)
    keyPackages = await verifySignatures(suite, list, groupContext, share)
  }
  await authenticate(list, context, extensions)

  const { added, next } = await inSlices(change(suite, tree, list, keyPackages), share)
  carryClients(context.authentication, tree, next, [
    ...list.updates.map(({ leafIndex }) => leafIndex),
    ...list.removes,
    ...added.map(({ leafIndex }) => leafIndex),
  ])
  validateSupport(tree, next, list, added, extensions)
  return { list, tree: next, extensions, added, newLeaves: new Set(added.map(({ leafIndex }) => leafIndex)) }
}

/** Proposals between two stops. */
const stride = 16

/** The changes of the tree, in the order of RFC 9420 §12.3. */
function* change(
  suite: CipherSuite,
  tree: Tree,
  list: ProposalList,
  keyPackages: readonly VerifiedKeyPackage[],
): Generator<void, { readonly added: readonly AddedLeaf[]; readonly next: Tree }> {
  const draft = new TreeDraft(tree)
  for (const { leafIndex, leaf } of list.updates) draft.update(leafIndex, leaf)
  for (const leafIndex of list.removes) draft.remove(leafIndex)
  const added: AddedLeaf[] = []
  for (const keyPackage of keyPackages) {
    const leaf = { leafNode: keyPackage.leafNode, bytes: leafNodeBytes(keyPackage) }
    added.push({ keyPackage, leafIndex: draft.add(leaf) })
    if (added.length % stride === 0) yield
  }
  // RFC 9420 §12.4.3.2: a newcomer that removes its old self may have been the only member; its path fills the tree
  const next = yield* draft.finishSteps(suite, list.externalInit !== undefined)
  return { added, next }
}

/**
 * The rules on each leaf (RFC 9420 §12.1.2 V223) and KeyPackage (§12.1.1 V221), and on the keys of all leaves that enter with
 * this commit. No public-key work yet.
 */
function* validateNewLeaves(
  list: ProposalList,
  context: ApplyContext,
  extensions: readonly Extension[],
): Generator<void> {
  const { suite, tree, groupContext, authentication } = context
  const rules = { suite, version: groupContext.version, cipherSuite: groupContext.cipherSuite, extensions }
  const leaving = new Set<LeafIndex>([...list.removes, ...list.updates.map(({ leafIndex }) => leafIndex)])
  const introduced = new Set<string>()
  const clients = new Set<string>()
  const initKeys = new Set<string>()

  const unique = (leaf: LeafNode, replaces: LeafIndex | undefined): void => {
    const signer = tree.leafOfSignatureKey(leaf.signatureKey)
    const known = signer !== undefined && signer !== replaces && !leaving.has(signer)
    // RFC 9420 §7.3 V123, §12.2 V247: unless that leaf goes with this commit (V248)
    check(!known, 'leaf/key_reuse', replaces === undefined ? 'V247' : 'V123', 'the signature key of another member')
    const node = tree.nodeOfEncryptionKey(leaf.encryptionKey)
    if (node !== undefined) {
      // RFC 9420 §7.3 V126
      check(node !== 2 * (replaces ?? -1), 'leaf/key_reuse', 'V126', 'an Update that keeps its encryption key')
      // RFC 9420 §7.3 V124; §16.7 V125 for parents
      check(
        node % 2 === 0 && leaving.has(node / 2),
        'leaf/key_reuse',
        node % 2 === 0 ? 'V124' : 'V125',
        'an encryption key in use',
      )
    }
    for (const [kind, key, rule] of [
      ['signature', leaf.signatureKey, 'V245'],
      ['encryption', leaf.encryptionKey, 'V249'],
    ] as const) {
      const name = `${kind} ${mapKey(key)}`
      // RFC 9420 §12.2 V245, §7.3 V249: new keys differ from each other
      check(!introduced.has(name), 'leaf/key_reuse', rule, 'two leaves of one commit share a key')
      introduced.add(name)
    }
    const client = authentication.clientKey?.(leaf)
    if (client === undefined) return
    // RFC 9420 §12.2 V246: one client, one leaf, by the application's rule
    check(!clients.has(client), 'commit/proposals', 'V246', 'two leaves of one client in a commit')
    clients.add(client)
    // RFC 9420 §12.2 V247: nor a second leaf beside one that stays
    const member = isClientOfMember(tree, authentication, client, leaving)
    check(!member, 'commit/proposals', 'V247', 'another leaf of a client that is a member')
  }

  for (const { leafIndex, leaf } of list.updates) {
    validateLeafNode(leaf.leafNode, { ...rules, source: 'update' })
    unique(leaf.leafNode, leafIndex)
  }
  for (const keyPackage of list.adds) {
    validateKeyPackage(keyPackage, { ...rules, signatureFollows: true })
    unique(keyPackage.leafNode, undefined)
    const initKey = mapKey(keyPackage.initKey)
    // RFC 9420 §12.2 V138
    check(!initKeys.has(initKey), 'key_package/init_key', 'V138', 'two Adds with one init_key')
    initKeys.add(initKey)
    if (initKeys.size % stride === 0) yield
  }
}

async function verifySignatures(
  suite: CipherSuite,
  list: ProposalList,
  { groupId }: GroupContext,
  share: SliceRules,
): Promise<readonly VerifiedKeyPackage[]> {
  const keyPackages = await verifyKeyPackages(suite, list.adds, share)
  if (list.updates.length === 0) return keyPackages
  const results = await inBatches(
    // RFC 9420 §7.2 V099, V100: the leaf is signed for this group and this position
    list.updates.map(({ leafIndex, leaf }) => leafNodeVerifyRequest(leaf.bytes, { groupId, leafIndex })),
    share,
    (part) => suite.verifyMany(part),
  )
  // RFC 9420 §7.3 V098
  check(results.every(Boolean), 'crypto/signature', 'V098', 'the signature of a leaf does not hold')
  return keyPackages
}

/** RFC 9420 §5.3.1: each credential that is new in the group. */
async function authenticate(
  list: ProposalList,
  { tree, groupContext, authentication, share = {} }: ApplyContext,
  extensions: readonly Extension[],
): Promise<void> {
  const turn = slices(share)
  for (const { leafNode } of list.adds) {
    await turn()
    await authenticateMember(authentication, leafNode, undefined, 'V047')
  }
  for (const { leafIndex, leaf } of list.updates)
    await authenticateMember(authentication, leaf.leafNode, tree.leaf(leafIndex)?.binding, 'V048')
  if (extensions !== groupContext.extensions) await authenticateExternalSenders(authentication, extensions)
}

/** @throws `auth/credential` (`rule`), `auth/successor` (V050) */
export async function authenticateMember(
  authentication: AuthenticationService,
  next: CredentialBinding,
  current: CredentialBinding | undefined,
  rule: string,
  successorRule = 'V050',
): Promise<void> {
  // RFC 9420 §5.3.1 V047-V049
  if (!(await authentication.validate(next, 'member')))
    throw new MlsError('auth/credential', 'the authentication service refused a credential', { rule })
  // RFC 9420 §5.3.1 V050, V051: the old credential may have expired (V058)
  if (current !== undefined && !authentication.isSuccessor(current, next))
    throw new MlsError('auth/successor', 'a credential that does not follow the one that it replaces', {
      rule: successorRule,
    })
}

/** RFC 9420 §5.3.1 V054: external senders are validated when they enter the group context. @throws `auth/credential` */
export async function authenticateExternalSenders(
  authentication: AuthenticationService,
  extensions: readonly Extension[],
): Promise<void> {
  for (const sender of readExtension(extensions, extensionTypes.externalSenders, ExternalSenders) ?? [])
    if (!(await authentication.validate(sender, 'external_sender')))
      throw new MlsError('auth/credential', 'the authentication service refused an external sender', { rule: 'V054' })
}

/** What all members must support after the commit: counted sets of the new tree, no scan of the leaves. */
function validateSupport(
  before: Tree,
  tree: Tree,
  list: ProposalList,
  added: readonly AddedLeaf[],
  extensions: readonly Extension[],
): void {
  validateGroupSupport(tree, extensions, before)
  for (const { proposal } of list.custom) {
    if (defaultProposalTypes.has(proposal.type)) continue
    const newcomers = added.filter(({ keyPackage }) =>
      keyPackage.leafNode.capabilities.proposals.includes(proposal.type),
    )
    // RFC 9420 §12.2 V253, V239: every member that processes the commit; those it adds or removes need not (B34)
    check(
      tree.supportCount('proposals', proposal.type) - newcomers.length === tree.memberCount - added.length,
      'proposal/unsupported',
      'V253',
      'a proposal of a type that a member does not support',
    )
  }
}

/**
 * RFC 9420 §7.3, §11.1, §13.4: requirements of a group against the capabilities of all its members. `before` tells a
 * credential type that is new in the group from a member that does not support one in use.
 */
export function validateGroupSupport(tree: Tree, extensions: readonly Extension[], before?: Tree): void {
  const required = readExtension(extensions, extensionTypes.requiredCapabilities, RequiredCapabilities)
  // RFC 9420 §12.1.7 V229, V230; removed members do not count (V231)
  for (const type of required?.extensionTypes ?? [])
    check(
      defaultExtensionTypes.has(type) || tree.allSupport('extensions', type),
      'leaf/requirements',
      'V229',
      'a member does not support a required extension',
    )
  for (const type of required?.proposalTypes ?? [])
    check(
      defaultProposalTypes.has(type) || tree.allSupport('proposals', type),
      'leaf/requirements',
      'V229',
      'a member does not support a required proposal',
    )
  for (const type of required?.credentialTypes ?? [])
    check(
      tree.allSupport('credentials', type),
      'leaf/requirements',
      'V229',
      'a member does not support a required credential',
    )
  // RFC 9420 §13.4 V232, V119
  for (const { extensionType } of extensions)
    check(
      defaultExtensionTypes.has(extensionType) || tree.allSupport('extensions', extensionType),
      'extension/unsupported',
      'V232',
      'a member does not support an extension of the group',
    )
  // RFC 9420 §7.3 V120, V121
  const inUse = before?.credentialTypesInUse()
  for (const type of tree.credentialTypesInUse())
    check(
      tree.allSupport('credentials', type),
      'leaf/requirements',
      inUse?.has(type) === true ? 'V121' : 'V120',
      'a credential type that a member does not support',
    )
}

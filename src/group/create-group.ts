/** How groups begin: alone (RFC 9420 §11), by Welcome, by external commit, from a snapshot, after another group. */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { Secret } from '../bytes/secret.ts'
import { encode } from '../codec/codec.ts'
import type { GroupConfig } from '../commit/config.ts'
import { type Epoch, makeEpoch } from '../commit/epoch.ts'
import { createExternalCommit } from '../commit/external-commit.ts'
import type { PskLookup } from '../commit/psks.ts'
import { ruleGroup } from '../commit/rules.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { confirmationTag, expandEpochSecret } from '../key-schedule/key-schedule.ts'
import { authenticateExternalSenders, authenticateMember, validateGroupSupport } from '../proposals/apply.ts'
import { ProposalCache } from '../proposals/proposal-cache.ts'
import { validateContextExtensions } from '../proposals/proposal-rules.ts'
import { validateLeafNode } from '../ratchet-tree/leaf-validation.ts'
import { PrivateTree } from '../ratchet-tree/private-tree.ts'
import { createTree } from '../ratchet-tree/tree.ts'
import { signLeafNode } from '../signed/leaf-node.ts'
import type { LeafIndex } from '../tree-math/tree-math.ts'
import type { Extension } from '../wire/extension.ts'
import { GroupContext } from '../wire/group-context.ts'
import type { Capabilities } from '../wire/leaf-node.ts'
import { decodeMlsMessage } from '../wire/mls-message.ts'
import type { PreSharedKeyId } from '../wire/psk.ts'
import { mls10 } from '../wire/registries.ts'
import { makeCapabilities, makeLifetime, withGrease } from './defaults.ts'
import { Group } from './group.ts'
import { joinByWelcome } from './join.ts'
import type { Identity, KeyPackageBundle } from './key-package.ts'
import { decodeSnapshot } from './snapshot.ts'
import { type GroupState, withResumptionPsk } from './state.ts'
import type { RestoreInput } from './stored-parts.ts'

/** The own leaf of a new group. */
export interface OwnLeafInput {
  readonly identity: Identity
  readonly capabilities?: Capabilities
  readonly leafExtensions?: readonly Extension[]
}

/** What a new group is made of. */
export interface CreateInput extends OwnLeafInput {
  readonly suite: CipherSuite
  readonly config: GroupConfig
  /** Random bytes of the length of the hash by default (V325). */
  readonly groupId?: Uint8Array
  readonly extensions?: readonly Extension[]
  readonly lifetimeSeconds?: number
}

/** A group of one member, epoch 0. @throws codes of `leaf/`, `extension/`, `auth/` for what the caller gave */
export async function createGroupWith(input: CreateInput): Promise<Group> {
  const { suite, config, identity } = input
  const { hashLength } = suite.parameters
  const extensions = input.extensions ?? []
  const capabilities = input.capabilities ?? makeCapabilities(suite)
  validateContextExtensions(extensions, 'V338')
  const leafKeyPair = await suite.deriveKeyPair(suite.randomBytes(hashLength))
  const leaf = await signLeafNode(
    identity.signer,
    {
      encryptionKey: leafKeyPair.publicKey,
      signatureKey: identity.signer.publicKey,
      credential: identity.credential,
      capabilities,
      leafNodeSource: 'key_package',
      lifetime: makeLifetime(config.clock.now(), input.lifetimeSeconds),
      extensions: withGrease(input.leafExtensions ?? [], capabilities),
    },
    undefined,
  )
  const cipherSuite = suite.parameters.id
  validateLeafNode(leaf.leafNode, { suite, version: mls10, cipherSuite, extensions, source: 'key_package' })
  await authenticateMember(config.authentication, leaf.leafNode, undefined, 'V047')
  await authenticateExternalSenders(config.authentication, extensions)
  const tree = createTree(suite, leaf)
  validateGroupSupport(tree, extensions)
  const context: GroupContext = {
    version: mls10,
    cipherSuite,
    groupId: copyBytes(input.groupId ?? suite.randomBytes(hashLength)),
    epoch: 0n,
    treeHash: tree.treeHash,
    confirmedTranscriptHash: new Uint8Array(0),
    extensions,
  }
  await config.rules?.checkGroup(ruleGroup(context, tree, extensions))
  const secrets = expandEpochSecret(suite, new Secret<'epoch_secret'>(suite.randomBytes(hashLength)))
  const epoch = makeEpoch(
    {
      suite,
      context,
      encodedContext: encode(GroupContext, context),
      tree,
      privateTree: new PrivateTree(0, [[0, leafKeyPair]]),
      signer: identity.signer,
      confirmationTag: confirmationTag(suite, secrets.confirmationKey, context.confirmedTranscriptHash),
    },
    secrets,
    config.limits,
  )
  return new Group(initialState(config, epoch))
}

/** What a join by Welcome needs. */
export interface JoinInput {
  readonly suite: CipherSuite
  readonly config: GroupConfig
  /** An encoded MLSMessage. */
  readonly welcome: Uint8Array
  /** The own KeyPackages that it may be for. */
  readonly keyPackages: readonly KeyPackageBundle[]
  readonly ratchetTree?: Uint8Array
  /** The group that the new one follows, for re-initialisations and branches. */
  readonly follows?: { readonly group: Group; readonly usage: 'reinit' | 'branch' }
  /** Ids of groups that this client is in already. */
  readonly isKnownGroup?: (groupId: Uint8Array) => boolean
  readonly signal?: AbortSignal
}

/** The group of a Welcome, and which KeyPackage it used: delete a one-time one now (V139). @throws see `joinByWelcome` */
export async function joinGroupWith(
  input: JoinInput,
): Promise<{ readonly group: Group; readonly used: KeyPackageBundle }> {
  const { suite, config } = input
  const message = decodeMlsMessage(input.welcome)
  if (message.wireFormat !== 'mls_welcome')
    throw new MlsError('codec/value', 'a message that is no Welcome where one was expected')
  const predecessor = input.follows?.group.predecessor(input.follows.usage)
  const lookup: PskLookup = async (id) => predecessor?.psk(id) ?? externalLookup(config, id)
  const { epoch, keys } = await joinByWelcome(config, {
    suite,
    welcome: message.welcome,
    keys: input.keyPackages,
    ratchetTree: input.ratchetTree,
    lookup,
    predecessor,
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  })
  // RFC 9420 §12.4.3 V311: a group that is known is never replaced
  check(
    input.isKnownGroup?.(epoch.context.groupId) !== true,
    'group/exists',
    'V311',
    'a Welcome to a group that this client is in',
  )
  const used = input.keyPackages.find((bundle) => bundle === keys)
  if (used === undefined) throw new MlsError('internal/unreachable', 'a join with unknown keys')
  return { group: new Group(initialState(config, epoch)), used }
}

/** What a join by external commit needs. */
export interface JoinExternalInput extends OwnLeafInput {
  readonly suite: CipherSuite
  readonly config: GroupConfig
  /** An encoded MLSMessage with a GroupInfo that has `external_pub`. */
  readonly groupInfo: Uint8Array
  readonly ratchetTree?: Uint8Array
  /** The leaf of this client that the commit removes (resync). */
  readonly replaces?: LeafIndex
  readonly psks?: readonly PreSharedKeyId[]
  /** The group itself as it was last known, whose resumption PSKs may be used. */
  readonly previous?: Group
  readonly authenticatedData?: Uint8Array
  /** Epochs below this one are refused (V300): a GroupInfo must not be older than what was seen. */
  readonly minimumEpoch?: bigint
}

/** A join that waits for the delivery service. */
export interface ExternalJoin {
  /** The encoded MLSMessage to be sent. */
  readonly commit: Bytes
  /** The encoded GroupInfo of the epoch that the commit begins. */
  readonly groupInfo: Bytes | undefined
  /** The group, once the delivery service has accepted the commit. */
  complete(): Group
}

/** Joins by external commit (RFC 9420 §12.4.3.2). @throws see `createExternalCommit`; `group_info/stale` (V300) */
export async function joinExternalWith(input: JoinExternalInput): Promise<ExternalJoin> {
  const { suite, config, identity } = input
  const message = decodeMlsMessage(input.groupInfo)
  if (message.wireFormat !== 'mls_group_info')
    throw new MlsError('codec/value', 'a message that is no GroupInfo where one was expected')
  const { groupInfo } = message
  // RFC 9420 §12.4.3.2 V300
  check(
    groupInfo.groupContext.epoch >= (input.minimumEpoch ?? 0n),
    'group_info/stale',
    'V300',
    'a GroupInfo older than what this client has seen',
  )
  const capabilities = input.capabilities ?? makeCapabilities(suite)
  const { message: commit, staged } = await createExternalCommit(config, {
    suite,
    groupInfo,
    ratchetTree: input.ratchetTree,
    credential: identity.credential,
    signer: identity.signer,
    capabilities,
    leafExtensions: withGrease(input.leafExtensions ?? [], capabilities),
    replaces: input.replaces,
    psks: input.psks ?? [],
    lookup: async (id) => resumption(input.previous, id) ?? externalLookup(config, id),
    authenticatedData: input.authenticatedData ?? new Uint8Array(0),
  })
  const { next } = staged
  if (next === undefined) throw new MlsError('internal/unreachable', 'an external commit without an epoch')
  return {
    commit,
    groupInfo: staged.groupInfo,
    complete: () => new Group({ ...initialState(config, next), lastCommit: staged.messageHash }),
  }
}

/** The group of a snapshot. @throws `snapshot/version`, `snapshot/damaged`, `group/staged` for a missing signer */
export function restoreGroupWith(snapshot: Uint8Array, input: RestoreInput): Group {
  return new Group(decodeSnapshot(snapshot, input))
}

function initialState(config: GroupConfig, epoch: Epoch): GroupState {
  return {
    config,
    status: 'active',
    current: epoch,
    past: [],
    proposals: ProposalCache.empty,
    pending: undefined,
    resumptionPsks: withResumptionPsk(new Map(), epoch, config.limits.resumptionPsks),
    lastCommit: undefined,
    reinit: undefined,
  }
}

function resumption(group: Group | undefined, id: PreSharedKeyId): Bytes | undefined {
  if (group === undefined || id.psktype !== 'resumption' || !equalBytes(id.pskGroupId, group.id)) return undefined
  return group.resumptionPsk(id.pskEpoch)
}

async function externalLookup(config: GroupConfig, id: PreSharedKeyId): Promise<Uint8Array | undefined> {
  if (id.psktype === 'external') return config.psks.externalPsk(id.pskId)
  return config.psks.resumptionPsk?.(id.pskGroupId, id.pskEpoch)
}

/** Parts of a group's state as bytes: what snapshots and stores have in common. They hold secrets. */
import { type Bytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { Secret } from '../bytes/secret.ts'
import { encode, type Infer, nested, opaque, optional, struct, uint32, vec } from '../codec/codec.ts'
import type { GroupConfig } from '../commit/config.ts'
import type { Epoch, KeptSecrets } from '../commit/epoch.ts'
import type { StagedCommit } from '../commit/staged-commit.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { interimTranscriptHash } from '../key-schedule/key-schedule.ts'
import type { CachedProposal } from '../proposals/proposal-cache.ts'
import { PrivateTree } from '../ratchet-tree/private-tree.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { applyTreeDelta, encodeTreeDelta } from '../ratchet-tree/tree-delta.ts'
import { SecretTree } from '../secret-tree/secret-tree.ts'
import type { Signer } from '../signed/signer.ts'
import { Sender } from '../wire/framed-content.ts'
import { GroupContext } from '../wire/group-context.ts'
import { Proposal } from '../wire/proposal.ts'
import { decodeChanges, encodeChanges } from './snapshot-changes.ts'

/** What a snapshot needs to become a group again. */
export interface RestoreInput {
  readonly suite: CipherSuite
  readonly config: GroupConfig
  /** Finds the signer of a signature key: the current one, that of a pending commit, those of own Updates. */
  readonly signer: (signatureKey: Uint8Array) => Signer | undefined
}

const StoredKeyPair = struct({ publicKey: opaque, privateKey: opaque })
const NodeKeyPair = struct({ node: uint32, keyPair: StoredKeyPair })

const StoredSecrets = struct({
  senderDataSecret: optional(opaque),
  exporterSecret: optional(opaque),
  externalSecret: optional(opaque),
  confirmationKey: optional(opaque),
  membershipKey: optional(opaque),
  resumptionPsk: optional(opaque),
  initSecret: optional(opaque),
})

/** An epoch whose tree is stored beside it. */
export const StoredEpoch = struct({
  context: nested(GroupContext),
  confirmationTag: opaque,
  epochAuthenticator: opaque,
  leafIndex: uint32,
  keyPairs: vec(NodeKeyPair, 64),
  secrets: StoredSecrets,
  secretTree: opaque,
})
/** A proposal that waits for a commit. */
export const StoredProposal = struct({
  proposal: nested(Proposal),
  sender: Sender,
  reference: opaque,
  size: uint32,
  ownUpdate: optional(struct({ encryptionKeyPair: StoredKeyPair, signatureKey: opaque })),
})
/** An own commit that waits for its outcome. */
export const StoredCommit = struct({
  messageHash: opaque,
  welcome: optional(opaque),
  groupInfo: optional(opaque),
  changes: opaque,
  treeDelta: opaque,
  signatureKey: opaque,
  next: optional(StoredEpoch),
})
/** Finds the signer of a stored signature key. @throws `group/staged` when there is none */
export function signerFor(input: Pick<RestoreInput, 'signer'>): (key: Uint8Array) => Signer {
  return (key) => {
    const signer = input.signer(key)
    if (signer === undefined || !equalBytes(signer.publicKey, key))
      throw new MlsError('group/staged', 'no signer for a signature key of the snapshot')
    return signer
  }
}

/** The encoded secret tree of an epoch; of a group that was left nothing remains: its epoch is kept for the status alone. */
export function encodeSecretTree({ secretTree }: Epoch): Bytes {
  return secretTree.wiped ? new Uint8Array(0) : secretTree.encode()
}

/** A proposal in its stored form. */
export function storeProposal({ ownUpdate, ...cached }: CachedProposal): Infer<typeof StoredProposal> {
  return {
    ...cached,
    ownUpdate: ownUpdate === undefined ? undefined : { ...ownUpdate, signatureKey: ownUpdate.signer.publicKey },
  }
}

/** The proposal of its stored form. @throws `group/staged` for a missing signer */
export function restoreProposal(
  { ownUpdate, ...cached }: Infer<typeof StoredProposal>,
  signerOf: (key: Uint8Array) => Signer,
): CachedProposal {
  if (ownUpdate === undefined) return cached
  const { encryptionKeyPair, signatureKey } = ownUpdate
  return { ...cached, ownUpdate: { encryptionKeyPair, signer: signerOf(signatureKey) } }
}

/** An own commit that waits, as what differs from the tree of its base epoch. */
export function storeCommit(staged: StagedCommit, before: Tree): Infer<typeof StoredCommit> {
  const { next } = staged
  const after = next?.tree ?? before
  return {
    messageHash: staged.messageHash,
    welcome: staged.welcome,
    groupInfo: staged.groupInfo,
    changes: encodeChanges(staged.changes),
    treeDelta: encodeTreeDelta(before, after),
    signatureKey: next?.signer.publicKey ?? new Uint8Array(0),
    next: next === undefined ? undefined : storeEpoch(next, encodeSecretTree(next)),
  }
}

/** The commit of its stored form. @throws kind `malformed`, `snapshot/damaged` */
export function restoreCommit(
  stored: Infer<typeof StoredCommit>,
  current: Epoch,
  { suite, config }: RestoreInput,
  signerOf: (key: Uint8Array) => Signer,
): StagedCommit {
  const tree = applyTreeDelta(suite, current.tree, stored.treeDelta)
  const { next } = stored
  return {
    baseEpoch: current.context.epoch,
    own: true,
    changes: decodeChanges(stored.changes, current.tree, tree),
    next:
      next === undefined
        ? undefined
        : restoreEpoch(next, { suite, tree, signer: signerOf(stored.signatureKey), config }),
    messageHash: stored.messageHash,
    welcome: stored.welcome,
    groupInfo: stored.groupInfo,
  }
}

/** An epoch without its tree. `secretTree`: its encoded secret tree, or nothing when that is stored in rows. */
export function storeEpoch(epoch: Epoch, secretTree: Bytes): Infer<typeof StoredEpoch> {
  const { epochAuthenticator, ...secrets } = epoch.secrets
  const bytesOf = (secret: Secret<string>): Bytes | undefined =>
    secret.consumed ? undefined : secret.use((bytes) => Uint8Array.from(bytes))
  return {
    context: epoch.context,
    confirmationTag: epoch.confirmationTag,
    epochAuthenticator,
    leafIndex: epoch.privateTree.leafIndex,
    keyPairs: [...epoch.privateTree.entries()].map(([node, keyPair]) => ({ node, keyPair })),
    secrets: {
      senderDataSecret: bytesOf(secrets.senderDataSecret),
      exporterSecret: bytesOf(secrets.exporterSecret),
      externalSecret: bytesOf(secrets.externalSecret),
      confirmationKey: bytesOf(secrets.confirmationKey),
      membershipKey: bytesOf(secrets.membershipKey),
      resumptionPsk: bytesOf(secrets.resumptionPsk),
      initSecret: bytesOf(secrets.initSecret),
    },
    secretTree,
  }
}

/** The epoch of its stored form, with its tree and, when that is stored in rows, its secret tree. */
export function restoreEpoch(
  stored: Infer<typeof StoredEpoch>,
  input: {
    readonly suite: CipherSuite
    readonly tree: Tree
    readonly signer: Signer
    readonly config: GroupConfig
    readonly secretTree?: SecretTree
  },
): Epoch {
  const { suite, tree, signer, config } = input
  const { context, confirmationTag, epochAuthenticator } = stored
  const secretTree =
    input.secretTree ??
    (stored.secretTree.length === 0
      ? wipedSecretTree(suite, tree)
      : SecretTree.decode(suite, stored.secretTree, config.limits))
  wipe(stored.secretTree)
  return {
    suite,
    context,
    encodedContext: encode(GroupContext, context),
    tree,
    privateTree: new PrivateTree(
      stored.leafIndex,
      stored.keyPairs.map(({ node, keyPair }) => [node, keyPair]),
    ),
    secrets: restoreSecrets(stored.secrets, epochAuthenticator),
    interimTranscriptHash: interimTranscriptHash(suite, context.confirmedTranscriptHash, confirmationTag),
    confirmationTag,
    secretTree,
    signer,
  }
}

function wipedSecretTree(suite: CipherSuite, tree: Tree): SecretTree {
  const secretTree = new SecretTree(suite, new Secret(new Uint8Array(suite.parameters.hashLength)), tree.leafCount)
  secretTree.wipe()
  return secretTree
}

function restoreSecrets(stored: Infer<typeof StoredSecrets>, epochAuthenticator: Bytes): KeptSecrets {
  const secret = <L extends string>(bytes: Bytes | undefined): Secret<L> => {
    const value = new Secret<L>(bytes ?? new Uint8Array(0))
    if (bytes === undefined) value.wipe()
    return value
  }
  return {
    senderDataSecret: secret(stored.senderDataSecret),
    exporterSecret: secret(stored.exporterSecret),
    externalSecret: secret(stored.externalSecret),
    confirmationKey: secret(stored.confirmationKey),
    membershipKey: secret(stored.membershipKey),
    resumptionPsk: secret(stored.resumptionPsk),
    initSecret: secret(stored.initSecret),
    epochAuthenticator,
  }
}

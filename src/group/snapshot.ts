/**
 * The whole state of a group as bytes, and back. Past epochs and the pending commit are stored as what differs from the
 * current tree. The bytes hold every secret of the group: encrypt them where they rest. Signature keys are not in them.
 */
import { type Bytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { Secret } from '../bytes/secret.ts'
import {
  type Codec,
  decode,
  encode,
  enumeration,
  type Infer,
  nested,
  opaque,
  optional,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  vec,
} from '../codec/codec.ts'
import type { GroupConfig } from '../commit/config.ts'
import type { Epoch, KeptSecrets } from '../commit/epoch.ts'
import type { StagedCommit } from '../commit/staged-commit.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { interimTranscriptHash } from '../key-schedule/key-schedule.ts'
import { ProposalCache } from '../proposals/proposal-cache.ts'
import { importTree } from '../ratchet-tree/import-tree.ts'
import { PrivateTree } from '../ratchet-tree/private-tree.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { applyTreeDelta, encodeTreeDelta } from '../ratchet-tree/tree-delta.ts'
import { SecretTree } from '../secret-tree/secret-tree.ts'
import type { Signer } from '../signed/signer.ts'
import { Sender } from '../wire/framed-content.ts'
import { GroupContext } from '../wire/group-context.ts'
import { Proposal, type ReInitProposal } from '../wire/proposal.ts'
import { decodeChanges, encodeChanges } from './snapshot-changes.ts'
import type { GroupState } from './state.ts'

/** The version that is written; older ones that were ever released are read. */
export const snapshotVersion = 1

const Status = enumeration(uint8, { active: 1, removed: 2, reinitialized: 3, closed: 4 }, 'V029')
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
const StoredEpoch = struct({
  context: nested(GroupContext),
  confirmationTag: opaque,
  epochAuthenticator: opaque,
  leafIndex: uint32,
  keyPairs: vec(NodeKeyPair, 64),
  secrets: StoredSecrets,
  secretTree: opaque,
})
const PastEpoch = struct({ endedAt: uint64, treeDelta: opaque, epoch: StoredEpoch })
const StoredProposal = struct({
  proposal: nested(Proposal),
  sender: Sender,
  reference: opaque,
  size: uint32,
  ownUpdate: optional(struct({ encryptionKeyPair: StoredKeyPair, signatureKey: opaque })),
})
const StoredCommit = struct({
  messageHash: opaque,
  welcome: optional(opaque),
  groupInfo: optional(opaque),
  changes: opaque,
  treeDelta: opaque,
  signatureKey: opaque,
  next: optional(StoredEpoch),
})
const StoredPsk = struct({ epoch: uint64, psk: opaque })
const StoredReInit: Codec<ReInitProposal> = {
  read(reader) {
    const proposal = Proposal.read(reader)
    if (proposal.proposalType !== 'reinit') throw damaged()
    return proposal
  },
  write: (writer, value) => Proposal.write(writer, value),
}

const Snapshot = struct({
  version: uint16,
  cipherSuite: uint16,
  status: Status,
  signatureKey: opaque,
  tree: opaque,
  current: StoredEpoch,
  past: vec(PastEpoch, 4096),
  proposals: vec(StoredProposal, 65_536),
  pending: optional(StoredCommit),
  resumptionPsks: vec(StoredPsk, 65_536),
  lastCommit: optional(opaque),
  reinit: optional(StoredReInit),
})

/** The state as bytes. Equal states have equal bytes. */
export function encodeSnapshot(state: GroupState): Bytes {
  const { current, pending } = state
  return encode(Snapshot, {
    version: snapshotVersion,
    cipherSuite: current.suite.parameters.id,
    status: state.status,
    signatureKey: current.signer.publicKey,
    tree: current.tree.encode(),
    current: storeEpoch(current),
    past: state.past.map(({ epoch, endedAt }) => ({
      endedAt: BigInt(endedAt),
      treeDelta: encodeTreeDelta(current.tree, epoch.tree),
      epoch: storeEpoch(epoch),
    })),
    proposals: state.proposals.list().map(({ ownUpdate, ...cached }) => ({
      ...cached,
      ownUpdate: ownUpdate === undefined ? undefined : { ...ownUpdate, signatureKey: ownUpdate.signer.publicKey },
    })),
    pending: pending === undefined ? undefined : storeCommit(pending, current.tree),
    resumptionPsks: [...state.resumptionPsks].map(([epoch, psk]) => ({ epoch, psk })),
    lastCommit: state.lastCommit,
    reinit: state.reinit,
  })
}

/** What a snapshot needs to become a group again. */
export interface RestoreInput {
  readonly suite: CipherSuite
  readonly config: GroupConfig
  /** Finds the signer of a signature key: the current one, that of a pending commit, those of own Updates. */
  readonly signer: (signatureKey: Uint8Array) => Signer | undefined
}

/**
 * The state of a snapshot.
 * @throws `snapshot/version` for one of a newer package; `snapshot/damaged`; `suite/unsupported` for another suite
 */
export function decodeSnapshot(bytes: Uint8Array, input: RestoreInput): GroupState {
  const version = bytes.length >= 2 ? ((bytes[0] as number) << 8) | (bytes[1] as number) : 0
  if (version !== snapshotVersion)
    throw new MlsError('snapshot/version', 'a snapshot of another version of this package')
  try {
    return restore(decode(Snapshot, bytes), input)
  } catch (cause) {
    if (cause instanceof MlsError && ['misuse', 'bug', 'peer_incompatible'].includes(cause.kind)) throw cause
    throw new MlsError('snapshot/damaged', 'a snapshot that is damaged', { cause })
  }
}

function restore(stored: Infer<typeof Snapshot>, input: RestoreInput): GroupState {
  const { suite, config } = input
  check(
    stored.cipherSuite === suite.parameters.id,
    'suite/unsupported',
    undefined,
    'a snapshot of a group with another cipher suite',
  )
  const tree = importTree(suite, stored.tree)
  const signerOf = (key: Uint8Array): Signer => {
    const signer = input.signer(key)
    if (signer === undefined || !equalBytes(signer.publicKey, key))
      throw new MlsError('group/staged', 'no signer for a signature key of the snapshot')
    return signer
  }
  const signer = signerOf(stored.signatureKey)
  const current = restoreEpoch(stored.current, { suite, tree, signer, config })
  check(equalBytes(tree.treeHash, current.context.treeHash), 'snapshot/damaged', undefined, 'a tree of another group')
  let proposals = ProposalCache.empty
  for (const { ownUpdate, ...cached } of stored.proposals) {
    const own =
      ownUpdate === undefined
        ? {}
        : {
            ownUpdate: { encryptionKeyPair: ownUpdate.encryptionKeyPair, signer: signerOf(ownUpdate.signatureKey) },
          }
    proposals = proposals.with({ ...cached, ...own }, config.limits)
  }
  return {
    config,
    status: stored.status,
    current,
    past: stored.past.map(({ endedAt, treeDelta, epoch }) => ({
      endedAt: Number(endedAt),
      epoch: restoreEpoch(epoch, { suite, tree: applyTreeDelta(suite, tree, treeDelta), signer, config }),
    })),
    proposals,
    pending: stored.pending === undefined ? undefined : restoreCommit(stored.pending, current, input, signerOf),
    resumptionPsks: new Map(stored.resumptionPsks.map(({ epoch, psk }) => [epoch, psk])),
    lastCommit: stored.lastCommit,
    reinit: stored.reinit,
  }
}

function storeCommit(staged: StagedCommit, before: Tree): Infer<typeof StoredCommit> {
  const { next } = staged
  const after = next?.tree ?? before
  return {
    messageHash: staged.messageHash,
    welcome: staged.welcome,
    groupInfo: staged.groupInfo,
    changes: encodeChanges(staged.changes),
    treeDelta: encodeTreeDelta(before, after),
    signatureKey: next?.signer.publicKey ?? new Uint8Array(0),
    next: next === undefined ? undefined : storeEpoch(next),
  }
}

function restoreCommit(
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

function storeEpoch(epoch: Epoch): Infer<typeof StoredEpoch> {
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
    // of a group that was left nothing remains: its epoch is kept for the status alone
    secretTree: epoch.secretTree.wiped ? new Uint8Array(0) : epoch.secretTree.encode(),
  }
}

function restoreEpoch(
  stored: Infer<typeof StoredEpoch>,
  input: { readonly suite: CipherSuite; readonly tree: Tree; readonly signer: Signer; readonly config: GroupConfig },
): Epoch {
  const { suite, tree, signer, config } = input
  const { context, confirmationTag, epochAuthenticator } = stored
  const secretTree =
    stored.secretTree.length === 0
      ? wipedSecretTree(suite, tree)
      : SecretTree.decode(suite, stored.secretTree, config.limits)
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

function damaged(): MlsError {
  return new MlsError('snapshot/damaged', 'a snapshot that is damaged')
}

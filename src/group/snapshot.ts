/**
 * The whole state of a group as bytes, and back. Past epochs and the pending commit are stored as what differs from the
 * current tree. The bytes hold every secret of the group: encrypt them where they rest. Signature keys are not in them.
 */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import {
  type Codec,
  decode,
  encode,
  enumeration,
  type Infer,
  opaque,
  optional,
  struct,
  uint8,
  uint16,
  uint64,
  vec,
} from '../codec/codec.ts'
import { ProposalCache } from '../proposals/proposal-cache.ts'
import { importTree } from '../ratchet-tree/import-tree.ts'
import { applyTreeDelta, encodeTreeDelta } from '../ratchet-tree/tree-delta.ts'
import { Proposal, type ReInitProposal } from '../wire/proposal.ts'
import type { GroupState } from './state.ts'
import {
  encodeSecretTree,
  type RestoreInput,
  restoreCommit,
  restoreEpoch,
  restoreProposal,
  StoredCommit,
  StoredEpoch,
  StoredProposal,
  signerFor,
  storeCommit,
  storeEpoch,
  storeProposal,
} from './stored-parts.ts'

/** The version that is written; older ones that were ever released are read. */
const snapshotVersion = 1

const Status = enumeration(uint8, { active: 1, removed: 2, reinitialized: 3, closed: 4 }, 'V029')
const PastEpoch = struct({ endedAt: uint64, treeDelta: opaque, epoch: StoredEpoch })
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
    current: storeEpoch(current, encodeSecretTree(current)),
    past: state.past.map(({ epoch, endedAt }) => ({
      endedAt: BigInt(endedAt),
      treeDelta: encodeTreeDelta(current.tree, epoch.tree),
      epoch: storeEpoch(epoch, encodeSecretTree(epoch)),
    })),
    proposals: state.proposals.list().map(storeProposal),
    pending: pending === undefined ? undefined : storeCommit(pending, current.tree),
    resumptionPsks: [...state.resumptionPsks].map(([epoch, psk]) => ({ epoch, psk })),
    lastCommit: state.lastCommit,
    reinit: state.reinit,
  })
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
  const signerOf = signerFor(input)
  const signer = signerOf(stored.signatureKey)
  const current = restoreEpoch(stored.current, { suite, tree, signer, config })
  check(equalBytes(tree.treeHash, current.context.treeHash), 'snapshot/damaged', undefined, 'a tree of another group')
  let proposals = ProposalCache.empty
  for (const cached of stored.proposals) proposals = proposals.with(restoreProposal(cached, signerOf), config.limits)
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

function damaged(): MlsError {
  return new MlsError('snapshot/damaged', 'a snapshot that is damaged')
}

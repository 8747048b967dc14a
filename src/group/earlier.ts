/**
 * The state of a group before a commit as what differs from the state after it, for delivery services that may still put
 * another commit in its place: O(changes · log n) bytes, where a snapshot has the whole tree. The bytes hold the secrets of
 * the epoch: encrypt them where they rest, and delete them when the commit is final.
 */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { decode, encode, type Infer, opaque, optional, struct, uint16, vec } from '../codec/codec.ts'
import { ProposalCache } from '../proposals/proposal-cache.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { applyTreeDelta, encodeTreeDelta } from '../ratchet-tree/tree-delta.ts'
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

/** The version that is written. */
const version = 1

const Earlier = struct({
  version: uint16,
  signatureKey: opaque,
  /** What turns the tree of the state after it into its own. */
  treeDelta: opaque,
  current: StoredEpoch,
  proposals: vec(StoredProposal, 65_536),
  pending: optional(StoredCommit),
  lastCommit: optional(opaque),
})

/** An active state as bytes, before a commit is merged that makes the tree `next`. */
export function encodeEarlier(state: GroupState, next: Tree): Bytes {
  const { current, pending, lastCommit } = state
  return encode(Earlier, {
    version,
    signatureKey: current.signer.publicKey,
    treeDelta: encodeTreeDelta(next, current.tree),
    current: storeEpoch(current, encodeSecretTree(current)),
    proposals: state.proposals.list().map(storeProposal),
    pending: pending === undefined ? undefined : storeCommit(pending, current.tree),
    lastCommit,
  })
}

/**
 * The state that `bytes` were made of. `later` is the state that followed it directly; the two share no secret, so that
 * either can be let go.
 * @throws `snapshot/version` for bytes of a newer package; `snapshot/damaged`, of another group or epoch too; `group/staged`
 *   for a missing signer
 */
export function decodeEarlier(bytes: Uint8Array, later: GroupState, input: RestoreInput): GroupState {
  const found = bytes.length >= 2 ? ((bytes[0] as number) << 8) | (bytes[1] as number) : 0
  if (found !== version) throw new MlsError('snapshot/version', 'an earlier state of another version of this package')
  try {
    return restore(decode(Earlier, bytes), later, input)
  } catch (cause) {
    if (cause instanceof MlsError && ['misuse', 'bug', 'peer_incompatible'].includes(cause.kind)) throw cause
    throw new MlsError('snapshot/damaged', 'an earlier state that is damaged', { cause })
  }
}

function restore(stored: Infer<typeof Earlier>, later: GroupState, input: RestoreInput): GroupState {
  const { suite, config } = input
  const { context } = later.current
  const tree = applyTreeDelta(suite, later.current.tree, stored.treeDelta)
  const signerOf = signerFor(input)
  const current = restoreEpoch(stored.current, { suite, tree, signer: signerOf(stored.signatureKey), config })
  const { epoch, groupId, treeHash } = current.context
  const fits =
    epoch + 1n === context.epoch && equalBytes(groupId, context.groupId) && equalBytes(treeHash, tree.treeHash)
  check(fits, 'snapshot/damaged', undefined, 'an earlier state of another group')
  let proposals = ProposalCache.empty
  for (const cached of stored.proposals) proposals = proposals.with(restoreProposal(cached, signerOf), config.limits)
  return {
    config,
    status: 'active',
    current,
    past: later.past
      .filter((past) => past.epoch.context.epoch < epoch)
      .map(({ epoch: past, endedAt }) => ({
        endedAt,
        epoch: restoreEpoch(storeEpoch(past, encodeSecretTree(past)), {
          suite,
          tree: past.tree,
          signer: past.signer,
          config,
        }),
      })),
    proposals,
    pending: stored.pending === undefined ? undefined : restoreCommit(stored.pending, current, input, signerOf),
    resumptionPsks: new Map(
      [...later.resumptionPsks].filter(([number]) => number <= epoch).map(([number, psk]) => [number, psk.slice()]),
    ),
    lastCommit: stored.lastCommit,
    reinit: undefined,
  }
}

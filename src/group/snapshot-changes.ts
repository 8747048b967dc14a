/** The description of a commit as bytes: members by their leaf, looked up again in the trees before and after it. */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { decode, encode, optional, struct, uint8, uint32, uint64, vec } from '../codec/codec.ts'
import { type CommitChanges, type Member, memberOf } from '../commit/member.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { Extensions } from '../wire/extension.ts'
import { wireLimits } from '../wire/limits.ts'
import { Proposal } from '../wire/proposal.ts'
import { PreSharedKeyId } from '../wire/psk.ts'

const leaves = vec(uint32, wireLimits.members)
const StoredChanges = struct({
  epoch: uint64,
  committer: uint32,
  external: uint8,
  path: uint8,
  added: leaves,
  removed: leaves,
  updated: leaves,
  extensions: optional(Extensions),
  psks: vec(PreSharedKeyId, wireLimits.proposals),
  reinit: optional(Proposal),
  custom: vec(Proposal, wireLimits.proposals),
})

/** The description as bytes. */
export function encodeChanges(changes: CommitChanges): Bytes {
  const indexes = (members: readonly Member[]): number[] => members.map(({ leafIndex }) => leafIndex)
  return encode(StoredChanges, {
    epoch: changes.epoch,
    committer: changes.committer.leafIndex,
    external: changes.external ? 1 : 0,
    path: changes.path ? 1 : 0,
    added: indexes(changes.added),
    removed: indexes(changes.removed),
    updated: indexes(changes.updated),
    extensions: changes.extensions,
    psks: changes.psks,
    reinit: changes.reinit,
    custom: changes.custom,
  })
}

/** The description of bytes. @throws kind `malformed`; `snapshot/damaged` */
export function decodeChanges(bytes: Uint8Array, before: Tree, after: Tree): CommitChanges {
  const stored = decode(StoredChanges, bytes)
  const member = (tree: Tree, leafIndex: number): Member => {
    const leaf = tree.leaf(leafIndex)
    if (leaf === undefined) throw damaged()
    return memberOf(leafIndex, leaf)
  }
  const { reinit } = stored
  if (reinit !== undefined && reinit.proposalType !== 'reinit') throw damaged()
  return {
    epoch: stored.epoch,
    committer: member(after, stored.committer),
    external: stored.external === 1,
    path: stored.path === 1,
    added: stored.added.map((leaf) => member(after, leaf)),
    removed: stored.removed.map((leaf) => member(before, leaf)),
    updated: stored.updated.map((leaf) => member(after, leaf)),
    extensions: stored.extensions,
    psks: stored.psks,
    reinit,
    custom: stored.custom.map((proposal) => {
      if (proposal.proposalType !== 'custom') throw damaged()
      return proposal
    }),
  }
}

function damaged(): MlsError {
  return new MlsError('snapshot/damaged', 'a stored commit that does not fit its trees')
}

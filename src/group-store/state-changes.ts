/** What a change of a group's state writes: the difference of two states, as operations of one batch. */

import { concatBytes } from '../bytes/bytes.ts'
import { encode } from '../codec/codec.ts'
import type { Epoch } from '../commit/epoch.ts'
import type { GroupState, PastEpoch } from '../group/state.ts'
import {
  StoredCommit,
  StoredEpoch,
  StoredProposal,
  storeCommit,
  storeEpoch,
  storeProposal,
} from '../group/stored-parts.ts'
import type { StorageOperation } from '../ports/storage.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { encodeTreeDelta } from '../ratchet-tree/tree-delta.ts'
import { decodeRows } from '../secret-tree/snapshot.ts'
import { putRecord } from '../storage/records.ts'
import { Proposal } from '../wire/proposal.ts'
import { deleteEpoch, epochKey, key32, key64, ratchetOperation, tables } from './layout.ts'
import { records } from './records.ts'
import { encodeHeads, type TreeHeads, type TreePages } from './tree-pages.ts'

/** What is stored of a group, as far as the next change must know it. */
export interface StoredState {
  readonly state: GroupState
  readonly heads: TreeHeads
}

/** What goes with an own commit that waits. */
export interface PendingNote {
  /** The row of the outbox that sends it. */
  readonly outbox: string
  /** What the application wanted with it, to be told when the commit loses. */
  readonly intent: Uint8Array | undefined
}

/** The batch that turns what is stored into `after`, and the heads that it leaves. */
export async function stateChanges(
  life: Uint8Array,
  pages: TreePages,
  before: StoredState | undefined,
  after: GroupState,
  note: PendingNote | undefined,
): Promise<{ readonly operations: StorageOperation[]; readonly heads: TreeHeads }> {
  const base = before === undefined ? undefined : { tree: before.state.current.tree, heads: before.heads }
  const { heads, operations } = await pages.replace(base, after.current.tree)
  const old = before?.state
  operations.push(...epochChanges(life, old, after))
  if (
    old === undefined ||
    old.current !== after.current ||
    old.status !== after.status ||
    old.lastCommit !== after.lastCommit ||
    old.reinit !== after.reinit
  )
    operations.push(
      putRecord(tables.states, life, records.state, {
        epoch: key64(after.current.context.epoch),
        status: after.status,
        height: heads.height,
        bands: encodeHeads(heads),
        lastCommit: after.lastCommit,
        reinit: after.reinit === undefined ? undefined : encode(Proposal, after.reinit),
      }),
    )
  operations.push(...proposalChanges(life, old, after))
  if (old?.pending !== after.pending) operations.push(pendingChange(life, after, note))
  operations.push(...pskChanges(life, old, after))
  return { operations, heads }
}

function epochChanges(life: Uint8Array, old: GroupState | undefined, after: GroupState): StorageOperation[] {
  // a message changes no more than the ratchets of the epochs that were there
  if (old?.current === after.current && old.past === after.past) {
    const operations = ratchetChanges(life, after.current)
    for (const { epoch } of after.past) operations.push(...ratchetChanges(life, epoch))
    return operations
  }
  const operations: StorageOperation[] = []
  if (old?.current !== after.current) operations.push(putEpoch(life, after.current))
  const newer = newerTrees(old)
  let tree = after.current.tree
  for (const past of after.past) {
    // stored as what differs from the epoch after it, hence again when that one is another
    if (newer.get(past.epoch) !== tree) operations.push(putEpoch(life, past.epoch, past, tree))
    tree = past.epoch.tree
  }
  const kept = new Set([after.current, ...after.past.map(({ epoch }) => epoch)])
  const known = new Set(old === undefined ? [] : [old.current, ...old.past.map((past) => past.epoch)])
  for (const epoch of known) if (!kept.has(epoch)) operations.push(...deleteEpoch(life, epoch.context.epoch))
  for (const epoch of kept) operations.push(...ratchetChanges(life, epoch, !known.has(epoch)))
  return operations
}

/** @param isNew an epoch that was restored, as that of a pending commit, knows of no changes, but its rows are not here yet */
function ratchetChanges(life: Uint8Array, { context, secretTree }: Epoch, isNew = false): StorageOperation[] {
  if (secretTree.wiped) return []
  const changes = secretTree.takeChanges()
  const rows = isNew ? decodeRows(secretTree.encode()) : changes
  if (rows.length === 0) return []
  const prefix = epochKey(life, context.epoch)
  return rows.map((row) => ratchetOperation(prefix, row))
}

/** The tree of the epoch after each past one. */
function newerTrees(state: GroupState | undefined): Map<Epoch, Tree> {
  const newer = new Map<Epoch, Tree>()
  let tree = state?.current.tree
  for (const { epoch } of state?.past ?? []) {
    if (tree !== undefined) newer.set(epoch, tree)
    tree = epoch.tree
  }
  return newer
}

function putEpoch(life: Uint8Array, epoch: Epoch, past?: PastEpoch, newer?: Tree): StorageOperation {
  return putRecord(tables.epochs, epochKey(life, epoch.context.epoch), records.epoch, {
    data: encode(StoredEpoch, storeEpoch(epoch, new Uint8Array(0))),
    signatureKey: Uint8Array.from(epoch.signer.publicKey),
    endedAt: past?.endedAt,
    treeDelta: newer === undefined ? undefined : encodeTreeDelta(newer, epoch.tree),
  })
}

function proposalChanges(life: Uint8Array, old: GroupState | undefined, after: GroupState): StorageOperation[] {
  if (old?.proposals === after.proposals) return []
  const [known, now] = [old?.proposals.list() ?? [], after.proposals.list()]
  const grown = known.every((cached, i) => now[i] === cached)
  const operations: StorageOperation[] = grown ? [] : [{ kind: 'delete_prefix', table: tables.proposals, prefix: life }]
  for (let i = grown ? known.length : 0; i < now.length; i++) {
    const cached = now[i]
    if (cached === undefined) continue
    const data = encode(StoredProposal, storeProposal(cached))
    operations.push(putRecord(tables.proposals, concatBytes(life, key32(i)), records.proposal, { data }))
  }
  return operations
}

function pendingChange(life: Uint8Array, after: GroupState, note: PendingNote | undefined): StorageOperation {
  if (after.pending === undefined) return { kind: 'delete', table: tables.pending, key: life }
  return putRecord(tables.pending, life, records.pending, {
    data: encode(StoredCommit, storeCommit(after.pending, after.current.tree)),
    outbox: note?.outbox ?? '',
    intent: note?.intent === undefined ? undefined : Uint8Array.from(note.intent),
  })
}

function pskChanges(life: Uint8Array, old: GroupState | undefined, after: GroupState): StorageOperation[] {
  const operations: StorageOperation[] = []
  const table = tables.psks
  for (const [epoch, psk] of after.resumptionPsks)
    if (old?.resumptionPsks.get(epoch) !== psk)
      operations.push({ kind: 'put', table, key: concatBytes(life, key64(epoch)), value: psk })
  for (const epoch of old?.resumptionPsks.keys() ?? [])
    if (!after.resumptionPsks.has(epoch))
      operations.push({ kind: 'delete', table, key: concatBytes(life, key64(epoch)) })
  return operations
}

/** A group from its rows. What is there and does not fit together is `storage/damaged`, never half a group. */
import { equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { decode } from '../codec/codec.ts'
import type { Epoch } from '../commit/epoch.ts'
import type { GroupState, PastEpoch } from '../group/state.ts'
import {
  type RestoreInput,
  restoreCommit,
  restoreEpoch,
  restoreProposal,
  StoredCommit,
  StoredEpoch,
  StoredProposal,
  signerFor,
} from '../group/stored-parts.ts'
import type { Storage } from '../ports/storage.ts'
import { ProposalCache } from '../proposals/proposal-cache.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { applyTreeDelta } from '../ratchet-tree/tree-delta.ts'
import { SecretTree } from '../secret-tree/secret-tree.ts'
import type { SecretTreeRow } from '../secret-tree/snapshot.ts'
import { readRecord } from '../storage/records.ts'
import { Proposal } from '../wire/proposal.ts'
import { noMarks } from './key-age.ts'
import { epochKey, number64, ratchetRow, scanAll, tables } from './layout.ts'
import { type MarksRecord, records, type UsedRecord } from './records.ts'
import type { PendingNote, StoredState } from './state-changes.ts'
import { decodeHeads, type TreePages } from './tree-pages.ts'

/** A group as it was stored. */
export interface LoadedState extends StoredState {
  readonly note: PendingNote | undefined
  /** Generations that were given out, by epoch. */
  readonly used: Map<bigint, UsedRecord>
  /** Of the current epoch. */
  readonly marks: MarksRecord
}

/**
 * Reads one life of a group.
 * @throws `storage/damaged`, `storage/version`, `storage/io`; `group/staged` for a missing signer
 */
export async function loadState(
  storage: Storage,
  life: Uint8Array,
  pages: TreePages,
  input: RestoreInput,
): Promise<LoadedState> {
  try {
    return await load(storage, life, pages, input)
  } catch (cause) {
    if (cause instanceof MlsError && (cause.kind !== 'malformed' || cause.code === 'storage/damaged')) throw cause
    throw new MlsError('storage/damaged', 'a stored group that does not fit together', { cause })
  }
}

async function load(storage: Storage, life: Uint8Array, pages: TreePages, input: RestoreInput): Promise<LoadedState> {
  const { suite, config } = input
  const stored = await readRecord(storage, tables.states, life, records.state)
  if (stored === undefined) throw damaged('a group without its state')
  const [epochRows, ratchetRows, usedRows, proposalRows, pskRows, pending] = await Promise.all([
    scanAll(storage, tables.epochs, life),
    scanAll(storage, tables.ratchets, life),
    scanAll(storage, tables.used, life),
    scanAll(storage, tables.proposals, life),
    scanAll(storage, tables.psks, life),
    readRecord(storage, tables.pending, life, records.pending),
  ])
  const heads = decodeHeads(stored.height, stored.bands)
  const tree = await pages.open(suite, heads)
  const ratchets = new Map<bigint, SecretTreeRow[]>()
  for (const entry of ratchetRows) {
    const found = ratchetRow(entry, life.length)
    if (found === undefined) throw damaged('a ratchet row with another key')
    const rows = ratchets.get(found.epoch)
    if (rows === undefined) ratchets.set(found.epoch, [found.row])
    else rows.push(found.row)
  }

  const signerOf = signerFor(input)
  let current: Epoch | undefined
  let newer: Tree = tree
  const past: PastEpoch[] = []
  // newest first: each past tree is what differs from the one after it
  for (const { key, value } of epochRows.reverse()) {
    const record = records.epoch.decode(value)
    const number = number64(key, life.length)
    const rows = ratchets.get(number)
    ratchets.delete(number)
    if (rows === undefined) throw damaged('an epoch without its ratchets')
    const { treeDelta, endedAt } = record
    const own: Tree = treeDelta === undefined ? tree : applyTreeDelta(suite, newer, treeDelta)
    const epoch = restoreEpoch(decode(StoredEpoch, record.data), {
      suite,
      tree: own,
      signer: signerOf(record.signatureKey),
      config,
      secretTree: SecretTree.fromRows(suite, rows, config.limits),
    })
    if (epoch.context.epoch !== number || !equalBytes(own.treeHash, epoch.context.treeHash))
      throw damaged('an epoch in the place of another one')
    if (current === undefined) {
      if (number !== number64(stored.epoch) || treeDelta !== undefined) throw damaged('the current epoch is missing')
      current = epoch
    } else {
      if (endedAt === undefined || treeDelta === undefined) throw damaged('two current epochs')
      past.push({ epoch, endedAt })
    }
    newer = own
  }
  if (current === undefined || ratchets.size > 0) throw damaged('ratchets without their epoch')
  if (tree.leaf(current.privateTree.leafIndex) === undefined) throw damaged('a group without the own leaf')

  let proposals = ProposalCache.empty
  for (const { value } of proposalRows) {
    const { data } = records.proposal.decode(value)
    proposals = proposals.with(restoreProposal(decode(StoredProposal, data), signerOf), config.limits)
  }
  const reinit = stored.reinit === undefined ? undefined : decode(Proposal, stored.reinit)
  if (reinit !== undefined && reinit.proposalType !== 'reinit') throw damaged('a ReInit that is none')
  const state: GroupState = {
    config,
    status: stored.status,
    current,
    past,
    proposals,
    pending:
      pending === undefined ? undefined : restoreCommit(decode(StoredCommit, pending.data), current, input, signerOf),
    resumptionPsks: new Map(pskRows.map(({ key, value }) => [number64(key, life.length), value])),
    lastCommit: stored.lastCommit,
    reinit,
  }
  const used = new Map(usedRows.map(({ key, value }) => [number64(key, life.length), records.used.decode(value)]))
  const marks = await readRecord(storage, tables.marks, epochKey(life, current.context.epoch), records.marks)
  return {
    state,
    heads,
    used,
    marks: marks ?? noMarks,
    note: pending && { outbox: pending.outbox, intent: pending.intent },
  }
}

function damaged(what: string): MlsError {
  return new MlsError('storage/damaged', what)
}

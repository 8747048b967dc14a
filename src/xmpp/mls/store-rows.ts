/** Which rows a room's state is made of beside its head, and how they are written. */
import type { Bytes } from '../../bytes/bytes.ts'
import type {
  Attempt,
  Chain,
  Intent,
  OutboxItem,
  PendingWelcome,
  Previous,
  RoomState,
  SentProposal,
} from './engine/state.ts'
import { parts } from './store-layout.ts'
import { RowCell, RowList, RowLog, RowMap } from './store-lists.ts'
import { type HeadRecord, roomRecords, writeIntent, writeQueued } from './store-records.ts'

function writeAttempt({ unsure: _, ...one }: Attempt): Omit<Attempt, 'unsure'> {
  return one
}

/** The rows of a state that are not its head. */
export function makeLists(name: Bytes) {
  const of = { name }
  return {
    processed: new RowLog<true, { readonly id: string }>({
      ...of,
      kind: parts.processed,
      type: roomRecords.processed,
      write: ([id]) => ({ id }),
    }),
    authors: new RowLog<string, { readonly id: string; readonly account: string }>({
      ...of,
      kind: parts.author,
      type: roomRecords.author,
      write: ([id, account]) => ({ id, account }),
    }),
    chains: new RowMap({ ...of, kind: parts.chain, type: roomRecords.chain, write: (one: Chain) => one }),
    outbox: new RowList(
      { ...of, kind: parts.outbox, type: roomRecords.outbox, write: ({ unsure: _, ...one }: OutboxItem) => one },
      ({ archiveId, voided }) => (voided ? `voided ${archiveId}` : archiveId),
    ),
    intents: new RowList({
      ...of,
      kind: parts.intent,
      type: roomRecords.intent,
      write: (one: Intent) => writeIntent(one),
    }),
    queue: new RowList({
      ...of,
      kind: parts.queue,
      type: roomRecords.queued,
      write: (one: RoomState['queue'][number]) => writeQueued(one),
    }),
    proposals: new RowList({
      ...of,
      kind: parts.proposal,
      type: roomRecords.proposal,
      write: ({ unsure: _, ...one }: SentProposal) => one,
    }),
    welcomes: new RowList({
      ...of,
      kind: parts.welcome,
      type: roomRecords.welcome,
      write: (one: PendingWelcome) => one,
    }),
    attempt: new RowCell({
      ...of,
      kind: parts.attempt,
      type: roomRecords.attempt,
      write: writeAttempt,
    }),
    previous: new RowCell({
      ...of,
      kind: parts.previous,
      type: roomRecords.previous,
      write: ({ attempt, ...one }: Previous) => ({
        ...one,
        attempt: attempt && writeAttempt(attempt),
        intents: one.intents.map(writeIntent),
      }),
    }),
    creating: new RowCell({
      ...of,
      kind: parts.creating,
      type: roomRecords.creating,
      write: ({ id, groupInfo }: NonNullable<RoomState['creating']>) => ({ id, groupInfo }),
    }),
    joining: new RowCell({
      ...of,
      kind: parts.joining,
      type: roomRecords.joining,
      write: ({ request, asked, commit, id, epoch }: NonNullable<RoomState['joining']>) => ({
        request,
        asked,
        commit: commit ?? new Uint8Array(0),
        id: id ?? '',
        epoch: epoch ?? 0n,
      }),
    }),
  }
}

/** Entries that wait for an epoch are not stored: the cursor stays before them, and they are read again. */
export function headOf(room: string, state: RoomState): HeadRecord {
  const { phase, base, joinEpoch, ownNumber, ownLink, head, forked, truncated, outside, leaving, hold } = state
  const cursor = hold === undefined ? state.cursor : hold.cursor
  return { room, phase, cursor, base, joinEpoch, ownNumber, ownLink, head, forked, truncated, outside, leaving }
}

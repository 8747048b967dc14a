/** Format 1 of a room: one record for everything but the group, which was one snapshot. Only read, by `room-store.ts`. */
import type { Group } from '../../group/group.ts'
import { recordType } from '../../storage/records.ts'
import { bool, bytes, fields, type Infer, list, oneOf, optional, text, uint } from '../../storage/schema.ts'
import { type Chain, initialState, type RoomState } from './engine/state.ts'
import { deviceKey } from './identity.ts'
import { readIntent, StoredIntent, uint64 } from './store-records.ts'

const large = bytes({ max: 64 * 1024 * 1024 })
const id = text(256)
const jid = text(3071)

const room = fields({
  phase: oneOf('outside', 'active', 'removed'),
  cursor: optional(id),
  processed: list(id, 8192),
  base: optional(id),
  joinEpoch: uint64,
  previous: optional(
    fields({
      epoch: uint64,
      snapshot: large,
      base: optional(id),
      end: id,
      until: uint(),
      intents: list(StoredIntent, 4096),
    }),
  ),
  intents: list(StoredIntent, 4096),
  attempt: optional(
    fields({
      id,
      epoch: uint64,
      commit: large,
      groupInfo: optional(large),
      intents: list(id, 4096),
      welcome: list(fields({ account: jid, references: list(bytes({ max: 64 }), 4096) }), 4096),
    }),
  ),
  outbox: list(
    fields({
      id,
      op: id,
      messageId: id,
      epoch: uint64,
      number: uint64,
      bytes: large,
      data: large,
      archiveId: optional(id),
    }),
    65_536,
  ),
  proposals: list(fields({ id, epoch: uint64, bytes: large }), 1024),
  welcomes: list(fields({ id, account: jid, epoch: uint64, at: id, welcome: large, tree: large }), 4096),
  chains: list(
    fields({
      account: jid,
      device: text(32),
      leafIndex: uint(),
      number: uint64,
      link: bytes({ max: 64 }),
      since: uint64,
      missing: list(uint64, 4096),
      reported: list(uint64, 4096),
    }),
    1 << 20,
  ),
  ownNumber: uint64,
  ownLink: bytes({ max: 64 }),
  head: optional(fields({ epoch: uint64, leafIndex: uint(), number: uint64, link: bytes({ length: 16 }) })),
  authors: list(fields({ id, account: jid }), 8192),
  forked: bool,
  truncated: bool,
  outside: optional(fields({ group: bytes({ max: 255 }), lastCommit: optional(uint64) })),
  /** A group that was begun and not seen in the archive yet; its secrets are in the group's row. */
  creating: optional(fields({ id, groupInfo: large })),
})

/** The tables of format 1, both by the room's address in UTF-8. */
export const format1Tables = { rooms: 'mls_rooms', groups: 'mls_groups' } as const
/** See the file. */
export const RoomRecord = recordType({ type: 'mls_room', version: 1, schema: room })

/** The state of a record. What was on its way has an unknown outcome: the archive is asked. */
export function readRoomState(stored: Infer<typeof room>, group: Group | undefined): RoomState {
  const { attempt, creating } = stored
  return {
    ...initialState(),
    ...stored,
    group: creating === undefined ? group : undefined,
    creating: creating === undefined || group === undefined ? undefined : { ...creating, group },
    processed: new Set(stored.processed),
    // the epoch before was kept for a minute: that is over
    previous: undefined,
    intents: stored.intents.map(readIntent),
    attempt: attempt === undefined ? undefined : { ...attempt, unsure: true },
    outbox: stored.outbox.map((item) => ({ ...item, unsure: true, voided: false })),
    proposals: stored.proposals.map((item) => ({ ...item, unsure: true })),
    welcomes: [...stored.welcomes],
    chains: new Map(
      stored.chains.map((chain): [string, Chain] => [
        deviceKey(chain),
        { ...chain, missing: [...chain.missing], reported: [...chain.reported] },
      ]),
    ),
    authors: new Map(stored.authors.map((one) => [one.id, one.account])),
  }
}

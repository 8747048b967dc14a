/** Format 1 of a room: one record for everything but the group, which was one snapshot. Only read, by `store-state.ts`. */
import type { Group } from '../../group/group.ts'
import { recordType } from '../../storage/records.ts'
import { fields, type Infer, list, optional } from '../../storage/schema.ts'
import { type Chain, initialState, type RoomState } from './engine/state.ts'
import { deviceKey } from './identity.ts'
import { readIntent } from './store-records.ts'
import {
  headFields,
  id,
  large,
  outboxFields,
  previousFields,
  StoredAttempt,
  StoredAuthor,
  StoredChain,
  StoredCreation,
  StoredIntent,
  StoredProposal,
  StoredWelcome,
} from './store-schemas.ts'

const room = fields({
  ...headFields,
  processed: list(id, 8192),
  previous: optional(fields({ ...previousFields, snapshot: large })),
  intents: list(StoredIntent, 4096),
  attempt: optional(StoredAttempt),
  outbox: list(fields(outboxFields), 65_536),
  proposals: list(StoredProposal, 1024),
  welcomes: list(StoredWelcome, 4096),
  chains: list(StoredChain, 1 << 20),
  authors: list(StoredAuthor, 8192),
  creating: optional(StoredCreation),
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

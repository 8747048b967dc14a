/** The record of a room: what its state is made of, except the group, which has its own row. */
import { type Bytes, copyBytes } from '../../bytes/bytes.ts'
import type { Group } from '../../group/group.ts'
import { recordType } from '../../storage/records.ts'
import { bool, bytes, fields, list, oneOf, optional, type Schema, text, uint } from '../../storage/schema.ts'
import { type Chain, type Intent, initialState, type RoomState } from './engine/state.ts'

const large = bytes({ max: 64 * 1024 * 1024 })
const id = text(256)
const jid = text(3071)
/** Numbers of epochs and messages, as decimal text: they have 64 bits. */
const uint64: Schema<bigint> = {
  read: (value, at) => {
    const found = text(20).read(value, at)
    return /^\d+$/.test(found) ? BigInt(found) : BigInt(uint().read(undefined, at))
  },
  write: (value) => String(value),
}

const StoredIntent = fields({
  id,
  kind: oneOf('add', 'remove', 'update', 'policy'),
  account: optional(jid),
  device: optional(text(32)),
  keyPackages: list(large, 4096),
  externalJoin: optional(oneOf('none', 'same-account', 'anyone')),
})

/** See the file. */
export const RoomRecord = recordType({
  type: 'mls_room',
  version: 1,
  schema: fields({
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
  }),
})

type Stored = Parameters<typeof RoomRecord.encode>[0]

/** The record of a state. Entries that wait for an epoch are not in it: the cursor stays before them, see `readRoomState`. */
export function writeRoomState(state: RoomState): Stored {
  const { previous, attempt, hold } = state
  const waiting = new Set(state.future.map(({ entry }) => entry.archiveId))
  return {
    ...state,
    cursor: hold === undefined ? state.cursor : hold.cursor,
    processed: [...state.processed].filter((one) => !waiting.has(one)),
    previous: previous === undefined ? undefined : { ...previous, intents: previous.intents.map(writeIntent) },
    intents: state.intents.map(writeIntent),
    attempt:
      attempt === undefined ? undefined : pick(attempt, ['id', 'epoch', 'commit', 'groupInfo', 'intents', 'welcome']),
    outbox: state.outbox,
    chains: [...state.chains.values()],
    authors: [...state.authors].map(([key, account]) => ({ id: key, account })),
  } as Stored
}

function pick<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Pick<T, K> {
  const out: Partial<T> = {}
  for (const key of keys) out[key] = value[key]
  return out as Pick<T, K>
}

function writeIntent(intent: Intent): Stored['intents'][number] {
  return {
    id: intent.id,
    kind: intent.kind,
    account: 'account' in intent ? intent.account : undefined,
    device: intent.kind === 'remove' ? intent.device : undefined,
    keyPackages: intent.kind === 'add' ? intent.keyPackages.map((one) => copyBytes(one)) : [],
    externalJoin: intent.kind === 'policy' ? intent.policy.externalJoin : undefined,
  }
}

function readIntent(stored: Stored['intents'][number]): Intent {
  const { id: key, account = '', device, keyPackages, externalJoin = 'none' } = stored
  switch (stored.kind) {
    case 'add':
      return { id: key, kind: 'add', account, keyPackages: keyPackages as readonly Bytes[] }
    case 'remove':
      return { id: key, kind: 'remove', account, device }
    case 'update':
      return { id: key, kind: 'update' }
    case 'policy':
      return { id: key, kind: 'policy', policy: { externalJoin } }
  }
}

/** The state of a record. What was on its way has an unknown outcome: the archive is asked. */
export function readRoomState(stored: Stored, group: Group | undefined): RoomState {
  const { previous, attempt, creating } = stored
  return {
    ...initialState(),
    ...stored,
    group: creating === undefined ? group : undefined,
    creating: creating === undefined || group === undefined ? undefined : { ...creating, group },
    processed: new Set(stored.processed),
    previous: previous === undefined ? undefined : { ...previous, intents: previous.intents.map(readIntent) },
    intents: stored.intents.map(readIntent),
    attempt: attempt === undefined ? undefined : { ...attempt, unsure: true },
    outbox: stored.outbox.map((item) => ({ ...item, unsure: true })),
    proposals: stored.proposals.map((item) => ({ ...item, unsure: true })),
    welcomes: [...stored.welcomes],
    chains: new Map(
      stored.chains.map((chain): [string, Chain] => [
        `${chain.device} ${chain.account}`,
        { ...chain, missing: [...chain.missing], reported: [...chain.reported] },
      ]),
    ),
    authors: new Map(stored.authors.map((one) => [one.id, one.account])),
  }
}

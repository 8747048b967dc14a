/** The records of the binding's rooms, format 2; see `store-layout.ts`. */
import { type Bytes, copyBytes } from '../../bytes/bytes.ts'
import { type RecordBody, recordType } from '../../storage/records.ts'
import {
  bool,
  bytes,
  fields,
  type Infer,
  list,
  oneOf,
  optional,
  type Schema,
  text,
  uint,
} from '../../storage/schema.ts'
import { parseXml } from '../stanza/parse.ts'
import { serialise } from '../stanza/serialise.ts'
import type { Intent, RoomState } from './engine/state.ts'
import type { MessageContent } from './types.ts'

const large = bytes({ max: 64 * 1024 * 1024 })
const id = text(256)
const jid = text(3071)
/** Numbers of epochs and messages, as decimal text: they have 64 bits. */
export const uint64: Schema<bigint> = {
  read: (value, at) => {
    const found = text(20).read(value, at)
    return /^\d+$/.test(found) ? BigInt(found) : BigInt(uint().read(undefined, at))
  },
  write: (value) => String(value),
}

/** What is wanted of a group, as it is stored. */
export const StoredIntent = fields({
  id,
  kind: oneOf('add', 'remove', 'update', 'policy'),
  account: optional(jid),
  device: optional(text(32)),
  keyPackages: list(large, 4096),
  externalJoin: optional(oneOf('none', 'same-account', 'anyone')),
})

const head = fields({
  room: jid,
  phase: oneOf('outside', 'active', 'removed'),
  cursor: optional(id),
  base: optional(id),
  joinEpoch: uint64,
  ownNumber: uint64,
  ownLink: bytes({ max: 64 }),
  head: optional(fields({ epoch: uint64, leafIndex: uint(), number: uint64, link: bytes({ length: 16 }) })),
  forked: bool,
  truncated: bool,
  outside: optional(fields({ group: bytes({ max: 255 }), lastCommit: optional(uint64) })),
  /** The operation that wants this account out. */
  leaving: optional(id),
})

const chain = fields({
  account: jid,
  device: text(32),
  leafIndex: uint(),
  number: uint64,
  link: bytes({ max: 64 }),
  since: uint64,
  missing: list(uint64, 4096),
  reported: list(uint64, 4096),
})

const outbox = fields({
  id,
  op: id,
  messageId: id,
  epoch: uint64,
  number: uint64,
  bytes: large,
  data: large,
  archiveId: optional(id),
  voided: bool,
})

const welcome = fields({ id, account: jid, epoch: uint64, at: id, welcome: large, tree: large })

const attempt = fields({
  id,
  epoch: uint64,
  commit: large,
  groupInfo: optional(large),
  intents: list(id, 4096),
  welcome: list(fields({ account: jid, references: list(bytes({ max: 64 }), 4096) }), 4096),
})

const previous = fields({
  epoch: uint64,
  earlier: large,
  attempt: optional(attempt),
  base: optional(id),
  end: id,
  until: uint(),
  intents: list(StoredIntent, 4096),
})

const queued = fields({
  op: id,
  kind: oneOf('text', 'reply', 'reaction', 'correction', 'retraction', 'received', 'displayed', 'xml'),
  to: optional(text(4096)),
  body: optional(text(16 * 1024 * 1024)),
  emojis: list(text(256), 4096),
  /** Elements as XML. */
  elements: list(text(16 * 1024 * 1024), 4096),
})

const message = fields({
  id,
  archiveId: id,
  account: jid,
  device: text(32),
  leafIndex: uint(),
  own: bool,
  epoch: uint64,
  number: optional(uint()),
  bound: bool,
  late: bool,
  /** When it came, in milliseconds since the Unix epoch. */
  at: uint(),
  /** The envelope (XEP-0420) as it was decrypted. */
  data: large,
})

const participant = fields({ account: jid, device: text(32), leafIndex: uint(), own: bool })

const membership = fields({
  epoch: uint64,
  archiveId: id,
  by: participant,
  added: list(participant, 1 << 18),
  removed: list(participant, 1 << 18),
  external: optional(oneOf('joined', 'rejoined')),
  externalJoin: optional(oneOf('none', 'same-account', 'anyone')),
})

const unreadable = fields({
  archiveId: id,
  reason: oneOf(
    'before-join',
    'too-old',
    'missing-epoch',
    'fork',
    'tampered',
    'replayed',
    'malformed',
    'wrong-room',
    'not-author',
    'too-large',
    'unavailable',
    'removed',
  ),
  epoch: optional(uint64),
  sender: optional(participant),
})

/** One of them: something that the application is to be told. */
const event = fields({
  message: optional(message),
  membership: optional(membership),
  unreadable: optional(unreadable),
})

/** A message as it is stored. */
export type MessageRecord = Infer<typeof message>
/** Something that the application is to be told, as it is stored. */
export type EventRecord = Infer<typeof event>
/** A device in such a record. */
export type ParticipantRecord = Infer<typeof participant>
/** What every message changes. */
export type HeadRecord = Infer<typeof head>

/** Version 1 had a whole snapshot: with nothing in its place that minute's window is over, and the row goes with it. */
function withoutSnapshot(body: RecordBody): RecordBody {
  body.delete('snapshot')
  body.set('earlier', new Uint8Array(0))
  return body
}

/** The kinds of records, with their versions. */
export const roomRecords = {
  head: recordType({ type: 'mls_room_head', version: 1, schema: head }),
  processed: recordType({ type: 'mls_room_processed', version: 1, schema: fields({ id }) }),
  author: recordType({ type: 'mls_room_author', version: 1, schema: fields({ id, account: jid }) }),
  chain: recordType({ type: 'mls_room_chain', version: 1, schema: chain }),
  outbox: recordType({ type: 'mls_room_outbox', version: 1, schema: outbox }),
  intent: recordType({ type: 'mls_room_intent', version: 1, schema: StoredIntent }),
  proposal: recordType({ type: 'mls_room_proposal', version: 1, schema: fields({ id, epoch: uint64, bytes: large }) }),
  welcome: recordType({ type: 'mls_room_welcome', version: 1, schema: welcome }),
  attempt: recordType({ type: 'mls_room_attempt', version: 1, schema: attempt }),
  previous: recordType({ type: 'mls_room_previous', version: 2, schema: previous, migrations: [withoutSnapshot] }),
  creating: recordType({ type: 'mls_room_creating', version: 1, schema: fields({ id, groupInfo: large }) }),
  joining: recordType({
    type: 'mls_room_joining',
    version: 1,
    schema: fields({ request: id, asked: uint(), commit: large, id, epoch: uint64 }),
  }),
  event: recordType({ type: 'mls_room_event', version: 1, schema: event }),
  queued: recordType({ type: 'mls_room_queued', version: 1, schema: queued }),
  message: recordType({ type: 'mls_room_message', version: 1, schema: message }),
} as const

/** A message that waits to be encrypted, as it is stored. */
export function writeQueued({ op, content }: RoomState['queue'][number]): Infer<typeof queued> {
  return {
    op,
    kind: content.kind,
    to: 'to' in content ? content.to : undefined,
    body: 'body' in content ? content.body : undefined,
    emojis: content.kind === 'reaction' ? content.emojis : [],
    elements: content.kind === 'xml' ? content.elements.map((one) => serialise(one)) : [],
  }
}

/** The message that waits. */
export function readQueued({ op, kind, to = '', body = '', emojis, elements }: Infer<typeof queued>) {
  const contentOf = (): MessageContent => {
    switch (kind) {
      case 'text':
        return { kind, body }
      case 'reply':
      case 'correction':
        return { kind, to, body }
      case 'reaction':
        return { kind, to, emojis }
      case 'xml':
        return { kind, elements: elements.map((one) => parseXml(one)) }
      default:
        return { kind, to }
    }
  }
  return { op, content: contentOf() }
}

/** An intent as it is stored. */
export function writeIntent(intent: Intent): Infer<typeof StoredIntent> {
  return {
    id: intent.id,
    kind: intent.kind,
    account: 'account' in intent ? intent.account : undefined,
    device: intent.kind === 'remove' ? intent.device : undefined,
    keyPackages: intent.kind === 'add' ? intent.keyPackages.map((one) => copyBytes(one)) : [],
    externalJoin: intent.kind === 'policy' ? intent.policy.externalJoin : undefined,
  }
}

/** The intent that was stored. */
export function readIntent(stored: Infer<typeof StoredIntent>): Intent {
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

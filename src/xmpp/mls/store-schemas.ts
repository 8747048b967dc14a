/** What the records of the binding's rooms are made of, in format 2 and, where they say so, in format 1. */
import { bool, bytes, fields, list, oneOf, optional, text, uint, uint64 } from '../../storage/schema.ts'

/** Messages, trees and groups. */
export const large = bytes({ max: 64 * 1024 * 1024 })
/** Ids of the archive, of operations, of stanzas. */
export const id = text(256)
/** RFC 7622 §3.1: at most 1,023 bytes a part, and two separators. */
export const jid = text(3071)
/** What is wanted of a group, as it is stored. */
export const StoredIntent = fields({
  id,
  kind: oneOf('add', 'remove', 'update', 'policy'),
  account: optional(jid),
  device: optional(text(32)),
  keyPackages: list(large, 4096),
  externalJoin: optional(oneOf('none', 'same-account', 'anyone')),
})

/** What every message changes; of format 1, too. */
export const headFields = {
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
}

/** The head of a room. */
export const StoredHead = fields({
  room: jid,
  ...headFields,
  /** The operation that wants this account out. */
  leaving: optional(id),
})

/** The chain of a device in the archive. */
export const StoredChain = fields({
  account: jid,
  device: text(32),
  leafIndex: uint(),
  number: uint64,
  link: bytes({ max: 64 }),
  since: uint64,
  missing: list(uint64, 4096),
  reported: list(uint64, 4096),
})

/** A message on its way; of format 1, too. */
export const outboxFields = {
  id,
  op: id,
  messageId: id,
  epoch: uint64,
  number: uint64,
  bytes: large,
  data: large,
  archiveId: optional(id),
}

/** A message on its way. */
export const StoredOutboxItem = fields({ ...outboxFields, voided: bool })

/** The author of a message, by its id. */
export const StoredAuthor = fields({ id, account: jid })

/** A proposal on its way. */
export const StoredProposal = fields({ id, epoch: uint64, bytes: large })

/** A group that was begun and not seen in the archive yet; its secrets are in the group's row. */
export const StoredCreation = fields({ id, groupInfo: large })

/** A Welcome on its way. */
export const StoredWelcome = fields({ id, account: jid, epoch: uint64, at: id, welcome: large, tree: large })

/** A commit on its way. */
export const StoredAttempt = fields({
  id,
  epoch: uint64,
  commit: large,
  groupInfo: optional(large),
  intents: list(id, 4096),
  welcome: list(fields({ account: jid, references: list(bytes({ max: 64 }), 4096) }), 4096),
})

/** Of the epoch before a channel's last commit; of format 1, too. */
export const previousFields = {
  epoch: uint64,
  base: optional(id),
  end: id,
  until: uint(),
  intents: list(StoredIntent, 4096),
}

/** The epoch before a channel's last commit. */
export const StoredPrevious = fields({ ...previousFields, earlier: large, attempt: optional(StoredAttempt) })

/** An external commit on its way. */
export const StoredJoining = fields({ request: id, asked: uint(), commit: large, id, epoch: uint64 })

/** A message that waits to be encrypted. */
export const StoredQueued = fields({
  op: id,
  kind: oneOf('text', 'reply', 'reaction', 'correction', 'retraction', 'received', 'displayed', 'xml'),
  to: optional(text(4096)),
  body: optional(text(16 * 1024 * 1024)),
  emojis: list(text(256), 4096),
  /** Elements as XML. */
  elements: list(text(16 * 1024 * 1024), 4096),
})

/** A message that was read. */
export const StoredMessage = fields({
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

/** A device in such a record. */
export const StoredParticipant = fields({ account: jid, device: text(32), leafIndex: uint(), own: bool })

const membership = fields({
  epoch: uint64,
  archiveId: id,
  by: StoredParticipant,
  added: list(StoredParticipant, 1 << 18),
  removed: list(StoredParticipant, 1 << 18),
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
  sender: optional(StoredParticipant),
})

/** One of them: something that the application is to be told. */
export const StoredEvent = fields({
  message: optional(StoredMessage),
  membership: optional(membership),
  unreadable: optional(unreadable),
})

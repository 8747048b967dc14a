import type { StanzaError } from '../../xmpp/stanza/xmpp-error.ts'

/** The differences between servers that the service plays: measured on Prosody 0.12.3 and ejabberd 23.01. */
export interface Dialect {
  readonly name: 'prosody' | 'ejabberd'
  /** Archive ids: random text, or microseconds since the epoch as decimal text. */
  readonly archiveIds: 'random' | 'time'
  /** What a page after an unknown archive id gives: an error, or whatever compares greater. */
  readonly unknownCursor: 'error' | 'compare'
  readonly pageSize: number
  readonly maxPageSize: number
  /** Publish-options that are understood; any other field is refused. `undefined`: all are understood. */
  readonly publishOptions: readonly string[] | undefined
  readonly missingNode: StanzaError
  readonly closedNode: StanzaError
  /** Largest PEP item in bytes. */
  readonly itemLimit: number
  /** Largest stanza in bytes; a larger one ends the stream. */
  readonly streamLimit: number
  /** Whether that is announced (XEP-0478). */
  readonly announcesLimit?: boolean
  /** How slowly it reads what a client sends, and how many bytes may wait to be read before it ends the stream. */
  readonly shaper?: { readonly bytesPerSecond: number; readonly backlog: number }
  readonly notInRoom: StanzaError
  readonly mix: boolean
  /** Rooms say that they keep the ids of messages (XEP-0045 `stable_id`); all keep them. */
  readonly stableIds: boolean
  /** Rooms give occupants opaque ids and say so (XEP-0421). */
  readonly maxOccupants: number
  /** Field that turns the archive of a room on; `undefined` where every room has one. */
  readonly roomArchiveField: string | undefined
}

/** Prosody 0.12.3 with every room archived. */
export const prosodyDialect: Dialect = {
  name: 'prosody',
  archiveIds: 'random',
  unknownCursor: 'error',
  pageSize: 20,
  maxPageSize: 250,
  publishOptions: undefined,
  missingNode: { type: 'auth', condition: 'forbidden' },
  closedNode: { type: 'auth', condition: 'forbidden' },
  itemLimit: Number.POSITIVE_INFINITY,
  streamLimit: 262_144,
  notInRoom: { type: 'cancel', condition: 'not-acceptable' },
  mix: false,
  stableIds: true,
  maxOccupants: Number.POSITIVE_INFINITY,
  roomArchiveField: 'muc#roomconfig_enablearchiving',
}

/** ejabberd 23.01 with MAM, MIX and rooms for 5000. */
export const ejabberdDialect: Dialect = {
  name: 'ejabberd',
  archiveIds: 'time',
  unknownCursor: 'compare',
  pageSize: 50,
  maxPageSize: 250,
  publishOptions: ['pubsub#access_model', 'pubsub#persist_items'],
  missingNode: { type: 'cancel', condition: 'item-not-found' },
  closedNode: { type: 'cancel', condition: 'not-allowed', application: 'closed-node' },
  itemLimit: 250_000,
  streamLimit: 262_144,
  notInRoom: { type: 'modify', condition: 'not-acceptable' },
  mix: true,
  stableIds: false,
  maxOccupants: 5000,
  roomArchiveField: 'mam',
}

/**
 * The records of the group store. Parts that the engine encodes stand in them as bytes. Version 2 of `mls_state` says that
 * nodes in pages may carry the number of members below them (`ratchet-tree/stored-nodes.ts`), which version 1 did not know.
 */

import { recordType } from '../storage/records.ts'
import { bool, bytes, fields, type Infer, list, oneOf, optional, text, uint } from '../storage/schema.ts'

const large = bytes({ max: 64 * 1024 * 1024 })
const hash = bytes({ max: 64 })
const epoch = bytes({ length: 8 })

const meta = fields({
  storeId: bytes({ length: 16 }),
  /** Names of pages are keyed with it, so that names tell nothing about what is in them. */
  nameKey: bytes({ length: 32 }),
  incarnation: uint(),
  sequence: uint(),
  /** Whether an anchor was in use. */
  anchored: bool,
})

/** Why a group only receives. */
const quarantine = oneOf('anchor', 'anchor_missing', 'own_message', 'own_commit')

const group = fields({
  groupId: bytes({ max: 2 ** 16 }),
  cipherSuite: uint(65_535),
  life: uint(2 ** 32 - 1),
  /** The life that this one replaces, until joining again is confirmed. */
  previous: optional(uint(2 ** 32 - 1)),
  status: oneOf('active', 'joining', 'reinitialized', 'removed', 'left'),
  /** Hash of the external commit that joined, while nobody has confirmed it. */
  joinCommit: optional(hash),
  /** Of a group that is no more: its last epoch. */
  lastEpoch: optional(epoch),
  quarantine: optional(quarantine),
})

const state = fields({
  epoch,
  status: oneOf('active', 'removed', 'reinitialized', 'closed'),
  height: uint(17),
  bands: list(bytes({ max: 64 }), 4),
  lastCommit: optional(hash),
  reinit: optional(large),
})

const epochFields = fields({
  data: large,
  signatureKey: bytes({ max: 1024 }),
  endedAt: optional(uint()),
  /** Of a past epoch: what turns the tree of the epoch after it into its own. */
  treeDelta: optional(large),
})

const used = fields({ application: uint(), handshake: uint() })
/** Oldest first; see `key-age.ts`. */
const marks = fields({ list: list(fields({ at: uint(), mark: uint() }), 32) })
const proposal = fields({ data: large })
const pending = fields({ data: large, outbox: text(200), intent: optional(large) })

const outbox = fields({
  id: text(200),
  groupId: bytes({ max: 2 ** 16 }),
  epoch,
  kind: oneOf('application', 'proposal', 'commit', 'welcome', 'group_info'),
  bytes: large,
})

const message = fields({
  own: bool,
  sender: uint(2 ** 32 - 1),
  epoch,
  generation: uint(2 ** 32),
  id: optional(text(200)),
  at: uint(),
  authenticatedData: large,
  data: large,
})

const keyPackage = fields({ data: large, signatureKey: bytes({ max: 1024 }), lastResort: bool, published: bool })

/** What a store says of itself. */
export type MetaRecord = Infer<typeof meta>
/** A group: what is read first. */
export type GroupRecord = Infer<typeof group>
/** The state of a group in one epoch. */
export type StateRecord = Infer<typeof state>
/** A KeyPackage that was used up. */
export type UsedRecord = Infer<typeof used>
/** When how many keys of skipped generations were kept. */
export type MarksRecord = Infer<typeof marks>
/** Bytes that wait to be sent, exactly. */
export type OutboxRecord = Infer<typeof outbox>
/** A message of the local history. */
export type MessageRecord = Infer<typeof message>
/** Why a group only receives; see `rollback.ts`. */
export type QuarantineReason = Infer<typeof quarantine>

/** The kinds of records of this folder, with their versions. */
export const records = {
  meta: recordType({ type: 'mls_meta', version: 1, schema: meta }),
  group: recordType({ type: 'mls_group', version: 1, schema: group }),
  state: recordType({ type: 'mls_state', version: 2, schema: state, migrations: [(body) => body] }),
  epoch: recordType({ type: 'mls_epoch', version: 1, schema: epochFields }),
  used: recordType({ type: 'mls_used', version: 1, schema: used }),
  marks: recordType({ type: 'mls_marks', version: 1, schema: marks }),
  proposal: recordType({ type: 'mls_proposal', version: 1, schema: proposal }),
  pending: recordType({ type: 'mls_pending', version: 1, schema: pending }),
  outbox: recordType({ type: 'mls_outbox', version: 1, schema: outbox }),
  message: recordType({ type: 'mls_message', version: 1, schema: message }),
  keyPackage: recordType({ type: 'mls_key_package', version: 1, schema: keyPackage }),
} as const

/**
 * What a backup holds: everything that a person cannot make again, and nothing that belongs to one device. A restored device
 * is a new device with a new leaf. Leaf keys, epoch secrets and ratchets in a backup would bring back old keys, so that old
 * messages could be read and two devices would use one ratchet; the structure has no place for them.
 */
import { check } from '../bytes/errors.ts'
import {
  enumeration,
  fixed,
  type Infer,
  optional,
  struct,
  uint8,
  uint32,
  uint64,
  variant,
  vec,
} from '../codec/codec.ts'
import { AccountName, boundedOpaque } from './bounded.ts'
import { fixed16, fixed32 } from './ceremony-fields.ts'
import { headHashLength } from './manifest-head.ts'
import { recoverySecretLength } from './root-keys.ts'

/** Bounds of a backup. */
export const backupLimits = {
  /** Bytes of the plaintext. */
  contentBytes: 4_194_304,
  /** Root seeds: the current generation and the next ones. */
  rootSeeds: 16,
  pins: 16_384,
  groups: 4_096,
  historyKeys: 4_096,
  /** Bytes of a group id, and of the name and address of a group. */
  groupText: 1_024,
} as const

/** R itself, the seeds of single generations, or nothing, where the recovery code on paper is the only copy. */
const RootMaterial = variant(
  'root',
  uint8,
  {
    none: [0, {}],
    recovery_secret: [1, { recoverySecret: fixed(recoverySecretLength) }],
    root_seeds: [2, { seeds: vec(struct({ generation: uint32, seed: fixed32 }), backupLimits.rootSeeds) }],
  },
  'I111',
)

/** The states of a pin that a backup carries; others come anew from what the device sees. */
const backupPinStates = { tofu: 1, link_verified: 2, verified: 3 } as const

const head = { generation: uint32, seq: uint64, hash: fixed(headHashLength) }

/** A contact's root with its state, the newest head known, and when it was verified (seconds since the Unix epoch, 0 never). */
const BackupPin = struct({
  account: AccountName,
  rootHash: fixed32,
  ...head,
  state: enumeration(uint8, backupPinStates, 'I112'),
  verifiedAt: uint64,
})

/** A group to come back to by external commit: its id, the address of its room, its name. */
const BackupGroup = struct({
  groupId: boundedOpaque(backupLimits.groupText, 1),
  room: boundedOpaque(backupLimits.groupText),
  name: boundedOpaque(backupLimits.groupText),
})

/** The content of a backup, complete: there is no extension point. */
export const BackupContent = struct({
  rootMaterial: RootMaterial,
  opsPrivateKey: optional(fixed32),
  /** The newest manifest of the own account at the time of the backup. */
  head: struct(head),
  pins: vec(BackupPin, backupLimits.pins),
  groups: vec(BackupGroup, backupLimits.groups),
  /** Keys of archived history that the user chose to keep, by a random id; never keys of an epoch. */
  historyKeys: vec(struct({ id: fixed16, key: fixed32 }), backupLimits.historyKeys),
})
export type BackupContent = Infer<typeof BackupContent>

const allowed: ReadonlySet<string> = new Set([
  ...['rootMaterial', 'root', 'recoverySecret', 'seeds', 'generation', 'seed', 'opsPrivateKey', 'head', 'seq', 'hash'],
  ...['pins', 'account', 'rootHash', 'state', 'verifiedAt', 'groups', 'groupId', 'room', 'name'],
  ...['historyKeys', 'id', 'key'],
])

/**
 * Refuses an object with fields that the structure does not have: the codec would drop them in silence, and the caller would
 * believe that they were saved. Types say the same, but not for objects that were built elsewhere.
 * @throws `identity_backup/content`
 */
export function checkBackupFields(value: unknown): void {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) checkBackupFields(item)
    return
  }
  for (const [name, field] of Object.entries(value)) {
    check(allowed.has(name), 'identity_backup/content', undefined, 'a field that a backup must not have')
    checkBackupFields(field)
  }
}

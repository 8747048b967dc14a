/** What an identity client keeps: its own identity, the pins of others, what was found. All through the storage port. */
import type { Bytes } from '../../bytes/bytes.ts'
import { utf8 } from '../../bytes/text.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import { identityLimits } from '../../identity/limits.ts'
import { ownDeviceStates } from '../../identity/own-device.ts'
import { noRoot, rootStates } from '../../identity/root-state.ts'
import type { Storage, StorageOperation } from '../../ports/storage.ts'
import { putRecord, readRecord, recordType } from '../../storage/records.ts'
import { bool, bytes, fields, type Infer, list, oneOf, optional, text, uint, uint64 } from '../../storage/schema.ts'

const manifest = bytes({ max: identityLimits.manifestBytes })
const key = bytes({ length: 32 })

const own = fields({
  account: text(identityLimits.accountBytes),
  profile: oneOf('casual', 'strict'),
  hybrid: bool,
  device: oneOf(...ownDeviceStates),
  root: fields({ state: oneOf(...rootStates), generation: uint(), before: oneOf(...rootStates) }),
  /** The seed of this generation, on devices that hold it. */
  rootSeed: optional(key),
  /** Private key of OPS, on stewards. */
  ops: optional(key),
  manifest: optional(manifest),
  /** Whether the server has shown `manifest` as the current one. */
  published: bool,
  /** Earlier own manifests, oldest first: what others that come late are compared and merged with. */
  history: list(manifest, 64),
  /** Own rotations with the manifest that each of them left, oldest first. */
  rotations: list(
    fields({ statement: bytes({ max: identityLimits.rotationBytes }), lastManifest: manifest }),
    identityLimits.pastRoots,
  ),
  /** Certificates of the own device by leaf key. */
  certificates: list(
    fields({ leafKey: bytes({ max: identityLimits.leafKeyBytes }), certificate: bytes({ max: 4_096 }) }),
    identityLimits.leafKeys,
  ),
  /** Certificates of devices that are to be published. */
  unpublished: list(
    fields({ device: bytes({ length: 16 }), certificates: list(bytes({ max: 4_096 }), identityLimits.leafKeys) }),
    identityLimits.devices,
  ),
  backupCounter: uint64,
  /** What a steward sealed to this device, until the server shows the manifest that lists it. */
  awaiting: optional(fields({ rootHash: key, generation: uint(), seq: uint64, hash: bytes({ length: 16 }) })),
  /** A key that all own devices share, for the names of devices. */
  historyKey: optional(key),
  /** Devices that this one replaces: their leaves go when it joins. */
  replaces: list(bytes({ length: 16 }), identityLimits.devices),
  /** Link requests that were answered. */
  linked: list(bytes({ max: 64 }), 256),
})
/** The own identity, as it is stored. */
export type StoredOwn = Infer<typeof own>

/** The state of a device that belongs to no identity. */
export function emptyOwn(account: string): StoredOwn {
  return {
    account,
    profile: 'casual',
    hybrid: false,
    device: 'FRESH',
    root: noRoot,
    rootSeed: undefined,
    ops: undefined,
    manifest: undefined,
    published: false,
    history: [],
    rotations: [],
    certificates: [],
    unpublished: [],
    backupCounter: 0n,
    awaiting: undefined,
    historyKey: undefined,
    replaces: [],
    linked: [],
  }
}

const OwnRecord = recordType({ type: 'identity_own', version: 1, schema: own })

const pin = fields({
  account: text(identityLimits.accountBytes),
  /** See `identity/contact-pin.ts`. */
  pin: bytes({ max: 3 * identityLimits.manifestBytes }),
  /** Rotations of the contact with the manifest that each of them left, oldest first. */
  rotations: list(
    fields({ statement: bytes({ max: identityLimits.rotationBytes }), lastManifest: manifest }),
    identityLimits.pastRoots,
  ),
  /** When the node was read last, in milliseconds since the Unix epoch. */
  readAt: uint(),
})
/** A pin, as it is stored. */
export type StoredPin = Infer<typeof pin>

const PinRecord = recordType({ type: 'identity_pin', version: 1, schema: pin })

const finding = fields({
  account: text(identityLimits.accountBytes),
  kind: text(64),
  loudness: oneOf('note', 'warning', 'alarm'),
  sentence: text(1_024),
  /** Milliseconds since the Unix epoch. */
  at: uint(),
  /** Evidence that anybody can check offline, see `identity/evidence.ts`. */
  evidence: optional(bytes({ max: identityLimits.evidenceBytes })),
})
/** Something that was found, as it is stored. */
export type StoredFinding = Infer<typeof finding>

const FindingRecord = recordType({ type: 'identity_finding', version: 1, schema: finding })

const tables = { own: 'identity_own', pins: 'identity_pins', findings: 'identity_findings' } as const
const ownKey = utf8('own')
/** Findings that are kept; older ones go. */
const maxFindings = 1_024

/** Reads and writes the records of an identity client. */
export class IdentityStore {
  readonly #storage: Storage
  readonly #suite: CipherSuite
  #next = 0

  /** @param suite cipher suite 1 */
  constructor(storage: Storage, suite: CipherSuite) {
    this.#storage = storage
    this.#suite = suite
  }

  own(): Promise<StoredOwn | undefined> {
    return readRecord(this.#storage, tables.own, ownKey, OwnRecord)
  }

  async saveOwn(value: StoredOwn): Promise<void> {
    await this.#storage.apply([putRecord(tables.own, ownKey, OwnRecord, value)])
  }

  async pins(): Promise<readonly StoredPin[]> {
    const rows = await this.#storage.scan(tables.pins, { limit: 65_536 })
    return rows.map(({ value }) => PinRecord.decode(value))
  }

  /** Saves a pin and what was found with it, together. */
  async savePin(value: StoredPin, findings: readonly StoredFinding[] = []): Promise<void> {
    await this.#storage.apply([
      putRecord(tables.pins, this.#keyOf(value.account), PinRecord, value),
      ...this.#additions(findings),
    ])
  }

  #keyOf(account: string): Bytes {
    // an address may be longer than a key
    return this.#suite.hash(utf8(account))
  }

  async saveFindings(findings: readonly StoredFinding[]): Promise<void> {
    await this.#storage.apply(this.#additions(findings))
  }

  #additions(findings: readonly StoredFinding[]): StorageOperation[] {
    return findings.map((one) => putRecord(tables.findings, findingKey(this.#next++), FindingRecord, one))
  }

  /** All findings, oldest first; those beyond the newest 1,024 are deleted. */
  async findings(): Promise<readonly StoredFinding[]> {
    const rows = await this.#storage.scan(tables.findings, { limit: 65_536 })
    const old = rows.slice(0, Math.max(0, rows.length - maxFindings))
    if (old.length > 0)
      await this.#storage.apply(old.map(({ key: name }) => ({ kind: 'delete', table: tables.findings, key: name })))
    const last = rows.at(-1)
    if (last !== undefined)
      this.#next = Math.max(this.#next, Number(new DataView(last.key.buffer, last.key.byteOffset).getBigUint64(0)) + 1)
    return rows.slice(old.length).map(({ value }) => FindingRecord.decode(value))
  }
}

function findingKey(number: number): Bytes {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(number))
  return out
}

/**
 * Messages of a room on this device: those that the application has not taken yet, and the history where one is kept. Both
 * hold the envelope as it was decrypted, in the batch that also moves the ratchet on (reliability T2).
 */
import { type Bytes, concatBytes, copyBytes } from '../../bytes/bytes.ts'
import { key64, number64 } from '../../group-store/layout.ts'
import type { Storage, StorageOperation } from '../../ports/storage.ts'
import { putRecord } from '../../storage/records.ts'
import { openContent } from './content.ts'
import type { Emission } from './engine/events.ts'
import type { EngineContext, OutboxItem } from './engine/state.ts'
import { roomTables } from './store-layout.ts'
import { type EventRecord, type MessageRecord, type ParticipantRecord, roomRecords } from './store-records.ts'
import type { HistoryEntry, HistoryPage, HistoryPolicy, Participant, RoomMessage } from './types.ts'

/** Messages that wait for an application that does not ask for them; older ones are given up. */
const maxWaiting = 65_536n
/** Messages beyond an age are looked for this often: each so many that are kept. */
const sweepEvery = 64n
const sweepLimit = 256

/** Something that the application has not taken, under the number that says so when it has. */
export interface WaitingEvent {
  readonly number: bigint
  readonly event: Emission
}

/** See the file. */
export class RoomMessages {
  readonly #storage: Storage
  readonly #name: Uint8Array
  readonly #engine: EngineContext
  readonly #policy: HistoryPolicy | undefined
  #inbox = 0n
  #history = 0n
  #taken: bigint[] = []

  constructor(storage: Storage, name: Uint8Array, engine: EngineContext, policy: HistoryPolicy | undefined) {
    this.#storage = storage
    this.#name = name
    this.#engine = engine
    this.#policy = policy
  }

  /** Finds where the next ones go, and what the application has not taken. @throws `storage/…` */
  async load(): Promise<readonly WaitingEvent[]> {
    const prefix = this.#name
    const [[last], waiting] = await Promise.all([
      this.#storage.scanKeys(roomTables.history, { prefix, reverse: true, limit: 1 }),
      this.#storage.scan(roomTables.inbox, { prefix, limit: 65_536 }),
    ])
    this.#history = last === undefined ? 0n : number64(last, prefix.length) + 1n
    const known = this.#inbox
    return waiting.flatMap(({ key, value }) => {
      const number = number64(key, prefix.length)
      if (number >= this.#inbox) this.#inbox = number + 1n
      // after a batch that failed: those before it were told by this process
      if (number < known) return []
      const event = this.#event(roomRecords.event.decode(value))
      return event === undefined ? [] : [{ number, event }]
    })
  }

  /** What the application is to be told: kept until it has taken it, a message for the history, too. */
  received(event: Emission, data: Bytes | undefined, operations: StorageOperation[]): bigint | undefined {
    const record = this.#record(event, data)
    if (record === undefined) return undefined
    const place = this.#inbox++
    operations.push(putRecord(roomTables.inbox, this.#key(place), roomRecords.event, record))
    if (place >= maxWaiting)
      operations.push({ kind: 'delete', table: roomTables.inbox, key: this.#key(place - maxWaiting) })
    if (record.message !== undefined) this.#keep(record.message, operations)
    return place
  }

  #record(event: Emission, data: Bytes | undefined): EventRecord | undefined {
    const none = { message: undefined, membership: undefined, unreadable: undefined }
    if (event.name === 'message') {
      if (data === undefined) return undefined
      const { sender, id, archiveId, epoch, number, binding, late } = event.value
      const { account, device, leafIndex, own } = sender
      const bound = binding === 'bound'
      const at = this.#now()
      const message = { id, archiveId, account, device, leafIndex, own, epoch, number, bound, late, at, data }
      return { ...none, message }
    }
    if (event.name === 'unreadable') {
      const { sender } = event.value
      return { ...none, unreadable: { ...event.value, sender: sender === undefined ? undefined : bare(sender) } }
    }
    if (event.name !== 'membership') return undefined
    const { epoch, archiveId, by, added, removed, external, policy } = event.value
    const membership = {
      ...{ epoch, archiveId, external, by: bare(by), added: added.map(bare), removed: removed.map(bare) },
      externalJoin: policy?.externalJoin,
    }
    return { ...none, membership }
  }

  #event({ message, membership, unreadable }: EventRecord): Emission | undefined {
    if (membership !== undefined) {
      const { by, added, removed, externalJoin, ...rest } = membership
      const policy = externalJoin === undefined ? undefined : { externalJoin }
      const value = { ...rest, by: whole(by), added: added.map(whole), removed: removed.map(whole), policy }
      return { name: 'membership', value }
    }
    if (unreadable !== undefined) {
      const { sender } = unreadable
      return { name: 'unreadable', value: { ...unreadable, sender: sender === undefined ? undefined : whole(sender) } }
    }
    const value = message === undefined ? undefined : this.#message(message)
    return value === undefined ? undefined : { name: 'message', value: { ...value, redelivered: true } }
  }

  /** An own message that the archive has shown. */
  confirmed(item: OutboxItem, operations: StorageOperation[]): void {
    const { account, device } = this.#engine
    const { messageId: id, archiveId = '', epoch, number, data } = item
    const from = { account, device, leafIndex: 0, own: true }
    this.#keep(
      { id, archiveId, ...from, epoch, number: Number(number), bound: true, late: false, at: this.#now(), data },
      operations,
    )
  }

  #keep(record: MessageRecord, operations: StorageOperation[]): void {
    if (this.#policy === undefined) return
    const place = this.#history++
    operations.push(putRecord(roomTables.history, this.#key(place), roomRecords.message, record))
    const { maxMessages } = this.#policy
    if (maxMessages !== undefined && place >= BigInt(maxMessages))
      operations.push({ kind: 'delete', table: roomTables.history, key: this.#key(place - BigInt(maxMessages)) })
  }

  /** The application has taken something: with the next batch it is not given again. */
  taken(number: bigint): void {
    this.#taken.push(number)
  }

  /** Whether {@link settle} has something to do. */
  get unsettled(): boolean {
    return this.#taken.length > 0
  }

  /** Adds to a batch what deletes what was taken. @returns to be called when the batch is durable */
  settle(operations: StorageOperation[]): () => void {
    const taken = this.#taken
    for (const number of taken) operations.push({ kind: 'delete', table: roomTables.inbox, key: this.#key(number) })
    return () => {
      this.#taken = this.#taken.slice(taken.length)
    }
  }

  /** Whether it is time to look for messages that are too old. */
  get sweepDue(): boolean {
    return this.#policy?.maxAgeMs !== undefined && this.#history % sweepEvery === 0n
  }

  /** What deletes messages of the history that are older than the policy allows. @throws `storage/…` */
  async sweep(): Promise<StorageOperation[]> {
    const { maxAgeMs } = this.#policy ?? {}
    if (maxAgeMs === undefined) return []
    const before = this.#now() - maxAgeMs
    const rows = await this.#storage.scan(roomTables.history, { prefix: this.#name, limit: sweepLimit })
    const over = rows.filter(({ value }) => roomRecords.message.decode(value).at < before)
    return over.map(({ key }) => ({ kind: 'delete', table: roomTables.history, key }))
  }

  /** A page of the history, newest first. @throws `storage/…` */
  async page({ before, limit = 50 }: HistoryPage = {}): Promise<HistoryEntry[]> {
    const rows = await this.#storage.scan(roomTables.history, {
      prefix: this.#name,
      ...(before === undefined ? {} : { before: this.#key(before) }),
      reverse: true,
      limit: Math.min(Math.max(limit, 1), 1000),
    })
    return rows.flatMap((row) => this.#entry(row))
  }

  /** The whole history, oldest first, read a page at a time. @throws `storage/…` */
  async *export(): AsyncGenerator<HistoryEntry, void> {
    for (let from = 0n; ; ) {
      const range = { prefix: this.#name, from: this.#key(from), limit: 256 }
      const rows = await this.#storage.scan(roomTables.history, range)
      for (const row of rows) {
        from = number64(row.key, this.#name.length) + 1n
        yield* this.#entry(row)
      }
      if (rows.length < range.limit) return
    }
  }

  #entry({ key, value }: { readonly key: Bytes; readonly value: Bytes }): HistoryEntry[] {
    const record = roomRecords.message.decode(value)
    const message = this.#message(record)
    if (message === undefined) return []
    return [{ place: number64(key, this.#name.length), at: new Date(record.at), message }]
  }

  #message(record: MessageRecord): RoomMessage | undefined {
    const { id, archiveId, account, device, leafIndex, own, epoch, number, bound, late, data } = record
    const opened = openContent(data, { account, room: this.#engine.room })
    if (typeof opened === 'string') return undefined
    const sender = { account, device, leafIndex, own, trust: 'unverified' as const }
    return { id, archiveId, sender, epoch, number, binding: bound ? 'bound' : 'unbound', late, ...opened.opened }
  }

  #now(): number {
    return Math.max(0, Math.floor(this.#engine.clock.now()))
  }

  #key(number: bigint): Bytes {
    return concatBytes(copyBytes(this.#name), key64(number))
  }
}

function bare({ account, device, leafIndex, own }: Participant): ParticipantRecord {
  return { account, device, leafIndex, own }
}

/** What is believed of a device is asked anew, where somebody wants to know. */
function whole(record: ParticipantRecord): Participant {
  return { ...record, trust: 'unverified' }
}

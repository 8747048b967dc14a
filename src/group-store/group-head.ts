/** The row that says which life of a group counts. A change of it is a part of a batch and counts when that is durable. */
import { concatBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { Storage } from '../ports/storage.ts'
import { putRecord, readRecord } from '../storage/records.ts'
import type { Extra } from './cell.ts'
import { History } from './history.ts'
import { deleteLife, key64, lifeKey, number64, tables } from './layout.ts'
import type { Outbox } from './outbox.ts'
import { type GroupRecord, type QuarantineReason, records } from './records.ts'

/**
 * `catching-up`: opened, and the archive was not read yet; `ready`; `quarantined`: only receives; `joining`: an external
 * commit waits; `ended`: re-initialised; `gone`: removed or left.
 */
export type GroupPhase = 'catching-up' | 'ready' | 'quarantined' | 'joining' | 'ended' | 'gone'

/** See the file. */
export class GroupHead {
  readonly name: Uint8Array
  readonly history: History
  readonly #storage: Storage
  #durable: GroupRecord
  #next: GroupRecord | undefined

  constructor(storage: Storage, name: Uint8Array, record: GroupRecord) {
    this.#storage = storage
    this.name = name
    this.#durable = record
    this.history = new History(storage, name)
  }

  /** The record, with the changes of the batch that is being made. */
  get record(): GroupRecord {
    return this.#next ?? this.#durable
  }

  /** The prefix of a life. */
  life(number: number): Uint8Array {
    return lifeKey(this.name, number)
  }

  phase(caughtUp: boolean): GroupPhase {
    const { status, quarantine } = this.record
    if (status === 'removed' || status === 'left') return 'gone'
    if (status === 'reinitialized') return 'ended'
    if (status === 'joining') return 'joining'
    if (quarantine !== undefined) return 'quarantined'
    return caughtUp ? 'ready' : 'catching-up'
  }

  /** The last epoch of a group that is no more. */
  get lastEpoch(): bigint | undefined {
    const { lastEpoch } = this.record
    return lastEpoch === undefined ? undefined : number64(lastEpoch)
  }

  /** Reads the row again. @throws `storage/damaged`, `storage/io` */
  async read(): Promise<void> {
    const record = await readRecord(this.#storage, tables.groups, this.name, records.group)
    if (record === undefined) throw new MlsError('group/unknown', 'a group that was deleted')
    this.#durable = record
    this.#next = undefined
  }

  /** Forgets the changes of a batch that was not written. */
  reset(): void {
    this.#next = undefined
  }

  /** Only receives from now on. */
  quarantine(extra: Extra, quarantine: QuarantineReason): void {
    this.#set(extra, { ...this.record, quarantine })
  }

  /** The group was re-initialised. */
  reinitialized(extra: Extra): void {
    this.#set(extra, { ...this.record, status: 'reinitialized' })
  }

  /** A new life begins beside the one that there is, which stays until {@link confirm} or {@link abandon}. */
  beginJoin(extra: Extra, joinCommit: Uint8Array): void {
    const { record } = this
    const copy = Uint8Array.from(joinCommit)
    this.#set(extra, { ...record, life: record.life + 1, previous: record.life, status: 'joining', joinCommit: copy })
  }

  /** The new life counts; the old one goes. */
  confirm(extra: Extra): void {
    const { previous, ...record } = this.record
    if (previous !== undefined) extra.operations.push(...deleteLife(this.life(previous)))
    this.#set(extra, { ...record, status: 'active', previous: undefined, joinCommit: undefined, quarantine: undefined })
  }

  /** The new life goes; the old one counts again, or there is none and the group is gone. */
  abandon(extra: Extra, life: Uint8Array, epoch: bigint, outbox: Outbox): void {
    const { record } = this
    if (record.previous === undefined) {
      this.end(extra, 'left', epoch, outbox)
      return
    }
    extra.operations.push(...deleteLife(life))
    this.#clear(extra, outbox)
    this.#set(extra, { ...record, life: record.previous, previous: undefined, status: 'active', joinCommit: undefined })
  }

  /** Wipes the group and leaves a tombstone. */
  end(extra: Extra, status: 'removed' | 'left', epoch: bigint, outbox: Outbox): void {
    const { record } = this
    extra.gone = true
    for (const life of [record.life, record.previous])
      if (life !== undefined) extra.operations.push(...deleteLife(this.life(life)))
    extra.operations.push({ kind: 'delete', table: tables.cursors, key: this.name })
    this.#clear(extra, outbox)
    this.#set(extra, {
      ...record,
      status,
      previous: undefined,
      joinCommit: undefined,
      quarantine: undefined,
      lastEpoch: key64(epoch),
    })
  }

  #clear(extra: Extra, outbox: Outbox): void {
    for (const entry of outbox.list(this.record.groupId)) {
      const { operation, done } = outbox.remove(entry)
      extra.operations.push(operation)
      extra.done.push(done)
    }
  }

  #set(extra: Extra, record: GroupRecord): void {
    this.#next = record
    extra.operations.push(putRecord(tables.groups, this.name, records.group, record))
    extra.done.push(() => {
      this.#durable = record
      if (this.#next === record) this.#next = undefined
    })
  }
}

/** Everything of a group, its history too. */
export function deleteGroup(name: Uint8Array): ReturnType<typeof deleteLife> {
  return [
    ...deleteLife(concatBytes(name)),
    { kind: 'delete', table: tables.groups, key: name },
    { kind: 'delete', table: tables.cursors, key: name },
    { kind: 'delete_prefix', table: tables.history, prefix: name },
  ]
}

/** The group of one room over the parts of `group-store/`: pages, ratchet rows, reservations, one life after the other. */
import type { Bytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import type { Group } from '../../group/group.ts'
import { type CellContext, type Extra, GroupCell, WriteFailure } from '../../group-store/cell.ts'
import { deleteLife, key64, lifeKey, number64, tables } from '../../group-store/layout.ts'
import { type GroupRecord, type QuarantineReason, records, type UsedRecord } from '../../group-store/records.ts'
import type { RatchetType } from '../../secret-tree/ratchet.ts'
import { putRecord, readRecord } from '../../storage/records.ts'
import { restoreInput } from './engine/groups.ts'
import type { EngineContext, RoomState } from './engine/state.ts'

/** See the file. */
export class RoomGroup {
  readonly #context: CellContext
  readonly #name: Uint8Array
  #record: GroupRecord | undefined
  #cell: GroupCell | undefined
  /** Generations that were sealed with since the last batch, by epoch. */
  #sealed = new Map<bigint, UsedRecord>()

  constructor(context: CellContext, name: Uint8Array) {
    this.#context = context
    this.#name = name
  }

  /** The stored group, or that there is none. @throws `storage/…` */
  async load(engine: EngineContext): Promise<Group | undefined> {
    this.#cell?.group.close()
    this.#cell = undefined
    this.#sealed = new Map()
    const record = await readRecord(this.#context.storage, tables.groups, this.#name, records.group)
    this.#record = record
    if (record === undefined || !isLive(record)) return undefined
    const { input, bind } = restoreInput(engine)
    this.#cell = await GroupCell.load(this.#context, lifeKey(this.#name, record.life), input)
    bind(this.#cell.group)
    return this.#cell.group
  }

  /** What is known of a group that is no more. */
  get last(): { readonly groupId: Bytes; readonly epoch: bigint } | undefined {
    const record = this.#record
    if (record?.lastEpoch === undefined || isLive(record)) return undefined
    return { groupId: record.groupId, epoch: number64(record.lastEpoch) }
  }

  /** Why the group only receives. */
  get quarantine(): QuarantineReason | undefined {
    return this.#record?.quarantine
  }

  /** What a generation of the own leaf must be below to be known here. */
  used(epoch: bigint): UsedRecord {
    return this.#cell?.used(epoch) ?? { application: 0, handshake: 0 }
  }

  /** Notes what was sealed with, after each step: a later one of the same batch may begin another epoch. */
  observe(group: Group | undefined): void {
    if (group === undefined || group.status !== 'active' || group !== this.#cell?.group) return
    const { next, epoch } = { next: this.#cell.next, epoch: group.epoch }
    const used = this.#cell.used(epoch)
    if (next.application !== used.application || next.handshake !== used.handshake) this.#sealed.set(epoch, next)
  }

  /** Whether the epoch of a group is stored, so that generations can be set apart in it. */
  holds(group: Group): boolean {
    return group === this.#cell?.group && group.status === 'active'
  }

  /**
   * Sets generations apart, durably, before anything is sealed with them.
   * @returns whether this is still the only live copy of the store
   * @throws as `Storage.apply`
   */
  async reserve(group: Group, type: RatchetType, amount: number): Promise<boolean> {
    if (!this.holds(group)) return true
    try {
      await this.#cell?.reserve(type, amount)
      return true
    } catch (error) {
      if (error instanceof WriteFailure) throw error.cause
      if (!(error instanceof MlsError)) throw error
      // what is exhausted is found again when it is used
      return error.code !== 'group/quarantined'
    }
  }

  /** Whether keys for messages that come late are beyond their time. */
  expired(now: number): boolean {
    return this.#cell?.expired(now) ?? false
  }

  /**
   * Adds to a batch what has changed, and what of the keys for messages that come late is beyond its time by `now`.
   * @throws `storage/damaged`, `storage/io`
   */
  async change(state: RoomState, extra: Extra, now: number): Promise<void> {
    try {
      await this.#change(state, extra, now)
    } catch (error) {
      throw error instanceof WriteFailure ? error.cause : error
    }
  }

  async #change(state: RoomState, extra: Extra, now: number): Promise<void> {
    const known = this.#record
    const group = groupOf(state)
    if (group === undefined) {
      if (known !== undefined && isLive(known)) this.#end(known, state, extra)
      return
    }
    const joining = state.group === undefined && state.creating === undefined ? state.joining : undefined
    const joinCommit = joining?.commit === undefined ? undefined : group.suite.hash(joining.commit)
    const status = joinCommit === undefined ? ('active' as const) : ('joining' as const)
    const { quarantine } = state
    if (known !== undefined && this.#cell?.group === group) {
      const cell = this.#cell
      await cell.check()
      const { attempt } = state
      cell.note = attempt === undefined ? undefined : { outbox: attempt.id, intent: undefined }
      cell.expire(extra, now)
      await cell.prepare(extra)
      for (const [epoch, used] of this.#sealed) cell.noteUsed(extra, { epoch, used })
      this.#sealed = new Map()
      if (known.status !== status || known.quarantine !== quarantine)
        this.#put(extra, { ...known, status, joinCommit, quarantine })
      return
    }
    const life = (known?.life ?? 0) + 1
    const { cell, operations } = await GroupCell.create(this.#context, lifeKey(this.#name, life), group)
    if (known !== undefined && isLive(known)) extra.operations.push(...deleteLife(lifeKey(this.#name, known.life)))
    extra.operations.push(...operations)
    this.#cell = cell
    this.#sealed = new Map()
    this.#put(extra, {
      groupId: group.id,
      cipherSuite: group.suite.parameters.id,
      life,
      previous: undefined,
      status,
      joinCommit,
      lastEpoch: undefined,
      quarantine,
    })
  }

  /** T8: the secrets go, a tombstone with the last epoch stays. */
  #end(known: GroupRecord, state: RoomState, extra: Extra): void {
    const lastEpoch = key64(this.#cell?.group.epoch ?? 0n)
    extra.operations.push(...deleteLife(lifeKey(this.#name, known.life)))
    const status = state.phase === 'removed' ? ('removed' as const) : ('left' as const)
    this.#put(extra, { ...known, status, joinCommit: undefined, lastEpoch, quarantine: state.quarantine })
    this.#cell = undefined
    this.#sealed = new Map()
  }

  #put(extra: Extra, record: GroupRecord): void {
    this.#record = record
    extra.operations.push(putRecord(tables.groups, this.#name, records.group, record))
  }
}

function isLive({ status }: GroupRecord): boolean {
  return status !== 'removed' && status !== 'left'
}

/** The group whose secrets are to be kept. */
function groupOf(state: RoomState): Group | undefined {
  const { group, creating, joining } = state
  const found = group ?? creating?.group ?? (joining?.commit === undefined ? undefined : joining.complete?.())
  return found?.status === 'active' || found?.status === 'reinitialized' ? found : undefined
}

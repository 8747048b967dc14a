/**
 * One group in memory, and how it changes: work on the group, write what has changed as one batch, go on. Memory follows
 * disk: after a write that failed the group in memory is dropped and read again.
 */
import { MlsError } from '../bytes/errors.ts'
import type { Epoch } from '../commit/epoch.ts'
import { Group } from '../group/group.ts'
import type { GroupState } from '../group/state.ts'
import type { RestoreInput } from '../group/stored-parts.ts'
import type { Storage, StorageOperation } from '../ports/storage.ts'
import type { RatchetType } from '../secret-tree/ratchet.ts'
import { putRecord } from '../storage/records.ts'
import { defaultKeyAge, forgetOldKeys, noMarks } from './key-age.ts'
import { epochKey, ratchetOperation, tables } from './layout.ts'
import { loadState } from './load-state.ts'
import { type MarksRecord, records, type UsedRecord } from './records.ts'
import type { RollbackGuard } from './rollback.ts'
import { type PendingNote, stateChanges } from './state-changes.ts'
import { type TreeHeads, TreePages } from './tree-pages.ts'

/** What all groups of a store share. */
export interface CellContext {
  readonly storage: Storage
  readonly guard: RollbackGuard
  /** Generations that are set apart with one write. */
  readonly reserve: number
  /** How long keys of skipped generations are kept, in milliseconds; three days by default. */
  readonly keyAge?: number | undefined
}

/** What a piece of work adds to the batch beside the changes of the group. */
export interface Extra {
  readonly operations: StorageOperation[]
  /** Run when the batch is durable. */
  readonly done: (() => void)[]
  /** Run when it is not. */
  readonly failed: ((error: unknown) => void)[]
  /** Set when the group is no more: of the group itself nothing is written. */
  gone: boolean
}

/** One life of a group. */
export class GroupCell {
  readonly life: Uint8Array
  readonly group: Group
  /** The note of the pending commit. */
  note: PendingNote | undefined
  readonly #context: CellContext
  readonly #pages: TreePages
  #heads: TreeHeads
  #stored: GroupState
  #used: Map<bigint, UsedRecord>
  /** When how many keys of skipped generations were kept, in the epoch that they are of. */
  #marks: { readonly epoch: bigint; readonly record: MarksRecord }
  /** The first generations that are not set apart, in the epoch that they are of. */
  #reserved: { readonly epoch: bigint; readonly until: Record<RatchetType, number> } | undefined

  private constructor(
    context: CellContext,
    life: Uint8Array,
    parts: {
      group: Group
      pages: TreePages
      heads: TreeHeads
      used: Map<bigint, UsedRecord>
      marks?: MarksRecord
      note?: PendingNote
    },
  ) {
    this.#context = context
    this.life = life
    this.group = parts.group
    this.#pages = parts.pages
    this.#heads = parts.heads
    this.#used = parts.used
    this.note = parts.note
    this.#stored = parts.group.state
    this.#marks = { epoch: parts.group.epoch, record: parts.marks ?? noMarks }
  }

  /** Reads a group. @throws `storage/damaged`, `storage/io`, `group/staged` */
  static async load(context: CellContext, life: Uint8Array, input: RestoreInput): Promise<GroupCell> {
    const pages = new TreePages(context.storage, context.guard.nameKey, life)
    const { state, heads, used, marks, note } = await loadState(context.storage, life, pages, input)
    const parts = { group: new Group(state), pages, heads, used, marks }
    return new GroupCell(context, life, note === undefined ? parts : { ...parts, note })
  }

  /** A new group, and what stores it. */
  static async create(
    context: CellContext,
    life: Uint8Array,
    group: Group,
  ): Promise<{ readonly cell: GroupCell; readonly operations: StorageOperation[] }> {
    const pages = new TreePages(context.storage, context.guard.nameKey, life)
    const { operations, heads } = await stateChanges(life, pages, undefined, group.state, undefined)
    // a group that was used before it came here, as one of a snapshot: what it has given out is known
    const used = new Map<bigint, UsedRecord>()
    const { current, past } = group.state
    for (const epoch of [current, ...past.map((one) => one.epoch)]) {
      const next = nextOf(epoch)
      if (next.application + next.handshake === 0) continue
      used.set(epoch.context.epoch, next)
      operations.push(putRecord(tables.used, epochKey(life, epoch.context.epoch), records.used, next))
    }
    return { cell: new GroupCell(context, life, { group, pages, heads, used }), operations }
  }

  /** What a generation must be below to be known here. */
  used(epoch: bigint): UsedRecord {
    return this.#used.get(epoch) ?? { application: 0, handshake: 0 }
  }

  /** The generations of the own leaf that are next in the current epoch. */
  get next(): UsedRecord {
    return nextOf(this.group.state.current)
  }

  /**
   * Notes the generations that were given out in an epoch, the current one unless another is given: for every batch with
   * something to send.
   */
  noteUsed(extra: Extra, given = { epoch: this.group.epoch, used: this.next }): void {
    const { epoch, used } = given
    extra.operations.push(putRecord(tables.used, epochKey(this.life, epoch), records.used, used))
    extra.done.push(() => this.#used.set(epoch, used))
  }

  /**
   * Sees to it that `amount` generations are set apart, durably, before anything is sealed with them: whatever happens
   * afterwards, none of them is given out again.
   * @throws `group/quarantined` when another copy of this store is alive; `ratchet/exhausted`; as `Storage.apply`
   */
  async reserve(type: RatchetType, amount: number): Promise<void> {
    const { context, secretTree, privateTree } = this.group.state.current
    const leaf = privateTree.leafIndex
    const next = secretTree.nextGeneration(leaf, type)
    if (this.#reserved?.epoch !== context.epoch)
      this.#reserved = {
        epoch: context.epoch,
        until: {
          application: secretTree.nextGeneration(leaf, 'application'),
          handshake: secretTree.nextGeneration(leaf, 'handshake'),
        },
      }
    const { until } = this.#reserved
    if (until[type] - next >= amount) return
    const more = Math.max(amount - (until[type] - next), type === 'application' ? this.#context.reserve : 2)
    secretTree.reserve(leaf, type, more)
    const prefix = epochKey(this.life, context.epoch)
    const rows = secretTree.takeChanges().map((row) => ratchetOperation(prefix, row))
    const { storage, guard } = this.#context
    const { operation, sequence } = guard.advance()
    await written(storage.apply([...rows, operation]))
    until[type] += more
    if (!(await written(guard.settle(sequence))))
      throw new MlsError('group/quarantined', 'another copy of this store is alive')
  }

  /** Forgets keys of skipped generations that have become too old by `now`, in milliseconds; for every batch of messages. */
  expireKeys(extra: Extra, now: number): void {
    const { context, secretTree } = this.group.state.current
    if (secretTree.wiped) return
    const { epoch } = context
    const known = this.#marks.epoch === epoch ? this.#marks.record : noMarks
    const record = forgetOldKeys(secretTree, known, now, this.#context.keyAge ?? defaultKeyAge)
    if (record === undefined) return
    extra.operations.push(putRecord(tables.marks, epochKey(this.life, epoch), records.marks, record))
    extra.done.push(() => {
      this.#marks = { epoch, record }
    })
  }

  /** Applies the bounds of time, of past epochs too: see {@link expireKeys}. */
  expire(extra: Extra, now: number): void {
    if (this.#pastExpired(now)) this.group.expire()
    this.expireKeys(extra, now)
  }

  /** Whether {@link expire} would find something by `now`. */
  expired(now: number): boolean {
    const { context } = this.group.state.current
    const bound = now - (this.#context.keyAge ?? defaultKeyAge)
    const { epoch, record } = this.#marks
    return this.#pastExpired(now) || (epoch === context.epoch && record.list.some(({ at }) => at <= bound))
  }

  #pastExpired(now: number): boolean {
    const { past, config } = this.group.state
    return past.some(({ endedAt }) => endedAt < now - config.limits.pastEpochMilliseconds)
  }

  /** Passes when everything was there that somebody looked for. @throws as `TreePages.check` */
  check(): Promise<void> {
    return this.#pages.check()
  }

  /** Adds to a batch what has changed since the last one. */
  async prepare(extra: Extra): Promise<void> {
    const { state } = this.group
    const before = { state: this.#stored, heads: this.#heads }
    const { operations, heads } = await written(stateChanges(this.life, this.#pages, before, state, this.note))
    extra.operations.unshift(...operations)
    extra.done.push(() => {
      this.#heads = heads
      this.#stored = state
      if (state.pending === undefined) this.note = undefined
      const kept = new Set([state.current, ...state.past.map(({ epoch }) => epoch)].map(({ context }) => context.epoch))
      for (const epoch of this.#used.keys()) if (!kept.has(epoch)) this.#used.delete(epoch)
    })
  }
}

function nextOf({ secretTree, privateTree }: Epoch): UsedRecord {
  const next = (type: RatchetType) => (secretTree.wiped ? 0 : secretTree.nextGeneration(privateTree.leafIndex, type))
  return { application: next('application'), handshake: next('handshake') }
}

/** What {@link WriteFailure} wraps must make its group be read again. */
export class WriteFailure {
  readonly cause: unknown

  constructor(cause: unknown) {
    this.cause = cause
  }
}

async function written<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new WriteFailure(cause)
  }
}

/** No additions. */
export function noExtra(): Extra {
  return { operations: [], done: [], failed: [], gone: false }
}

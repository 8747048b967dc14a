/**
 * A group that is durable. Every call is one atomic batch (but for reservations of generations, which come before), and
 * whatever a call returns is durable.
 *
 * ```
 *   open ──> catching-up ── reconcile(archive) ──> ready ── own copy seen ──> quarantined ── rejoin ──> joining ──> ready
 *                                                   └── removed, left: a tombstone remains
 * ```
 */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { toHex } from '../bytes/text.ts'
import type { CommitOptions } from '../group/commit-options.ts'
import { joinExternalWith } from '../group/create-group.ts'
import type { Group } from '../group/group.ts'
import type { ProposeOptions } from '../group/propose.ts'
import type { ProtectOptions } from '../group/protect.ts'
import { type Extra, GroupCell, noExtra, WriteFailure } from './cell.ts'
import type { GroupHead, GroupPhase } from './group-head.ts'
import type { HistoryPage, StoredMessage } from './history.ts'
import { tables } from './layout.ts'
import type { OutboxEntry } from './outbox.ts'
import type { ArchiveEntry, Received } from './received.ts'
import { Receiver } from './receiver.ts'
import type { QuarantineReason } from './records.ts'
import type { JoinAgain, StoreContext } from './store-context.ts'

/** How to send one application message. */
export interface SendOptions extends ProtectOptions {
  /** The id of the outbox entry; random by default. */
  readonly id?: string
  /** Whether the message is kept in the history; as the store is set by default. */
  readonly keep?: boolean
}

/** How to commit. */
export type StoredCommitOptions = CommitOptions & {
  readonly id?: string
  /** Bytes that come back when another commit wins. */
  readonly intent?: Uint8Array
}

/** What catching up with the archive has found. */
export interface Reconciled {
  readonly received: readonly Received[]
  /** What became of the own commit that waited: `resend` when the archive decides nothing. */
  readonly pending: 'none' | 'merged' | 'lost' | 'resend'
  readonly phase: GroupPhase
}

interface Waiting {
  readonly data: Uint8Array
  readonly options: SendOptions
  readonly resolve: (entry: OutboxEntry) => void
  readonly reject: (error: unknown) => void
}

/** The most messages of one batch. */
const sendBatch = 128
const receiveBatch = 64

/** See the file. Made by `GroupStore`. */
export class StoredGroup {
  readonly #context: StoreContext
  readonly #head: GroupHead
  #cell: GroupCell | undefined
  #previous: GroupCell | undefined
  #caughtUp: boolean
  #queue: Promise<unknown> = Promise.resolve()
  #waiting: Waiting[] = []

  /** For `group-store/`. `fresh`: there is no archive to catch up with. */
  constructor(context: StoreContext, head: GroupHead, cell: GroupCell | undefined, fresh: boolean) {
    this.#context = context
    this.#head = head
    this.#cell = cell
    this.#caughtUp = fresh
  }

  /** The group id. */
  get id(): Bytes {
    return copyBytes(this.#head.record.groupId)
  }

  /** What can be done with the group. */
  get phase(): GroupPhase {
    return this.#head.phase(this.#caughtUp)
  }

  /** Why the group only receives. */
  get quarantine(): QuarantineReason | undefined {
    return this.#head.record.quarantine
  }

  /**
   * Reads the group: members, epoch, exporter. Only look at it: what is changed on it directly is not stored.
   * @throws `group/removed`, `storage/damaged`, `storage/io`
   */
  read<T>(look: (group: Group) => T | Promise<T>): Promise<T> {
    return this.#exclusive(async () => look((await this.#load()).group))
  }

  /**
   * Encrypts an application message and puts it in the outbox (T1). Calls that are made at once share a batch.
   * @throws `group/catching_up`, `group/quarantined`, `group/removed`; as `Group.protect`; as `Storage.apply`
   */
  send(data: Uint8Array, options: SendOptions = {}): Promise<OutboxEntry> {
    const copy = copyBytes(data)
    const result = new Promise<OutboxEntry>((resolve, reject) => {
      this.#waiting.push({ data: copy, options, resolve, reject })
    })
    void this.#flush()
    return result
  }

  /**
   * Creates a commit and puts it in the outbox (T3); it is merged when it comes back. Its Welcome follows it into the
   * outbox then.
   * @throws as {@link send} and `Group.commit`
   */
  commit(options: StoredCommitOptions = {}): Promise<OutboxEntry> {
    return this.#run(async (cell, extra) => {
      this.#writable()
      const { id, intent, ...request } = options
      const { config } = cell.group.state
      if (cell.group.pending === undefined && (request.wireFormat ?? config.handshakes) === 'mls_private_message')
        await this.#reserve(cell, 'handshake', 1)
      const { commit } = await cell.group.commit(request)
      const entry = this.#enqueue(extra, 'commit', commit, cell.group.epoch, id)
      cell.note = { outbox: entry.id, intent: intent === undefined ? undefined : copyBytes(intent) }
      cell.noteUsed(extra)
      return entry
    })
  }

  /** Sends a proposal for a later commit (T7). @throws as {@link send} and `Group.propose` */
  propose(options: ProposeOptions & { readonly id?: string }): Promise<OutboxEntry> {
    return this.#run(async (cell, extra) => {
      this.#writable()
      if ((options.wireFormat ?? cell.group.state.config.handshakes) === 'mls_private_message')
        await this.#reserve(cell, 'handshake', 1)
      const { proposal } = await cell.group.propose(options)
      cell.noteUsed(extra)
      return this.#enqueue(extra, 'proposal', proposal, cell.group.epoch, options.id)
    })
  }

  /**
   * Lets the own commit go that waits, with its outbox entry. Only for a commit that was never handed to the delivery
   * service: should it appear there after all, the group must be joined again.
   */
  discard(): Promise<void> {
    return this.#run(async (cell, extra) => {
      const entry = cell.note === undefined ? undefined : this.#context.outbox.find(cell.note.outbox)
      cell.group.discard()
      if (entry !== undefined) this.#dequeue(extra, entry)
    })
  }

  /** Processes one message (T2, T4, T7, T8). @throws as `Storage.apply`; a bad message is a result, not an error */
  async receive(entry: ArchiveEntry): Promise<Received> {
    const [received] = await this.receiveMany([entry])
    if (received === undefined) throw new MlsError('internal/unreachable', 'a message without a result')
    return received
  }

  /** Processes messages in the archive's order, up to 64 a batch. @throws as {@link receive} */
  async receiveMany(entries: readonly ArchiveEntry[]): Promise<Received[]> {
    const all: Received[] = []
    for (let start = 0; start < entries.length; start += receiveBatch) {
      const part = entries.slice(start, start + receiveBatch)
      const received = await this.#run(async (_, extra) => {
        const receiver = new Receiver(this.#context, this.#head, extra, {
          cell: () => this.#current(),
          previous: () => this.#previousCell(),
          abandon: () => this.#abandon(extra),
        })
        const results: Received[] = []
        for (const entry of part) results.push(await receiver.receive(entry))
        const cursor = part.findLast((entry) => entry.cursor !== undefined)?.cursor
        if (cursor !== undefined && !extra.gone)
          extra.operations.push({ kind: 'put', table: tables.cursors, key: this.#head.name, value: cursor })
        return results
      })
      all.push(...received)
    }
    return all
  }

  /** How far the archive was read. */
  async cursor(): Promise<Bytes | undefined> {
    return this.#context.storage.get(tables.cursors, this.#head.name)
  }

  /**
   * Catches up with what the archive holds after {@link cursor}, in its order; after opening nothing is sent before. An own
   * commit that waits is merged when it is the first valid one of its epoch, let go when another is, and otherwise left in
   * the outbox, to be sent again as it is.
   * @throws as {@link receive}
   */
  async reconcile(archive: readonly ArchiveEntry[]): Promise<Reconciled> {
    const waited = this.phase !== 'gone' && (await this.read((group) => group.pending !== undefined))
    const received = await this.receiveMany(archive)
    this.#caughtUp = true
    const merged = received.some(({ result }) => result.kind === 'own-commit')
    const lost = received.some((one) => one.lost !== undefined)
    return {
      received,
      pending: !waited ? 'none' : merged ? 'merged' : lost ? 'lost' : 'resend',
      phase: this.phase,
    }
  }

  /** Leaves: the secrets go, a tombstone with the last epoch stays (T8). The history stays until {@link forget}. */
  leave(): Promise<void> {
    return this.#run(async (cell, extra) => {
      this.#head.end(extra, 'left', cell.group.epoch, this.#context.outbox)
    })
  }

  /**
   * Joins the group again by external commit, with fresh keys (T9). The new life begins with the batch that also puts the
   * commit in the outbox; the old one stays readable until the archive has decided.
   * @throws codes of the GroupInfo; as `Storage.apply`
   */
  rejoin(input: JoinAgain): Promise<OutboxEntry> {
    return this.#run(async (old, extra) => {
      if (this.#head.record.status === 'joining') throw new MlsError('group/pending', 'a join waits for its outcome')
      const { suite } = old.group
      const join = await joinExternalWith({
        replaces: old.group.leafIndex,
        minimumEpoch: old.group.epoch,
        ...input,
        suite,
        config: this.#context.config,
        previous: old.group,
      })
      const life = this.#head.life(this.#head.record.life + 1)
      const { cell, operations } = await GroupCell.create(this.#context, life, join.complete())
      extra.operations.push(...operations)
      for (const entry of this.#context.outbox.list(this.id)) this.#dequeue(extra, entry)
      const entry = this.#enqueue(extra, 'commit', join.commit, cell.group.epoch - 1n, input.id)
      this.#head.beginJoin(extra, suite.hash(join.commit))
      extra.done.push(() => {
        this.#previous = old
        this.#cell = cell
      })
      return entry
    })
  }

  /** Gives a join up that will not come back: the old life counts again, or the group is gone. */
  abandonJoin(): Promise<void> {
    return this.#run(async (_, extra) => {
      if (this.#head.record.status === 'joining') await this.#abandon(extra)
    })
  }

  /** Messages that were kept, newest first. */
  history(page?: HistoryPage): Promise<StoredMessage[]> {
    return this.#head.history.page(page)
  }

  /** All messages that were kept, oldest first. */
  exportHistory(): AsyncGenerator<StoredMessage, void> {
    return this.#head.history.export()
  }

  /** Deletes the history for good: in a sealed store the keys of its rows are destroyed too. */
  forget(): Promise<void> {
    return this.#exclusive(async () => {
      await this.#context.storage.apply([this.#head.history.forget()])
      await this.#context.shred()
    })
  }

  /** Applies the bounds on past epochs and history that depend on time. */
  expire(history: { readonly before?: number; readonly keep?: number } = {}): Promise<void> {
    return this.#run(async (cell, extra) => {
      cell.group.expire()
      extra.operations.push(...(await this.#head.history.expire(history)))
    })
  }

  /** For `GroupStore`: waits for what is under way and lets the memory go. */
  release(): Promise<void> {
    return this.#exclusive(async () => this.#drop())
  }

  #flush(): Promise<void> {
    let taken = false
    return this.#run(async (cell, extra) => {
      const batch = this.#waiting.splice(0, sendBatch)
      taken = true
      if (batch.length === 0) return
      const rejectAll = (error: unknown) => {
        for (const one of batch) one.reject(error)
      }
      extra.failed.push(rejectAll)
      try {
        this.#writable()
        await this.#reserve(cell, 'application', batch.length)
      } catch (error) {
        if (error instanceof WriteFailure) throw error
        rejectAll(error)
        return
      }
      for (const waiting of batch) {
        try {
          const entry = this.#seal(cell, extra, waiting)
          extra.done.push(() => waiting.resolve(entry))
        } catch (error) {
          waiting.reject(error)
        }
      }
      cell.noteUsed(extra)
    }).catch((error: unknown) => {
      // a group that cannot be read: those who wait are told so
      if (!taken) for (const one of this.#waiting.splice(0, sendBatch)) one.reject(error)
    })
  }

  #seal(cell: GroupCell, extra: Extra, { data, options }: Waiting): OutboxEntry {
    const { group } = cell
    const { nextGeneration, epoch, leafIndex } = group
    const bytes = group.protect(data, options)
    const entry = this.#enqueue(extra, 'application', bytes, epoch, options.id)
    if (options.keep ?? this.#context.keepHistory)
      extra.operations.push(
        this.#head.history.append({
          own: true,
          sender: leafIndex,
          epoch,
          generation: nextGeneration,
          id: entry.id,
          at: this.#context.config.clock.now(),
          authenticatedData: copyBytes(options.authenticatedData ?? new Uint8Array(0)),
          data: copyBytes(data),
        }),
      )
    return entry
  }

  async #reserve(cell: GroupCell, type: 'application' | 'handshake', amount: number): Promise<void> {
    try {
      await cell.reserve(type, amount)
    } catch (error) {
      if (error instanceof MlsError && error.code === 'group/quarantined') {
        const extra = noExtra()
        this.#head.quarantine(extra, 'anchor')
        await this.#apply(extra)
      }
      throw error
    }
  }

  #enqueue(extra: Extra, kind: OutboxEntry['kind'], bytes: Bytes, epoch: bigint, id?: string): OutboxEntry {
    const name = id ?? toHex(this.#context.randomBytes(16))
    const entry: OutboxEntry = { id: name, groupId: this.id, epoch, kind, bytes }
    const { operation, done } = this.#context.outbox.add(entry)
    extra.operations.push(operation)
    extra.done.push(done)
    return entry
  }

  #dequeue(extra: Extra, entry: OutboxEntry): void {
    const { operation, done } = this.#context.outbox.remove(entry)
    extra.operations.push(operation)
    extra.done.push(done)
  }

  /** @throws `group/catching_up`, `group/quarantined`, `group/pending` while a join waits */
  #writable(): void {
    const { phase } = this
    if (phase === 'quarantined')
      throw new MlsError('group/quarantined', 'another copy of this client sends: join again with fresh keys')
    if (phase === 'catching-up') throw new MlsError('group/catching_up', 'the archive comes before anything is sent')
    if (phase === 'joining') throw new MlsError('group/pending', 'a join waits for its outcome')
  }

  /** Ends the life that has not begun: the one before counts again. */
  async #abandon(extra: Extra): Promise<void> {
    const lost = this.#current()
    const previous = this.#head.record.previous === undefined ? undefined : await this.#previousCell()
    this.#head.abandon(extra, lost.life, lost.group.epoch, this.#context.outbox)
    extra.done.push(() => lost.group.close())
    this.#cell = previous
    this.#previous = undefined
  }

  #current(): GroupCell {
    if (this.#cell === undefined) throw new MlsError('group/removed', 'a group that is no more')
    return this.#cell
  }

  async #previousCell(): Promise<GroupCell | undefined> {
    const { previous } = this.#head.record
    if (previous === undefined) return undefined
    this.#previous ??= await this.#context.load(this.#head.life(previous), this.#head.record.cipherSuite)
    return this.#previous
  }

  async #load(): Promise<GroupCell> {
    if (this.#cell !== undefined) return this.#cell
    await this.#head.read()
    if (this.phase === 'gone') throw new MlsError('group/removed', 'a group that is no more')
    const { life, cipherSuite } = this.#head.record
    this.#cell = await this.#context.load(this.#head.life(life), cipherSuite)
    return this.#cell
  }

  async #run<T>(work: (cell: GroupCell, extra: Extra) => Promise<T>): Promise<T> {
    return this.#exclusive(async () => {
      const extra = noExtra()
      try {
        const cell = await this.#load()
        await this.#head.history.open()
        const result = await work(cell, extra)
        await this.#apply(extra)
        return result
      } catch (error) {
        this.#head.reset()
        const cause = error instanceof WriteFailure ? error.cause : error
        if (error instanceof WriteFailure) this.#drop()
        for (const failed of extra.failed) failed(cause)
        throw cause
      }
    })
  }

  /** Writes the batch: changes of the cells in memory, and `extra`. */
  async #apply(extra: Extra): Promise<void> {
    if (!extra.gone) {
      if (this.#head.record.previous !== undefined) await this.#previous?.prepare(extra)
      await this.#cell?.prepare(extra)
    }
    try {
      if (extra.operations.length > 0) await this.#context.storage.apply(extra.operations)
    } catch (cause) {
      throw new WriteFailure(cause)
    }
    for (const done of extra.done) done()
    if (extra.gone) this.#drop()
    if (this.#head.record.previous !== undefined) return
    this.#previous?.group.close()
    this.#previous = undefined
  }

  #drop(): void {
    this.#cell?.group.close()
    this.#previous?.group.close()
    this.#cell = undefined
    this.#previous = undefined
  }

  /** One call at a time; a failed call does not hold up the next. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }
}

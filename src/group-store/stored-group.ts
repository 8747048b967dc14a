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
import type { CommitOptions } from '../group/commit-options.ts'
import { joinExternalWith } from '../group/create-group.ts'
import type { Group } from '../group/group.ts'
import type { ProposeOptions } from '../group/propose.ts'
import { GroupCell } from './cell.ts'
import type { GroupHead, GroupPhase } from './group-head.ts'
import { GroupLives } from './group-lives.ts'
import type { HistoryPage, StoredMessage } from './history.ts'
import { tables } from './layout.ts'
import type { OutboxEntry } from './outbox.ts'
import type { ArchiveEntry, Received } from './received.ts'
import { Receiver } from './receiver.ts'
import type { QuarantineReason } from './records.ts'
import { Sender, type SendOptions } from './sender.ts'
import type { JoinAgain, StoreContext } from './store-context.ts'

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

/** The most messages of one batch. */
const receiveBatch = 64

/** See the file. Made by `GroupStore`. */
export class StoredGroup {
  readonly #context: StoreContext
  readonly #head: GroupHead
  readonly #lives: GroupLives
  readonly #sender: Sender

  /** For `group-store/`. `fresh`: there is no archive to catch up with. */
  constructor(context: StoreContext, head: GroupHead, cell: GroupCell | undefined, fresh: boolean) {
    this.#context = context
    this.#head = head
    this.#lives = new GroupLives(context, head, cell, fresh)
    this.#sender = new Sender(context, head, this.#lives)
  }

  /** The group id. */
  get id(): Bytes {
    return copyBytes(this.#head.record.groupId)
  }

  /** What can be done with the group. */
  get phase(): GroupPhase {
    return this.#lives.phase
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
    return this.#lives.look(look)
  }

  /**
   * Encrypts an application message and puts it in the outbox (T1). Calls that are made at once share a batch.
   * @throws `group/catching_up`, `group/quarantined`, `group/removed`; as `Group.protect`; as `Storage.apply`
   */
  send(data: Uint8Array, options: SendOptions = {}): Promise<OutboxEntry> {
    return this.#sender.send(data, options)
  }

  /**
   * Creates a commit and puts it in the outbox (T3); it is merged when it comes back. Its Welcome follows it into the
   * outbox then.
   * @throws as {@link send} and `Group.commit`
   */
  commit(options: StoredCommitOptions = {}): Promise<OutboxEntry> {
    return this.#lives.run(async (cell, extra) => {
      this.#sender.requireWritable()
      const { id, intent, ...request } = options
      const { config } = cell.group.state
      if (cell.group.pending === undefined && (request.wireFormat ?? config.handshakes) === 'mls_private_message')
        await this.#sender.reserve(cell, 'handshake', 1)
      const { commit } = await cell.group.commit(request)
      const entry = this.#sender.enqueue(extra, 'commit', commit, cell.group.epoch, id)
      cell.note = { outbox: entry.id, intent: intent === undefined ? undefined : copyBytes(intent) }
      cell.noteUsed(extra)
      return entry
    })
  }

  /** Sends a proposal for a later commit (T7). @throws as {@link send} and `Group.propose` */
  propose(options: ProposeOptions & { readonly id?: string }): Promise<OutboxEntry> {
    return this.#lives.run(async (cell, extra) => {
      this.#sender.requireWritable()
      if ((options.wireFormat ?? cell.group.state.config.handshakes) === 'mls_private_message')
        await this.#sender.reserve(cell, 'handshake', 1)
      const { proposal } = await cell.group.propose(options)
      cell.noteUsed(extra)
      return this.#sender.enqueue(extra, 'proposal', proposal, cell.group.epoch, options.id)
    })
  }

  /**
   * Lets the own commit go that waits, with its outbox entry. Only for a commit that was never handed to the delivery
   * service: should it appear there after all, the group must be joined again.
   */
  discard(): Promise<void> {
    return this.#lives.run(async (cell, extra) => {
      const entry = cell.note === undefined ? undefined : this.#context.outbox.find(cell.note.outbox)
      cell.group.discard()
      if (entry !== undefined) this.#sender.dequeue(extra, entry)
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
      const received = await this.#lives.run(async (_, extra) => {
        const receiver = new Receiver(this.#context, this.#head, extra, this.#lives)
        const results: Received[] = []
        for (const entry of part) results.push(await receiver.receive(entry))
        if (!extra.gone) this.#lives.current.expireKeys(extra, this.#context.config.clock.now())
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
    this.#lives.caughtUp = true
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
    return this.#lives.run(async (cell, extra) => {
      this.#head.end(extra, 'left', cell.group.epoch, this.#context.outbox)
    })
  }

  /**
   * Joins the group again by external commit, with fresh keys (T9). The new life begins with the batch that also puts the
   * commit in the outbox; the old one stays readable until the archive has decided.
   * @throws codes of the GroupInfo; as `Storage.apply`
   */
  rejoin(input: JoinAgain): Promise<OutboxEntry> {
    return this.#lives.run(async (old, extra) => {
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
      for (const entry of this.#context.outbox.list(this.id)) this.#sender.dequeue(extra, entry)
      const entry = this.#sender.enqueue(extra, 'commit', join.commit, cell.group.epoch - 1n, input.id)
      this.#head.beginJoin(extra, suite.hash(join.commit))
      this.#lives.begin(extra, old, cell)
      return entry
    })
  }

  /** Gives a join up that will not come back: the old life counts again, or the group is gone. */
  abandonJoin(): Promise<void> {
    return this.#lives.run(async (_, extra) => {
      if (this.#head.record.status === 'joining') await this.#lives.abandon(extra)
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
    return this.#lives.exclusive(async () => {
      await this.#context.storage.apply([this.#head.history.forget()])
      await this.#context.shred()
    })
  }

  /**
   * Applies the bounds on past epochs, keys of skipped generations and history that depend on time (milliseconds). Those on
   * epochs and keys are applied with every batch of messages, too.
   * @throws as {@link receive}
   */
  expire(history: { readonly before?: number; readonly keep?: number } = {}): Promise<void> {
    return this.#lives.run(async (cell, extra) => {
      cell.group.expire()
      cell.expireKeys(extra, this.#context.config.clock.now())
      extra.operations.push(...(await this.#head.history.expire(history)))
    })
  }

  /** For `GroupStore`: waits for what is under way and lets the memory go. */
  release(): Promise<void> {
    return this.#lives.exclusive(async () => this.#lives.drop())
  }
}

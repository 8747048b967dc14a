/** What leaves a stored group: messages that are sent at once share a batch (T1), and everything goes through the outbox. */
import { type Bytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { toHex } from '../bytes/text.ts'
import type { ProtectOptions } from '../group/protect.ts'
import type { RatchetType } from '../secret-tree/ratchet.ts'
import { type Extra, type GroupCell, noExtra, WriteFailure } from './cell.ts'
import type { GroupHead } from './group-head.ts'
import type { GroupLives } from './group-lives.ts'
import type { OutboxEntry } from './outbox.ts'
import type { StoreContext } from './store-context.ts'

/** How to send one application message. */
export interface SendOptions extends ProtectOptions {
  /** The id of the outbox entry; random by default. */
  readonly id?: string
  /** Whether the message is kept in the history; as the store is set by default. */
  readonly keep?: boolean
}

interface Waiting {
  readonly data: Uint8Array
  readonly options: SendOptions
  readonly resolve: (entry: OutboxEntry) => void
  readonly reject: (error: unknown) => void
}

/** The most messages of one batch. */
const sendBatch = 128

/** See the file. */
export class Sender {
  readonly #context: StoreContext
  readonly #head: GroupHead
  readonly #lives: GroupLives
  #waiting: Waiting[] = []

  constructor(context: StoreContext, head: GroupHead, lives: GroupLives) {
    this.#context = context
    this.#head = head
    this.#lives = lives
  }

  /** Encrypts a message and puts it in the outbox. @throws as `StoredGroup.send` */
  send(data: Uint8Array, options: SendOptions): Promise<OutboxEntry> {
    const copy = copyBytes(data)
    const result = new Promise<OutboxEntry>((resolve, reject) => {
      this.#waiting.push({ data: copy, options, resolve, reject })
    })
    void this.#flush()
    return result
  }

  /** @throws `group/catching_up`, `group/quarantined`, `group/pending` while a join waits */
  requireWritable(): void {
    const { phase } = this.#lives
    if (phase === 'quarantined')
      throw new MlsError('group/quarantined', 'another copy of this client sends: join again with fresh keys')
    if (phase === 'catching-up') throw new MlsError('group/catching_up', 'the archive comes before anything is sent')
    if (phase === 'joining') throw new MlsError('group/pending', 'a join waits for its outcome')
  }

  /** Sets generations apart; another live copy puts the group in quarantine, durably. @throws as `GroupCell.reserve` */
  async reserve(cell: GroupCell, type: RatchetType, amount: number): Promise<void> {
    try {
      await cell.reserve(type, amount)
    } catch (error) {
      if (error instanceof MlsError && error.code === 'group/quarantined') {
        const extra = noExtra()
        this.#head.quarantine(extra, 'anchor')
        await this.#lives.apply(extra)
      }
      throw error
    }
  }

  /** Puts bytes at the end of the outbox. @throws `storage/range` for an id that is there already */
  enqueue(extra: Extra, kind: OutboxEntry['kind'], bytes: Bytes, epoch: bigint, id?: string): OutboxEntry {
    const name = id ?? toHex(this.#context.randomBytes(16))
    const entry: OutboxEntry = { id: name, groupId: copyBytes(this.#head.record.groupId), epoch, kind, bytes }
    const { operation, done } = this.#context.outbox.add(entry)
    extra.operations.push(operation)
    extra.done.push(done)
    return entry
  }

  /** Takes an entry out of the outbox. */
  dequeue(extra: Extra, entry: OutboxEntry): void {
    const { operation, done } = this.#context.outbox.remove(entry)
    extra.operations.push(operation)
    extra.done.push(done)
  }

  #flush(): Promise<void> {
    let taken = false
    return this.#lives
      .run(async (cell, extra) => {
        const batch = this.#waiting.splice(0, sendBatch)
        taken = true
        if (batch.length === 0) return
        const rejectAll = (error: unknown) => {
          for (const one of batch) one.reject(error)
        }
        extra.failed.push(rejectAll)
        try {
          this.requireWritable()
          await this.reserve(cell, 'application', batch.length)
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
      })
      .catch((error: unknown) => {
        // a group that cannot be read: those who wait are told so
        if (!taken) for (const one of this.#waiting.splice(0, sendBatch)) one.reject(error)
      })
  }

  #seal(cell: GroupCell, extra: Extra, { data, options }: Waiting): OutboxEntry {
    const { group } = cell
    const { nextGeneration, epoch, leafIndex } = group
    const bytes = group.protect(data, options)
    const entry = this.enqueue(extra, 'application', bytes, epoch, options.id)
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
}

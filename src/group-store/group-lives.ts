/**
 * The lives of one group in memory, and work on them: one piece at a time, each of which ends in one batch. Memory follows
 * disk: after a write that failed, and after a page that could not be read, the lives are dropped and read again.
 */
import { MlsError } from '../bytes/errors.ts'
import type { Group } from '../group/group.ts'
import { type Extra, type GroupCell, noExtra, WriteFailure } from './cell.ts'
import type { GroupHead, GroupPhase } from './group-head.ts'
import type { StoreContext } from './store-context.ts'

/** See the file. */
export class GroupLives {
  readonly #context: StoreContext
  readonly #head: GroupHead
  /** The life that counts, or that will when a join is confirmed. */
  #cell: GroupCell | undefined
  /** The life before, while a join waits. */
  #previous: GroupCell | undefined
  #queue: Promise<unknown> = Promise.resolve()
  /** Whether the archive was read since the store was opened. */
  caughtUp: boolean

  constructor(context: StoreContext, head: GroupHead, cell: GroupCell | undefined, caughtUp: boolean) {
    this.#context = context
    this.#head = head
    this.#cell = cell
    this.caughtUp = caughtUp
  }

  /** What can be done with the group. */
  get phase(): GroupPhase {
    return this.#head.phase(this.caughtUp)
  }

  /** The life that messages go to. @throws `group/removed` */
  get current(): GroupCell {
    if (this.#cell === undefined) throw new MlsError('group/removed', 'a group that is no more')
    return this.#cell
  }

  /** The life before, while a join waits. @throws `storage/damaged`, `storage/io` */
  async previous(): Promise<GroupCell | undefined> {
    const { previous } = this.#head.record
    if (previous === undefined) return undefined
    this.#previous ??= await this.#context.load(this.#head.life(previous), this.#head.record.cipherSuite)
    return this.#previous
  }

  /** Lets somebody look at the group. @throws `group/removed`, `storage/damaged`, `storage/io` */
  look<T>(look: (group: Group) => T | Promise<T>): Promise<T> {
    return this.exclusive(async () => {
      const cell = await this.#load()
      try {
        return await look(cell.group)
      } finally {
        await this.#checked(cell).catch((error: unknown) => {
          this.drop()
          throw error
        })
      }
    })
  }

  /**
   * Does a piece of work and writes what it changed and added, as one batch.
   * @throws what `work` throws; `group/removed`; as `Storage.apply`
   */
  run<T>(work: (cell: GroupCell, extra: Extra) => Promise<T>): Promise<T> {
    return this.exclusive(async () => {
      const extra = noExtra()
      try {
        const cell = await this.#load()
        await this.#head.history.open()
        const result = await this.#worked(cell, () => work(cell, extra))
        await this.apply(extra)
        return result
      } catch (error) {
        this.#head.reset()
        const cause = error instanceof WriteFailure ? error.cause : error
        if (error instanceof WriteFailure) this.drop()
        for (const failed of extra.failed) failed(cause)
        throw cause
      }
    })
  }

  /** Writes the batch: changes of the cells in memory, and `extra`. For work within {@link run}. */
  async apply(extra: Extra): Promise<void> {
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
    if (extra.gone) this.drop()
    if (this.#head.record.previous !== undefined) return
    this.#previous?.group.close()
    this.#previous = undefined
  }

  /** A new life, which waits for its outcome beside the old one from this batch on. */
  begin(extra: Extra, old: GroupCell, cell: GroupCell): void {
    extra.done.push(() => {
      this.#previous = old
      this.#cell = cell
    })
  }

  /** Ends the life that has not begun: the one before counts again. */
  async abandon(extra: Extra): Promise<void> {
    const lost = this.current
    const previous = this.#head.record.previous === undefined ? undefined : await this.previous()
    this.#head.abandon(extra, lost.life, lost.group.epoch, this.#context.outbox)
    extra.done.push(() => lost.group.close())
    this.#cell = previous
    this.#previous = undefined
  }

  /** Lets the memory go; the next piece of work reads the group again. */
  drop(): void {
    this.#cell?.group.close()
    this.#previous?.group.close()
    this.#cell = undefined
    this.#previous = undefined
  }

  /** One call at a time; a failed call does not hold up the next. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #load(): Promise<GroupCell> {
    if (this.#cell !== undefined) return this.#cell
    await this.#head.read()
    if (this.phase === 'gone') throw new MlsError('group/removed', 'a group that is no more')
    const { life, cipherSuite } = this.#head.record
    this.#cell = await this.#context.load(this.#head.life(life), cipherSuite)
    return this.#cell
  }

  /** A page that could not be read counts more than what came of the work without it. */
  async #worked<T>(cell: GroupCell, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      await this.#checked(cell).catch((error: unknown) => {
        throw new WriteFailure(error)
      })
    }
  }

  async #checked(cell: GroupCell): Promise<void> {
    for (const one of new Set([cell, this.#cell, this.#previous])) await one?.check()
  }
}

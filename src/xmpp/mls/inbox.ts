/** Something for the engine, and who waits for it. */
interface Job<T> {
  readonly items: readonly T[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Work in order, what comes meanwhile together: while one batch is stored the next one gathers. When a batch fails, its
 * parts are tried one by one, so that each fails for itself alone.
 */
export class Inbox<T> {
  readonly #work: (items: readonly T[]) => Promise<void>
  #jobs: Job<T>[] = []
  #running: Promise<void> | undefined

  /** @param work does all or nothing of its items */
  constructor(work: (items: readonly T[]) => Promise<void>) {
    this.#work = work
  }

  /** Whether nothing is under way. */
  get idle(): boolean {
    return this.#running === undefined
  }

  /** Adds work. Resolves when it is done. @throws what the work threw */
  add(items: readonly T[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ items, resolve, reject })
      this.#running ??= this.#drain()
    })
  }

  /** Resolves when everything so far is done or has failed. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #drain(): Promise<void> {
    // what is added in the same turn of the event loop goes together
    await Promise.resolve()
    while (this.#jobs.length > 0) {
      const jobs = this.#jobs
      this.#jobs = []
      await this.#attempt(jobs)
    }
    this.#running = undefined
  }

  async #attempt(jobs: readonly Job<T>[]): Promise<void> {
    try {
      await this.#work(jobs.flatMap(({ items }) => items))
      for (const { resolve } of jobs) resolve()
    } catch (error) {
      if (jobs.length === 1) jobs[0]?.reject(error)
      else for (const job of jobs) await this.#attempt([job])
    }
  }
}

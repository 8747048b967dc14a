import type { Answer, Job } from './protocol.ts'
import { buffersOf, errorOf, type Packed } from './protocol.ts'

/** One worker, whatever the platform calls it. */
export interface PoolWorker {
  post(job: Job, transfer: readonly ArrayBuffer[]): void
  /** Called once: where answers go, and what to do when the worker is gone. */
  listen(answer: (answer: Answer) => void, gone: () => void): void
  terminate(): void
}

/** A job without its number. */
export type Task = Omit<Job, 'id'>

/** A part of a batch. Its job is made when its turn comes, and again when a worker did not finish it. */
interface Part {
  readonly make: () => Task
  readonly resolve: (output: Packed) => void
  readonly reject: (error: unknown) => void
}

/** A worker with the parts that it was given; nothing beside the number for the first job of all, which warms it up. */
interface Member {
  readonly worker: PoolWorker
  readonly underWay: Map<number, Part | undefined>
  isWarm: boolean
}

/** Parts that a worker has at once: it need not wait for the next one. */
const depth = 2

/**
 * Workers that are started at the first batch and stay until `close`. Until all of them have compiled their kernels, the
 * thread of the pool works as well, so that a batch takes no longer than without workers.
 */
export class WorkerPool {
  readonly size: number
  readonly #start: () => PoolWorker
  readonly #here: (task: Task) => Promise<Packed>
  #members: Member[] = []
  #queue: Part[] = []
  #helping = false
  #nextId = 0
  /** Workers that went. */
  #failures = 0
  #finished = 0
  #warmed: (() => void)[] = []

  /** @param here does a job on the thread of the pool */
  constructor(size: number, start: () => PoolWorker, here: (task: Task) => Promise<Packed>) {
    this.size = size
    this.#start = start
    this.#here = here
  }

  /** Parts that workers finished. */
  get finished(): number {
    return this.#finished
  }

  /** Starts the workers; settles when all are ready, or cannot be. `make`: a job that warms one up. */
  async warm(make: () => Task): Promise<void> {
    this.#startAll(make)
    if (!this.#areAllReady) await new Promise<void>((resolve) => this.#warmed.push(resolve))
  }

  /** Runs the parts of one batch. @throws the code of the error of a part */
  async run(makes: readonly (() => Task)[], warmUp: () => Task): Promise<Packed[]> {
    this.#startAll(warmUp)
    const parts = makes.map((make) => {
      return new Promise<Packed>((resolve, reject) => this.#queue.push({ make, resolve, reject }))
    })
    this.#feed()
    void this.#help()
    return await Promise.all(parts)
  }

  /** Ends all workers; what they have not finished is done here. The next batch starts new ones. */
  close(): void {
    for (const member of this.#members.slice()) this.#drop(member)
  }

  /** Those that there are; some may have gone. */
  get #areAllReady(): boolean {
    return this.#members.every(({ isWarm }) => isWarm)
  }

  get #isComplete(): boolean {
    return this.#members.length === this.size && this.#areAllReady
  }

  /** No program, no permission: starting more of them would cost time and change nothing. */
  get #isHopeless(): boolean {
    return this.#finished === 0 && this.#failures >= this.size
  }

  #startAll(warmUp: () => Task): void {
    while (this.#members.length < this.size && !this.#isHopeless) {
      const member: Member = { worker: this.#start(), underWay: new Map(), isWarm: false }
      this.#members.push(member)
      member.worker.listen(
        (answer) => this.#answered(member, answer),
        () => this.#lost(member),
      )
      this.#post(member, undefined, warmUp())
    }
  }

  #post(member: Member, part: Part | undefined, task: Task): void {
    const job = { ...task, id: this.#nextId++ }
    member.underWay.set(job.id, part)
    member.worker.post(job, buffersOf(job))
  }

  /** Gives waiting parts to workers that are ready. */
  #feed(): void {
    for (let round = 1; round <= depth; round++)
      for (const member of this.#members) {
        const part = member.isWarm && member.underWay.size < round ? this.#queue.shift() : undefined
        if (part !== undefined) this.#post(member, part, part.make())
      }
  }

  #answered(member: Member, { id, output, error }: Answer): void {
    const part = member.underWay.get(id)
    if (!member.underWay.delete(id)) return
    if (
      output === undefined &&
      (part === undefined || error === undefined || errorOf(error).code === 'crypto/provider')
    ) {
      // it cannot compute: others do its part
      if (part !== undefined) this.#queue.unshift(part)
      this.#lost(member)
      return
    }
    member.isWarm = true
    if (output !== undefined) {
      this.#finished++
      part?.resolve(output)
    } else part?.reject(errorOf(error ?? ''))
    this.#feed()
    this.#tellWarm()
  }

  #lost(member: Member): void {
    if (!this.#members.includes(member)) return
    this.#failures++
    this.#drop(member)
  }

  #drop(member: Member): void {
    this.#members = this.#members.filter((other) => other !== member)
    member.worker.terminate()
    for (const part of member.underWay.values()) if (part !== undefined) this.#queue.push(part)
    member.underWay.clear()
    this.#tellWarm()
    void this.#help()
  }

  #tellWarm(): void {
    if (!this.#areAllReady) return
    for (const resolve of this.#warmed.splice(0)) resolve()
  }

  /** Works on the queue for as long as workers are missing, and lets their answers in between two parts. */
  async #help(): Promise<void> {
    if (this.#helping) return
    this.#helping = true
    while (!this.#isComplete) {
      const part = this.#queue.shift()
      if (part === undefined) break
      await this.#here(part.make()).then(part.resolve, part.reject)
      await new Promise((resolve) => setTimeout(resolve))
    }
    this.#helping = false
  }
}

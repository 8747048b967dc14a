import type { Answer, Job } from './protocol.ts'
import { buffersOf, errorOf, type Packed } from './protocol.ts'

/** One worker, whatever the platform calls it. */
export interface PoolWorker {
  post(job: Job, transfer: readonly ArrayBuffer[]): void
  /** Called once: where answers go, and what to do when the worker is gone. */
  listen(answer: (answer: Answer) => void, gone: () => void): void
  terminate(): void
}

interface Waiting {
  readonly resolve: (output: Packed) => void
  readonly reject: (error: Error) => void
  readonly worker: PoolWorker
}

/** Workers that are started at the first job and stay until `close`. */
export class WorkerPool {
  readonly size: number
  readonly #start: () => PoolWorker
  #workers: PoolWorker[] = []
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 0
  #nextWorker = 0
  /** Workers that went. */
  #failures = 0
  #finished = 0

  constructor(size: number, start: () => PoolWorker) {
    this.size = size
    this.#start = start
  }

  /** Jobs that workers finished. */
  get finished(): number {
    return this.#finished
  }

  /** Runs one job in the next worker. @throws the code of the job's error; `crypto/provider` when the worker is gone */
  async run(job: Omit<Job, 'id'>): Promise<Packed> {
    // no program, no permission: starting more of them would cost time and change nothing
    if (this.#finished === 0 && this.#failures >= this.size) throw errorOf('crypto/provider')
    const worker = this.#worker()
    const id = this.#nextId++
    return await new Promise<Packed>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, worker })
      const numbered = { ...job, id }
      worker.post(numbered, buffersOf(numbered))
    })
  }

  /** Ends all workers; jobs under way fail with `crypto/provider`. The next job starts new ones. */
  close(): void {
    for (const worker of this.#workers.slice()) this.#drop(worker)
  }

  #worker(): PoolWorker {
    if (this.#workers.length < this.size) {
      const worker = this.#start()
      worker.listen(
        (answer) => {
          if (answer.output !== undefined) this.#finished++
          this.#settle(answer)
        },
        () => {
          this.#failures++
          this.#drop(worker)
        },
      )
      this.#workers.push(worker)
      return worker
    }
    this.#nextWorker = (this.#nextWorker + 1) % this.#workers.length
    return this.#workers[this.#nextWorker] as PoolWorker
  }

  #settle({ id, output, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (output !== undefined) waiting?.resolve(output)
    else waiting?.reject(errorOf(error ?? 'crypto/provider'))
  }

  #drop(worker: PoolWorker): void {
    this.#workers = this.#workers.filter((other) => other !== worker)
    worker.terminate()
    for (const [id, waiting] of this.#waiting) if (waiting.worker === worker) this.#settle({ id })
  }
}

import type { Timers } from '../../xmpp/port.ts'

interface Task {
  readonly at: number
  readonly order: number
  readonly network: boolean
  run: (() => void) | undefined
}

/** Lets everything that is ready in the event loop run: one macrotask. */
async function breathe(): Promise<void> {
  await new Promise<void>((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else {
      const channel = new MessageChannel()
      channel.port1.onmessage = () => {
        channel.port1.close()
        resolve()
      }
      channel.port2.postMessage(0)
    }
  })
}

/**
 * Time that passes only when told. Tasks run in the order of their time, then of their scheduling; between two instants all
 * pending promises get their turn, so the same program gives the same run.
 *
 * Network tasks (the service's deliveries) and timers (time-outs and pauses of the clients) are told apart:
 * {@link settle} and {@link autoRun} follow the network and do not let a time-out fire only because nothing else is left.
 */
export class VirtualClock implements Timers {
  readonly #heap: Task[] = []
  #now: number
  #order = 0
  #network = 0
  #auto = false
  #wake: (() => void) | undefined

  /** @param start milliseconds since the Unix epoch */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    return this.#push(ms, run, false)
  }

  /** Like {@link after}, for a step of the network. */
  deliver(ms: number, run: () => void): () => void {
    return this.#push(ms, run, true)
  }

  /** Tasks that wait. */
  get pending(): number {
    return this.#heap.length
  }

  /** Lets `ms` milliseconds pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await breathe()
    while ((this.#heap[0]?.at ?? Number.POSITIVE_INFINITY) <= end) await this.#instant()
    this.#now = end
  }

  /** Runs until no network task waits and nothing new comes; timers that are due on the way run too. */
  async settle(): Promise<void> {
    await breathe()
    while (this.#network > 0) await this.#instant()
  }

  /**
   * Runs by itself: network steps at once, a timer after `quietMs` real milliseconds without any network step. For programs
   * and tests that just use the service. Returns how to stop.
   */
  autoRun(quietMs = 20): () => void {
    this.#auto = true
    void this.#loop(quietMs)
    return () => {
      this.#auto = false
      this.#wake?.()
    }
  }

  async #loop(quietMs: number): Promise<void> {
    while (this.#auto) {
      await breathe()
      if (this.#network > 0) await this.#instant()
      else if (this.#heap.length > 0) {
        if (await this.#pause(quietMs)) await this.#instant()
      } else await this.#pause(undefined)
    }
  }

  /** Waits until a network task comes (`false`) or the time is over (`true`). */
  async #pause(ms: number | undefined): Promise<boolean> {
    return await new Promise<boolean>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => done(true), ms)
      const done = (over: boolean): void => {
        this.#wake = undefined
        clearTimeout(timer)
        resolve(over)
      }
      this.#wake = () => done(false)
    })
  }

  async #instant(): Promise<void> {
    const first = this.#heap[0]
    if (first === undefined) return
    this.#now = Math.max(this.#now, first.at)
    while ((this.#heap[0]?.at ?? Number.POSITIVE_INFINITY) <= this.#now) {
      const task = this.#pop()
      const run = task?.run
      if (task === undefined || run === undefined) continue
      task.run = undefined
      if (task.network) this.#network--
      run()
    }
    await breathe()
  }

  #push(ms: number, run: () => void, network: boolean): () => void {
    // whole milliseconds, as real clocks tell them
    const task: Task = { at: this.#now + Math.ceil(Math.max(0, ms)), order: this.#order++, network, run }
    const heap = this.#heap
    let i = heap.length
    heap.push(task)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !before(task, above)) break
      heap[i] = above
      heap[parent] = task
      i = parent
    }
    if (network) this.#network++
    if (network || this.#heap.length === 1) this.#wake?.()
    return () => {
      if (task.run === undefined) return
      task.run = undefined
      if (network) this.#network--
    }
  }

  #pop(): Task | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return top
    let i = 0
    for (;;) {
      const left = heap[2 * i + 1]
      const right = heap[2 * i + 2]
      const least = left !== undefined && right !== undefined && before(right, left) ? right : left
      if (least === undefined || !before(least, last)) break
      heap[i] = least
      i = least === left ? 2 * i + 1 : 2 * i + 2
    }
    heap[i] = last
    return top
  }
}

function before(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

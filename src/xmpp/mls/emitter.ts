/** Events that a listener could come too late for are kept, this many of one name. */
const maxHeld = 65_536

/** What a listener gives back that has handed a value on to listeners who did not take it. */
const untaken = Symbol('untaken')

interface Held {
  readonly value: unknown
  readonly told: (taken: boolean | Promise<boolean>) => void
}

/**
 * Listeners by name. A listener that throws disturbs neither the binding nor other listeners. What is told before anybody
 * listens to a name is kept, and given to the first who does: a room that is opened has read its archive before the
 * application can have asked for its messages.
 */
export class Emitter<E> {
  readonly #listeners = new Map<keyof E, Set<(value: never) => unknown>>()
  readonly #held = new Map<keyof E, Held[]>()
  readonly #onThrow: (error: unknown) => void

  /** @param onThrow told what a listener threw, at once or by its promise */
  constructor(onThrow: (error: unknown) => void) {
    this.#onThrow = onThrow
  }

  /** Adds a listener; what was kept for it comes right after. Returns how to take it away. */
  on<K extends keyof E>(name: K, listener: (value: E[K]) => unknown): () => void {
    const known = this.#listeners.get(name)
    const set = known ?? new Set()
    this.#listeners.set(name, set.add(listener))
    if (known === undefined) queueMicrotask(() => this.#release(name))
    return () => set.delete(listener)
  }

  /** Hands a name on to the listeners of another emitter: taken here is what was taken there. */
  forward(name: keyof E, to: Emitter<E>): () => void {
    return this.on(name, async (value) => ((await to.emit(name, value)) ? undefined : untaken))
  }

  /**
   * Tells all listeners of a name.
   * @returns whether they have taken it: there are some, none threw, and the promises that they returned are fulfilled
   */
  emit<K extends keyof E>(name: K, value: E[K]): Promise<boolean> {
    const held = this.#held.get(name)
    if (held === undefined && this.#listeners.has(name)) return this.#tell(name, value)
    if (held !== undefined && held.length >= maxHeld) return Promise.resolve(false)
    return new Promise((told) => {
      const one: Held = { value, told }
      if (held === undefined) this.#held.set(name, [one])
      else held.push(one)
    })
  }

  #release(name: keyof E): void {
    for (let held = this.#held.get(name); held !== undefined; held = this.#held.get(name)) {
      const next = held.shift()
      if (next === undefined) this.#held.delete(name)
      else next.told(this.#tell(name, next.value as E[keyof E]))
    }
  }

  #tell<K extends keyof E>(name: K, value: E[K]): Promise<boolean> {
    const listeners = [...(this.#listeners.get(name) ?? [])]
    const later: unknown[] = []
    for (const listener of listeners)
      try {
        const outcome = (listener as (value: E[K]) => unknown)(value)
        // most listeners are done when they return
        if (typeof outcome === 'object' && outcome !== null) later.push(outcome)
      } catch (error) {
        later.push(Promise.reject(error))
      }
    return later.length === 0 ? Promise.resolve(listeners.length > 0) : this.#taken(later)
  }

  async #taken(outcomes: readonly unknown[]): Promise<boolean> {
    let taken = true
    for (const outcome of await Promise.allSettled(outcomes)) {
      if (outcome.status === 'fulfilled' && outcome.value !== untaken) continue
      taken = false
      if (outcome.status === 'rejected') this.#onThrow(outcome.reason)
    }
    return taken
  }
}

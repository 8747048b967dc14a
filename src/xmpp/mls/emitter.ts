/** Events that a listener could come too late for are kept, this many of one name. */
const maxHeld = 65_536

/**
 * Listeners by name. A listener that throws disturbs neither the binding nor other listeners. What is told before anybody
 * listens to a name is kept, and given to the first who does: a room that is opened has read its archive before the
 * application can have asked for its messages.
 */
export class Emitter<E> {
  readonly #listeners = new Map<keyof E, Set<(value: never) => void>>()
  readonly #held = new Map<keyof E, unknown[]>()
  readonly #onThrow: (error: unknown) => void

  /** @param onThrow told what a listener threw */
  constructor(onThrow: (error: unknown) => void) {
    this.#onThrow = onThrow
  }

  /** Adds a listener; what was kept for it comes right after. Returns how to take it away. */
  on<K extends keyof E>(name: K, listener: (value: E[K]) => void): () => void {
    const known = this.#listeners.get(name)
    const set = known ?? new Set()
    this.#listeners.set(name, set.add(listener))
    if (known === undefined) queueMicrotask(() => this.#release(name))
    return () => set.delete(listener)
  }

  /** Tells all listeners of a name. */
  emit<K extends keyof E>(name: K, value: E[K]): void {
    const held = this.#held.get(name)
    if (held === undefined && this.#listeners.has(name)) this.#tell(name, value)
    else if (held === undefined) this.#held.set(name, [value])
    else if (held.length < maxHeld) held.push(value)
  }

  #release(name: keyof E): void {
    for (let held = this.#held.get(name); held !== undefined; held = this.#held.get(name)) {
      const next = held.shift()
      if (next === undefined) this.#held.delete(name)
      else this.#tell(name, next as E[keyof E])
    }
  }

  #tell<K extends keyof E>(name: K, value: E[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        ;(listener as (value: E[K]) => void)(value)
      } catch (error) {
        this.#onThrow(error)
      }
    }
  }
}

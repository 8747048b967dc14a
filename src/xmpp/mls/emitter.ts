/** Values of one name that wait for their first listener. */
const maxWaiting = 4096

/**
 * Listeners by name. A listener that throws disturbs neither the binding nor other listeners. What happens before anybody
 * listens to a name waits for the first who does: a room reads its archive while it is being entered.
 */
export class Emitter<E> {
  readonly #listeners = new Map<keyof E, Set<(value: never) => void>>()
  readonly #waiting = new Map<keyof E, E[keyof E][]>()
  readonly #onThrow: (error: unknown) => void

  /** @param onThrow told what a listener threw */
  constructor(onThrow: (error: unknown) => void) {
    this.#onThrow = onThrow
  }

  /** Adds a listener, which gets at once what has waited for it. Returns how to take it away. */
  on<K extends keyof E>(name: K, listener: (value: E[K]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, set.add(listener))
    const waiting = this.#waiting.get(name) ?? []
    this.#waiting.delete(name)
    for (const value of waiting) this.#call(listener, value as E[K])
    return () => set.delete(listener)
  }

  /** Tells all listeners of a name. */
  emit<K extends keyof E>(name: K, value: E[K]): void {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined) {
      const waiting = this.#waiting.get(name) ?? []
      this.#waiting.set(name, waiting)
      waiting.push(value)
      if (waiting.length > maxWaiting) waiting.shift()
      return
    }
    for (const listener of [...listeners]) this.#call(listener as (value: E[K]) => void, value)
  }

  #call<T>(listener: (value: T) => void, value: T): void {
    try {
      listener(value)
    } catch (error) {
      this.#onThrow(error)
    }
  }
}

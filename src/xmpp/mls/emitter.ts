/** Listeners by name. A listener that throws disturbs neither the binding nor other listeners. */
export class Emitter<E> {
  readonly #listeners = new Map<keyof E, Set<(value: never) => void>>()
  readonly #onThrow: (error: unknown) => void

  /** @param onThrow told what a listener threw */
  constructor(onThrow: (error: unknown) => void) {
    this.#onThrow = onThrow
  }

  /** Adds a listener. Returns how to take it away. */
  on<K extends keyof E>(name: K, listener: (value: E[K]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, set.add(listener))
    return () => set.delete(listener)
  }

  /** Tells all listeners of a name. */
  emit<K extends keyof E>(name: K, value: E[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        ;(listener as (value: E[K]) => void)(value)
      } catch (error) {
        this.#onThrow(error)
      }
    }
  }
}

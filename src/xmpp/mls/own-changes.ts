/** Changes of the membership that this device is about to make, for whatever comes after them. */

/**
 * What is said after somebody was invited is for him, too, and what is said after somebody was removed is not: so messages wait
 * for the changes that were asked for before, whatever becomes of those.
 */
export class OwnChanges {
  #pending: Promise<unknown> | undefined

  /** Makes a change. */
  during<T>(change: Promise<T>): Promise<T> {
    const pending = Promise.allSettled([this.#pending, change]).then(() => {
      if (this.#pending === pending) this.#pending = undefined
    })
    this.#pending = pending
    return change
  }

  /** When the changes that were asked for so far have ended; `undefined` when there are none. */
  get settled(): Promise<unknown> | undefined {
    return this.#pending
  }
}

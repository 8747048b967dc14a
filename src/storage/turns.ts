/**
 * Calls in order. Each call is *started* in its turn; the next turn begins when `start` has returned (or its promise has
 * resolved), without waiting for the `work` under way, so that a driver may join many batches in one transaction.
 */
export class Turns {
  #turn: Promise<unknown> = Promise.resolve()

  /** Runs `start` after the starts of all earlier calls; resolves and rejects as `start` and then `work` do. */
  next<T>(start: () => { readonly work: Promise<T> } | Promise<{ readonly work: Promise<T> }>): Promise<T> {
    const started = this.#turn.then(start)
    this.#turn = started.catch(() => undefined)
    return started.then(({ work }) => work)
  }

  /** Resolves when the starts of all earlier calls are over. */
  get idle(): Promise<unknown> {
    return this.#turn
  }
}

/** Which accounts changed, in order: whoever keeps something by account looks at those that changed since it last looked. */

/** Changes that are remembered; who has missed more looks at all accounts. */
const maxChanges = 4096

/** See the file. */
export class ChangeLog {
  #changes: string[] = []
  /** How many were forgotten. */
  #start = 0

  /** Grows with every change. */
  get version(): number {
    return this.#start + this.#changes.length
  }

  /** An account has changed. */
  note(account: string): void {
    if (this.#changes.length === maxChanges) {
      this.#changes = this.#changes.slice(maxChanges / 2)
      this.#start += maxChanges / 2
    }
    this.#changes.push(account)
  }

  /** Accounts that changed since a version; `undefined` when that is too long ago. */
  since(version: number): Iterable<string> | undefined {
    return version < this.#start ? undefined : new Set(this.#changes.slice(version - this.#start))
  }
}

/** Sets and maps that remember which of their entries may have changed, so that storing them costs what has changed. */

/** A set of texts. */
export class TrackedSet extends Set<string> {
  /** Entries that were added or deleted since {@link settle}. */
  touched = new Set<string>()
  /** Those that were deleted meanwhile, even when they were added again. */
  deleted = new Set<string>()

  override add(value: string): this {
    // the constructor of Set does not call this: it is given nothing
    this.touched.add(value)
    return super.add(value)
  }

  override delete(value: string): boolean {
    this.touched.add(value)
    this.deleted.add(value)
    return super.delete(value)
  }

  override clear(): void {
    for (const value of [...this]) this.delete(value)
  }

  /** Forgets what was noted. */
  settle(): void {
    this.touched = new Set()
    this.deleted = new Set()
  }
}

/** A map by texts. Whoever gets a value may change it: looking at one counts as a change where `byUse` is set. */
export class TrackedMap<V> extends Map<string, V> {
  /** Keys whose values were set, deleted or, with `byUse`, looked at since {@link settle}. */
  touched = new Set<string>()
  readonly #byUse: boolean

  constructor(byUse: boolean) {
    super()
    this.#byUse = byUse
  }

  override get(key: string): V | undefined {
    if (this.#byUse) this.touched.add(key)
    return super.get(key)
  }

  override set(key: string, value: V): this {
    this.touched.add(key)
    return super.set(key, value)
  }

  override delete(key: string): boolean {
    this.touched.add(key)
    return super.delete(key)
  }

  override clear(): void {
    for (const key of this.keys()) this.touched.add(key)
    super.clear()
  }

  /** Forgets what was noted. */
  settle(): void {
    this.touched = new Set()
  }
}

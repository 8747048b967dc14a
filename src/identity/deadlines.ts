/** Moments of things, in a heap: setting one and taking those that have passed costs O(log n). Whose moments, `K` says. */
export class Deadlines<K> {
  readonly #at = new Map<K, bigint>()
  /** Each element is no later than its two children. May hold what was set anew or taken back meanwhile. */
  #heap: { readonly key: K; readonly at: bigint }[] = []

  /** How many there are. */
  get size(): number {
    return this.#at.size
  }

  /** Sets the moment of a thing, or takes it back. */
  set(key: K, at: bigint | undefined): void {
    if (this.#at.get(key) === at) return
    if (at === undefined) this.#at.delete(key)
    else {
      this.#at.set(key, at)
      this.#push({ key, at })
    }
    if (this.#heap.length <= 2 * this.#at.size + 32) return
    // a sorted list is a heap
    const all = [...this.#at].map(([one, moment]) => ({ key: one, at: moment }))
    this.#heap = all.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  }

  /** Forgets all. */
  clear(): void {
    this.#at.clear()
    this.#heap = []
  }

  /** Takes the things whose moment is before `now`. */
  takePassed(now: bigint): K[] {
    const passed: K[] = []
    for (let first = this.#heap[0]; first !== undefined && first.at < now; first = this.#heap[0]) {
      this.#pop()
      if (this.#at.get(first.key) !== first.at) continue
      this.#at.delete(first.key)
      passed.push(first.key)
    }
    return passed
  }

  #push(entry: { readonly key: K; readonly at: bigint }): void {
    const heap = this.#heap
    let index = heap.length
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || parent.at <= entry.at) break
      heap[index] = parent
      index = above
    }
    heap[index] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]]
      if (left === undefined) break
      const [child, below] = right !== undefined && right.at < left.at ? [right, 2 * index + 2] : [left, 2 * index + 1]
      if (last.at <= child.at) break
      heap[index] = child
      index = below
    }
    heap[index] = last
  }
}

/**
 * An ordered set of byte strings, as Latin-1 texts (see `mapKey`), whose order is the order of the bytes. Held in chunks so
 * that an insertion moves at most one chunk.
 */
export class SortedKeys {
  readonly #chunks: string[][] = [[]]

  /** Adds a key; adding it twice changes nothing. */
  add(key: string): void {
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at] as string[]
    const index = lowerBound(chunk, key)
    if (chunk[index] === key) return
    chunk.splice(index, 0, key)
    if (chunk.length > 512) this.#chunks.splice(at + 1, 0, chunk.splice(256))
  }

  /** Removes a key if it is there. */
  remove(key: string): void {
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at] as string[]
    const index = lowerBound(chunk, key)
    if (chunk[index] !== key) return
    chunk.splice(index, 1)
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1)
  }

  /** Up to `limit` keys from `from` (inclusive) to `before` (exclusive), backwards when `reverse`. */
  between(from: string, before: string, reverse: boolean, limit: number): string[] {
    const out: string[] = []
    if (reverse) {
      for (let at = this.#chunkOf(before); at >= 0 && out.length < limit; at--) {
        const chunk = this.#chunks[at] as string[]
        for (let i = lowerBound(chunk, before) - 1; i >= 0; i--) {
          if ((chunk[i] as string) < from || out.length === limit) return out
          out.push(chunk[i] as string)
        }
      }
      return out
    }
    for (let at = this.#chunkOf(from); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at] as string[]
      for (let i = lowerBound(chunk, from); i < chunk.length; i++) {
        if ((chunk[i] as string) >= before || out.length === limit) return out
        out.push(chunk[i] as string)
      }
    }
    return out
  }

  /** The last chunk whose first key is not above `key`. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (((this.#chunks[middle] as string[])[0] as string) <= key) low = middle
      else high = middle - 1
    }
    return low
  }
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Reads one state of a sequence of pages without waiting: a page is fetched, compared with its name and taken apart when an
 * entry of it is first asked for, and once. Where its bytes come from is the caller's: a store that can read at once, or
 * rows that were read before.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type PageHead, pageSlots } from './page-format.ts'
import type { PageStore } from './pages.ts'

/** See the file. */
export class PageReader {
  readonly #pages: PageStore
  readonly #head: PageHead
  readonly #fetch: (key: Bytes) => Bytes | undefined
  /** The slots of pages that were read: by position, for each level. */
  readonly #read: Map<number, readonly (Bytes | undefined)[]>[]

  /** `fetch` gives the bytes under the key of a page. */
  constructor(pages: PageStore, head: PageHead, fetch: (key: Bytes) => Bytes | undefined) {
    this.#pages = pages
    this.#head = head
    this.#fetch = fetch
    this.#read = Array.from({ length: head.height + 1 }, () => new Map())
  }

  /**
   * The entry at an index, a view of its page; `undefined` for a blank one.
   * @throws `storage/range`, `storage/damaged`; what `fetch` throws
   */
  entry(index: number): Bytes | undefined {
    const { length, height, root } = this.#head
    if (!Number.isSafeInteger(index) || index < 0 || index >= length)
      throw new MlsError('storage/range', 'index outside a sequence')
    let name = root
    for (let level = height; name !== undefined; level--) {
      const at = Math.floor(index / pageSlots ** level)
      const slots: readonly (Bytes | undefined)[] = this.#slots(level, Math.floor(at / pageSlots), name)
      name = slots[at % pageSlots]
      if (level === 0) break
    }
    return name
  }

  #slots(level: number, position: number, name: Bytes): readonly (Bytes | undefined)[] {
    const known = this.#read[level]?.get(position)
    if (known !== undefined) return known
    const slots = this.#pages.check(level, position, name, this.#fetch(this.#pages.key(name)))
    this.#read[level]?.set(position, slots)
    return slots
  }
}

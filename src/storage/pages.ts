/**
 * Long sequences of byte strings kept as content-named pages: 64 entries a leaf page, 64 names an index page, and a head of
 * at most 40 bytes that the caller keeps in a record of its own.
 *
 * ```
 * head -> index page (level 1) -> leaf page (level 0): entries 0 to 63
 *                              -> leaf page:           entries 64 to 127 ...
 * ```
 *
 * A page never changes; its name is the SHA-256 of its bytes. Changing k entries writes the pages on the way to them, at most
 * k (height + 1), and shares all others with the sequence before. Reading fetches only the pages asked for and checks each
 * against its name. Blank entries (`undefined`) take no room, and neither do pages without entries.
 *
 * {@link PageStore.write}, {@link PageStore.release} and {@link PageStore.collect} return operations for the caller's batch,
 * so that the head and the pages change in one step. Whoever collects must do so between two writes, not during one.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, concatBytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { Storage, StorageOperation } from '../ports/storage.ts'
import {
  decodePage,
  emptyHead,
  encodePage,
  heightOf,
  maxPagedLength,
  type Page,
  type PageHead,
  pageNameLength,
  pageSlots,
} from './page-format.ts'

/** Where pages are kept. */
export interface PageStoreOptions {
  readonly storage: Storage
  readonly table: string
  /** What begins the keys of all pages of this sequence and its earlier states, such as an id of the group. */
  readonly prefix: Uint8Array
  /**
   * Names become HMAC-SHA-256 under this key: for content that somebody who reads names, but not values, could guess.
   */
  readonly nameKey?: Uint8Array
}

/** Changed entries by index; `undefined` makes an entry blank. */
export type PageChanges = ReadonlyMap<number, Uint8Array | undefined>

/** A new state of a sequence, not stored yet. */
export interface PageWrite {
  readonly head: PageHead
  /** What stores the new pages. Earlier states stay readable. */
  readonly operations: readonly StorageOperation[]
  /** Bytes of the new pages. */
  readonly bytes: number
}

/** A name on the way down, or the place of the root of a lower sequence under pages that it does not have. */
type Name = Bytes | 'above' | undefined

/** The pages of one sequence and its earlier states. */
export class PageStore {
  readonly #options: PageStoreOptions

  constructor(options: PageStoreOptions) {
    this.#options = options
  }

  /**
   * The state after `changes`, cut or extended with blank entries to `length`.
   * @throws `storage/range` for an index outside `length`, `storage/damaged`, `storage/io`
   */
  async write(base: PageHead, changes: PageChanges, length: number = base.length): Promise<PageWrite> {
    if (!Number.isSafeInteger(length) || length < 0 || length > maxPagedLength) throw range('length of a sequence')
    for (const index of changes.keys())
      if (!Number.isSafeInteger(index) || index < 0 || index >= length) throw range('index outside a sequence')
    const height = heightOf(length)
    const top = Math.max(height, base.height)
    const made = new Map<string, { readonly name: Bytes; readonly bytes: Bytes; readonly page: Page }>()
    const sorted = [...changes.keys()].sort((a, b) => a - b)
    const update = async (level: number, position: number, old: Name, indices: readonly number[]): Promise<Name> => {
      const span = pageSlots ** level
      const first = position * pageSlots
      const slots = [...(await this.#slots(level, position, old, base))]
      const cut = length < base.length ? Math.floor(length / span) - first : pageSlots
      for (let i = 0; i < pageSlots; i++) if ((first + i) * span >= length) slots[i] = undefined
      if (level === 0) for (const index of indices) slots[index - first] = entryOf(changes.get(index))
      else {
        const below = grouped(indices, (index) => Math.floor(index / span) - first)
        if (cut >= 0 && cut < pageSlots && slots[cut] !== undefined && !below.has(cut)) below.set(cut, [])
        for (const [i, list] of below) slots[i] = await update(level - 1, first + i, slots[i] as Name, list)
        // The root of the lower sequence keeps its name when nothing below it changed.
        if (slots[0] === 'above') slots[0] = await update(level - 1, first, 'above', [])
      }
      if (slots.every((slot) => slot === undefined)) return undefined
      const page: Page = { level, position, slots: slots as readonly (Bytes | undefined)[] }
      const bytes = encodePage(page)
      const name = this.#name(bytes)
      if (old === undefined || old === 'above' || !equalBytes(old, name)) made.set(mapKey(name), { name, bytes, page })
      return name
    }
    let root = await update(top, 0, base.height < top ? 'above' : base.root, sorted)
    for (let level = top; level > height && root !== undefined; level--) {
      const name = root as Bytes
      const page = made.get(mapKey(name))?.page ?? (await this.#read(level, 0, name))
      // The pages above the new root have nothing else under them.
      made.delete(mapKey(name))
      root = page.slots[0] as Name
    }
    const operations = [...made.values()].map(({ name, bytes }): StorageOperation => {
      return { kind: 'put', table: this.#options.table, key: this.key(name), value: bytes }
    })
    const bytes = [...made.values()].reduce((sum, page) => sum + page.bytes.length, 0)
    return { head: { length, height, root: root as Bytes | undefined }, operations, bytes }
  }

  /** A new sequence of these entries. */
  async create(entries: readonly (Uint8Array | undefined)[]): Promise<PageWrite> {
    const present = [...entries.entries()].filter(([, entry]) => entry !== undefined)
    return this.write(emptyHead, new Map(present), entries.length)
  }

  /**
   * The entries at `indices`, in their order; reads each page once.
   * @throws `storage/range`, `storage/damaged`, `storage/io`
   */
  async get(head: PageHead, indices: readonly number[]): Promise<(Bytes | undefined)[]> {
    for (const index of indices)
      if (!Number.isSafeInteger(index) || index < 0 || index >= head.length) throw range('index outside a sequence')
    let names = new Map<number, Bytes>(head.root === undefined ? [] : [[0, head.root]])
    for (let level = head.height; level > 0; level--) {
      const span = pageSlots ** level
      const pages = await this.#readMany(level, names)
      names = new Map()
      for (const index of indices) {
        const below = Math.floor(index / span)
        const name = pages.get(Math.floor(below / pageSlots))?.slots[below % pageSlots]
        if (name !== undefined) names.set(below, copyBytes(name))
      }
    }
    const leaves = await this.#readMany(0, names)
    return indices.map((index) => entryOf(leaves.get(Math.floor(index / pageSlots))?.slots[index % pageSlots]))
  }

  /**
   * All entries in order, read 4,096 at a time.
   * @throws `storage/damaged`, `storage/io`
   */
  async *entries(head: PageHead): AsyncGenerator<Bytes | undefined, void> {
    const step = pageSlots * pageSlots
    for (let start = 0; start < head.length; start += step) {
      const count = Math.min(step, head.length - start)
      yield* await this.get(
        head,
        Array.from({ length: count }, (_, i) => start + i),
      )
    }
  }

  /**
   * What deletes the pages of `old` that no state of `live` uses. Reads only where they differ: the cost of forgetting an
   * epoch is that of the commit after it.
   * @throws `storage/damaged`, `storage/io`
   */
  async release(old: PageHead, live: readonly PageHead[]): Promise<StorageOperation[]> {
    const operations: StorageOperation[] = []
    const top = Math.max(old.height, ...live.map((head) => head.height))
    type Place = { readonly head: PageHead; readonly name: Name }
    const place = (head: PageHead): Place => ({ head, name: head.height < top ? 'above' : head.root })
    const visit = async (level: number, position: number, at: Place, others: readonly Place[]): Promise<void> => {
      const { name } = at
      if (name === undefined) return
      if (name !== 'above') {
        const shared = others.some(({ name: other }) => other instanceof Uint8Array && equalBytes(other, name))
        if (shared) return
        operations.push({ kind: 'delete', table: this.#options.table, key: this.key(name) })
      }
      if (level === 0) return
      const below = async ({ head, name }: Place) => ({ head, slots: await this.#slots(level, position, name, head) })
      const [mine, theirs] = [await below(at), await Promise.all(others.map(below))]
      for (let i = 0; i < pageSlots; i++) {
        const slot = ({ head, slots }: typeof mine): Place => ({ head, name: slots[i] as Name })
        await visit(level - 1, position * pageSlots + i, slot(mine), theirs.map(slot))
      }
    }
    await visit(top, 0, place(old), live.map(place))
    return operations
  }

  /**
   * What deletes every page under the prefix that no state of `live` uses. Reads the index pages of all of them and all
   * keys: for repair, and after a state was dropped without {@link release}.
   * @throws `storage/damaged`, `storage/io`
   */
  async collect(live: readonly PageHead[]): Promise<StorageOperation[]> {
    const { storage, table, prefix } = this.#options
    const used = new Set<string>()
    for (const head of live) {
      let names = new Map<number, Bytes>(head.root === undefined ? [] : [[0, head.root]])
      for (let level = head.height; level >= 0; level--) {
        for (const name of names.values()) used.add(mapKey(name))
        const next = new Map<number, Bytes>()
        if (level > 0)
          for (const [position, page] of await this.#readMany(level, names))
            for (const [i, name] of page.slots.entries())
              if (name !== undefined) next.set(position * pageSlots + i, copyBytes(name))
        names = next
      }
    }
    const operations: StorageOperation[] = []
    let from = copyBytes(prefix)
    for (;;) {
      const keys = await storage.scanKeys(table, { prefix, from, limit: 4096 })
      for (const key of keys)
        if (!used.has(mapKey(key.subarray(prefix.length)))) operations.push({ kind: 'delete', table, key })
      const last = keys.at(-1)
      if (last === undefined || keys.length < 4096) return operations
      from = concatBytes(last, new Uint8Array(1))
    }
  }

  /** The slots of a page by name, of a place above the root of `head`, or of no page. */
  async #slots(level: number, position: number, name: Name, head: PageHead): Promise<readonly Name[]> {
    if (name === undefined) return new Array<Name>(pageSlots).fill(undefined)
    if (name !== 'above') return (await this.#read(level, position, name)).slots as readonly Name[]
    const slots = new Array<Name>(pageSlots).fill(undefined)
    slots[0] = level - 1 > head.height ? 'above' : head.root
    return slots
  }

  async #read(level: number, position: number, name: Bytes): Promise<Page> {
    const page = (await this.#readMany(level, new Map([[position, name]]))).get(position)
    if (page === undefined) throw new MlsError('internal/unreachable', 'a page that was read')
    return page
  }

  async #readMany(level: number, names: ReadonlyMap<number, Bytes>): Promise<Map<number, Page>> {
    const { storage, table } = this.#options
    const asked = [...names.values()].map((name) => ({ table, key: this.key(name) }))
    const found = await storage.getMany(asked)
    const pages = new Map<number, Page>()
    for (const [i, [position, name]] of [...names].entries())
      pages.set(position, { level, position, slots: this.check(level, position, name, found[i]) })
    return pages
  }

  /**
   * The slots of the bytes of a page, which must be what its name says, at its place.
   * @throws `storage/damaged`, `storage/version`
   */
  check(level: number, position: number, name: Uint8Array, bytes: Bytes | undefined): Page['slots'] {
    if (bytes === undefined) throw new MlsError('storage/damaged', 'a page is missing')
    if (!equalBytes(this.#name(bytes), name)) throw new MlsError('storage/damaged', 'a page is not what its name says')
    const page = decodePage(bytes)
    if (page.level !== level || page.position !== position)
      throw new MlsError('storage/damaged', 'a page is in the wrong place')
    return page.slots
  }

  #name(bytes: Uint8Array): Bytes {
    const { nameKey } = this.#options
    return copyBytes(nameKey === undefined ? sha256(bytes) : hmac(sha256, nameKey, bytes))
  }

  /** The key of a page by its name. @throws `storage/damaged` */
  key(name: Uint8Array): Bytes {
    if (name.length !== pageNameLength) throw new MlsError('storage/damaged', 'name of a page')
    return concatBytes(this.#options.prefix, name)
  }
}

function entryOf(entry: Uint8Array | undefined): Bytes | undefined {
  return entry === undefined ? undefined : copyBytes(entry)
}

function grouped(indices: readonly number[], groupOf: (index: number) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  for (const index of indices) {
    const group = groupOf(index)
    const found = groups.get(group)
    if (found === undefined) groups.set(group, [index])
    else found.push(index)
  }
  return groups
}

function range(what: string): MlsError {
  return new MlsError('storage/range', what)
}

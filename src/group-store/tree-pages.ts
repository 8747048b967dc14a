/** The ratchet tree of a group as content-named pages: a commit writes the pages of its path, opening
 * reads the root. */
import { type Bytes, concatBytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { Storage, StorageOperation } from '../ports/storage.ts'
import { changedNodes, restoreTree } from '../ratchet-tree/stored-nodes.ts'
import type { Tree } from '../ratchet-tree/tree.ts'
import { decodeHead, emptyHead, encodeHead, type PageHead } from '../storage/page-format.ts'
import { bandLengths, nodePlace } from '../storage/page-order.ts'
import { PageReader } from '../storage/page-reader.ts'
import { PageStore } from '../storage/pages.ts'
import { scanAll, tables } from './layout.ts'

/** What names the pages of one tree: its height, and a head for each band. */
export interface TreeHeads {
  readonly height: number
  readonly bands: readonly PageHead[]
}

/** A tree that is stored. */
export interface StoredTree {
  readonly tree: Tree
  readonly heads: TreeHeads
}

/** The pages of one life of a group. Only the newest tree is kept: earlier ones are differences from it. */
export class TreePages {
  readonly #storage: Storage
  readonly #nameKey: Uint8Array
  readonly #life: Uint8Array
  #failure: { readonly cause: unknown } | undefined

  constructor(storage: Storage, nameKey: Uint8Array, life: Uint8Array) {
    this.#storage = storage
    this.#nameKey = nameKey
    this.#life = life
  }

  /** What turns the stored tree into another one, and deletes the pages that nothing needs any more. */
  async replace(
    base: StoredTree | undefined,
    tree: Tree,
  ): Promise<{ readonly heads: TreeHeads; readonly operations: StorageOperation[] }> {
    if (base?.tree === tree) return { heads: base.heads, operations: [] }
    const lengths = bandLengths(tree.leafCount)
    const changes = lengths.map(() => new Map<number, Bytes | undefined>())
    for (const [node, bytes] of changedNodes(base?.tree, tree)) {
      const { band, index } = nodePlace(node)
      // what lies outside the new tree is cut off with its pages
      if (index < (lengths[band] ?? 0)) changes[band]?.set(index, bytes)
    }
    const operations: StorageOperation[] = []
    const bands: PageHead[] = []
    for (let band = 0; band < Math.max(lengths.length, base?.heads.bands.length ?? 0); band++) {
      const old = base?.heads.bands[band] ?? emptyHead
      const pages = this.#pages(band)
      const length = lengths[band]
      let head = emptyHead
      let written: readonly StorageOperation[] = []
      if (length !== undefined) {
        const write = await pages.write(old, changes[band] ?? new Map(), length)
        written = write.operations
        operations.push(...written)
        head = write.head
        bands.push(head)
      }
      // the new pages are not stored yet, and what they share with the old ones is found by reading both
      operations.push(...(await this.#pages(band, written).release(old, [head])))
    }
    return { heads: { height: tree.height, bands }, operations }
  }

  /**
   * A tree whose pages are read when somebody looks at their nodes. What a later batch deletes is not missed: a page is
   * replaced because a node in it has changed, finding that has looked at the node, and a reader keeps what it has read.
   * @throws `storage/damaged`, `storage/io`
   */
  async open(suite: CipherSuite, heads: TreeHeads): Promise<Tree> {
    const lengths = bandLengths(2 ** heads.height)
    if (heads.bands.length !== lengths.length || heads.bands.some((head, band) => head.length !== lengths[band]))
      throw new MlsError('storage/damaged', 'pages of another tree')
    const fetch = await this.#source()
    const readers = heads.bands.map((head, band) => new PageReader(this.#pages(band), head, fetch))
    const failed = (cause: unknown) => {
      this.#failure ??= { cause }
    }
    return restoreTree(
      suite,
      heads.height,
      (node) => {
        const { band, index } = nodePlace(node)
        return readers[band]?.entry(index)
      },
      failed,
    )
  }

  /**
   * Passes when every page that somebody looked for was there. After a failure whatever was done with the tree is not to
   * be stored: it may be the outcome of an error that was taken for that of a bad message.
   * @throws `storage/fenced`, `storage/damaged`, `storage/io`, `storage/closed`
   */
  async check(): Promise<void> {
    if (this.#failure === undefined) return
    // pages are missing, too, when another owner has replaced them
    await this.#storage.apply([])
    const { cause } = this.#failure
    if (cause instanceof MlsError && cause.code.startsWith('storage/')) throw cause
    throw new MlsError('storage/damaged', 'stored nodes that are no tree', { cause })
  }

  /** What gives the bytes of a page; a storage that answers later only is read as a whole. */
  async #source(): Promise<(key: Bytes) => Bytes | undefined> {
    const storage = this.#storage
    if (storage.readNow !== undefined) return (key) => storage.readNow?.([{ table: tables.pages, key }])[0]
    const rows = new Map<string, Bytes>()
    for (const { key, value } of await scanAll(storage, tables.pages, this.#life)) rows.set(mapKey(key), value)
    return (key) => rows.get(mapKey(key))
  }

  #pages(band: number, written: readonly StorageOperation[] = []): PageStore {
    return new PageStore({
      storage: written.length === 0 ? this.#storage : readingAhead(this.#storage, written),
      table: tables.pages,
      prefix: concatBytes(this.#life, Uint8Array.of(band)),
      nameKey: this.#nameKey,
    })
  }
}

/** A storage whose look-ups see a batch that was not applied yet. */
function readingAhead(storage: Storage, batch: readonly StorageOperation[]): Storage {
  const rows = new Map(batch.map((operation) => [rowOf(operation), operation]))
  const getMany: Storage['getMany'] = async (keys) => {
    const found = await storage.getMany(keys)
    return keys.map((key, i) => {
      const operation = rows.get(rowOf(key))
      return operation?.kind === 'put' ? copyBytes(operation.value) : found[i]
    })
  }
  return {
    owner: storage.owner,
    apply: (operations) => storage.apply(operations),
    get: async (table, key) => (await getMany([{ table, key }]))[0],
    getMany,
    scan: (table, range) => storage.scan(table, range),
    scanKeys: (table, range) => storage.scanKeys(table, range),
    sizes: () => storage.sizes(),
    close: () => storage.close(),
  }
}

function rowOf(
  row: { readonly table: string } & ({ readonly key: Uint8Array } | { readonly prefix: Uint8Array }),
): string {
  return `${row.table} ${mapKey('key' in row ? row.key : row.prefix)}`
}

/** Heads as they stand in a record. */
export function encodeHeads({ bands }: TreeHeads): Bytes[] {
  return bands.map(encodeHead)
}

/** Heads of a record. @throws `storage/damaged` */
export function decodeHeads(height: number, bands: readonly Uint8Array[]): TreeHeads {
  return { height, bands: bands.map(decodeHead) }
}

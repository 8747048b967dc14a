/**
 * A walk through the trees of an LMDB file before the library maps it. LMDB has no checksums and follows the pointers of its
 * pages without looking where they lead: a page that was overwritten ends the process with a signal. So everything that it
 * follows is followed here first, within bounds: pages (their number, kind, free space), nodes (their place in the page, the
 * order of their keys), children, runs of overflow pages, lists of free pages. Values are not looked at.
 *
 * Facts about the file, of LMDB's data format 2, little-endian: a page header is page number (8), transaction (8), unused (2),
 * kind (2: 1 branch, 2 leaf, 4 overflow), ends of the list of offsets and of the free space (2 and 2, or 4 for the number of
 * overflow pages); offsets count from the end of the header. A node is size of data (4) or number of the child (6), flags
 * (2, of leaves), size of the key (2), key, data; with flag 1 the data are number, transaction and count of overflow pages.
 */
import { readSync } from 'node:fs'
import { MlsError } from '../bytes/errors.ts'

/** A tree as a meta page describes it. */
export interface LmdbTree {
  readonly flags: number
  readonly depth: number
  readonly entries: number
  readonly root: bigint
}

/** What one meta page says. */
export interface LmdbMeta {
  readonly pageSize: number
  readonly lastPage: number
  readonly transaction: bigint
  readonly free: LmdbTree
  readonly main: LmdbTree
}

const kinds = { branch: 1, leaf: 2, overflow: 4 } as const
const headerLength = 24
const nodeLength = 8
const overflowReference = 24
const noPage = 0xffff_ffff_ffff_ffffn
/** Flags that change the form of pages or the order of keys; the free list has the one for integer keys. */
const formFlags = 0x7e
const integerKeys = 8
const maxDepth = 32

/**
 * Checks the trees of a meta page.
 * @throws `storage/damaged`; what reading the file throws
 */
export function walkLmdbTrees(file: number, meta: LmdbMeta): void {
  const walk = new Walk(file, meta)
  if ((meta.free.flags & formFlags) !== integerKeys || (meta.main.flags & formFlags) !== 0)
    throw damaged('flags of a tree')
  walk.tree(meta.main, (key, previous) => Buffer.compare(key, previous) > 0)
  const lists: Buffer[] = []
  walk.tree(
    meta.free,
    (key, previous) => key.length === 8 && key.readBigUInt64LE() > previous.readBigUInt64LE(),
    (list) => lists.push(list),
  )
  for (const list of lists) walk.freePages(list)
}

type InOrder = (key: Buffer, previous: Buffer) => boolean

class Walk {
  readonly #file: number
  readonly #meta: LmdbMeta
  readonly #seen: Uint8Array
  #entries = 0
  #onValue: ((value: Buffer) => void) | undefined

  constructor(file: number, meta: LmdbMeta) {
    this.#file = file
    this.#meta = meta
    this.#seen = new Uint8Array(meta.lastPage + 1)
  }

  /** Follows a tree; `onValue` gets its values. */
  tree({ depth, entries, root }: LmdbTree, inOrder: InOrder, onValue?: (value: Buffer) => void): void {
    this.#entries = 0
    this.#onValue = onValue
    if (depth > maxDepth || (root === noPage) !== (depth === 0)) throw damaged('root of a tree')
    if (root !== noPage) this.#visit(root, depth, inOrder)
    if (this.#entries !== entries) throw damaged('number of entries')
  }

  #visit(number: bigint, depth: number, inOrder: InOrder): void {
    const page = this.#read(number, 1)
    const room = page.length - headerLength
    const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)]
    if (page.readUInt16LE(18) !== (depth > 1 ? kinds.branch : kinds.leaf)) throw damaged('kind of a page')
    // LMDB counts on two children at least
    if (lower % 2 !== 0 || lower < (depth > 1 ? 4 : 2) || lower > upper || upper > room)
      throw damaged('bounds of a page')
    let previous: Buffer | undefined
    for (let i = 0; i < lower; i += 2) {
      const offset = page.readUInt16LE(headerLength + i)
      if (offset < upper || offset + nodeLength > room) throw damaged('place of a node')
      const node = page.subarray(headerLength + offset)
      const key = node.subarray(nodeLength, nodeLength + node.readUInt16LE(6))
      const end = nodeLength + node.readUInt16LE(6)
      if (end > node.length) throw damaged('key of a node')
      // the first key of a branch is not used
      if (depth === 1 || i > 0) {
        if (previous !== undefined && !inOrder(key, previous)) throw damaged('order of keys')
        previous = key
      }
      if (depth > 1) this.#visit(BigInt(node.readUIntLE(0, 6)), depth - 1, inOrder)
      else this.#leaf(node, end)
    }
  }

  #leaf(node: Buffer, end: number): void {
    this.#entries++
    const [size, flags] = [node.readUInt32LE(0), node.readUInt16LE(4)]
    if (flags > 1) throw damaged('flags of a node')
    if (end + (flags === 0 ? size : overflowReference) > node.length) throw damaged('data of a node')
    if (flags === 0) {
      this.#onValue?.(node.subarray(end, end + size))
      return
    }
    const needed = Math.floor((headerLength - 1 + size) / this.#meta.pageSize) + 1
    const count = Number(node.readBigUInt64LE(end + 16))
    if (count < needed || node.readBigUInt64LE(end + 8) > this.#meta.transaction)
      throw damaged('overflow pages of a node')
    const page = this.#read(node.readBigUInt64LE(end), count)
    if (page.readUInt16LE(18) !== kinds.overflow || page.readUInt32LE(20) !== count) throw damaged('overflow page')
    if (this.#onValue === undefined) return
    const all = Buffer.allocUnsafe(size)
    const at = Number(node.readBigUInt64LE(end)) * this.#meta.pageSize + headerLength
    if (readSync(this.#file, all, 0, size, at) < size) throw damaged('end of the file')
    this.#onValue(all)
  }

  /**
   * A list of free pages: its length, then numbers of pages, zeros for places that are not used, and `-n` before the first
   * of n pages in a row. A page in use must not be among them: the next batch would be written over it.
   */
  freePages(list: Buffer): void {
    const length = list.length < 8 ? -1n : list.readBigInt64LE(0)
    if (length < 0n || length > BigInt(list.length / 8 - 1)) throw damaged('length of a free list')
    for (let i = 1; i <= Number(length); i++) {
      const entry = list.readBigInt64LE(8 * i)
      const count = entry < 0n ? -entry : 1n
      if (entry < 0n && ++i > Number(length)) throw damaged('end of a free list')
      const first = list.readBigInt64LE(8 * i)
      if (first === 0n) continue
      if (first < 2n || first + count - 1n > BigInt(this.#meta.lastPage)) throw damaged('number of a free page')
      for (let page = Number(first); page < Number(first + count); page++)
        if (this.#seen[page] !== 0) throw damaged('a free page that is in use')
    }
  }

  /** The first of a run of pages, none of which was met before. */
  #read(first: bigint, count: number): Buffer {
    const { pageSize, lastPage } = this.#meta
    if (first < 2n || first > BigInt(lastPage) || Number(first) + count - 1 > lastPage)
      throw damaged('number of a page')
    const number = Number(first)
    for (let i = number; i < number + count; i++) {
      if (this.#seen[i] !== 0) throw damaged('a page that is met twice')
      this.#seen[i] = 1
    }
    const page = Buffer.allocUnsafe(pageSize)
    if (readSync(this.#file, page, 0, pageSize, number * pageSize) < pageSize) throw damaged('end of the file')
    if (page.readBigUInt64LE(0) !== first) throw damaged('number in a page')
    // LMDB takes a page of a later transaction for one that it holds in memory
    if (page.readBigUInt64LE(8) > this.#meta.transaction) throw damaged('transaction of a page')
    return page
  }
}

function damaged(what: string): MlsError {
  return new MlsError('storage/damaged', `LMDB file: ${what}`)
}

/**
 * A look at an LMDB file before the library maps it. LMDB trusts its file: one that is no LMDB file, is cut off, or has pages
 * that were overwritten, ends the process with a signal instead of an error. So the two meta pages are checked here, a file
 * that is shorter than they say is extended with zeros, which LMDB recognises as no page of its own, and the trees are
 * walked (lmdb-walk.ts). Damage of values is found by those who read them (records.ts, pages.ts, sealed.ts).
 *
 * What remains: a file that changes on the medium while it is open, one that another process writes too fast to be walked,
 * and a list of free pages that names a page in use.
 *
 * Facts about the file, of LMDB's data format 2: a page header of 24 bytes; then magic (4, at 24) and format (4, at 28); the
 * size of pages (4, at 48); the tree of free pages (from 48) and of rows (from 96): flags (2, at +4), depth (2, at +6),
 * entries (8, at +32), root (8, at +40); the number of the last page (8, at 144) and of the transaction (8, at 152).
 * Little-endian on the platforms that the library supports.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { MlsError } from '../bytes/errors.ts'
import { type LmdbMeta, type LmdbTree, walkLmdbTrees } from './lmdb-walk.ts'

const magic = 0xbeefc0de
const knownFormat = 2
const headerLength = 168
/** Walks that a living writer may disturb. */
const tries = 20

/**
 * Checks the file of an environment, when there is one.
 * @throws `storage/damaged`, `storage/version`, `storage/io`
 */
export function checkLmdbFile(path: string): void {
  let file: number
  try {
    file = openSync(join(path, 'data.mdb'), 'r+')
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ENOENT') return
    throw new MlsError('storage/io', 'cannot open the LMDB file', { cause })
  }
  try {
    const { size } = fstatSync(file)
    // LMDB has created the file and was interrupted before it wrote the first page.
    if (size === 0) return
    const [first, second] = readMetas(file)
    const needed = (Math.max(first.lastPage, second.lastPage) + 1) * first.pageSize
    if (size < needed) ftruncateSync(file, needed)
    walkNewest(file)
  } catch (cause) {
    throw cause instanceof MlsError ? cause : new MlsError('storage/io', 'cannot read the LMDB file', { cause })
  } finally {
    closeSync(file)
  }
}

/**
 * Walks the newest state. A process that writes meanwhile uses pages of older states again, so a walk only counts while its
 * state is the newest. Who writes faster than this one reads has the file mapped and lives: nothing is held against the file.
 */
function walkNewest(file: number): void {
  for (let left = tries; left > 0; left--) {
    const meta = newest(file)
    try {
      walkLmdbTrees(file, meta)
      return
    } catch (cause) {
      if (newest(file).transaction === meta.transaction) throw cause
    }
  }
}

function newest(file: number): LmdbMeta {
  const [first, second] = readMetas(file)
  return first.transaction > second.transaction ? first : second
}

function readMetas(file: number): readonly [LmdbMeta, LmdbMeta] {
  const first = readMeta(file, 0)
  const second = readMeta(file, first.pageSize)
  if (first.pageSize !== second.pageSize) throw new MlsError('storage/damaged', 'meta page of LMDB')
  return [first, second]
}

function readMeta(file: number, offset: number): LmdbMeta {
  const view = new DataView(new ArrayBuffer(headerLength))
  const read = readSync(file, view, 0, headerLength, offset)
  if (read < headerLength || view.getUint32(24, true) !== magic)
    throw new MlsError('storage/damaged', 'not an LMDB file')
  const format = view.getUint32(28, true)
  if (format !== knownFormat) throw new MlsError('storage/version', `data format ${format} of LMDB`)
  const pageSize = view.getUint32(48, true)
  const lastPage = Number(view.getBigUint64(144, true))
  // 2^32 pages are more than any map that a process can have.
  if (pageSize < 256 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0 || lastPage > 2 ** 32)
    throw new MlsError('storage/damaged', 'meta page of LMDB')
  const tree = (at: number): LmdbTree => ({
    flags: view.getUint16(at + 4, true),
    depth: view.getUint16(at + 6, true),
    entries: Number(view.getBigUint64(at + 32, true)),
    root: view.getBigUint64(at + 40, true),
  })
  return { pageSize, lastPage, transaction: view.getBigUint64(152, true), free: tree(48), main: tree(96) }
}

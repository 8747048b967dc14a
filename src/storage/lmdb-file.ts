/**
 * A look at an LMDB file before the library maps it. LMDB trusts its file: one that is no LMDB file, or is cut off, ends the
 * process with a signal instead of an error. So the two meta pages are checked here, and a file that is shorter than they
 * say is extended with zeros, which LMDB recognises as no page of its own. What remains: LMDB has no checksums on pages. Of
 * other damage it finds some by itself, and sealed.ts finds what reaches values; pages overwritten with something that
 * looks like pointers can still end the process.
 *
 * Facts about the file, of LMDB's data format 2: a page header of 24 bytes; then magic (4, at 24) and format (4, at 28); the
 * size of pages (4, at 48); the number of the last page (8, at 144). Little-endian on the platforms that the library supports.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { MlsError } from '../bytes/errors.ts'

const magic = 0xbeefc0de
const knownFormat = 2
const headerLength = 168

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
    const pageSize = readMeta(file, 0).pageSize
    const { lastPage } = readMeta(file, pageSize)
    const needed = (Math.max(readMeta(file, 0).lastPage, lastPage) + 1) * pageSize
    if (size < needed) ftruncateSync(file, needed)
  } catch (cause) {
    throw cause instanceof MlsError ? cause : new MlsError('storage/io', 'cannot read the LMDB file', { cause })
  } finally {
    closeSync(file)
  }
}

function readMeta(file: number, offset: number): { readonly pageSize: number; readonly lastPage: number } {
  const view = new DataView(new ArrayBuffer(headerLength))
  const read = readSync(file, view, 0, headerLength, offset)
  if (read < headerLength || view.getUint32(24, true) !== magic)
    throw new MlsError('storage/damaged', 'not an LMDB file')
  const format = view.getUint32(28, true)
  if (format !== knownFormat) throw new MlsError('storage/version', `data format ${format} of LMDB`)
  const pageSize = view.getUint32(48, true)
  const lastPage = Number(view.getBigUint64(144, true))
  // 2^36 pages are more than any map that a process can have.
  if (pageSize < 256 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0 || lastPage > 2 ** 36)
    throw new MlsError('storage/damaged', 'meta page of LMDB')
  return { pageSize, lastPage }
}

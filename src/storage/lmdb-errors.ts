/** What LMDB and its library throw, as typed errors. */
import { statfsSync } from 'node:fs'
import { MlsError } from '../bytes/errors.ts'

/** Codes of the operating system and of LMDB that mean that there is no room. */
const noRoom = /ENOSPC|EDQUOT|MDB_MAP_FULL|No space left|quota exceeded/i
/** Codes of LMDB that mean that its file is not what it wrote. */
const broken =
  /MDB_CORRUPTED|MDB_PAGE_NOTFOUND|MDB_INVALID|MDB_VERSION_MISMATCH|MDB_PANIC|MDB_BAD_TXN|not an LMDB file/i
const eio = 5

/** The typed error for what the library threw at once. */
export function translateLmdb(cause: unknown): MlsError {
  const text = cause instanceof Error ? cause.message : ''
  if (noRoom.test(text)) return new MlsError('storage/full', 'no room on the medium', { cause })
  if (broken.test(text)) return new MlsError('storage/damaged', 'the LMDB file is damaged', { cause })
  return new MlsError('storage/io', 'LMDB failed', { cause })
}

/**
 * The typed error for a batch that failed. Of a commit the library tells the reason later, by another promise; and LMDB
 * reports a write that was cut short for want of room as an input/output error, so that the room left must be looked at.
 * A failed commit has changed nothing.
 */
export async function translateCommit(cause: unknown, path: string, batchBytes: number): Promise<MlsError> {
  const later = (cause as { commitError?: Promise<unknown> } | null)?.commitError
  if (later === undefined) return cause instanceof MlsError ? cause : translateLmdb(cause)
  const reason = await Promise.race([
    later.catch((error: unknown) => error),
    new Promise((resolve) => setTimeout(resolve, 1000, cause)),
  ])
  if ((reason as { code?: unknown }).code === eio && roomLeft(path) < batchBytes * 2 + 256 * 1024)
    return new MlsError('storage/full', 'no room on the medium', { cause: reason })
  return translateLmdb(reason)
}

function roomLeft(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/**
 * A vault of files on Node: one file a blob, beside the store. Destroying writes zeros over the file in place, syncs, and
 * removes it. On a file system that overwrites in place (ext4, XFS, NTFS) the old bytes are gone from the blocks; a flash
 * controller, a copy-on-write file system (Btrfs, ZFS, APFS) or a snapshot may keep them: keep the vault elsewhere there.
 */
import { type FileHandle, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { KeyVault } from './vault.ts'

const ending = '.key'

function failed(cause: unknown): MlsError {
  if (cause instanceof MlsError) return cause
  const code = (cause as { code?: unknown }).code
  if (code === 'ENOSPC' || code === 'EDQUOT') return new MlsError('storage/full', 'no room for a key record', { cause })
  return new MlsError('storage/io', 'key vault', { cause })
}

function isMissing(cause: unknown): boolean {
  return (cause as { code?: unknown }).code === 'ENOENT'
}

async function using<T>(file: FileHandle, use: (file: FileHandle) => Promise<T>): Promise<T> {
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  await using(await open(folder, 'r'), (file) => file.sync())
}

/**
 * A vault in a folder of its own, created when absent, readable by its owner only.
 * @throws `storage/io`
 */
export async function openFileVault(folder: string): Promise<KeyVault> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw failed(cause)
  }
  const pathOf = (name: string) => {
    if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new MlsError('storage/range', 'name of a key record')
    return join(folder, name + ending)
  }
  return {
    async read(name) {
      try {
        return copyBytes(await readFile(pathOf(name)))
      } catch (cause) {
        if (isMissing(cause)) return undefined
        throw failed(cause)
      }
    },
    async write(name, blob) {
      try {
        await using(await open(pathOf(name), 'wx', 0o600), async (file) => {
          await file.writeFile(blob)
          await file.sync()
        })
        await syncFolder(folder)
      } catch (cause) {
        throw failed(cause)
      }
    },
    async destroy(name) {
      try {
        await using(await open(pathOf(name), 'r+'), async (file) => {
          const { size } = await file.stat()
          await file.write(new Uint8Array(size), 0, size, 0)
          await file.sync()
        })
        await unlink(pathOf(name))
        await syncFolder(folder)
      } catch (cause) {
        if (!isMissing(cause)) throw failed(cause)
      }
    },
    async list() {
      try {
        return (await readdir(folder))
          .filter((file) => file.endsWith(ending))
          .map((file) => file.slice(0, -ending.length))
      } catch (cause) {
        throw failed(cause)
      }
    },
  }
}

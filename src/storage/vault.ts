/**
 * Where a sealed store keeps its key records: small blobs (about 200 bytes), sealed by the master key, of which exactly one
 * counts. The store names the one that counts in a row of its own, so that switching to another is part of an atomic,
 * fenced batch; a blob that is not named is garbage and is destroyed at the next opening.
 *
 * Deletion of everything hangs on this: once a blob is destroyed, the rows wrapped by its key are noise even for somebody
 * who has the master key and every old page of the store. Hence a vault must *overwrite* as far as its medium can.
 */
import { ascii, type Bytes } from '../bytes/bytes.ts'
import { fromUtf8 } from '../bytes/text.ts'
import type { Storage } from '../ports/storage.ts'

/** Named blobs. Names are 1 to 64 characters of `a-z 0-9 -`. */
export interface KeyVault {
  /**
   * The blob of this name, or `undefined` when there is none.
   * @throws `storage/io`
   */
  read(name: string): Promise<Bytes | undefined>
  /**
   * Stores a blob under a new name, durable on return.
   * @throws `storage/io`, `storage/full`
   */
  write(name: string, blob: Uint8Array): Promise<void>
  /**
   * Overwrites and removes a blob; nothing when there is none.
   * @throws `storage/io`
   */
  destroy(name: string): Promise<void>
  /**
   * The names of all blobs.
   * @throws `storage/io`
   */
  list(): Promise<string[]>
}

const table = 'sealed:vault'

/**
 * A vault inside the store itself, for media without a better place. Residual risk: where the medium appends or copies on
 * write (LevelDB under IndexedDB, LMDB), a destroyed blob lasts until the medium reuses or compacts the page; until then
 * whoever has the master key and the raw files can undo a deletion. On Node use file-vault.ts instead.
 */
export function storageVault(storage: Storage): KeyVault {
  return {
    read: (name) => storage.get(table, ascii(name)),
    write: (name, blob) => storage.apply([{ kind: 'put', table, key: ascii(name), value: blob }]),
    destroy: (name) => storage.apply([{ kind: 'delete', table, key: ascii(name) }]),
    list: async () => (await storage.scanKeys(table, { limit: 65_536 })).map((key) => fromUtf8(key)),
  }
}

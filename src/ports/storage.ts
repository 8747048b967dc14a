/**
 * The port through which everything durable is kept: tables of byte keys and byte values with one way to change them.
 *
 * Promises that every driver keeps, and that the checks of `xmpp-mls/testing/storage` test:
 *
 * 1. *Atomic.* Of a batch either every operation is there after a crash at any point, or none.
 * 2. *Durable on return.* When {@link Storage.apply} has resolved, the batch survives loss of power.
 * 3. *In order.* Batches take effect in the order of the calls; a batch is durable only if all earlier ones are.
 * 4. *Fenced.* Opening a store takes ownership: it raises the owner epoch in the store. Each batch compares the owner row
 *    inside its own transaction, so that a previous owner (a frozen tab, a stopped process) can change nothing any more.
 * 5. *Errors are errors.* What cannot be read is an error with a code and never `undefined`; `undefined` means that the
 *    store answered and holds no such key.
 * 6. *Bytes are owned.* Batches are copied before `apply` returns its promise: the caller may wipe secrets at once. What
 *    reads return belongs to the caller.
 *
 * Errors, all of them `MlsError`:
 *
 * | code              | meaning                                                            | the store afterwards            |
 * |-------------------|--------------------------------------------------------------------|---------------------------------|
 * | `storage/busy`    | another owner is alive and was not to be displaced, or holds a lock | unchanged                       |
 * | `storage/closed`  | the handle was closed before                                        | unchanged                       |
 * | `storage/damaged` | what was read is not what was written                               | open again, restore or rejoin   |
 * | `storage/fenced`  | another owner has taken the store; final for this handle            | unchanged by this batch         |
 * | `storage/full`    | no room; nothing of the batch was stored, the handle stays usable   | unchanged                       |
 * | `storage/io`      | the medium failed; the batch is there as a whole or not at all      | handle is dead: open again      |
 * | `storage/key`     | the master key does not open this store                             | unchanged                       |
 * | `storage/range`   | a table name, key, value or limit outside the limits below          | unchanged                       |
 * | `storage/version` | written by a newer version of the package                           | unchanged                       |
 *
 * Limits: a table name is 1 to 40 characters of `a-z 0-9 _ . -`; a key 0 to 400 bytes; a value up to 64 MiB; a read up to
 * 65,536 entries. Keys are ordered as unsigned bytes, a prefix before what it begins.
 */
import type { Bytes } from '../bytes/bytes.ts'

/** One change. A later operation of a batch on the same key wins over an earlier one. */
export type StorageOperation =
  | { readonly kind: 'put'; readonly table: string; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly table: string; readonly key: Uint8Array }
  /** Deletes every key of the table that begins with `prefix`; the empty prefix clears the table. */
  | { readonly kind: 'delete_prefix'; readonly table: string; readonly prefix: Uint8Array }

/** The address of one value. */
export interface StorageKey {
  readonly table: string
  readonly key: Uint8Array
}

/** One row as a scan returns it. */
export interface StorageEntry {
  readonly key: Bytes
  readonly value: Bytes
}

/** Which keys of a table a scan visits: those with the prefix, from `from` (inclusive) to `before` (exclusive). */
export interface StorageRange {
  readonly prefix?: Uint8Array
  readonly from?: Uint8Array
  readonly before?: Uint8Array
  /** From the last key to the first. */
  readonly reverse?: boolean
  /** The most entries to return, 1 to 65,536. Fewer are returned only when the range holds no more. */
  readonly limit: number
}

/** Who owns the store: `epoch` counts the times that it was opened, `token` is random (16 bytes) for each opening. */
export interface StorageOwner {
  readonly epoch: number
  readonly token: Bytes
}

/** What one table holds, in bytes before any overhead of the driver. */
export interface TableSize {
  readonly entries: number
  readonly keyBytes: number
  readonly valueBytes: number
}

/** What the store holds. Found by reading everything: for reports, not for every message. */
export interface StorageSizes {
  readonly tables: ReadonlyMap<string, TableSize>
  /** Bytes that the store occupies on its medium, where the driver can tell. */
  readonly mediumBytes: number | undefined
}

/**
 * What to do with a store that another live handle owns: `take` displaces it, `refuse` fails with `storage/busy`. A driver
 * that cannot see whether the other one lives takes the store in both cases; the fence keeps that safe.
 */
export type OwnershipPolicy = 'take' | 'refuse'

/** An open store. All reads see whole batches; `getMany` and one `scan` read one moment. */
export interface Storage {
  /** This handle's ownership. */
  readonly owner: StorageOwner

  /**
   * Applies all operations or none, durable on return. An empty batch changes nothing and tells whether this handle still
   * owns the store.
   * @throws `storage/fenced`, `storage/full`, `storage/io`, `storage/busy`, `storage/closed`, `storage/range`
   */
  apply(batch: readonly StorageOperation[]): Promise<void>

  /**
   * The value at a key, or `undefined` when there is none.
   * @throws `storage/io`, `storage/damaged`, `storage/closed`, `storage/range`
   */
  get(table: string, key: Uint8Array): Promise<Bytes | undefined>

  /**
   * The values at many keys of any tables, in the order of `keys`, all read at one moment.
   * @throws `storage/io`, `storage/damaged`, `storage/closed`, `storage/range`
   */
  getMany(keys: readonly StorageKey[]): Promise<(Bytes | undefined)[]>

  /**
   * {@link getMany} at once, for drivers that can read without waiting; absent where the medium answers later only
   * (IndexedDB). What can be read so is read when it is needed, such as the pages of a large tree.
   * @throws `storage/io`, `storage/damaged`, `storage/closed`, `storage/range`
   */
  readonly readNow?: ((keys: readonly StorageKey[]) => (Bytes | undefined)[]) | undefined

  /**
   * Rows of a range in the order of their keys.
   * @throws `storage/io`, `storage/damaged`, `storage/closed`, `storage/range`
   */
  scan(table: string, range: StorageRange): Promise<StorageEntry[]>

  /**
   * Keys of a range in order, without reading values.
   * @throws `storage/io`, `storage/closed`, `storage/range`
   */
  scanKeys(table: string, range: StorageRange): Promise<Bytes[]>

  /**
   * Counts everything.
   * @throws `storage/io`, `storage/closed`
   */
  sizes(): Promise<StorageSizes>

  /** Waits for batches under way and gives the store free. Later calls fail with `storage/closed`; closing twice is allowed. */
  close(): Promise<void>
}

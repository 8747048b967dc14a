/**
 * The owner row: who may write. It is read and compared inside the transaction of every batch, and rewritten by every
 * opening, so that after a take-over the former owner's batches are refused however late they arrive.
 *
 * Layout, 30 bytes: format (1), epoch (8, big-endian), token (16), held (1: 0 given free, 1 held), process (4, 0 where
 * there is none).
 */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { StorageOwner } from '../ports/storage.ts'

/** Random bytes of the given number: the embedder's generator, see the port of that name. */
export type RandomBytes = (length: number) => Uint8Array

/** The owner row, decoded. */
export interface OwnerRow extends StorageOwner {
  /** Whether the owner has not closed the store. */
  readonly held: boolean
  /** The process that holds it, 0 when unknown: a hint about who is alive, never a proof of ownership. */
  readonly process: number
}

const rowLength = 30
const format = 1

/** Bytes of an owner row. */
export function encodeOwner(row: OwnerRow): Bytes {
  const out = new Uint8Array(rowLength)
  const view = new DataView(out.buffer)
  out[0] = format
  view.setBigUint64(1, BigInt(row.epoch))
  out.set(row.token, 9)
  out[25] = row.held ? 1 : 0
  view.setUint32(26, row.process)
  return out
}

/**
 * The owner row of bytes read from a store; `undefined` for a store that was never opened.
 * @throws `storage/damaged`, `storage/version`
 */
export function decodeOwner(bytes: Uint8Array | undefined): OwnerRow | undefined {
  if (bytes === undefined) return undefined
  if (bytes.length > 0 && (bytes[0] as number) > format)
    throw new MlsError('storage/version', 'the store was written by a newer version')
  if (bytes.length !== rowLength || bytes[0] !== format || (bytes[25] as number) > 1)
    throw new MlsError('storage/damaged', 'owner row')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const epoch = Number(view.getBigUint64(1))
  if (!Number.isSafeInteger(epoch)) throw new MlsError('storage/damaged', 'owner row')
  return { epoch, token: copyBytes(bytes.subarray(9, 25)), held: bytes[25] === 1, process: view.getUint32(26) }
}

/** The row of the next owner after `previous`. */
export function nextOwner(previous: OwnerRow | undefined, random: RandomBytes, process: number): OwnerRow {
  return { epoch: (previous?.epoch ?? 0) + 1, token: copyBytes(random(16)), held: true, process }
}

/** Whether the stored row is still the one of this owner. */
export function owns(owner: StorageOwner, stored: OwnerRow | undefined): boolean {
  return stored !== undefined && stored.epoch === owner.epoch && equalBytes(stored.token, owner.token)
}

/**
 * Checks the fence.
 * @throws `storage/fenced` when another owner has opened the store, `storage/damaged`
 */
export function checkFence(owner: StorageOwner, stored: Uint8Array | undefined): void {
  if (!owns(owner, decodeOwner(stored))) throw fenced()
}

/** The error of a handle whose store has another owner. */
export function fenced(): MlsError {
  return new MlsError('storage/fenced', 'another owner has taken the store')
}

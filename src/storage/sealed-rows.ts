/**
 * How one row of a sealed store is encrypted. Each put makes a fresh 32-byte row key, used for one value and then wrapped:
 *
 * ```
 * value record = format 1 (1) | ChaCha20-Poly1305(row key, nonce 0, value; ad = "value" | address | version)
 * row key record = format 1 (1) | generation (4) | nonce (24) |
 *                  XChaCha20-Poly1305(wrapping key, nonce, row key (32) | version (12); ad = "row key" | address | generation)
 * ```
 *
 * `address` is table, zero byte, key. `version` is the owner epoch (8) and a counter of that owner's puts (4), different for
 * every put ever made. A row moved to another place, an old value beside a new row key, or the reverse, does not open. (Both
 * records of one row put back together, from before the last rotation, do not open either, since their wrapping key is gone;
 * a whole store put back is a matter of rollback detection, not of this layer.)
 */
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ascii, type Bytes, concatBytes, copyBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { KeyRing } from './key-ring.ts'
import type { RandomBytes } from './owner.ts'

const format = 1
const keyRecordLength = 1 + 4 + 24 + 32 + 12 + 16
const valueLabel = ascii('xmpp-mls sealed value 1')
const keyLabel = ascii('xmpp-mls sealed row key 1')
// A row key encrypts one value only, hence the constant nonce.
const zeroNonce = new Uint8Array(12)

/** The two records of a row. */
export interface SealedRow {
  readonly keyRecord: Bytes
  readonly valueRecord: Bytes
}

/** A version: unique to one put. */
export function rowVersion(epoch: number, counter: number): Bytes {
  const out = new Uint8Array(12)
  const view = new DataView(out.buffer)
  view.setBigUint64(0, BigInt(epoch))
  view.setUint32(8, counter)
  return out
}

/** Encrypts a value for its address. */
export function sealRow(
  address: Uint8Array,
  value: Uint8Array,
  version: Uint8Array,
  ring: KeyRing,
  random: RandomBytes,
) {
  const rowKey = copyBytes(random(32))
  const sealed = chacha20poly1305(rowKey, zeroNonce, concatBytes(valueLabel, address, version)).encrypt(value)
  const inner = concatBytes(rowKey, version)
  const keyRecord = wrap(inner, address, ring, random)
  wipe(rowKey, inner)
  return { keyRecord, valueRecord: concatBytes(Uint8Array.of(format), sealed) }
}

function wrap(inner: Uint8Array, address: Uint8Array, ring: KeyRing, random: RandomBytes): Bytes {
  const generation = ring.current
  const header = new Uint8Array(5)
  header[0] = format
  new DataView(header.buffer).setUint32(1, generation)
  const nonce = random(24)
  const cipher = xchacha20poly1305(ring.key(generation), nonce, concatBytes(keyLabel, header, address))
  return concatBytes(header, nonce, cipher.encrypt(inner))
}

function unwrap(keyRecord: Uint8Array, address: Uint8Array, ring: KeyRing): Uint8Array {
  checkFormat(keyRecord)
  if (keyRecord.length !== keyRecordLength) throw damaged()
  const header = keyRecord.subarray(0, 5)
  const cipher = xchacha20poly1305(
    ring.key(generationOf(keyRecord)),
    keyRecord.subarray(5, 29),
    concatBytes(keyLabel, header, address),
  )
  try {
    return cipher.decrypt(keyRecord.subarray(29))
  } catch (cause) {
    throw damaged(cause)
  }
}

/** The generation of the wrapping key of a row key record. @throws `storage/damaged` */
export function generationOf(keyRecord: Uint8Array): number {
  if (keyRecord.length < 5) throw damaged()
  return new DataView(keyRecord.buffer, keyRecord.byteOffset, 5).getUint32(1)
}

/** Wraps the row key of a record again, under the current wrapping key. @throws `storage/damaged`, `storage/version` */
export function rewrapRow(keyRecord: Uint8Array, address: Uint8Array, ring: KeyRing, random: RandomBytes): Bytes {
  const inner = unwrap(keyRecord, address, ring)
  const record = wrap(inner, address, ring, random)
  wipe(inner)
  return record
}

/** Decrypts a row. @throws `storage/damaged`, `storage/version` */
export function openRow(address: Uint8Array, row: SealedRow, ring: KeyRing): Bytes {
  const { keyRecord, valueRecord } = row
  checkFormat(valueRecord)
  const inner = unwrap(keyRecord, address, ring)
  const associated = concatBytes(valueLabel, address, inner.subarray(32))
  try {
    return copyBytes(chacha20poly1305(inner.subarray(0, 32), zeroNonce, associated).decrypt(valueRecord.subarray(1)))
  } catch (cause) {
    throw damaged(cause)
  } finally {
    wipe(inner)
  }
}

function checkFormat(record: Uint8Array): void {
  const found = record[0]
  if (found !== undefined && found > format) throw new MlsError('storage/version', 'format of a sealed row')
  if (found !== format) throw damaged()
}

function damaged(cause?: unknown): MlsError {
  return new MlsError('storage/damaged', 'a sealed row does not open', cause === undefined ? {} : { cause })
}

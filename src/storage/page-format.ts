/**
 * The bytes of pages and heads, format 1. Integers are big-endian.
 *
 * ```
 * page = format 1 (1) | level (1) | position (4) | present (8: bit i of byte i/8 for slot i) | body
 *   level 0: for each present slot, length (4) and bytes of the entry
 *   above:   for each present slot, the name (32) of the page below
 * head = format 1 (1) | length (6) | height (1) | name of the root page (32, or nothing when all entries are blank)
 * ```
 *
 * The position is the index of the page among those of its level. It is part of the bytes, so that a page has one place
 * only: two sequences share a page exactly when they agree at that place, and a page that is not shared there is not needed.
 */
import { type Bytes, concatBytes, copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'

/** Slots of a page. */
export const pageSlots = 64

/** The most entries of a sequence. */
export const maxPagedLength = 2 ** 32

/** The length of the name of a page. */
export const pageNameLength = 32

/** What names the content of a sequence: equal heads, equal entries. */
export interface PageHead {
  /** Number of entries, blank ones included. */
  readonly length: number
  /** The level of the root page: 0 up to 64 entries, 1 up to 4,096, and so on. */
  readonly height: number
  /** The name of the root page; `undefined` when every entry is blank. */
  readonly root: Bytes | undefined
}

/** A page: `slots[i]` is an entry at level 0, the name of a page above. */
export interface Page {
  readonly level: number
  readonly position: number
  readonly slots: readonly (Bytes | undefined)[]
}

/** The sequence without entries. */
export const emptyHead: PageHead = { length: 0, height: 0, root: undefined }

function damaged(): MlsError {
  return new MlsError('storage/damaged', 'page')
}

/** The height of a sequence of `length` entries. */
export function heightOf(length: number): number {
  let height = 0
  for (let capacity = pageSlots; capacity < length; capacity *= pageSlots) height++
  return height
}

/** Bytes of a page. */
export function encodePage(page: Page): Bytes {
  const header = new Uint8Array(14)
  header[0] = 1
  header[1] = page.level
  new DataView(header.buffer).setUint32(2, page.position)
  const parts: Uint8Array[] = [header]
  for (const [i, slot] of page.slots.entries()) {
    if (slot === undefined) continue
    header[6 + (i >> 3)] = (header[6 + (i >> 3)] as number) | (1 << (i & 7))
    if (page.level === 0) {
      const length = new Uint8Array(4)
      new DataView(length.buffer).setUint32(0, slot.length)
      parts.push(length)
    }
    parts.push(slot)
  }
  return concatBytes(...parts)
}

/**
 * The page of bytes whose name was checked; its slots are views.
 * @throws `storage/damaged`, `storage/version`
 */
export function decodePage(bytes: Bytes): Page {
  const view = checkedView(bytes, 14)
  const level = view.getUint8(1)
  const slots: (Bytes | undefined)[] = []
  let offset = 14
  for (let i = 0; i < pageSlots; i++) {
    if ((view.getUint8(6 + (i >> 3)) & (1 << (i & 7))) === 0) {
      slots.push(undefined)
      continue
    }
    let length = pageNameLength
    if (level === 0) {
      if (offset + 4 > bytes.length) throw damaged()
      length = view.getUint32(offset)
      offset += 4
    }
    if (offset + length > bytes.length) throw damaged()
    slots.push(bytes.subarray(offset, offset + length))
    offset += length
  }
  if (offset !== bytes.length) throw damaged()
  return { level, position: view.getUint32(2), slots }
}

/** Bytes of a head, for a record of the caller. */
export function encodeHead(head: PageHead): Bytes {
  const out = new Uint8Array(8)
  const view = new DataView(out.buffer)
  out[0] = 1
  view.setUint16(1, Math.floor(head.length / 2 ** 32))
  view.setUint32(3, head.length % 2 ** 32)
  out[7] = head.height
  return head.root === undefined ? out : concatBytes(out, head.root)
}

/**
 * The head of bytes that {@link encodeHead} made.
 * @throws `storage/damaged`, `storage/version`
 */
export function decodeHead(bytes: Uint8Array): PageHead {
  const view = checkedView(bytes, 8)
  const length = view.getUint16(1) * 2 ** 32 + view.getUint32(3)
  const height = view.getUint8(7)
  if (length > maxPagedLength || height !== heightOf(length)) throw damaged()
  if (bytes.length !== 8 && bytes.length !== 8 + pageNameLength) throw damaged()
  return { length, height, root: bytes.length === 8 ? undefined : copyBytes(bytes.subarray(8)) }
}

function checkedView(bytes: Uint8Array, least: number): DataView {
  const format = bytes[0]
  if (format !== undefined && format > 1) throw new MlsError('storage/version', 'format of a page')
  if (format !== 1 || bytes.length < least) throw damaged()
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

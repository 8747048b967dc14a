import type { Bytes } from '../../../bytes/bytes.ts'
import { fromBase64, toBase64 } from '../../../bytes/text.ts'
import { child, tag, textOf, type XmlElement } from '../../stanza/element.ts'
import { mlsNamespace } from './namespace.ts'

/** Bytes inside a stanza, or where they are. Everything but `inline` names the SHA-256 of the bytes (32 bytes). */
export type Payload =
  | { readonly kind: 'inline'; readonly bytes: Bytes }
  /** Uploaded, encrypted with AES-256-GCM under a key of its own; the tag is behind the ciphertext. */
  | {
      readonly kind: 'ref'
      readonly href: string
      readonly size: number
      readonly sha256: Bytes
      readonly key: Bytes
      readonly iv: Bytes
    }
  /** In earlier stanzas of the same sender, see {@link Chunk}. */
  | {
      readonly kind: 'chunks'
      readonly id: string
      readonly count: number
      readonly size: number
      readonly sha256: Bytes
    }

/** A part of a payload. */
export interface Chunk {
  readonly id: string
  /** From 0. */
  readonly index: number
  readonly count: number
  readonly bytes: Bytes
}

/** Bounds of what is looked at (R24): larger payloads are refused unread. */
export const payloadLimits = { size: 64 * 1024 * 1024, chunks: 4096, href: 2048 } as const

const build = tag(mlsNamespace)

/** An element around a payload: text, `ref` or `chunks`. */
export function buildPayload(
  name: string,
  payload: Payload,
  attrs: Record<string, string | number | undefined> = {},
): XmlElement {
  if (payload.kind === 'inline') return build(name, attrs, toBase64(payload.bytes))
  const sha256 = toBase64(payload.sha256)
  if (payload.kind === 'chunks') {
    const { id, count, size } = payload
    return build(name, attrs, build('chunks', { id, count, size, sha256 }))
  }
  const { href, size } = payload
  const [key, iv] = [toBase64(payload.key), toBase64(payload.iv)]
  return build(name, attrs, build('ref', { href, size, sha256, key, iv }))
}

/** The payload in an element; `undefined` when there is none in good order. */
export function payloadIn(source: XmlElement | undefined): Payload | undefined {
  if (source === undefined) return undefined
  const ref = child(source, 'ref', mlsNamespace)
  if (ref !== undefined) return parseRef(ref)
  const chunks = child(source, 'chunks', mlsNamespace)
  if (chunks !== undefined) return parseChunks(chunks)
  const bytes = base64(textOf(source))
  return bytes === undefined || bytes.length === 0 ? undefined : { kind: 'inline', bytes }
}

function parseRef({ attrs }: XmlElement): Payload | undefined {
  const href = attrs['href']
  const size = count(attrs['size'], payloadLimits.size)
  const [sha256, key, iv] = [base64(attrs['sha256'], 32), base64(attrs['key'], 32), base64(attrs['iv'], 12)]
  if (href === undefined || !/^https?:\/\//.test(href) || href.length > payloadLimits.href) return undefined
  if (size === undefined || !sha256 || !key || !iv) return undefined
  return { kind: 'ref', href, size, sha256, key, iv }
}

function parseChunks({ attrs }: XmlElement): Payload | undefined {
  const id = attrs['id']
  const [parts, size] = [count(attrs['count'], payloadLimits.chunks), count(attrs['size'], payloadLimits.size)]
  const sha256 = base64(attrs['sha256'], 32)
  if (!isToken(id) || !parts || !size || !sha256) return undefined
  return { kind: 'chunks', id, count: parts, size, sha256 }
}

/** The `chunk` element. */
export function buildChunk({ id, index, count: of, bytes }: Chunk): XmlElement {
  return build('chunk', { id, n: index, of }, toBase64(bytes))
}

/** The chunk; `undefined` for any other element. */
export function parseChunk(source: XmlElement | undefined): Chunk | undefined {
  if (source?.name !== 'chunk' || source.ns !== mlsNamespace) return undefined
  const id = source.attrs['id']
  const of = count(source.attrs['of'], payloadLimits.chunks)
  const index = count(source.attrs['n'], payloadLimits.chunks)
  const bytes = base64(textOf(source))
  if (!isToken(id) || of === undefined || index === undefined || index >= of || !bytes?.length) return undefined
  return { id, index, count: of, bytes }
}

/** Bytes of a base64 text, of exactly `length` bytes where given; `undefined` for anything else. */
export function base64(text: string | undefined, length?: number): Bytes | undefined {
  if (text === undefined) return undefined
  try {
    const bytes = fromBase64(text.trim())
    return length === undefined || bytes.length === length ? bytes : undefined
  } catch {
    return undefined
  }
}

/** A decimal number up to `max`; `undefined` for anything else. */
export function count(text: string | undefined, max: number): number | undefined {
  if (text === undefined || !/^(0|[1-9]\d{0,15})$/.test(text)) return undefined
  const value = Number(text)
  return value <= max ? value : undefined
}

/** An epoch number; `undefined` for anything else. */
export function epochIn(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^(0|[1-9]\d{0,19})$/.test(text)) return undefined
  const value = BigInt(text)
  return value < 1n << 64n ? value : undefined
}

/** Whether a text can be an id: 1 to 256 characters. */
export function isToken(text: string | undefined): text is string {
  return text !== undefined && text.length > 0 && text.length <= 256
}

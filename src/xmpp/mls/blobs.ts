/** Large payloads: inside the stanza, else uploaded (XEP-0363) under a key of their own, else in chunks. */
import { type Bytes, concatBytes, copyBytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { toHex } from '../../bytes/text.ts'
import { discoverService } from '../disco.ts'
import { freshId, type XmppContext } from '../port.ts'
import { elementsOf } from '../stanza/element.ts'
import { domainOf } from '../stanza/jid.ts'
import { iq } from '../stanza/stanza.ts'
import { buildUploadRequest, parseUploadSlot } from '../xep/xep-0363.ts'
import type { ClientSettings } from './client-options.ts'
import { type Chunk, type Payload, payloadLimits } from './wire/payload.ts'

/** A payload and what has to be sent before it. */
export interface Packed {
  readonly payload: Payload
  readonly chunks: readonly Chunk[]
}

/** Bytes of one chunk: also where a server lets 3,000 bytes a second through, its stanza passes in eleven seconds. */
const chunkSize = 24 * 1024

/** Bytes that a stanza has beside its payloads, and the most that goes inline where a server announces more. */
const [stanzaFrame, inlineMost] = [4096, 64 * 1024]

/**
 * The sizes of payloads in stanzas. An announced limit (XEP-0478) decides what goes inline: one stanza may hold three
 * payloads, each a third longer as base64. Servers of others may take less: so not all that our own one takes is used.
 */
export function payloadSizes(maxBytes: number | undefined, inlineLimit: number) {
  if (maxBytes === undefined) return { inline: inlineLimit, chunk: chunkSize }
  const room = Math.max(0, maxBytes - stanzaFrame)
  const inline = Math.min(Math.floor(room / 4), inlineMost)
  return { inline, chunk: Math.max(512, Math.min(chunkSize, Math.floor((room * 3) / 4))) }
}

/** Recent uploads that are named again instead of being uploaded again. */
const maxRemembered = 8

/** Packs and unpacks payloads for one client. */
export class Blobs {
  readonly #context: XmppContext
  readonly #settings: ClientSettings
  readonly #uploads = new Map<string, Payload>()
  #service: Promise<string | undefined> | undefined

  constructor(context: XmppContext, settings: ClientSettings) {
    this.#context = context
    this.#settings = settings
  }

  /** @throws `xmpp/too_large` when no way is left; `xmpp/unavailable` when the upload failed */
  async pack(bytes: Bytes): Promise<Packed> {
    const sizes = payloadSizes(this.#context.port.limits?.maxBytes, this.#settings.inlineLimit)
    if (bytes.length <= sizes.inline) return { payload: { kind: 'inline', bytes }, chunks: [] }
    if (bytes.length > payloadLimits.size) throw new MlsError('xmpp/too_large', 'a payload beyond the limit')
    const uploaded = await this.#upload(bytes)
    if (uploaded !== undefined) return { payload: uploaded, chunks: [] }
    if (bytes.length > this.#settings.chunkLimit)
      throw new MlsError('xmpp/too_large', 'a payload too large for chunks, and no upload service')
    const id = freshId(this.#context.random)
    const count = Math.ceil(bytes.length / sizes.chunk)
    const chunks = Array.from({ length: count }, (_, index): Chunk => {
      const part = bytes.slice(index * sizes.chunk, (index + 1) * sizes.chunk)
      return { id, index, count, bytes: part }
    })
    return { payload: { kind: 'chunks', id, count, size: bytes.length, sha256: await sha256(bytes) }, chunks }
  }

  async #upload(bytes: Bytes): Promise<Payload | undefined> {
    const { port, random } = this.#context
    if (port.fetch === undefined) return undefined
    const hash = await sha256(bytes)
    const known = this.#uploads.get(toHex(hash))
    if (known !== undefined) return known
    const service = await this.#uploadService()
    if (service === undefined) return undefined
    const [key, iv] = [copyBytes(random.randomBytes(32)), copyBytes(random.randomBytes(12))]
    const algorithm = { name: 'AES-GCM', iv }
    const secret = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt'])
    const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, secret, bytes))
    const request = buildUploadRequest({
      filename: `${freshId(random)}.mls`,
      size: sealed.length,
      contentType: 'application/octet-stream',
    })
    try {
      const slot = parseUploadSlot(elementsOf(await port.request(iq('get', { to: service }, request)))[0])
      if (slot === undefined) return undefined
      const headers = { ...slot.headers, 'Content-Type': 'application/octet-stream' }
      const answer = await port.fetch(slot.put, { method: 'PUT', body: sealed, headers })
      if (!answer.ok) return undefined
      const uploaded: Payload = { kind: 'ref', href: slot.get, size: bytes.length, sha256: hash, key, iv }
      this.#remember(toHex(hash), uploaded)
      return uploaded
    } catch {
      // no upload is no failure as long as chunks are left
      return undefined
    }
  }

  /** The upload service of the own server; looked for again where it could not be found out. */
  async #uploadService(): Promise<string | undefined> {
    const { port } = this.#context
    this.#service ??= discoverService(port, domainOf(port.jid), { category: 'store', type: 'file' })
    try {
      return await this.#service
    } catch {
      this.#service = undefined
      return undefined
    }
  }

  /** One tree goes to all accounts that a commit adds: it is uploaded once. */
  #remember(hash: string, payload: Payload): void {
    this.#uploads.set(hash, payload)
    for (const oldest of this.#uploads.keys()) {
      if (this.#uploads.size <= maxRemembered) break
      this.#uploads.delete(oldest)
    }
  }

  /**
   * The bytes of a payload.
   * @param chunksOf finds the chunks with an id
   * @throws `xmpp/unavailable` when they cannot be had now, `xmpp/too_large`, `codec/value` when they are others than announced
   */
  async unpack(payload: Payload, chunksOf: (id: string, count: number) => Promise<readonly Chunk[]>): Promise<Bytes> {
    if (payload.kind === 'inline') return payload.bytes
    if (payload.size > payloadLimits.size) throw new MlsError('xmpp/too_large', 'a payload beyond the limit')
    const bytes = payload.kind === 'ref' ? await this.#download(payload) : await join(payload, chunksOf)
    if (bytes.length !== payload.size || !equalBytes(await sha256(bytes), payload.sha256))
      throw new MlsError('codec/value', 'a payload other than announced')
    return bytes
  }

  async #download({ href, size, key, iv }: Extract<Payload, { kind: 'ref' }>): Promise<Bytes> {
    const { port } = this.#context
    try {
      const answer = await port.fetch?.(href)
      if (answer === undefined || !answer.ok) throw new MlsError('xmpp/unavailable', 'an upload that is not there')
      const announced = Number(answer.headers.get('content-length') ?? 0)
      if (announced > size + 16) throw new MlsError('codec/value', 'an upload larger than announced')
      const sealed = new Uint8Array(await answer.arrayBuffer())
      if (sealed.length !== size + 16) throw new MlsError('codec/value', 'an upload of another size than announced')
      const secret = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
      return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, secret, sealed))
    } catch (cause) {
      if (cause instanceof MlsError) throw cause
      const altered = cause instanceof Error && cause.name === 'OperationError'
      throw new MlsError(altered ? 'codec/value' : 'xmpp/unavailable', 'an upload that cannot be had', { cause })
    }
  }
}

async function join(
  { id, count }: Extract<Payload, { kind: 'chunks' }>,
  chunksOf: (id: string, count: number) => Promise<readonly Chunk[]>,
): Promise<Bytes> {
  const found = new Map((await chunksOf(id, count)).map((chunk) => [chunk.index, chunk.bytes]))
  const parts = Array.from({ length: count }, (_, index) => found.get(index))
  if (parts.some((part) => part === undefined)) throw new MlsError('xmpp/unavailable', 'chunks are missing')
  return concatBytes(...parts.flatMap((part) => part ?? []))
}

async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

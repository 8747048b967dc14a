import { elementsOf, type XmlElement } from '../../xmpp/stanza/element.ts'
import { buildDiscoInfo, discoInfo } from '../../xmpp/xep/xep-0030.ts'
import { buildUploadSlot, httpUpload, parseUploadRequest } from '../../xmpp/xep/xep-0363.ts'
import type { Home } from './home.ts'
import { errorOf, mayBounce, resultOf } from './reply.ts'

/** HTTP upload (XEP-0363) into memory. */
export class UploadService {
  readonly domain: string
  readonly files = new Map<string, Uint8Array<ArrayBuffer> | undefined>()
  /** Largest file in bytes. */
  maxSize = 100 * 1024 * 1024
  readonly #site: Home

  constructor(domain: string, site: Home) {
    this.domain = domain
    this.#site = site
  }

  receive(stanza: XmlElement): void {
    if (stanza.name !== 'iq' || !mayBounce(stanza)) return
    const payload = elementsOf(stanza)[0]
    const request = parseUploadRequest(payload)
    if (payload?.ns === discoInfo) {
      const size = { var: 'max-file-size', values: [String(this.maxSize)] }
      const forms = [{ type: 'result' as const, formType: httpUpload, fields: [size] }]
      const identities = [{ category: 'store', type: 'file' }]
      this.#site.route(resultOf(stanza, buildDiscoInfo({ identities, features: [httpUpload], forms })))
    } else if (request === undefined) this.#site.route(errorOf(stanza, { type: 'modify', condition: 'bad-request' }))
    else if (request.size > this.maxSize)
      this.#site.route(errorOf(stanza, { type: 'modify', condition: 'not-acceptable', application: 'file-too-large' }))
    else {
      const url = `https://${this.domain}/${this.#site.random.uint32().toString(36)}/${encodeURIComponent(request.filename)}`
      this.files.set(url, undefined)
      this.#site.route(resultOf(stanza, buildUploadSlot({ put: url, get: url, headers: {} })))
    }
  }

  /** Answers one HTTP request for a file of this service. */
  async http(url: string, init: RequestInit | undefined): Promise<Response> {
    if (!this.files.has(url)) return new Response(null, { status: 404 })
    if (init?.method === 'PUT') {
      const bytes = new Uint8Array(await new Response(init.body ?? null).arrayBuffer())
      if (bytes.length > this.maxSize) return new Response(null, { status: 413 })
      this.files.set(url, bytes)
      return new Response(null, { status: 201 })
    }
    const bytes = this.files.get(url)
    return bytes === undefined ? new Response(null, { status: 404 }) : new Response(bytes, { status: 200 })
  }

  /** Forgets all files: what an expiry time does. */
  expire(): void {
    this.files.clear()
  }
}

// XEP-0363: HTTP File Upload, version 1.2.0 (2025-06-17), https://xmpp.org/extensions/xep-0363.html

import { child, childrenOf, tag, textOf, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const httpUpload = 'urn:xmpp:http:upload:0'
const up = tag(httpUpload)

/** A file that wants a place. */
export interface UploadRequest {
  readonly filename: string
  /** Bytes. */
  readonly size: number
  readonly contentType?: string
}

/** Where to put a file, and where others find it. */
export interface UploadSlot {
  readonly put: string
  readonly get: string
  readonly headers: Readonly<Record<string, string>>
}

// §5: a client forwards these headers and no others.
const allowed = ['Authorization', 'Cookie', 'Expires']

/** The request for a slot. */
export function buildUploadRequest({ filename, size, contentType }: UploadRequest): XmlElement {
  return up('request', { filename, size, 'content-type': contentType })
}

/** The request for a slot, as a service reads it; `undefined` for any other element. */
export function parseUploadRequest(source: XmlElement | undefined): UploadRequest | undefined {
  if (source?.name !== 'request' || source.ns !== httpUpload) return undefined
  const filename = source.attrs['filename']
  const size = Number(source.attrs['size'])
  if (filename === undefined || !Number.isSafeInteger(size) || size < 0) return undefined
  const contentType = source.attrs['content-type']
  return { filename, size, ...(contentType === undefined ? {} : { contentType }) }
}

/** The slot as a service writes it. */
export function buildUploadSlot(slot: UploadSlot): XmlElement {
  const headers = Object.entries(slot.headers).map(([name, value]) => up('header', { name }, value))
  return up('slot', {}, up('put', { url: slot.put }, ...headers), up('get', { url: slot.get }))
}

/** The slot; `undefined` when an address is missing or neither http nor https. Line breaks are cut out of headers (§5). */
export function parseUploadSlot(source: XmlElement | undefined): UploadSlot | undefined {
  if (source?.name !== 'slot' || source.ns !== httpUpload) return undefined
  const putElement = child(source, 'put')
  const put = putElement?.attrs['url']
  const get = child(source, 'get')?.attrs['url']
  if (putElement === undefined || !isWeb(put) || !isWeb(get)) return undefined
  const headers: Record<string, string> = {}
  for (const header of childrenOf(putElement, 'header')) {
    const name = allowed.find((known) => known.toLowerCase() === header.attrs['name']?.toLowerCase())
    if (name !== undefined) headers[name] = textOf(header).replace(/[\r\n]/g, '')
  }
  return { put, get, headers }
}

function isWeb(url: string | undefined): url is string {
  return url !== undefined && /^https?:\/\//.test(url)
}

import { describe, expect, test } from 'vitest'
import { type Bytes, copyBytes } from '../../../src/bytes/bytes.ts'
import { Blobs } from '../../../src/xmpp/mls/blobs.ts'
import { defaultSettings } from '../../../src/xmpp/mls/client-options.ts'
import { type Chunk, type Payload, payloadLimits } from '../../../src/xmpp/mls/wire/payload.ts'
import type { XmppPort } from '../../../src/xmpp/port.ts'

const bytes: Bytes = Uint8Array.from({ length: 1000 }, (_, i) => i & 255)
const sha256 = async (data: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest('SHA-256', data))
const changed = (data: Bytes, at: number): Bytes => data.map((byte, i) => (i === at ? byte ^ 1 : byte))
const coded = (code: string) => expect.objectContaining({ code })

/** What unpacks, from a web that answers with `answer`. */
function blobs(answer: () => Promise<Response> = () => Promise.reject(new Error('no web'))): Blobs {
  const port = { jid: 'ann@a.test/x', fetch: answer } as unknown as XmppPort
  return new Blobs({ port, timers: undefined as never, random: undefined as never }, defaultSettings)
}

describe('packing, where nothing can be uploaded', () => {
  const packing = (limit: number) => {
    const port = { jid: 'ann@a.test/x' } as unknown as XmppPort
    const random = { randomBytes: (length: number) => new Uint8Array(length).fill(3) }
    return new Blobs({ port, timers: undefined as never, random }, { ...defaultSettings, chunkLimit: limit })
  }
  const large: Bytes = Uint8Array.from({ length: 60_000 }, (_, i) => i % 251)

  test('goes into chunks up to a limit, and comes back', async () => {
    const { payload, chunks } = await packing(large.length).pack(large)
    expect([payload.kind, chunks.length]).toEqual(['chunks', 3])
    expect(await blobs().unpack(payload, async () => chunks)).toEqual(large)
  })

  test('more than that is refused', async () => {
    await expect(packing(large.length - 1).pack(large)).rejects.toEqual(coded('xmpp/too_large'))
  })
})

const unused = () => Promise.reject(new Error('asked for chunks'))

describe('chunks', () => {
  const chunksOf = (data: Bytes): Chunk[] =>
    [0, 1, 2].map((index) => ({ id: 'one', index, count: 3, bytes: data.slice(index * 400, (index + 1) * 400) }))
  const payload = async (): Promise<Payload> => {
    return { kind: 'chunks', id: 'one', count: 3, size: bytes.length, sha256: await sha256(bytes) }
  }

  test('come together in any order', async () => {
    expect(await blobs().unpack(await payload(), async () => chunksOf(bytes).reverse())).toEqual(bytes)
  })

  test.each([
    ['a byte changed', chunksOf(changed(bytes, 500)), 'codec/value'],
    ['cut', chunksOf(bytes.slice(0, 999)), 'codec/value'],
    ['longer', chunksOf(Uint8Array.from([...bytes, 0])), 'codec/value'],
    ['one missing', chunksOf(bytes).slice(1), 'xmpp/unavailable'],
  ])('%s', async (_name, chunks, code) => {
    await expect(blobs().unpack(await payload(), async () => chunks)).rejects.toEqual(coded(code))
  })

  test('more than a payload may have are not asked for', async () => {
    const large = { ...(await payload()), size: payloadLimits.size + 1 } as Payload
    await expect(blobs().unpack(large, unused)).rejects.toEqual(coded('xmpp/too_large'))
  })
})

describe('uploads', () => {
  const [key, iv] = [copyBytes(new Uint8Array(32).fill(7)), copyBytes(new Uint8Array(12).fill(9))]
  const seal = async (data: Bytes): Promise<Bytes> => {
    const secret = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt'])
    return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, secret, data))
  }
  const payload = async (): Promise<Payload> => {
    return { kind: 'ref', href: 'https://a.test/1', size: bytes.length, sha256: await sha256(bytes), key, iv }
  }
  const got = async (body: Bytes, options?: ResponseInit) =>
    blobs(async () => new Response(body, options)).unpack(await payload(), unused)

  test('are what was announced', async () => {
    expect(await got(await seal(bytes))).toEqual(bytes)
  })

  test('others are refused, also by somebody who has the key', async () => {
    const sealed = await seal(bytes)
    await expect(got(changed(sealed, 10))).rejects.toEqual(coded('codec/value'))
    await expect(got(await seal(changed(bytes, 10)))).rejects.toEqual(coded('codec/value'))
    await expect(got(sealed.slice(1))).rejects.toEqual(coded('codec/value'))
    await expect(got(await seal(bytes.slice(1)))).rejects.toEqual(coded('codec/value'))
  })

  test('more than announced is not read', async () => {
    let read = false
    const answer = {
      ok: true,
      headers: new Headers({ 'content-length': '1017' }),
      arrayBuffer: async () => {
        read = true
        return new ArrayBuffer(1017)
      },
    }
    const attempt = blobs(async () => answer as unknown as Response).unpack(await payload(), unused)
    await expect(attempt).rejects.toEqual(coded('codec/value'))
    expect(read).toBe(false)
  })

  test('that cannot be had may be there later', async () => {
    await expect(got(new Uint8Array(0), { status: 404 })).rejects.toEqual(coded('xmpp/unavailable'))
    await expect(blobs().unpack(await payload(), unused)).rejects.toEqual(coded('xmpp/unavailable'))
  })
})

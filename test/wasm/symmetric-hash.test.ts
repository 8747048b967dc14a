import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { buildSymmetric } from '../../wasm/symmetric/build.ts'
import { fromHex, hexField, pattern, wycheproof } from './kernel.ts'
import { loadSymmetric } from './symmetric-kernel.ts'

const kernel = await loadSymmetric()
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
/** Static memory may hold constants and public tables; whatever is there must not change with the data hashed. */
const atRest = (() => {
  kernel.call('sha256', kernel.room(32), 0, 0)
  return hex(kernel.staticCopy())
})()

const digest = (message: Uint8Array, shift = 0): string => {
  kernel.reset()
  const out = kernel.room(32)
  kernel.call('sha256', out, kernel.put(message, shift), message.length)
  return hex(kernel.read(out, 32))
}

describe('SHA-256', () => {
  test('FIPS 180-4 examples', () => {
    expect(digest(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(digest(Buffer.from('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    )
  })

  test('lengths 0 to 400 and some long, at odd addresses', () => {
    for (const length of [...Array(401).keys(), 4096, 65536, 100003]) {
      const message = pattern(length, length)
      expect(digest(message, length % 7), `length ${length}`).toBe(hex(sha256(message)))
    }
  })

  test('streaming in pieces of any size', () => {
    for (let round = 0; round < 200; round++) {
      kernel.reset()
      const message = pattern((round * 37) % 700, round)
      const [stream, out, at] = [kernel.room(112), kernel.room(32), kernel.put(message)]
      kernel.call('sha256Init', stream)
      for (let done = 0, step = round % 5; done < message.length; step = (step * 31 + 17) % 150) {
        const taken = Math.min(step, message.length - done)
        kernel.call('sha256Update', stream, at + done, taken)
        done += taken
      }
      kernel.call('sha256Final', stream, out)
      expect(hex(kernel.read(out, 32)), `round ${round}`).toBe(hex(sha256(message)))
      expect(kernel.read(stream, 112).every((byte) => byte === 0)).toBe(true)
    }
  })

  test('many of equal length and stride, 0 to 9 messages', () => {
    for (let n = 0; n <= 9; n++)
      for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 200, 1000]) {
        kernel.reset()
        const stride = length + (n % 3)
        const messages = pattern(stride * n + 16, n * 1000 + length)
        const [out, at] = [kernel.room(32 * n + 32), kernel.put(messages, 1)]
        kernel.call('sha256Strided', n, out, at, length, stride)
        for (let i = 0; i < n; i++)
          expect(hex(kernel.read(out + 32 * i, 32))).toBe(
            hex(sha256(messages.subarray(i * stride, i * stride + length))),
          )
        expect(kernel.read(out + 32 * n, 32).every((byte) => byte === 0)).toBe(true)
      }
  })

  test('many of any lengths, in the order of the table', () => {
    for (let round = 0; round < 30; round++) {
      kernel.reset()
      const lengths = Array.from(
        { length: round * 3 },
        (_, i) => (i * i * 53 + round * 91) % (i % 9 === 0 ? 5000 : 260),
      )
      const messages = lengths.map((length, i) => pattern(length, round * 100 + i))
      const out = kernel.room(32 * lengths.length)
      const pairs = messages.flatMap((message) => [kernel.put(message), message.length])
      const table = kernel.put(new Uint8Array(new Uint32Array(pairs).buffer))
      kernel.call('sha256Many', lengths.length, out, table)
      messages.forEach((message, i) => {
        expect(hex(kernel.read(out + 32 * i, 32)), `round ${round}, message ${i}`).toBe(hex(sha256(message)))
      })
    }
  })
})

const mac = (key: Uint8Array, message: Uint8Array): string => {
  kernel.reset()
  const out = kernel.room(32)
  kernel.call('hmacSha256', out, kernel.put(key), key.length, kernel.put(message, 3), message.length)
  return hex(kernel.read(out, 32))
}

describe('HMAC-SHA-256', () => {
  test('RFC 4231 test case 2', () => {
    expect(mac(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  test('message lengths 0 to 400, key lengths 0 to 200', () => {
    for (let length = 0; length <= 400; length++) {
      const [key, message] = [pattern(length >> 1, length), pattern(length, length + 1)]
      expect(mac(key, message), `length ${length}`).toBe(hex(hmac(sha256, key, message)))
    }
  })

  test('midstates serve many messages', () => {
    kernel.reset()
    const key = pattern(32, 5)
    const [mid, out] = [kernel.room(64), kernel.room(32)]
    kernel.call('hmacKey', mid, kernel.put(key), 32)
    for (let length = 0; length < 200; length++) {
      const message = pattern(length, length)
      kernel.call('hmacMid', out, mid, kernel.put(message), length)
      expect(hex(kernel.read(out, 32))).toBe(hex(hmac(sha256, key, message)))
    }
  })

  test('Wycheproof', () => {
    const groups = wycheproof('hmac_sha256_test.json')
    let count = 0
    for (const group of groups ?? [])
      for (const item of group.tests) {
        const tag = hexField(item, 'tag')
        const computed = mac(hexField(item, 'key'), hexField(item, 'msg')).slice(0, tag.length * 2)
        expect(computed === hex(tag), `tcId ${item.tcId}`).toBe(item.result === 'valid')
        count++
      }
    if (groups !== undefined) expect(count).toBeGreaterThan(100)
  })
})

const expanded = (prk: Uint8Array, info: Uint8Array, length: number): string => {
  kernel.reset()
  const out = kernel.room(length + 16)
  kernel.call('hkdfExpand', out, length, kernel.put(prk, 1), prk.length, kernel.put(info, 5), info.length)
  expect(kernel.read(out + length, 16).every((byte) => byte === 0)).toBe(true)
  return hex(kernel.read(out, length))
}

const extracted = (salt: Uint8Array, ikm: Uint8Array): Uint8Array => {
  kernel.reset()
  const out = kernel.room(32)
  kernel.call('hkdfExtract', out, kernel.put(salt), salt.length, kernel.put(ikm), ikm.length)
  return kernel.read(out, 32)
}

describe('HKDF-SHA-256', () => {
  test('RFC 5869 test case 1', () => {
    const prk = extracted(fromHex('000102030405060708090a0b0c'), new Uint8Array(22).fill(0x0b))
    expect(hex(prk)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
    expect(expanded(prk, fromHex('f0f1f2f3f4f5f6f7f8f9'), 42)).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    )
  })

  test('extract and expand of many shapes', () => {
    for (let length = 0; length <= 400; length++) {
      const [prk, info] = [pattern(32, length), pattern(length, length + 7)]
      const outLength = [32, 16, 12, 0, 33, 64, 100, 8160][length % 8] ?? 32
      expect(expanded(prk, info, outLength), `length ${length}`).toBe(hex(expand(sha256, prk, info, outLength)))
      expect(hex(extracted(info, prk))).toBe(hex(extract(sha256, prk, info)))
    }
  })

  test('many: every info length 0 to 400, outputs of 1 to 32 bytes, 0 to 9 items', () => {
    for (let length = 0; length <= 400; length++) {
      kernel.reset()
      const n = length % 10
      const outLength = [32, 16, 12, 1, 31, 20][length % 6] ?? 32
      const shared = length % 4 === 0
      const [prks, infos] = [pattern(33 * n + 32, length), pattern((length + 1) * n + length, length + 9)]
      const prkStride = length % 3 === 0 ? 0 : 33
      const infoStride = shared ? 0 : length + 1
      const [out, prkAt, infoAt] = [kernel.room(outLength * n + 16), kernel.put(prks), kernel.put(infos)]
      // some infos are shorter, by one byte or by a block
      const shorter = (i: number) => Math.min(length, i % 3 === 1 ? 1 : i % 4 === 3 ? 64 : 0)
      const triples = Array.from({ length: n }, (_, i) => [
        prkAt + i * prkStride,
        infoAt + i * infoStride,
        length - shorter(i),
      ])
      const table = kernel.put(new Uint8Array(Uint32Array.from(triples.flat()).buffer))
      kernel.call('hkdfExpandMany', n, out, outLength, table)
      for (let i = 0; i < n; i++) {
        const prk = prks.subarray(i * prkStride, i * prkStride + 32)
        const info = infos.subarray(i * infoStride, i * infoStride + length - shorter(i))
        expect(hex(kernel.read(out + i * outLength, outLength)), `length ${length}, item ${i}`).toBe(
          hex(expand(sha256, prk, info, outLength)),
        )
      }
      expect(kernel.read(out + n * outLength, 16).every((byte) => byte === 0)).toBe(true)
    }
  })

  test('a chain is one expansion after another, and leaves its infos as they were', () => {
    for (const length of [0, 1, 22, 54, 55, 63, 64, 65, 118, 119, 300]) {
      kernel.reset()
      const n = 5
      const [key, infos] = [pattern(32, length), pattern(n * length + 1, 7)]
      const [keys, infosAt] = [kernel.room(32 * (n + 1) + 16), kernel.put(infos)]
      kernel.write(keys, key)
      kernel.call('hkdfExpandChain', n, keys, infosAt, length)
      let expected: Uint8Array = key
      for (let i = 0; i < n; i++) {
        expected = expand(sha256, expected, infos.subarray(i * length, (i + 1) * length), 32)
        expect(hex(kernel.read(keys + 32 * (i + 1), 32)), `length ${length}, link ${i}`).toBe(hex(expected))
      }
      expect(hex(kernel.read(infosAt, infos.length))).toBe(hex(infos))
      expect(kernel.read(keys + 32 * (n + 1), 16).every((byte) => byte === 0)).toBe(true)
    }
  })

  test('Wycheproof', () => {
    const groups = wycheproof('hkdf_sha256_test.json')
    let count = 0
    for (const group of groups ?? [])
      for (const item of group.tests) {
        count++
        const size = Number(item['size'])
        if (size > 255 * 32) {
          expect(item.result, `tcId ${item.tcId}`).toBe('invalid')
          continue
        }
        const prk = extracted(hexField(item, 'salt'), hexField(item, 'ikm'))
        expect(expanded(prk, hexField(item, 'info'), size) === String(item['okm']), `tcId ${item.tcId}`).toBe(
          item.result === 'valid',
        )
      }
    if (groups !== undefined) expect(count).toBeGreaterThan(60)
  })
})

test('nothing of the data stays in static memory', () => {
  expanded(pattern(32, 1), pattern(100, 2), 100)
  mac(pattern(100, 3), pattern(300, 4))
  digest(pattern(300, 4))
  kernel.reset()
  const [out, data] = [kernel.room(512), kernel.put(pattern(2000, 3))]
  kernel.call('sha256Strided', 7, out, data, 200, 200)
  const triples = [0, 1, 2, 3, 4, 5, 6].flatMap((i) => [data + 32 * i, data + 100 * i, 100])
  kernel.call('hkdfExpandMany', 7, out, 32, kernel.put(new Uint8Array(Uint32Array.from(triples).buffer)))
  kernel.call('hkdfExpandChain', 7, out, data, 100)
  kernel.call('hpkeDerive', 7, out, data, data, 17, data, 20)
  expect(hex(kernel.staticCopy())).toBe(atRest)
})

test('the build is deterministic', async () => {
  expect(hex(await buildSymmetric())).toBe(hex(await buildSymmetric()))
}, 60_000)

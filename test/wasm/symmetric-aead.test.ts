import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { describe, expect, test } from 'vitest'
import { fromHex, hexField, pattern, wycheproof } from './kernel.ts'
import { loadSymmetric } from './symmetric-kernel.ts'

const kernel = await loadSymmetric()
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const guard = new Uint8Array(16).fill(0xa5)

interface Aead {
  readonly name: string
  readonly export: string
  readonly keyLength: number
  readonly oracle: typeof gcm | typeof chacha20poly1305
  readonly file: string
}

const aeads: readonly Aead[] = [
  {
    name: 'ChaCha20-Poly1305',
    export: 'chacha20poly1305',
    keyLength: 32,
    oracle: chacha20poly1305,
    file: 'chacha20_poly1305_test.json',
  },
  { name: 'AES-128-GCM', export: 'aes128gcm', keyLength: 16, oracle: gcm, file: 'aes_gcm_test.json' },
]

interface Inputs {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly aad: Uint8Array
}

const seal = (aead: Aead, { key, nonce, aad }: Inputs, message: Uint8Array, inPlace = false): Uint8Array => {
  kernel.reset()
  const [keyAt, nonceAt, aadAt] = [kernel.put(key, 1), kernel.put(nonce, 3), kernel.put(aad, 5)]
  const msgAt = kernel.put(message, 7)
  const out = inPlace ? msgAt : kernel.room(message.length + 32)
  kernel.room(64)
  kernel.write(out + message.length + 16, guard)
  kernel.call(`${aead.export}Seal`, out, keyAt, nonceAt, aadAt, aad.length, msgAt, message.length)
  expect(hex(kernel.read(out + message.length + 16, 16))).toBe(hex(guard))
  return kernel.read(out, message.length + 16)
}

/** The plaintext, or undefined when refused; a refusal must leave zeros in the output and touch nothing behind it. */
const open = (aead: Aead, { key, nonce, aad }: Inputs, sealed: Uint8Array, inPlace = false): Uint8Array | undefined => {
  kernel.reset()
  const [keyAt, nonceAt, aadAt] = [kernel.put(key, 1), kernel.put(nonce, 3), kernel.put(aad, 5)]
  const sealedAt = kernel.put(sealed, 9)
  const length = Math.max(0, sealed.length - 16)
  const out = inPlace ? sealedAt : kernel.put(new Uint8Array(length + 16).fill(0xa5))
  const ok = kernel.call(`${aead.export}Open`, out, keyAt, nonceAt, aadAt, aad.length, sealedAt, sealed.length)
  if (!inPlace) expect(hex(kernel.read(out + length, 16))).toBe(hex(guard))
  const plain = kernel.read(out, length)
  if (ok === 1) return plain
  expect(ok).toBe(0)
  expect(plain.every((byte) => byte === 0)).toBe(true)
  return undefined
}

const lengths = [...Array(1101).keys(), 1535, 1536, 2047, 2048, 2049, 4095, 4096, 14763, 65536, 65551]

describe.each(aeads)('$name', (aead) => {
  const inputs = (seed: number): Inputs => ({
    key: pattern(aead.keyLength, seed),
    nonce: pattern(12, seed + 1),
    aad: pattern((seed * 7) % 50, seed + 2),
  })

  test('seals and opens every length as the oracle does', () => {
    for (const length of lengths) {
      const given = inputs(length)
      const message = pattern(length, length + 3)
      const expected = aead.oracle(given.key, given.nonce, given.aad).encrypt(message)
      const inPlace = length % 3 === 0
      const sealed = seal(aead, given, message, inPlace)
      expect(Buffer.compare(sealed, expected), `seal ${length}`).toBe(0)
      const opened = open(aead, given, expected, inPlace)
      expect(opened !== undefined && Buffer.compare(opened, message) === 0, `open ${length}`).toBe(true)
    }
  })

  test('additional data of every length 0 to 600', () => {
    for (let length = 0; length <= 600; length++) {
      const given = { ...inputs(length), aad: pattern(length, length) }
      const message = pattern(length % 40, length)
      const expected = aead.oracle(given.key, given.nonce, given.aad).encrypt(message)
      expect(Buffer.compare(seal(aead, given, message), expected), `aad ${length}`).toBe(0)
    }
  })

  test('extreme bytes', () => {
    for (const value of [0x00, 0xff, 0x80, 0x01])
      for (const length of [0, 1, 16, 64, 96, 200, 256, 1024, 4096]) {
        const given = {
          key: new Uint8Array(aead.keyLength).fill(value),
          nonce: new Uint8Array(12).fill(value),
          aad: new Uint8Array(length % 33).fill(value),
        }
        const message = new Uint8Array(length).fill(value)
        const expected = aead.oracle(given.key, given.nonce, given.aad).encrypt(message)
        expect(hex(seal(aead, given, message)), `value ${value}, length ${length}`).toBe(hex(expected))
      }
  })

  test('refuses any flipped bit', () => {
    for (const length of [0, 1, 15, 16, 33, 100, 191, 192, 193, 300, 1500]) {
      const given = inputs(length)
      const sealed = seal(aead, given, pattern(length, 1))
      const step = Math.max(1, sealed.length >> 5)
      for (let at = 0; at < sealed.length; at += at >= length ? 1 : step) {
        const changed = sealed.slice()
        changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7))
        expect(open(aead, given, changed, at % 2 === 0), `byte ${at} of ${sealed.length}`).toBeUndefined()
      }
      for (const name of ['key', 'nonce', 'aad'] as const) {
        const changed = given[name].slice()
        if (changed.length === 0) continue
        changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 0x10
        expect(open(aead, { ...given, [name]: changed }, sealed)).toBeUndefined()
      }
      expect(open(aead, given, sealed)).toBeDefined()
    }
  })

  test('refuses inputs shorter than a tag', () => {
    for (let length = 0; length < 16; length++) expect(open(aead, inputs(1), new Uint8Array(length))).toBeUndefined()
  })

  test('Wycheproof', () => {
    const groups = wycheproof(aead.file)
    let count = 0
    for (const group of groups ?? []) {
      if (group['ivSize'] !== 96 || group['keySize'] !== aead.keyLength * 8 || group['tagSize'] !== 128) continue
      for (const item of group.tests) {
        count++
        const given = { key: hexField(item, 'key'), nonce: hexField(item, 'iv'), aad: hexField(item, 'aad') }
        const sealed = Buffer.concat([hexField(item, 'ct'), hexField(item, 'tag')])
        const opened = open(aead, given, sealed)
        expect(opened === undefined ? 'invalid' : 'valid', `tcId ${item.tcId}`).toBe(item.result)
        if (opened === undefined) continue
        expect(hex(opened)).toBe(String(item['msg']))
        expect(hex(seal(aead, given, opened)), `tcId ${item.tcId}`).toBe(hex(sealed))
      }
    }
    if (groups !== undefined) expect(count).toBeGreaterThan(50)
  })

  test('nothing of the data stays in static memory', () => {
    seal(aead, inputs(1), new Uint8Array(0))
    const atRest = hex(kernel.staticCopy())
    for (const length of [1, 100, 300, 5000]) {
      const given = inputs(length)
      const sealed = seal(aead, given, pattern(length, 9))
      expect(hex(kernel.staticCopy())).toBe(atRest)
      open(aead, given, sealed)
      expect(hex(kernel.staticCopy())).toBe(atRest)
      open(aead, { ...given, nonce: new Uint8Array(12) }, sealed)
      expect(hex(kernel.staticCopy())).toBe(atRest)
    }
  })
})

test('RFC 8439 §2.8.2', () => {
  const given = {
    key: fromHex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
    nonce: fromHex('070000004041424344454647'),
    aad: fromHex('50515253c0c1c2c3c4c5c6c7'),
  }
  const message = Buffer.from(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  )
  const sealed = hex(seal(aeads[0]!, given, message))
  expect(sealed.startsWith('d31a8d34648e60db7b86afbc53ef7ec2')).toBe(true)
  expect(sealed.endsWith('1ae10b594f09e26a7e902ecbd0600691')).toBe(true)
})

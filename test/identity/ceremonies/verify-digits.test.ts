import { scryptSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/bytes/text.ts'
import { sameDigits, verifyDigits } from '../../../src/identity/verify-digits.ts'
import { alice, bob, codeOf, labelled } from './support.ts'

const root = (byte: number) => new Uint8Array(32).fill(byte)

/** By the scrypt of node:crypto and big numbers. */
function slowDigits(sides: readonly { readonly account: Uint8Array; readonly rootHash: Uint8Array }[]): string {
  const [a, b] = [...sides].sort((x, y) => Buffer.compare(x.account, y.account))
  const input = labelled('Verify Digits', a!.account, a!.rootHash, b!.account, b!.rootHash)
  const hash = scryptSync(input, 'XMPP Account Identity Ceremony 1.0', 60, { N: 32_768, r: 8, p: 1, maxmem: 2 ** 26 })
  return Array.from({ length: 12 }, (_, i) =>
    String(BigInt(`0x${hash.subarray(5 * i, 5 * i + 5).toString('hex')}`) % 100_000n).padStart(5, '0'),
  ).join(' ')
}

describe('digits', () => {
  const a = { account: alice, rootHash: root(1) }
  const b = { account: bob, rootHash: root(2) }
  const digits = verifyDigits(a, b)

  test('known answers, the same for both sides', () => {
    expect(digits).toBe(slowDigits([a, b]))
    expect(verifyDigits(b, a)).toBe(digits)
    expect(digits).toMatch(/^(\d{5} ){11}\d{5}$/)
    // an account that begins with the other one, and bytes above 127
    const [long, high] = [
      { ...a, account: utf8('bob@example.network') },
      { ...a, account: utf8('é@example.org') },
    ]
    expect(verifyDigits(b, long)).toBe(slowDigits([b, long]))
    expect(verifyDigits(long, b)).toBe(slowDigits([b, long]))
    expect(verifyDigits(high, b)).toBe(slowDigits([b, high]))
  })

  test('any other root, account or pairing gives other digits', () => {
    const others = [
      verifyDigits({ ...a, rootHash: root(3) }, b),
      verifyDigits(a, { ...b, rootHash: root(3) }),
      verifyDigits({ ...a, rootHash: root(2) }, { ...b, rootHash: root(1) }),
      verifyDigits({ ...a, account: utf8('alicf@example.org') }, b),
    ]
    expect(new Set([digits, ...others]).size).toBe(5)
  })

  test('refuses one account twice, hashes of other lengths and bad accounts', () => {
    expect(codeOf(() => verifyDigits(a, { ...b, account: alice }))).toBe('identity_verify/account')
    expect(codeOf(() => verifyDigits(a, { ...b, rootHash: new Uint8Array(31) }))).toBe('codec/range')
    expect(codeOf(() => verifyDigits({ ...a, account: new Uint8Array(0) }, b))).toBe('identity/account')
  })

  test('typed digits are compared as digits', () => {
    expect(sameDigits(digits, digits.replaceAll(' ', '\n-'))).toBe(true)
    expect(
      sameDigits(digits, [...digits].map((c) => (c === ' ' ? c : String.fromCodePoint(0x660 + Number(c)))).join('')),
    ).toBe(true)
    expect(
      sameDigits(digits, [...digits].map((c) => (c === ' ' ? c : String.fromCodePoint(0x1d7ce + Number(c)))).join('')),
    ).toBe(true)
    expect(sameDigits(digits, digits.slice(1))).toBe(false)
    expect(sameDigits('', '')).toBe(false)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70 }), (i) => {
        fc.pre(digits[i] !== ' ')
        const other = String((Number(digits[i]) + 1) % 10)
        expect(sameDigits(digits, digits.slice(0, i) + other + digits.slice(i + 1))).toBe(false)
      }),
    )
  })

  test('digits of all scripts have their value', () => {
    for (let code = 0; code < 0x20000; code++) {
      const character = String.fromCodePoint(code)
      if (code >= 0xd800 && code < 0xe000) continue
      if (!/\p{Nd}/u.test(character)) continue
      const zero = [...Array(10).keys()].filter((value) =>
        sameDigits('0'.repeat(59) + value, '0'.repeat(59) + character),
      )
      expect(zero).toHaveLength(1)
    }
    expect(sameDigits('0'.repeat(59) + 7, `${'0'.repeat(59)}७`)).toBe(true)
  })
})

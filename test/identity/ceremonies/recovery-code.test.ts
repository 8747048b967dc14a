import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase32, toBase32 } from '../../../src/identity/base32.ts'
import {
  decodeRecoveryCode,
  encodeRecoveryCode,
  findRecoveryCodeProblem,
  sameRecoveryCode,
} from '../../../src/identity/recovery-code.ts'
import { anyText, codeOf, slowBase32 } from './support.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const secrets = fc.uint8Array({ minLength: 20, maxLength: 20 })
const positions = fc.integer({ min: 0, max: 35 })
const plain = (code: string) => code.replaceAll('-', '')
const grouped = (text: string) => text.match(/.{4}/g)!.join('-')

/** GF(32) by logarithms of x, and the checksum by long division: written a second time. */
const powers: number[] = []
for (let i = 0, value = 1; i < 31; i++) {
  powers.push(value)
  value = value & 16 ? ((value << 1) & 31) ^ 5 : value << 1
}
const times = (a: number, b: number) => (a && b ? powers[(powers.indexOf(a) + powers.indexOf(b)) % 31]! : 0)
function slowCode(secret: Uint8Array): string {
  const data = slowBase32(secret)
  const division = [...data, '0', '0', '0', '0'].map((character) => alphabet.indexOf(character))
  for (let i = 0; i < 32; i++) {
    const top = division[i]!
    for (const [k, coefficient] of [1, 2, 2, 0, 1].entries()) division[i + k]! ^= times(top, coefficient)
  }
  division[35]! ^= 1
  return grouped(
    data +
      division
        .slice(32)
        .map((symbol) => alphabet[symbol])
        .join(''),
  )
}

describe('base-32', () => {
  test('equals base-32 through one big number, and comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(toBase32(bytes)).toBe(slowBase32(bytes))
        expect(fromBase32(toBase32(bytes))).toEqual(bytes)
      }),
    )
  })

  test('one text for one value', () => {
    expect(codeOf(() => fromBase32('01'))).toBe('codec/text')
    expect(codeOf(() => fromBase32('0'))).toBe('codec/text')
    expect(codeOf(() => fromBase32('000'))).toBe('codec/text')
    expect(codeOf(() => fromBase32('0a'))).toBe('codec/text')
    expect(codeOf(() => fromBase32('0000000U'))).toBe('codec/text')
    expect(codeOf(() => fromBase32('U0000000'))).toBe('codec/text')
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 40 }), (text) => {
        const code = codeOf(() => expect(toBase32(fromBase32(text))).toBe(text))
        expect(['none', 'codec/text']).toContain(code)
      }),
    )
  })
})

describe('recovery code', () => {
  test('known answers', () => {
    // zero data has remainder zero, and the mark of the version is 1
    expect(encodeRecoveryCode(new Uint8Array(20))).toBe('0000-0000-0000-0000-0000-0000-0000-0000-0001')
    // the last data symbol alone is x^4, whose remainder is the generator without its first term: 2, 2, 0, 1 (with the mark 0)
    expect(encodeRecoveryCode(Uint8Array.from({ length: 20 }, (_, i) => (i === 19 ? 1 : 0)))).toBe(
      '0000-0000-0000-0000-0000-0000-0000-0001-2200',
    )
    fc.assert(
      fc.property(secrets, (secret) => {
        expect(encodeRecoveryCode(secret)).toBe(slowCode(secret))
      }),
    )
  })

  test('comes back, however it is typed', () => {
    const ways: readonly ((code: string) => string)[] = [
      (code) => code,
      (code) => code.toLowerCase(),
      (code) => plain(code),
      (code) => `  ${code.replaceAll('-', ' ')}\n`,
      (code) => code.replaceAll('-', ' – '),
      (code) => code.replaceAll('0', 'O').replaceAll('1', 'l'),
      (code) => code.replaceAll('0', 'o').replaceAll('1', 'I').replaceAll('V', 'u'),
      (code) => code.replaceAll('A', 'А').replaceAll('C', 'с').replaceAll('H', 'Η').replaceAll('X', 'х'),
      (code) =>
        [...code].map((c) => (/[0-9A-Z]/.test(c) ? String.fromCodePoint(c.codePointAt(0)! + 0xfee0) : c)).join(''),
      (code) => plain(code).split('').join('\u200b'),
    ]
    fc.assert(
      fc.property(secrets, fc.constantFrom(...ways), (secret, way) => {
        const code = encodeRecoveryCode(secret)
        expect(decodeRecoveryCode(way(code))).toEqual(secret)
        expect(findRecoveryCodeProblem(way(code))).toBeUndefined()
      }),
    )
  })

  test('one wrong character is found, with its group', () => {
    fc.assert(
      fc.property(secrets, positions, fc.integer({ min: 1, max: 31 }), (secret, at, change) => {
        const symbols = [...plain(encodeRecoveryCode(secret))]
        symbols[at] = alphabet[alphabet.indexOf(symbols[at]!) ^ change]!
        const text = grouped(symbols.join(''))
        const group = Math.floor(at / 4) + 1
        expect(findRecoveryCodeProblem(text)).toEqual({ problem: 'checksum', group })
        expect(() => decodeRecoveryCode(text)).toThrow(`group ${group} `)
      }),
    )
  })

  test('two neighbours in each other’s place are found, with their group', () => {
    let located = 0
    fc.assert(
      fc.property(secrets, fc.integer({ min: 0, max: 34 }), (secret, at) => {
        const symbols = [...plain(encodeRecoveryCode(secret))]
        fc.pre(symbols[at] !== symbols[at + 1])
        const swapped = symbols.toSpliced(at, 2, symbols[at + 1]!, symbols[at]!)
        const found = findRecoveryCodeProblem(swapped.join(''))
        expect(found?.problem).toBe('checksum')
        if (at % 4 !== 3) {
          if (found?.group !== undefined) expect(found.group).toBe(Math.floor(at / 4) + 1)
          if (found?.group !== undefined) located++
        }
      }),
      { numRuns: 300 },
    )
    expect(located).toBeGreaterThan(150)
  })

  test('distance 4: no three places cancel one another', () => {
    const zero = plain(encodeRecoveryCode(new Uint8Array(20)))
    // what one symbol of value 1 at each place adds to the checksum
    const columns = Array.from({ length: 36 }, (_, i) => {
      if (i >= 32) return [0, 1, 2, 3].map((k) => (k === i - 32 ? 1 : 0))
      const data = [...zero.slice(0, 32)].map((_, k) => (k === i ? '1' : '0')).join('')
      const bytes = Uint8Array.from({ length: 20 }, (_, k) => Number((bigBase32(data) >> BigInt(8 * (19 - k))) & 255n))
      const check = [...plain(encodeRecoveryCode(bytes)).slice(32)].map((c) => alphabet.indexOf(c))
      return check.map((symbol, k) => symbol ^ (k === 3 ? 1 : 0))
    })
    const direction = (column: readonly number[]) => {
      const first = column.find((symbol) => symbol !== 0)!
      const inverse = powers.find((power) => times(power, first) === 1)!
      return column.map((symbol) => times(symbol, inverse)).join()
    }
    const directions = new Set(columns.map(direction))
    expect(directions.size).toBe(36)
    let bad = 0
    for (let i = 0; i < 36; i++)
      for (let k = i + 1; k < 36; k++)
        for (let factor = 1; factor < 32; factor++) {
          const sum = columns[i]!.map((symbol, n) => symbol ^ times(columns[k]![n]!, factor))
          if (sum.every((symbol) => symbol === 0) || directions.has(direction(sum))) bad++
        }
    expect(bad).toBe(0)
  })

  test('up to three wrong characters never pass', () => {
    const errors = fc.uniqueArray(fc.tuple(positions, fc.integer({ min: 1, max: 31 })), {
      minLength: 2,
      maxLength: 3,
      selector: ([at]) => at,
    })
    fc.assert(
      fc.property(secrets, errors, (secret, list) => {
        const symbols = [...plain(encodeRecoveryCode(secret))]
        for (const [at, change] of list) symbols[at] = alphabet[alphabet.indexOf(symbols[at]!) ^ change]!
        expect(codeOf(() => decodeRecoveryCode(symbols.join('')))).toBe('identity_recovery/checksum')
      }),
      { numRuns: 500 },
    )
  })

  test('missing and foreign characters name the group, where it can be known', () => {
    const code = encodeRecoveryCode(Uint8Array.from({ length: 20 }, (_, i) => 11 * i))
    const groups = code.split('-')
    const without = (i: number) => groups.with(i, groups[i]!.slice(1)).join('-')
    for (let i = 0; i < 9; i++) {
      expect(findRecoveryCodeProblem(without(i))).toEqual({ problem: 'length', group: i + 1 })
      const foreign = groups.with(i, `${groups[i]!.slice(0, 3)}§`).join(' ')
      expect(findRecoveryCodeProblem(foreign)).toEqual({ problem: 'character', group: i + 1 })
      const run = plain(foreign.replaceAll(' ', ''))
      expect(findRecoveryCodeProblem(run)).toEqual({ problem: 'character', group: i + 1 })
    }
    const twice = groups.with(0, groups[0]!.slice(1)).with(3, groups[3]!.slice(1)).join('-')
    expect(findRecoveryCodeProblem(twice)).toEqual({ problem: 'length' })
    expect(findRecoveryCodeProblem(plain(code).slice(1))).toEqual({ problem: 'length' })
    expect(findRecoveryCodeProblem(groups.slice(0, 8).join('-'))).toEqual({ problem: 'length' })
    expect(findRecoveryCodeProblem('')).toEqual({ problem: 'length' })
    expect(findRecoveryCodeProblem(`${code}${' '.repeat(512)}`)).toEqual({ problem: 'length' })
    expect(codeOf(() => decodeRecoveryCode(without(2)))).toBe('identity_recovery/length')
    expect(codeOf(() => decodeRecoveryCode(code.replace(/.$/, '§')))).toBe('identity_recovery/character')
    expect(codeOf(() => encodeRecoveryCode(new Uint8Array(19)))).toBe('crypto/length')
  })

  test('whatever is typed, errors are typed, and hold nothing of it', () => {
    fc.assert(
      fc.property(anyText(60), (text) => {
        expect(codeOf(() => decodeRecoveryCode(text))).toMatch(/^identity_recovery\/(length|character|checksum)$/)
      }),
    )
    expect(() => decodeRecoveryCode('MARVELLOUS')).not.toThrow(/MARVEL/)
  })

  test('the code that the user types after saving it is compared', () => {
    const secret = new Uint8Array(20).fill(9)
    expect(sameRecoveryCode(encodeRecoveryCode(secret).toLowerCase(), secret)).toBe(true)
    expect(sameRecoveryCode(encodeRecoveryCode(new Uint8Array(20)), secret)).toBe(false)
  })
})

function bigBase32(text: string): bigint {
  return [...text].reduce((value, character) => value * 32n + BigInt(alphabet.indexOf(character)), 0n)
}

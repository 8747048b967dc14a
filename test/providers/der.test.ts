import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../src/bytes/bytes.ts'
import { fromHex, toHex } from '../../src/bytes/text.ts'
import { decodeEcdsaSignature, encodeEcdsaSignature } from '../../src/providers/noble/der.ts'

const order = 0xfdn
const decode = (hex: string) => {
  const compact = decodeEcdsaSignature(fromHex(hex), 1, order)
  return compact && toHex(compact)
}

describe('V039 ECDSA-Sig-Value in DER', () => {
  test('what it accepts', () => {
    expect(decode('3006020101020102')).toBe('0102')
    expect(decode('300702017f020200fc')).toBe('7ffc')
  })

  test.each([
    ['empty', ''],
    ['raw r || s', '0102'],
    ['another outer tag', '3106020101020102'],
    ['another inner tag', '3006030101020102'],
    ['length too short', '3005020101020102'],
    ['length too long', '3007020101020102'],
    ['trailing byte', '300602010102010200'],
    ['trailing byte inside', '300702010102010200'],
    ['trailing element inside', '30080201010201020500'],
    ['long-form length without need', '308106020101020102'],
    ['long-form length inside', '300702810101020102'],
    ['indefinite length', '30800201010201020000'],
    ['r is negative', '3006020181020102'],
    ['leading zero without need', '300702020001020102'],
    ['two leading zeros', '3008020300008102010102'],
    ['r is 0', '3006020100020102'],
    ['s is 0', '3006020101020100'],
    ['r is the order', '3007020200fd020102'],
    ['s is above the order', '30070201010202' + '00fe'],
    ['r has no bytes', '30050200020102'],
    ['r longer than a scalar', '300702020101020102'],
    ['one integer', '3003020101'],
    ['three integers', '3009020101020102020103'],
    ['cut', '30060201010201'],
  ])('refused: %s', (_, hex) => {
    expect(decode(hex)).toBeUndefined()
  })

  test('every pair of scalars has one form, and every other length of it is refused', () => {
    const scalar = fc.bigInt(1n, 2n ** 521n - 1n)
    const bytes = (value: bigint) => fromHex(value.toString(16).padStart(132, '0'))
    fc.assert(
      fc.property(scalar, scalar, fc.nat(), (r, s, cut) => {
        const compact = concatBytes(bytes(r), bytes(s))
        const der = encodeEcdsaSignature(compact)
        expect(decodeEcdsaSignature(der, 66, 2n ** 521n)).toEqual(compact)
        expect(decodeEcdsaSignature(der.subarray(0, cut % der.length), 66, 2n ** 521n)).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })
})

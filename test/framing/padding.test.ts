import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PaddingPolicy, paddedLength } from '../../src/framing/padding.ts'
import { thrown } from '../secret-tree/support.ts'

const policies: PaddingPolicy[] = [
  { kind: 'none' },
  { kind: 'multiple', of: 256 },
  { kind: 'padme' },
  { kind: 'buckets', sizes: [512, 128, 4096] },
]

describe('padding', () => {
  test('never shorter, monotone, stable when applied again', () => {
    fc.assert(
      fc.property(fc.constantFrom(...policies), fc.nat(2 ** 24), fc.nat(1000), (policy, length, more) => {
        const padded = paddedLength(policy, length)
        expect(padded).toBeGreaterThanOrEqual(length)
        expect(paddedLength(policy, length + more)).toBeGreaterThanOrEqual(padded)
        expect(paddedLength(policy, padded)).toBe(padded)
      }),
    )
  })

  test('padme: known values, at most 12 % more', () => {
    // E = floor(log2 L), S = floor(log2 E) + 1, the low E - S bits are zero
    for (const [length, padded] of [
      [0, 0],
      [1, 1],
      [2, 2],
      [8, 8],
      [9, 10],
      [100, 104],
      [1000, 1024],
      [1025, 1088],
      [1_000_001, 1_015_808],
    ] as const)
      expect(paddedLength({ kind: 'padme' }, length)).toBe(padded)
    for (let length = 1; length < 5000; length++)
      expect(paddedLength({ kind: 'padme' }, length) / length).toBeLessThan(1.12)
  })

  test('buckets: the next size, and multiples of the last one above', () => {
    const policy = policies[3]!
    expect([0, 128, 129, 512, 4096, 4097, 9000].map((length) => paddedLength(policy, length))).toEqual([
      128, 128, 512, 512, 4096, 8192, 12288,
    ])
  })

  test('sizes that are none', () => {
    for (const policy of [
      { kind: 'multiple', of: 0 },
      { kind: 'multiple', of: 1.5 },
      { kind: 'buckets', sizes: [] },
      { kind: 'buckets', sizes: [16, -1] },
    ] as const)
      expect(thrown(() => paddedLength(policy, 5))).toEqual(['codec/range', undefined])
  })
})

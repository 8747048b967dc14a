/**
 * Emits field arithmetic on four elements in SIMD lanes. An element has twenty signed limbs of 13 bits (2^260 = 608 modulo p);
 * vector i holds limbs 2i and 2i + 1 of the four elements, as the two halves of their 32-bit lanes. So one instruction
 * (`dot_i16x8_s`) adds two products of limbs for each element, and sums and differences need no bias. Bounds: `generate.ts`.
 */
import { bits, define, isOdd, LIMBS, names, offset, range } from './generate-field.ts'

/** Bits of a limb, limbs of an element, and what carries out of the last one are worth in the first. */
const RADIX = 13
const COUNT = 2 * LIMBS
const WRAP = 19 * 2 ** (COUNT * RADIX - 255)
/** Added before a carry, so that limbs are rounded to the nearest multiple and stay signed. */
const ROUND = 2 ** (RADIX - 1)

/** The twenty signed limbs of a non-negative number below 2^255. */
export function signedLimbs(x: bigint): number[] {
  let rest = x
  return range(COUNT).map(() => {
    const limb = BigInt.asIntN(RADIX, rest)
    rest = (rest - limb) >> BigInt(RADIX)
    return Number(limb)
  })
}

/** The limbs in the 32-bit words of one lane. */
export function packedLimbs(x: bigint): number[] {
  const limbs = signedLimbs(x)
  const half = (i: number): number => (limbs[i] ?? 0) & 0xffff
  return range(LIMBS).map((i) => (half(2 * i) | (half(2 * i + 1) << 16)) >>> 0)
}

const splat = (x: number): string => `i32x4.splat(${x})`
const pair = (low: number, high: number): string => splat((low & 0xffff) | (high << 16))
const sum = (terms: readonly string[]): string => terms.reduce((a, b) => `i32x4.add(${a}, ${b})`)
const dot = (x: string, y: string): string => `i32x4.dot_i16x8_s(${x}, ${y})`
const carryOf = (x: string): string => `i32x4.shr_s(${x}, ${RADIX})`
const at = (list: readonly string[], i: number): string => list[i] ?? ''
/** The low halves of x beside the high halves of y. */
const halves = (x: string, y: string): string => `v128.shuffle<i16>(${x}, ${y}, 0, 9, 2, 11, 4, 13, 6, 15)`

const CONSTANTS = [
  `const lowHalf: v128 = ${splat(0xffff)}`,
  `const mask: v128 = ${splat(2 ** RADIX - 1)}`,
  `const round: v128 = ${splat(ROUND)}`,
  `const rounds: v128 = ${pair(ROUND, ROUND)}`,
  `const wrap: v128 = ${splat(WRAP)}`,
  // for columns to which WRAP times a limb is added that has ROUND added to it
  `const bias: v128 = ${splat(ROUND - WRAP * ROUND)}`,
]

/** Vectors b0 .. b20 of the limbs (m, m - 1) of y, zero where there is none: what limbs (2i, 2i + 1) are multiplied with. */
function reversedPairs(y: readonly string[]): string[] {
  return [
    `const b0: v128 = v128.and(${at(y, 0)}, lowHalf)`,
    ...range(LIMBS).map(
      (j) => `const b${2 * j + 1}: v128 = v128.shuffle<i16>(${at(y, j)}, ${at(y, j)}, 1, 0, 3, 2, 5, 4, 7, 6)`,
    ),
    ...range(LIMBS - 1).map((j) => `const b${2 * j + 2}: v128 = ${halves(at(y, j + 1), at(y, j))}`),
    `const b${COUNT}: v128 = v128.andnot(${at(y, LIMBS - 1)}, lowHalf)`,
  ]
}

/** The end of a carry: limbs t0 .. t19 (with ROUND added) and what is carried out of the last, packed into r0 .. r9. */
function pack(carried: string): string[] {
  return [
    `t0 = ${sum(['t0', `i32x4.mul(${carried}, wrap)`])}`,
    `t1 = ${sum(['t1', carryOf('t0')])}`,
    't0 = v128.and(t0, mask)',
    `t2 = ${sum(['t2', carryOf('t1')])}`,
    't1 = v128.and(t1, mask)',
    // it may be negative now, and the other half of its lane belongs to another limb
    't2 = v128.and(t2, lowHalf)',
    ...range(LIMBS).map(
      (i) => `const r${i}: v128 = i16x8.sub(v128.or(t${2 * i}, i32x4.shl(t${2 * i + 1}, 16)), rounds)`,
    ),
  ]
}

/** Splits the sum of `terms` into limb t and carry c of column k. */
function split(k: number, terms: readonly string[]): string[] {
  return [
    `const h${k}: v128 = ${sum(terms)}`,
    `const c${k}: v128 = ${carryOf(`h${k}`)}`,
    `let t${k}: v128 = v128.and(h${k}, mask)`,
  ]
}

/** Limbs r0 .. r9 of the sum of the columns 0 .. 38. Two chains of carries: the upper one is folded into the lower one. */
function reduce(column: (k: number) => readonly string[]): string[] {
  const last = 2 * COUNT - 2
  const lines = range(COUNT).flatMap((k) => {
    const upper = k + COUNT
    const carry = (from: number, first: number): string[] => (from > first ? [`c${from - 1}`] : [])
    if (upper > last) return split(k, [...column(k), `i32x4.mul(c${last}, wrap)`, ...carry(k, 0), 'round'])
    return [
      ...split(upper, [...column(upper), ...carry(upper, COUNT), 'round']),
      ...split(k, [...column(k), dot(`t${upper}`, 'wrap'), ...carry(k, 0), 'bias']),
    ]
  })
  return [...lines, ...pack(`c${COUNT - 1}`)]
}

/** The pairs i whose limbs take part in column k. */
const pairsOf = (k: number): number[] => range(LIMBS).filter((i) => k - 2 * i >= 0 && k - 2 * i <= COUNT)

/** Product of the limbs in locals x and y into new locals r0 .. r9. */
function product(x: readonly string[], y: readonly string[]): string[] {
  return [...reversedPairs(y), ...reduce((k) => pairsOf(k).map((i) => dot(at(x, i), `b${k - 2 * i}`)))]
}

/**
 * Square of the limbs in locals x. A product of two limbs comes twice; one of them is left out and the other doubled (d). In the
 * middle of a column are one pair with itself; or, in even columns, one limb squared, alone (e) or beside one doubled product (m).
 */
function square(x: readonly string[]): string[] {
  const prepared = range(LIMBS).flatMap((i) => [
    `const d${i}: v128 = i16x8.shl(${at(x, i)}, 1)`,
    `const m${i}: v128 = ${halves(`d${i}`, at(x, i))}`,
    `const e${i}: v128 = v128.and(${at(x, i)}, lowHalf)`,
  ])
  const column = (k: number): string[] => {
    const terms = pairsOf(k).flatMap((i) => {
      const left = 4 * i + 1 < k - 1 ? `d${i}` : 4 * i + 1 === k ? at(x, i) : 4 * i + 2 === k ? `m${i}` : ''
      return left === '' ? [] : [dot(left, `b${k - 2 * i}`)]
    })
    return k % 4 === 0 ? [...terms, dot(at(x, k / 4), `e${k / 4}`)] : terms
  }
  return [...reversedPairs(x), ...prepared, ...reduce(column)]
}

const load = (name: string, pointer: string): string[] =>
  range(LIMBS).map((i) => `let ${name}${i}: v128 = v128.load(${pointer}, ${16 * i})`)
const store = (pointer: string, value: (i: number) => string): string[] =>
  range(LIMBS).map((i) => `v128.store(${pointer}, ${value(i)}, ${16 * i})`)

/** e = x - y and r = 121666 e + y; 121666 has two limbs. */
function subMulSmall(): string[] {
  const low = Number(BigInt.asIntN(RADIX, 121666n))
  return [
    ...range(LIMBS).map((i) => `const e${i}: v128 = i16x8.sub(x${i}, y${i})`),
    ...store('e', (i) => `e${i}`),
    `const factor: v128 = ${pair(low, (121666 - low) >> RADIX)}`,
    `const even: v128 = ${pair(1, 0)}`,
    `const odd: v128 = ${pair(0, 1)}`,
    ...reversedPairs(names('e')),
    ...range(COUNT).flatMap((k) =>
      split(k, [
        dot(`b${k}`, 'factor'),
        dot(`y${k >> 1}`, isOdd(k) ? 'odd' : 'even'),
        ...(k > 0 ? [`c${k - 1}`] : []),
        'round',
      ]),
    ),
    ...pack(sum([dot(`b${COUNT}`, 'factor'), `c${COUNT - 1}`])),
    ...store('r', (i) => `r${i}`),
  ]
}

/** x, limbs below four times those of a product, to the limbs of a product (the first a third larger), in place. */
function weakReduce(): string[] {
  const carry = (i: number): string =>
    i === 0 ? 'v128.and(i32x4.mul(i32x4.shr_s(c9, 16), wrap), lowHalf)' : `i32x4.shr_u(c${i - 1}, 16)`
  return [
    ...range(LIMBS).flatMap((i) => [
      `const c${i}: v128 = i16x8.shr_s(i16x8.add(x${i}, rounds), ${RADIX})`,
      `x${i} = i16x8.sub(x${i}, i16x8.shl(c${i}, ${RADIX}))`,
    ]),
    ...range(LIMBS).map((i) => `x${i} = i16x8.add(x${i}, v128.or(i32x4.shl(c${i}, 16), ${carry(i)}))`),
  ]
}

/** Limb i of 32 bytes, without a sign. */
function limbOfBytes(i: number): string {
  const bit = RADIX * i
  const byte = Math.min(bit >> 3, 28)
  return `((load<u32>(bytes, ${byte}) >> ${bit - 8 * byte}) & ${i === COUNT - 1 ? 0xff : 2 ** RADIX - 1})`
}

/** Ten limbs of 26 and 25 bits of one lane: pairs of limbs made positive by a multiple of p, carried, and cut anew. */
function fromLane(): string[] {
  const bias = (i: number): number => 8 * (2 ** 26 - (i === 0 ? WRAP : 1))
  // limb i starts at offset(i), and pair i `shift` bits above that
  const shift = (i: number): number => 26 * i - offset(i)
  return [
    'let c: i64 = 0',
    ...range(LIMBS).flatMap((i) => [
      `const w${i}: i32 = load<i32>(x, ${16 * i})`,
      `c += <i64>(((w${i} << 16) >> 16) + ((w${i} >> 16) << ${RADIX}) + ${bias(i)})`,
      `let m${i}: u64 = <u64>c & ${2 ** 26 - 1}`,
      'c >>= 26',
    ]),
    `m0 += <u64>c * ${WRAP}`,
    'm1 += m0 >> 26',
    `m0 &= ${2 ** 26 - 1}`,
    `store<u64>(r, m0 + 19 * (m9 >> 21))`,
    ...range(LIMBS - 1).map((j) => {
      const i = j + 1
      return `store<u64>(r, (m${j} >> ${bits(j) - shift(j)}) + ((m${i} & ${2 ** (bits(i) - shift(i)) - 1}) << ${shift(i)}), ${8 * i})`
    }),
  ]
}

/** `f4*`: what the ladders, the point formulas and the power chains need. */
export function vectorField(): string {
  const swapped = (x: string, y: string): string[] =>
    range(LIMBS).flatMap((i) => [
      `const ${x}${y}${i}: v128 = v128.and(v128.xor(${x}${i}, ${y}${i}), swap)`,
      `${x}${i} = v128.xor(${x}${i}, ${x}${y}${i})`,
      `${y}${i} = v128.xor(${y}${i}, ${x}${y}${i})`,
    ])
  const both = (plus: string, minus: string, x: string, y: string): string[] => [
    ...store(plus, (i) => `i16x8.add(${x}${i}, ${y}${i})`),
    ...store(minus, (i) => `i16x8.sub(${x}${i}, ${y}${i})`),
  ]
  const result = store('r', (i) => `r${i}`)
  return [
    define(
      'f4Mul(r: usize, x: usize, y: usize): void',
      CONSTANTS,
      [...load('x', 'x'), ...load('y', 'y')],
      product(names('x'), names('y')),
      result,
    ),
    define(
      'f4SqTimes(r: usize, x: usize, times: i32): void',
      CONSTANTS,
      load('x', 'x'),
      [
        'for (; times > 0; times--) {',
        ...[...square(names('x')), ...range(LIMBS).map((i) => `x${i} = r${i}`)].map((line) => `  ${line}`),
        '}',
      ],
      store('r', (i) => `x${i}`),
    ),
    define(
      'f4AddSub(sum: usize, difference: usize, x: usize, y: usize): void',
      [...load('x', 'x'), ...load('y', 'y')],
      both('sum', 'difference', 'x', 'y'),
    ),
    // X2, Z2, X3, Z3 swapped on demand, then S0, S1 = X2 +- Z2 and S2, S3 = X3 +- Z3.
    define(
      'f4SwapAddSub(swap: v128): void',
      [...load('a', 'X2'), ...load('c', 'X3')],
      swapped('a', 'c'),
      [...load('b', 'Z2'), ...load('d', 'Z3')],
      swapped('b', 'd'),
      both('S0', 'S1', 'a', 'b'),
      both('S2', 'S3', 'c', 'd'),
    ),
    define(
      'f4SubMulSmall(r: usize, e: usize, x: usize, y: usize): void',
      CONSTANTS,
      [...load('x', 'x'), ...load('y', 'y')],
      subMulSmall(),
    ),
    define(
      'f4WeakReduce(x: usize): void',
      CONSTANTS,
      load('x', 'x'),
      weakReduce(),
      store('x', (i) => `x${i}`),
    ),
    // One lane from 32 bytes, bit 255 left out; the address is that of the lane in the first vector.
    define(
      'f4SetLane(r: usize, bytes: usize): void',
      ['let t: i32 = 0', 'let low: i32 = 0'],
      range(COUNT).flatMap((i) => {
        const limb = [`t = (t >> ${RADIX}) + <i32>${limbOfBytes(i)} + ${ROUND}`]
        const value = `((t & ${2 ** RADIX - 1}) - ${ROUND})`
        return isOdd(i)
          ? [...limb, `store<i32>(r, (low & 0xffff) | (${value} << 16), ${8 * (i - 1)})`]
          : [...limb, `low = ${value}`]
      }),
    ),
    define('feFromLane(r: usize, x: usize): void', fromLane()),
  ].join('\n')
}

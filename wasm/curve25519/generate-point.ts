/** Emits the Edwards point formulas on lanes (X, Y, Z, T). */
import {
  add32,
  define,
  LIMBS,
  load,
  loop,
  MASKS,
  names,
  product,
  range,
  splat,
  square,
  store,
  sub32,
  twoP,
  vector,
} from './generate-field.ts'

const lanes = (a: string, b: string, ...order: readonly number[]): string =>
  `v128.shuffle<i32>(${a}, ${b}, ${order.join(', ')})`
const negated = (p: string): string[] =>
  range(LIMBS).map((i) => `const n${i}: v128 = ${sub32(splat(twoP(i)), `${p}${i}`)}`)

/** (X, Y, Z, T) to (Y - X, Y + X, Z, T), limbs below 3 * 2^26. */
const differences = (from: string, to: string): string[] => [
  'const zero: v128 = i32x4.splat(0)',
  'const flip: v128 = i32x4(-1, 0, 0, 0)',
  ...range(LIMBS).map((i) => {
    const x = `v128.xor(${lanes(`${from}${i}`, 'zero', 0, 0, 4, 4)}, flip)`
    return `const ${to}${i}: v128 = ${add32(add32(lanes(`${from}${i}`, `${from}${i}`, 1, 1, 2, 3), x), `i32x4(${twoP(i) + 1}, 0, 0, 0)`)}`
  }),
]

/** r = u v. The products are calls: the same functions inlined are 10 KB larger and not faster. */
const secondProduct = (): string[] => [
  ...store(vector, 'WORK_A', (i) => `u${i}`),
  ...store(vector, 'WORK_B', (i) => `v${i}`),
  'f4Mul(r, WORK_A, WORK_B)',
]

/**
 * p + q for sign 0, p - q for sign -1 (a mask, so usable on secrets): the negative of a cached operand swaps its first two lanes and
 * negates the last. Lanes (A, B, D, C) of the first product give (E, G, G, E) * (F, H, F, H). Limbs stay below 3 * 2^26, columns below 2^62.2.
 */
function pointAdd(): string {
  return define(
    'p4Add(r: usize, p: usize, q: usize, sign: i32): void',
    ['const negative: v128 = i32x4.splat(sign)'],
    load(vector, 'p', 'p'),
    differences('p', 's'),
    load(vector, 'o', 'q'),
    range(LIMBS).map(
      (i) =>
        `const q${i}: v128 = v128.bitselect(${lanes(`o${i}`, sub32(splat(twoP(i)), `o${i}`), 1, 0, 2, 7)}, o${i}, negative)`,
    ),
    store(vector, 'WORK_A', (i) => `s${i}`),
    store(vector, 'WORK_B', (i) => `q${i}`),
    ['f4Mul(WORK_A, WORK_A, WORK_B)'],
    load(vector, 'm', 'WORK_A'),
    negated('m'),
    range(LIMBS).flatMap((i) => [
      `const u${i}: v128 = ${add32(lanes(`m${i}`, `m${i}`, 1, 2, 2, 1), lanes(`m${i}`, `n${i}`, 4, 3, 3, 4))}`,
      `const v${i}: v128 = ${add32(lanes(`m${i}`, `m${i}`, 2, 1, 2, 1), lanes(`m${i}`, `n${i}`, 7, 0, 7, 0))}`,
    ]),
    secondProduct(),
  )
}

/**
 * Doubling, `times` times: squares of (X, Y, Z, X + Y) are S1..S4; (S8, S5, S8, S5) * (S9, S6, S6, S9) with S5 = S1 + S2, S6 = S1 - S2,
 * S8 = 2 S3 + S6, S9 = S5 - S4. Left limbs below 5 * 2^26; right limbs 2, 4, 6, 8 are carried so that 19 y fits; columns below 2^62.5.
 */
function pointDouble(): string {
  const step = [
    ...load(vector, 'x', 'p'),
    ...range(LIMBS).map(
      (i) => `const a${i}: v128 = ${add32(lanes(`x${i}`, 'zero', 0, 1, 2, 0), lanes(`x${i}`, 'zero', 4, 4, 4, 1))}`,
    ),
    ...store(vector, 'WORK_A', (i) => `a${i}`),
    'f4SqTimes(WORK_A, WORK_A, 1)',
    ...load(vector, 's', 'WORK_A'),
    ...negated('s'),
    ...range(LIMBS).flatMap((i) => {
      const s1 = lanes(`s${i}`, `s${i}`, 0, 0, 0, 0)
      const twice = `i32x4.shl(s${i}, 1)`
      return [
        `const b${i}: v128 = ${s1}`,
        `const u${i}: v128 = ${add32(add32(`b${i}`, lanes(`s${i}`, `n${i}`, 5, 1, 5, 1)), lanes(twice, 'zero', 2, 4, 2, 4))}`,
        `let v${i}: v128 = ${add32(add32(`b${i}`, lanes(`s${i}`, `n${i}`, 1, 5, 5, 1)), lanes(`n${i}`, 'zero', 3, 4, 4, 3))}`,
      ]
    }),
    ...[2, 4, 6, 8].flatMap((i) => [
      `v${i + 1} = ${add32(`v${i + 1}`, `i32x4.shr_u(v${i}, 26)`)}`,
      `v${i} = v128.and(v${i}, m26)`,
    ]),
    ...secondProduct(),
    'p = r',
  ]
  return define(
    'p4Double(r: usize, p: usize, times: i32): void',
    [`const m26: v128 = ${splat(2 ** 26 - 1)}`, 'const zero: v128 = i32x4.splat(0)'],
    loop('times', step),
  )
}

/** Point addition, doubling and the cached form. */
export function pointFunctions(): string {
  return [
    "import { f4Mul, f4SqTimes } from './field.generated'",
    "import { WORK_A, WORK_B } from './memory'",
    "import { CACHE_FACTORS } from './constants.generated'",
    '',
    pointAdd(),
    pointDouble(),
    define(
      'p4Cache(r: usize, p: usize): void',
      load(vector, 'p', 'p'),
      differences('p', 's'),
      store(vector, 'r', (i) => `s${i}`),
      ['f4Mul(r, r, CACHE_FACTORS)'],
    ),
  ].join('\n')
}

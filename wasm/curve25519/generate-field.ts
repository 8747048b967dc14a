/** Emits field arithmetic on one element: multiplication and squaring by columns with merged carries. Bounds: `generate.ts`. */

export const LIMBS = 10
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
export const bits = (i: number): number => (i % 2 === 0 ? 26 : 25)
export const offset = (i: number): number => Math.ceil(25.5 * i)
export const isOdd = (i: number): boolean => i % 2 === 1
export const names = (prefix: string): string[] => range(LIMBS).map((i) => prefix + i)

/** 2p limb by limb: minuend that keeps x + 2p - y non-negative in each limb for reduced y. */
const twoP = (i: number): number => (i === 0 ? 2 ** 27 - 38 : 2 ** (bits(i) + 1) - 2)
const minus = (x: string, y: string, i: number): string => `${x} + ${twoP(i)} - ${y}`

type Term = readonly [a: string, b: string]

const column = (k: number, terms: readonly Term[]): string[] => [
  `const h${k}: u64 = ${terms.map(([a, b]) => `${a} * ${b}`).join(' + ')}${k > 0 ? ` + c${k - 1}` : ''}`,
  `const c${k}: u64 = h${k} >> ${bits(k)}`,
  `let r${k}: u64 = h${k} & ${2 ** bits(k) - 1}`,
]
const fold = ['r0 += c9 * 19', 'r1 += r0 >> 26', `r0 &= ${2 ** 26 - 1}`]

/** Product of the limbs in locals x and y into new locals r0 .. r9. */
function product(): string[] {
  const lines = range(LIMBS).flatMap((i) => [
    ...(i > 0 ? [`const w${i}: u64 = y${i} * 19`] : []),
    ...(isOdd(i) ? [`const d${i}: u64 = x${i} << 1`] : []),
  ])
  for (const k of range(LIMBS)) {
    const terms = range(LIMBS).map((i): Term => {
      const j = (k - i + LIMBS) % LIMBS
      return [isOdd(i) && isOdd(j) ? `d${i}` : `x${i}`, i > k ? `w${j}` : `y${j}`]
    })
    lines.push(...column(k, terms))
  }
  return [...lines, ...fold]
}

/** Square of the limbs in locals x into new locals r0 .. r9: 55 products, the factors 2 and 4 on one side and 19 on the other. */
function square(): string[] {
  const lines = range(LIMBS).flatMap((i) => [
    `const d${i}: u64 = x${i} << 1`,
    ...(isOdd(i) ? [`const q${i}: u64 = d${i} << 1`] : []),
    ...(i >= 5 ? [`const w${i}: u64 = x${i} * 19`] : []),
  ])
  for (const k of range(LIMBS)) {
    const terms: Term[] = []
    for (const i of range(LIMBS)) {
      const j = (k - i + LIMBS) % LIMBS
      if (i > j) continue
      const factor = (i === j ? 1 : 2) * (isOdd(i) && isOdd(j) ? 2 : 1)
      const left = factor === 1 ? `x${i}` : factor === 2 ? `d${i}` : `q${i}`
      terms.push([left, i + j >= LIMBS ? `w${j}` : `x${j}`])
    }
    lines.push(...column(k, terms))
  }
  return [...lines, ...fold]
}

const load = (name: string, pointer: string): string[] =>
  range(LIMBS).map((i) => `let ${name}${i}: u64 = load<u64>(${pointer}, ${i * 8})`)
const store = (pointer: string, value: (i: number) => string): string[] =>
  range(LIMBS).map((i) => `store<u64>(${pointer}, ${value(i)}, ${i * 8})`)
export const define = (signature: string, ...body: readonly string[][]): string =>
  [`export function ${signature} {`, ...body.flat().map((line) => `  ${line}`), '}', ''].join('\n')

/** `fe*`: products, sums, differences, and 32 bytes to and from limbs. */
export function scalarField(): string {
  const plus = (to: string, x: string, y: string): string[] => store(to, (i) => `${x}${i} + ${y}${i}`)
  const difference = (to: string, x: string, y: string): string[] => store(to, (i) => minus(`${x}${i}`, `${y}${i}`, i))
  const loadXY = [...load('x', 'x'), ...load('y', 'y')]
  const result = store('r', (i) => `r${i}`)
  const carry = (i: number): string[] =>
    i < 9
      ? [`x${i + 1} += x${i} >> ${bits(i)}`, `x${i} &= ${2 ** bits(i) - 1}`]
      : ['x0 += (x9 >> 25) * 19', `x9 &= ${2 ** 25 - 1}`]
  const words = [
    'x0 | (x1 << 26) | (x2 << 51)',
    '(x2 >> 13) | (x3 << 13) | (x4 << 38)',
    'x5 | (x6 << 25) | (x7 << 51)',
    '(x7 >> 13) | (x8 << 12) | (x9 << 38)',
  ]
  const squared = [...square(), ...range(LIMBS).map((i) => `x${i} = r${i}`)]
  return [
    define('feMul(r: usize, x: usize, y: usize): void', loadXY, product(), result),
    define(
      'feSqTimes(r: usize, x: usize, times: i32): void',
      load('x', 'x'),
      ['for (; times > 0; times--) {', ...squared.map((line) => `  ${line}`), '}'],
      store('r', (i) => `x${i}`),
    ),
    define(
      'feAddSub(sum: usize, difference: usize, x: usize, y: usize): void',
      loadXY,
      plus('sum', 'x', 'y'),
      difference('difference', 'x', 'y'),
    ),
    define('feSub(r: usize, x: usize, y: usize): void', loadXY, difference('r', 'x', 'y')),
    define(
      'feToBytes(out: usize, x: usize): void',
      load('x', 'x'),
      range(20).flatMap((i) => carry(i % 10)),
      carry(0),
      ['let q: u64 = (x0 + 19) >> 26', ...range(9).map((i) => `q = (x${i + 1} + q) >> ${bits(i + 1)}`), 'x0 += q * 19'],
      range(9).flatMap(carry),
      [`x9 &= ${2 ** 25 - 1}`],
      words.map((word, i) => `store<u64>(out, ${word}, ${i * 8})`),
    ),
    define(
      'feFromBytes(r: usize, bytes: usize): void',
      store('r', (i) => `(<u64>load<u32>(bytes, ${offset(i) >> 3}) >> ${offset(i) & 7}) & ${2 ** bits(i) - 1}`),
    ),
  ].join('\n')
}

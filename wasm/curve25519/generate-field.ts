/** Emits field arithmetic: multiplication and squaring by columns with merged carries, one element or four in lanes. Bounds: `generate.ts`. */

export const LIMBS = 10
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
export const bits = (i: number): number => (i % 2 === 0 ? 26 : 25)
export const offset = (i: number): number => Math.ceil(25.5 * i)
export const isOdd = (i: number): boolean => i % 2 === 1
export const names = (prefix: string): string[] => range(LIMBS).map((i) => prefix + i)

/** 2p limb by limb: minuend that keeps x + 2p - y non-negative in each limb for reduced y. */
export const twoP = (i: number): number => (i === 0 ? 2 ** 27 - 38 : 2 ** (bits(i) + 1) - 2)

type Term = readonly [a: string, b: string]

/** How one column of a product is summed, split into limb and carry: one u64 accumulator, or two vectors of two u64 lanes. */
interface Form {
  readonly type: string
  readonly stride: number
  times(x: string, factor: number): string
  double(x: string): string
  splat(x: number): string
  add(x: string, y: string): string
  /** x + 2p - y, limb i */
  subtract(x: string, y: string, i: number): string
  /** (x ^ y) & mask, and x ^ y */
  difference(x: string, y: string, mask: string): string
  xor(x: string, y: string): string
  column(p: string, k: number, terms: readonly Term[], carried: boolean): string[]
  fold(p: string): string[]
}

const scalar: Form = {
  type: 'u64',
  stride: 8,
  times: (x, factor) => `${x} * ${factor}`,
  double: (x) => `${x} << 1`,
  splat: (x) => `${x}`,
  add: (x, y) => `${x} + ${y}`,
  subtract: (x, y, i) => `${x} + ${twoP(i)} - ${y}`,
  difference: (x, y, mask) => `(${x} ^ ${y}) & ${mask}`,
  xor: (x, y) => `${x} ^ ${y}`,
  column: (p, k, terms, carried) => {
    const sum = terms.map(([a, b]) => `${a} * ${b}`).join(' + ')
    return [
      `const ${p}h${k}: u64 = ${sum}${carried ? ` + ${p}c${k - 1}` : ''}`,
      `const ${p}c${k}: u64 = ${p}h${k} >> ${bits(k)}`,
      `let ${p}${k}: u64 = ${p}h${k} & ${2 ** bits(k) - 1}`,
    ]
  },
  fold: (p) => [`${p}0 += ${p}c9 * 19`, `${p}1 += ${p}0 >> 26`, `${p}0 &= ${2 ** 26 - 1}`],
}

const add64 = (a: string, b: string): string => `i64x2.add(${a}, ${b})`
export const add32 = (a: string, b: string): string => `i32x4.add(${a}, ${b})`
export const sub32 = (a: string, b: string): string => `i32x4.sub(${a}, ${b})`
const pack = (low: string, high: string): string => `v128.shuffle<i32>(${low}, ${high}, 0, 2, 4, 6)`
export const splat = (x: number): string => `i32x4.splat(${x})`
const mask = (i: number): string => (isOdd(i) ? 'm25' : 'm26')
export const MASKS = [`const m26: v128 = ${splat(2 ** 26 - 1)}`, `const m25: v128 = ${splat(2 ** 25 - 1)}`]

export const vector: Form = {
  type: 'v128',
  stride: 16,
  times: (x, factor) => `i32x4.mul(${x}, ${splat(factor)})`,
  double: (x) => `i32x4.shl(${x}, 1)`,
  splat,
  add: add32,
  subtract: (x, y, i) => sub32(add32(x, splat(twoP(i))), y),
  difference: (x, y, mask) => `v128.and(v128.xor(${x}, ${y}), ${mask})`,
  xor: (x, y) => `v128.xor(${x}, ${y})`,
  column: (p, k, terms, carried) => {
    const half = (part: 'low' | 'high'): string => {
      const products = terms.map(([a, b]) => `i64x2.extmul_${part}_i32x4_u(${a}, ${b})`)
      if (carried) products.push(`${p}c${part}${k - 1}`)
      return products.reduce(add64)
    }
    return [
      `const ${p}low${k}: v128 = ${half('low')}`,
      `const ${p}high${k}: v128 = ${half('high')}`,
      `const ${p}clow${k}: v128 = i64x2.shr_u(${p}low${k}, ${bits(k)})`,
      `const ${p}chigh${k}: v128 = i64x2.shr_u(${p}high${k}, ${bits(k)})`,
      `let ${p}${k}: v128 = v128.and(${pack(`${p}low${k}`, `${p}high${k}`)}, ${mask(k)})`,
    ]
  },
  fold: (p) => {
    const half = (part: 'low' | 'high'): string[] => {
      const c = `${p}c${part}9`
      const nineteen = add64(add64(c, `i64x2.shl(${c}, 1)`), `i64x2.shl(${c}, 4)`)
      return [`const ${p}f${part}: v128 = ${add64(`i64x2.extend_${part}_i32x4_u(${p}0)`, nineteen)}`]
    }
    return [
      ...half('low'),
      ...half('high'),
      `${p}0 = v128.and(${pack(`${p}flow`, `${p}fhigh`)}, m26)`,
      `${p}1 = ${add32(`${p}1`, pack(`i64x2.shr_u(${p}flow, 26)`, `i64x2.shr_u(${p}fhigh, 26)`))}`,
    ]
  },
}

/** Product of the limbs in locals x and y into new locals p0..p9. */
export function product(form: Form, p: string, x: readonly string[], y: readonly string[]): string[] {
  const at = (list: readonly string[], i: number): string => list[i] ?? ''
  const lines = range(LIMBS).flatMap((i) => [
    ...(i > 0 ? [`const ${p}w${i}: ${form.type} = ${form.times(at(y, i), 19)}`] : []),
    ...(isOdd(i) ? [`const ${p}d${i}: ${form.type} = ${form.double(at(x, i))}`] : []),
  ])
  for (const k of range(LIMBS)) {
    const terms = range(LIMBS).map((i): Term => {
      const j = (k - i + LIMBS) % LIMBS
      return [isOdd(i) && isOdd(j) ? `${p}d${i}` : at(x, i), i > k ? `${p}w${j}` : at(y, j)]
    })
    lines.push(...form.column(p, k, terms, k > 0))
  }
  return [...lines, ...form.fold(p)]
}

/** Square of the limbs in locals x into new locals p0..p9: 55 products, the factors 2 and 4 on one side and 19 on the other. */
export function square(form: Form, p: string, x: readonly string[]): string[] {
  const at = (i: number): string => x[i] ?? ''
  const lines = range(LIMBS).flatMap((i) => [
    `const ${p}d${i}: ${form.type} = ${form.double(at(i))}`,
    ...(isOdd(i) ? [`const ${p}q${i}: ${form.type} = ${form.double(`${p}d${i}`)}`] : []),
    ...(i >= 5 ? [`const ${p}w${i}: ${form.type} = ${form.times(at(i), 19)}`] : []),
  ])
  for (const k of range(LIMBS)) {
    const terms: Term[] = []
    for (const i of range(LIMBS)) {
      const j = (k - i + LIMBS) % LIMBS
      if (i > j) continue
      const factor = (i === j ? 1 : 2) * (isOdd(i) && isOdd(j) ? 2 : 1)
      const left = factor === 1 ? at(i) : factor === 2 ? `${p}d${i}` : `${p}q${i}`
      terms.push([left, i + j >= LIMBS ? `${p}w${j}` : at(j)])
    }
    lines.push(...form.column(p, k, terms, k > 0))
  }
  return [...lines, ...form.fold(p)]
}

export const load = (form: Form, name: string, pointer: string): string[] =>
  range(LIMBS).map((i) => `let ${name}${i}: ${form.type} = load<${form.type}>(${pointer}, ${i * form.stride})`)
export const store = (form: Form, pointer: string, value: (i: number) => string): string[] =>
  range(LIMBS).map((i) => `store<${form.type}>(${pointer}, ${value(i)}, ${i * form.stride})`)
export const define = (signature: string, ...body: readonly string[][]): string =>
  [`export function ${signature} {`, ...body.flat().map((line) => `  ${line}`), '}', ''].join('\n')
export const loop = (count: string, body: readonly string[]): string[] => [
  `for (let n: i32 = ${count}; n > 0; n--) {`,
  ...body.map((line) => `  ${line}`),
  '}',
]

/** What both forms have: products, sums, and the two linear parts of a Montgomery ladder step. */
function fieldFunctions(form: Form, name: string): string[] {
  const masks = form === vector ? MASKS : []
  const swapped = (x: string, y: string): string[] =>
    range(LIMBS).flatMap((i) => [
      `const ${x}${y}${i}: ${form.type} = ${form.difference(`${x}${i}`, `${y}${i}`, 'swap')}`,
      `${x}${i} = ${form.xor(`${x}${i}`, `${x}${y}${i}`)}`,
      `${y}${i} = ${form.xor(`${y}${i}`, `${x}${y}${i}`)}`,
    ])
  const sum = (to: string, x: string, y: string): string[] => store(form, to, (i) => form.add(`${x}${i}`, `${y}${i}`))
  const minus = (to: string, x: string, y: string): string[] =>
    store(form, to, (i) => form.subtract(`${x}${i}`, `${y}${i}`, i))
  const loadXY = [...load(form, 'x', 'x'), ...load(form, 'y', 'y')]
  return [
    define(
      `${name}Mul(r: usize, x: usize, y: usize): void`,
      masks,
      loadXY,
      product(form, 'r', names('x'), names('y')),
      store(form, 'r', (i) => `r${i}`),
    ),
    define(
      `${name}SqTimes(r: usize, x: usize, times: i32): void`,
      masks,
      load(form, 'x', 'x'),
      loop('times', [...square(form, 'r', names('x')), ...range(LIMBS).map((i) => `x${i} = r${i}`)]),
      store(form, 'r', (i) => `x${i}`),
    ),
    define(
      `${name}AddSub(sum: usize, difference: usize, x: usize, y: usize): void`,
      loadXY,
      sum('sum', 'x', 'y'),
      minus('difference', 'x', 'y'),
    ),
    // X2, Z2, X3, Z3 swapped on demand, then S0, S1 = X2 +- Z2 and S2, S3 = X3 +- Z3.
    define(
      `${name}SwapAddSub(swap: ${form.type}): void`,
      load(form, 'a', 'X2'),
      load(form, 'c', 'X3'),
      swapped('a', 'c'),
      load(form, 'b', 'Z2'),
      load(form, 'd', 'Z3'),
      swapped('b', 'd'),
      [...sum('S0', 'a', 'b'), ...minus('S1', 'a', 'b'), ...sum('S2', 'c', 'd'), ...minus('S3', 'c', 'd')],
    ),
    // e = x - y and r = 121666 e + y.
    define(
      `${name}SubMulSmall(r: usize, e: usize, x: usize, y: usize): void`,
      masks,
      loadXY,
      [`const a24: ${form.type} = ${form.splat(121666)}`, `const one: ${form.type} = ${form.splat(1)}`],
      range(LIMBS).map((i) => `const e${i}: ${form.type} = ${form.subtract(`x${i}`, `y${i}`, i)}`),
      store(form, 'e', (i) => `e${i}`),
      range(LIMBS).flatMap((k) => {
        const terms: Term[] = [
          [`e${k}`, 'a24'],
          [`y${k}`, 'one'],
        ]
        return form.column('r', k, terms, k > 0)
      }),
      form.fold('r'),
      store(form, 'r', (i) => `r${i}`),
    ),
  ]
}

export function scalarField(): string {
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
  return [
    ...fieldFunctions(scalar, 'fe'),
    define(
      'feSub(r: usize, x: usize, y: usize): void',
      load(scalar, 'x', 'x'),
      load(scalar, 'y', 'y'),
      store(scalar, 'r', (i) => scalar.subtract(`x${i}`, `y${i}`, i)),
    ),
    define(
      'feToBytes(out: usize, x: usize): void',
      load(scalar, 'x', 'x'),
      range(20).flatMap((i) => carry(i % 10)),
      carry(0),
      ['let q: u64 = (x0 + 19) >> 26', ...range(9).map((i) => `q = (x${i + 1} + q) >> ${bits(i + 1)}`), 'x0 += q * 19'],
      range(9).flatMap(carry),
      [`x9 &= ${2 ** 25 - 1}`],
      words.map((word, i) => `store<u64>(out, ${word}, ${i * 8})`),
    ),
    define(
      'feFromBytes(r: usize, bytes: usize): void',
      store(scalar, 'r', (i) => `(<u64>load<u32>(bytes, ${offset(i) >> 3}) >> ${offset(i) & 7}) & ${2 ** bits(i) - 1}`),
    ),
    define(
      'f4SetLane(r: usize, bytes: usize): void',
      range(LIMBS).map(
        (i) =>
          `store<u32>(r, (load<u32>(bytes, ${offset(i) >> 3}) >> ${offset(i) & 7}) & ${2 ** bits(i) - 1}, ${i * 16})`,
      ),
    ),
  ].join('\n')
}

export const vectorField = (): string => fieldFunctions(vector, 'f4').join('\n')

/**
 * Emits the straight-line AssemblyScript of the curve25519 module: field arithmetic modulo 2^255 - 19 on one element (`fe*`) and on
 * four elements in SIMD lanes (`f4*`), Edwards point formulas on lanes (`p4*`), and the arithmetic modulo the group order (`sc*`).
 *
 * Field elements have ten unsigned limbs of 26 and 25 bits in turn. A scalar element is 10 x u64 (80 bytes); a vector of four is 10 x v128
 * (160 bytes), vector i holding limb i of the four elements in its u32 lanes. A reduced element has limbs below 2^26 / 2^25 (limb 1 a
 * little more). Operands of a product may be sums or differences of reduced elements: limbs x < 2^28.4, y < 2^27.75 (19 y must
 * fit 32 bits), and each column below 2^64. The caller keeps to that; every point formula below states its bounds.
 */

const LIMBS = 10
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const bits = (i: number): number => (i % 2 === 0 ? 26 : 25)
const offset = (i: number): number => Math.ceil(25.5 * i)
const isOdd = (i: number): boolean => i % 2 === 1
const names = (prefix: string): string[] => range(LIMBS).map((i) => prefix + i)

/** p = 2^255 - 19, its order-L subgroup, and the curve constants, from which every emitted literal is derived. */
const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n
  let square = base % P
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}
const invert = (x: bigint): bigint => power(x, P - 2n)
const root = power(2n, (P - 1n) / 4n)
/** The even square root, or -1n. */
const squareRoot = (xx: bigint): bigint => {
  const r = power(xx, (P + 3n) / 8n)
  const x = [r, (r * root) % P].find((candidate) => (candidate * candidate - xx) % P === 0n) ?? -1n
  return x > 0n && x & 1n ? P - x : x
}
const limbsOf = (x: bigint): bigint[] =>
  range(LIMBS).map((i) => (x >> BigInt(offset(i))) & ((1n << BigInt(bits(i))) - 1n))

/** 2p limb by limb: minuend that keeps x + 2p - y non-negative in each limb for reduced y. */
const twoP = (i: number): number => (i === 0 ? 2 ** 27 - 38 : 2 ** (bits(i) + 1) - 2)

type Term = readonly [a: string, b: string]

/** How one column of a product is summed, split into limb and carry: one u64 accumulator, or two vectors of two u64 lanes. */
interface Form {
  readonly type: string
  readonly stride: number
  times(x: string, factor: number): string
  double(x: string): string
  column(p: string, k: number, terms: readonly Term[], carried: boolean): string[]
  fold(p: string): string[]
}

const scalar: Form = {
  type: 'u64',
  stride: 8,
  times: (x, factor) => `${x} * ${factor}`,
  double: (x) => `${x} << 1`,
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
const add32 = (a: string, b: string): string => `i32x4.add(${a}, ${b})`
const sub32 = (a: string, b: string): string => `i32x4.sub(${a}, ${b})`
const pack = (low: string, high: string): string => `v128.shuffle<i32>(${low}, ${high}, 0, 2, 4, 6)`
const splat = (x: number): string => `i32x4.splat(${x})`
const mask = (i: number): string => (isOdd(i) ? 'm25' : 'm26')
const MASKS = [`const m26: v128 = ${splat(2 ** 26 - 1)}`, `const m25: v128 = ${splat(2 ** 25 - 1)}`]

const vector: Form = {
  type: 'v128',
  stride: 16,
  times: (x, factor) => `i32x4.mul(${x}, ${splat(factor)})`,
  double: (x) => `i32x4.shl(${x}, 1)`,
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
function product(form: Form, p: string, x: readonly string[], y: readonly string[]): string[] {
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
function square(form: Form, p: string, x: readonly string[]): string[] {
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

const load = (form: Form, name: string, pointer: string): string[] =>
  range(LIMBS).map((i) => `let ${name}${i}: ${form.type} = load<${form.type}>(${pointer}, ${i * form.stride})`)
const store = (form: Form, pointer: string, value: (i: number) => string): string[] =>
  range(LIMBS).map((i) => `store<${form.type}>(${pointer}, ${value(i)}, ${i * form.stride})`)
const define = (signature: string, ...body: readonly string[][]): string =>
  [`export function ${signature} {`, ...body.flat().map((line) => `  ${line}`), '}', ''].join('\n')
const loop = (count: string, body: readonly string[]): string[] => [
  `for (let n: i32 = ${count}; n > 0; n--) {`,
  ...body.map((line) => `  ${line}`),
  '}',
]

function fieldFunctions(form: Form, name: string): string[] {
  const masks = form === vector ? MASKS : []
  const assign = range(LIMBS).map((i) => `x${i} = r${i}`)
  return [
    define(
      `${name}Mul(r: usize, x: usize, y: usize): void`,
      masks,
      load(form, 'x', 'x'),
      load(form, 'y', 'y'),
      product(form, 'r', names('x'), names('y')),
      store(form, 'r', (i) => `r${i}`),
    ),
    define(
      `${name}SqTimes(r: usize, x: usize, times: i32): void`,
      masks,
      load(form, 'x', 'x'),
      loop('times', [...square(form, 'r', names('x')), ...assign]),
      store(form, 'r', (i) => `x${i}`),
    ),
  ]
}

function scalarField(): string {
  const biased = (i: number): string => `x${i} + ${twoP(i)} - y${i}`
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
      'feAddSub(sum: usize, difference: usize, x: usize, y: usize): void',
      load(scalar, 'x', 'x'),
      load(scalar, 'y', 'y'),
      store(scalar, 'sum', (i) => `x${i} + y${i}`),
      store(scalar, 'difference', biased),
    ),
    define(
      'feSub(r: usize, x: usize, y: usize): void',
      load(scalar, 'x', 'x'),
      load(scalar, 'y', 'y'),
      store(scalar, 'r', biased),
    ),
    define(
      'feMulSmallAdd(r: usize, x: usize, y: usize): void',
      load(scalar, 'x', 'x'),
      load(scalar, 'y', 'y'),
      range(LIMBS).flatMap((k) =>
        scalar.column(
          'r',
          k,
          [
            [`x${k}`, '121666'],
            [`y${k}`, '1'],
          ],
          k > 0,
        ),
      ),
      scalar.fold('r'),
      store(scalar, 'r', (i) => `r${i}`),
    ),
    define(
      'feSwap(x: usize, y: usize, swap: u64): void',
      range(LIMBS).flatMap((i) => [
        `const x${i}: u64 = load<u64>(x, ${i * 8})`,
        `const y${i}: u64 = load<u64>(y, ${i * 8})`,
        `const t${i}: u64 = (x${i} ^ y${i}) & swap`,
        `store<u64>(x, x${i} ^ t${i}, ${i * 8})`,
        `store<u64>(y, y${i} ^ t${i}, ${i * 8})`,
      ]),
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

function vectorField(): string {
  const biased = (i: number): string => sub32(add32(`x${i}`, splat(twoP(i))), `y${i}`)
  return [
    ...fieldFunctions(vector, 'f4'),
    define(
      'f4AddSub(sum: usize, difference: usize, x: usize, y: usize): void',
      load(vector, 'x', 'x'),
      load(vector, 'y', 'y'),
      store(vector, 'sum', (i) => add32(`x${i}`, `y${i}`)),
      store(vector, 'difference', biased),
    ),
    define(
      'f4MulSmallAdd(r: usize, x: usize, y: usize): void',
      MASKS,
      load(vector, 'x', 'x'),
      load(vector, 'y', 'y'),
      [`const a24: v128 = ${splat(121666)}`, `const one: v128 = ${splat(1)}`],
      range(LIMBS).flatMap((k) =>
        vector.column(
          'r',
          k,
          [
            [`x${k}`, 'a24'],
            [`y${k}`, 'one'],
          ],
          k > 0,
        ),
      ),
      vector.fold('r'),
      store(vector, 'r', (i) => `r${i}`),
    ),
    define(
      'f4Swap(x: usize, y: usize, swap: v128): void',
      range(LIMBS).flatMap((i) => [
        `const x${i}: v128 = load<v128>(x, ${i * 16})`,
        `const y${i}: v128 = load<v128>(y, ${i * 16})`,
        `const t${i}: v128 = v128.and(v128.xor(x${i}, y${i}), swap)`,
        `store<v128>(x, v128.xor(x${i}, t${i}), ${i * 16})`,
        `store<v128>(y, v128.xor(y${i}, t${i}), ${i * 16})`,
      ]),
    ),
  ].join('\n')
}

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

/**
 * p + q for sign 0, p - q for sign -1 (a mask, so usable on secrets): the negative of a cached operand swaps its first two lanes and
 * negates the last. Lanes (A, B, D, C) of the first product give (E, G, G, E) * (F, H, F, H). Limbs stay below 3 * 2^26, columns below 2^62.2.
 */
function pointAdd(): string {
  return define(
    'p4Add(r: usize, p: usize, q: usize, sign: i32): void',
    MASKS,
    ['const negative: v128 = i32x4.splat(sign)'],
    load(vector, 'p', 'p'),
    differences('p', 's'),
    load(vector, 'o', 'q'),
    range(LIMBS).map(
      (i) =>
        `const q${i}: v128 = v128.bitselect(${lanes(`o${i}`, sub32(splat(twoP(i)), `o${i}`), 1, 0, 2, 7)}, o${i}, negative)`,
    ),
    product(vector, 'm', names('s'), names('q')),
    negated('m'),
    range(LIMBS).flatMap((i) => [
      `const u${i}: v128 = ${add32(lanes(`m${i}`, `m${i}`, 1, 2, 2, 1), lanes(`m${i}`, `n${i}`, 4, 3, 3, 4))}`,
      `const v${i}: v128 = ${add32(lanes(`m${i}`, `m${i}`, 2, 1, 2, 1), lanes(`m${i}`, `n${i}`, 7, 0, 7, 0))}`,
    ]),
    product(vector, 'r', names('u'), names('v')),
    store(vector, 'r', (i) => `r${i}`),
  )
}

/**
 * Doubling, `times` times: squares of (X, Y, Z, X + Y) are S1..S4; (S8, S5, S8, S5) * (S9, S6, S6, S9) with S5 = S1 + S2, S6 = S1 - S2,
 * S8 = 2 S3 + S6, S9 = S5 - S4. Left limbs below 5 * 2^26; right limbs 2, 4, 6, 8 are carried so that 19 y fits; columns below 2^62.5.
 */
function pointDouble(): string {
  const step = [
    ...range(LIMBS).map(
      (i) => `const a${i}: v128 = ${add32(lanes(`x${i}`, 'zero', 0, 1, 2, 0), lanes(`x${i}`, 'zero', 4, 4, 4, 1))}`,
    ),
    ...square(vector, 's', names('a')),
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
    ...product(vector, 'r', names('u'), names('v')),
    ...range(LIMBS).map((i) => `x${i} = r${i}`),
  ]
  return define(
    'p4Double(r: usize, p: usize, times: i32): void',
    MASKS,
    ['const zero: v128 = i32x4.splat(0)'],
    load(vector, 'x', 'p'),
    loop('times', step),
    store(vector, 'r', (i) => `x${i}`),
  )
}

/** Constants as addresses of static data: `fe` holds 10 x u64, `p4` holds lanes (a, b, c, d) of ten limbs. */
function constants(): string {
  const d = (-121665n * invert(121666n) + (1n << 20n) * P) % P
  const y = (4n * invert(5n)) % P
  const x = squareRoot(((y * y - 1n + P) * invert(d * y * y + 1n)) % P)
  const fe = (name: string, value: bigint): string =>
    `export const ${name}: usize = memory.data<u64>([${limbsOf(value).join(', ')}], 16)\n`
  const p4 = (name: string, values: readonly bigint[]): string => {
    const columns = values.map(limbsOf)
    return `export const ${name}: usize = memory.data<u32>([${range(LIMBS)
      .flatMap((i) => columns.map((c) => c[i]))
      .join(', ')}], 16)\n`
  }
  const w = ((): bigint => {
    // A point of order 8 doubles to y = 0, so x^2 = -y^2 and d y^4 + 2 y^2 - 1 = 0.
    const s = squareRoot((1n + d) % P)
    const candidates = [s - 1n, P - s - 1n].map((r) => squareRoot((((r % P) + P) * invert(d)) % P))
    return candidates.find((r) => r >= 0n) ?? 0n
  })()
  const bytes = (name: string, values: readonly bigint[]): string =>
    `export const ${name}: usize = memory.data<u64>([${values.flatMap((v) => range(4).map((i) => (v >> BigInt(64 * i)) & (2n ** 64n - 1n))).join(', ')}], 16)\n`
  return [
    bytes('SMALL_ORDER_Y', [0n, 1n, P - 1n, w, P - w]),
    bytes('ORDER', [L]),
    fe('FE_D', d),
    fe('FE_ROOT', root),
    fe('FE_ONE', 1n),
    p4('F4_ONE', [1n, 1n, 1n, 1n]),
    p4('F4_D', [d, d, d, d]),
    p4(
      'F4_TWO_D',
      range(4).map(() => (2n * d) % P),
    ),
    p4('F4_ROOT', [root, root, root, root]),
    p4('CACHE_FACTORS', [1n, 1n, 2n, (2n * d) % P]),
    p4('BASE_POINT', [x, y, 1n, (x * y) % P]),
    p4('IDENTITY', [0n, 1n, 1n, 0n]),
    p4('CACHED_IDENTITY', [1n, 1n, 2n, 0n]),
  ].join('')
}

/** 2^252 mod L as six signed digits of 21 bits: what a limb of weight 2^(252 + 21 i) adds to limbs i .. i + 5. */
const FOLD = ((): number[] => {
  let rest = 2n ** 252n - L
  return range(6).map(() => {
    const digit = BigInt.asIntN(21, rest)
    rest = (rest - digit) >> 21n
    return Number(digit)
  })
})()

/** Reduction of 24 signed limbs of 21 bits (weights 2^(21 i)) modulo L to 32 bytes, canonical. Branch-free. */
function scalarReduce(): string {
  const round = (i: number): string[] => [`t = (s${i} + ${2 ** 20}) >> 21`, `s${i + 1} += t`, `s${i} -= t << 21`]
  const floor = (i: number): string[] => [`t = s${i} >> 21`, `s${i + 1} += t`, `s${i} -= t << 21`]
  const fold = (i: number): string[] => [...FOLD.map((f, j) => `s${i - 12 + j} += s${i} * ${f}`), `s${i} = 0`]
  const step = (first: number, last: number): number[] =>
    range(Math.floor((last - first) / 2) + 1).map((i) => first + 2 * i)
  const bitsAt = (word: number): string =>
    range(12)
      .flatMap((i) => {
        const shift = 21 * i - 64 * word
        if (shift <= -22 || shift >= 64) return []
        return shift >= 0 ? [`(<u64>s${i} << ${shift})`] : [`(<u64>s${i} >> ${-shift})`]
      })
      .join(' | ')
  return define(
    'scFold(out: usize, s: usize): void',
    ['let t: i64'],
    range(24).map((i) => `let s${i}: i64 = load<i64>(s, ${i * 8})`),
    ['let s24: i64 = 0'],
    [...step(0, 22), ...step(1, 23)].flatMap(round),
    fold(24),
    [23, 22, 21, 20, 19, 18].flatMap(fold),
    [...step(6, 16), ...step(7, 15)].flatMap(round),
    [17, 16, 15, 14, 13, 12].flatMap(fold),
    [...step(0, 10), ...step(1, 11)].flatMap(round),
    fold(12),
    range(12).flatMap(floor),
    fold(12),
    range(11).flatMap(floor),
    range(4).map((word) => `store<u64>(out, ${bitsAt(word)}, ${word * 8})`),
  )
}

/** Splits little-endian bytes into `count` limbs of 21 bits (the last one takes the rest). */
function scalarLimbs(): string {
  const limb = (i: number, last: boolean): string => {
    const bit = 21 * i
    return `(<i64>load<u32>(bytes, ${bit >> 3}) >> ${bit & 7})${last ? '' : ` & ${2 ** 21 - 1}`}`
  }
  const body = (count: number): string[] =>
    range(count).map((i) => `store<i64>(s, ${limb(i, i === count - 1)}, ${i * 8})`)
  return [
    define('scLimbs12(s: usize, bytes: usize): void', body(12)),
    define('scLimbs24(s: usize, bytes: usize): void', body(24)),
    define(
      'scMulAddLimbs(s: usize, a: usize, b: usize, c: usize): void',
      range(12).flatMap((i) => [
        `const a${i}: i64 = load<i64>(a, ${i * 8})`,
        `const b${i}: i64 = load<i64>(b, ${i * 8})`,
      ]),
      range(24).map((k) => {
        const terms = range(12)
          .filter((i) => k - i >= 0 && k - i < 12)
          .map((i) => `a${i} * b${k - i}`)
        if (k < 12) terms.unshift(`load<i64>(c, ${k * 8})`)
        return `store<i64>(s, ${terms.length === 0 ? '0' : terms.join(' + ')}, ${k * 8})`
      }),
    ),
  ].join('\n')
}

/** Integer k-th root. */
const integerRoot = (x: bigint, k: bigint): bigint => {
  let low = 0n
  let high = 1n << 80n
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (middle ** k <= x) low = middle
    else high = middle
  }
  return low
}
const primes = (count: number): bigint[] => {
  const found: bigint[] = []
  for (let n = 2n; found.length < count; n++) if (found.every((p) => n % p !== 0n)) found.push(n)
  return found
}

/** SHA-512 compression (FIPS 180-4 §6.4.2), sixteen rounds unrolled; constants are fractional parts of roots of primes (§4.2.3, §5.3.5). */
function sha512Block(): string {
  const fraction = (p: bigint, k: bigint): bigint => integerRoot(p << (64n * k), k) & (2n ** 64n - 1n)
  const data = (name: string, values: readonly bigint[]): string =>
    `export const ${name}: usize = memory.data<u64>([${values.join(', ')}], 16)\n`
  const w = (i: number): string => `w${i % 16}`
  const rot = (x: string, a: number, b: number, c: number): string =>
    `(rotr<u64>(${x}, ${a}) ^ rotr<u64>(${x}, ${b}) ^ rotr<u64>(${x}, ${c}))`
  const rotShift = (x: string, a: number, b: number, c: number): string =>
    `(rotr<u64>(${x}, ${a}) ^ rotr<u64>(${x}, ${b}) ^ (${x} >> ${c}))`
  const round = (i: number): string[] => {
    const [a, b, c, d, e, f, g, h] = range(8).map((j) => 'abcdefgh'[(j - i + 16) % 8])
    return [
      `t = ${h} + ${rot(`${e}`, 14, 18, 41)} + (${g} ^ (${e} & (${f} ^ ${g}))) + load<u64>(k, ${8 * i}) + ${w(i)}`,
      `${d} += t`,
      `${h} = t + ${rot(`${a}`, 28, 34, 39)} + ((${a} & ${b}) | (${c} & (${a} | ${b})))`,
    ]
  }
  const state = [...'abcdefgh']
  return [
    data(
      'INITIAL',
      primes(8).map((p) => fraction(p, 2n)),
    ),
    data(
      'ROUNDS',
      primes(80).map((p) => fraction(p, 3n)),
    ),
    define(
      'compress(state: usize, block: usize): void',
      ['let t: u64'],
      state.map((v, i) => `let ${v}: u64 = load<u64>(state, ${8 * i})`),
      range(16).map((i) => `let w${i}: u64 = bswap<u64>(load<u64>(block, ${8 * i}))`),
      [
        'for (let k: usize = ROUNDS; ; k += 128) {',
        ...range(16)
          .flatMap(round)
          .map((line) => `  ${line}`),
        '  if (k == ROUNDS + 512) break',
        ...range(16).map(
          (i) => `  ${w(i)} += ${rotShift(w(i + 1), 1, 8, 7)} + ${w(i + 9)} + ${rotShift(w(i + 14), 19, 61, 6)}`,
        ),
        '}',
      ],
      state.map((v, i) => `store<u64>(state, load<u64>(state, ${8 * i}) + ${v}, ${8 * i})`),
    ),
  ].join('')
}

/** The generated sources by module name (imported as `./<name>` by the hand-written ones). Deterministic. */
export function generateCurve25519(): Record<string, string> {
  const field = './field.generated'
  return {
    'constants.generated': constants(),
    'field.generated': `${scalarField()}\n${vectorField()}`,
    'point.generated': [
      `import { f4Mul } from '${field}'`,
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
    ].join('\n'),
    'sha512.generated': sha512Block(),
    'order.generated': `${scalarReduce()}\n${scalarLimbs()}`,
  }
}

/** Emits constants, arithmetic modulo the group order and SHA-512; every literal is derived here from its definition. */
import { bits, define, LIMBS, offset, range } from './generate-field.ts'
import { packedLimbs } from './generate-lanes.ts'

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
/** 1 / p modulo 2^30; each step of Newton doubles the bits that are right. */
const inverse30 = range(5).reduce((x) => BigInt.asUintN(30, x * (2n - P * x)), 1n)
/** The even square root, or -1n. */
const squareRoot = (xx: bigint): bigint => {
  const r = power(xx, (P + 3n) / 8n)
  const x = [r, (r * root) % P].find((candidate) => (candidate * candidate - xx) % P === 0n) ?? -1n
  return x > 0n && x & 1n ? P - x : x
}
const limbsOf = (x: bigint): bigint[] =>
  range(LIMBS).map((i) => (x >> BigInt(offset(i))) & ((1n << BigInt(bits(i))) - 1n))

/** Constants as addresses of static data: `fe` holds 10 x u64, `p4` holds lanes (a, b, c, d) of ten words. */
export function constants(): string {
  const d = (-121665n * invert(121666n) + (1n << 20n) * P) % P
  const y = (4n * invert(5n)) % P
  const x = squareRoot(((y * y - 1n + P) * invert(d * y * y + 1n)) % P)
  const fe = (name: string, value: bigint): string =>
    `export const ${name}: usize = memory.data<u64>([${limbsOf(value).join(', ')}], 16)\n`
  const p4 = (name: string, values: readonly bigint[]): string => {
    const columns = values.map(packedLimbs)
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
    bytes('ODD_OFFSET', [(2n ** 255n - 1n - L) / 2n]),
    `export const INVERSE_30: i64 = ${inverse30}\n`,
    fe('FE_D', d),
    fe('FE_ROOT', root),
    fe('FE_ONE', 1n),
    p4('F4_ONE', [1n, 1n, 1n, 1n]),
    p4('F4_D', [d, d, d, d]),
    p4('F4_ROOT', [root, root, root, root]),
    p4('CACHE_FACTORS', [1n, 1n, 2n, (2n * d) % P]),
    p4('BASE_POINT', [x, y, 1n, (x * y) % P]),
    p4('IDENTITY', [0n, 1n, 1n, 0n]),
    p4('CACHED_IDENTITY', [1n, 1n, 2n, 0n]),
    p4('LADDER_START', [1n, 0n, 0n, 1n]),
    p4('LADDER_FACTORS', [1n, 0n, 1n, 0n]),
    p4('LADDER_A24', [0n, 0n, 0n, 121666n]),
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
export function scalarReduce(): string {
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
export function scalarLimbs(): string {
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
export function sha512Block(): string {
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

/**
 * Arithmetic modulo the prime p and the order n of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3) as straight-line AssemblyScript.
 *
 * An element is nine signed 64-bit limbs of 29 bits (80 bytes apart), in Montgomery form with R = 2^261.
 * "Carried" limbs lie in [0, 2^29 + 2^27) but for the top one, which has the sign. Limbs may be added or subtracted once without a
 * carry: a product column of nine terms |a| * |b| stays below 2^63 as long as |a| < 2^30.2 and |b| < 2^29.2. So one factor of a
 * product may be an uncarried sum, never both; differences of carried elements may be on both sides.
 *
 * p = 2^256 - 2^224 + 2^192 + 2^96 - 1, hence -1/p mod 2^29 is 1 and adding m * p to column i is: drop the 29 low bits, add m << 9
 * to column i + 3, m << 18 to i + 6, -m << 21 to i + 7, m << 24 to i + 8. No multiplication is spent on the reduction.
 */

const limbs = 9
const bits = 29
const radix = 1n << 29n
const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn
const generatorX = 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n
const generatorY = 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n
const montgomery = 1n << 261n

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const limb = (value: bigint, i: number): bigint => (value >> BigInt(bits * i)) % radix
const hex = (value: bigint): string => `0x${value.toString(16)}`

const load = (name: string, from: string): string =>
  range(limbs)
    .map((i) => `const ${name}${i} = load<i64>(${from}, ${8 * i})`)
    .join('\n  ')

/** [i, j] with i + j = k. */
const pairs = (k: number): (readonly [number, number])[] =>
  range(limbs)
    .map((i) => [i, k - i] as const)
    .filter(([, j]) => j >= 0 && j < limbs)

const productColumn = (k: number): string =>
  pairs(k)
    .map(([i, j]) => `a${i} * b${j}`)
    .join(' + ')

const squareColumn = (k: number): string =>
  pairs(k)
    .filter(([i, j]) => i <= j)
    .map(([i, j]) => (i === j ? `a${i} * a${i}` : `d${i} * a${j}`))
    .join(' + ')

/** Adds to column k what the multiples m of p put there. */
const reductionByShifts = (k: number): string =>
  (
    [
      [3, '+', 9],
      [6, '+', 18],
      [7, '-', 21],
      [8, '+', 24],
    ] as const
  )
    .filter(([distance]) => k - distance >= 0 && k - distance < limbs)
    .map(([distance, sign, shift]) => ` ${sign} (m${k - distance} << ${shift})`)
    .join('')

/** The same for n, by products; the term of m_k itself is added once m_k is known. */
const reductionByProducts = (k: number): string =>
  pairs(k)
    .filter(([i]) => i < k && i < limbs)
    .map(([i, j]) => ` + m${i} * ${hex(limb(n, j))}`)
    .join('')

const columns = (column: (k: number) => string, reduction: (k: number) => string, order: boolean): string => {
  const lines = ['let t: i64 = 0']
  for (const k of range(2 * limbs - 1)) {
    lines.push(`t = ${column(k)}${reduction(k)}${k === 0 ? '' : ' + t'}`)
    if (k >= limbs) lines.push(`store<i64>(out, t & mask, ${8 * (k - limbs)})`)
    else if (order) lines.push(`const m${k} = (t * negativeInverse) & mask`, `t += m${k} * ${hex(limb(n, 0))}`)
    else lines.push(`const m${k} = t & mask`)
    lines.push(`t >>= ${bits}`)
  }
  lines.push(`store<i64>(out, t, ${8 * (limbs - 1)})`)
  return lines.join('\n  ')
}

const negativeInverse = (): bigint => {
  let inverse = 1n
  for (let i = 0; i < 6; i++) inverse = (inverse * (2n - n * inverse)) % radix
  return (((-inverse % radix) + radix) % radix) as bigint
}

const constant = (name: string, value: bigint): string =>
  `export const ${name}: usize = memory.data<i64>([${range(limbs)
    .map((i) => hex(limb(value, i)))
    .join(', ')}, 0], 16)`

const carryChain = (count: number): string =>
  range(count)
    .map((i) => `s${i + 1} += s${i} >> ${bits}\n  s${i} &= mask`)
    .join('\n  ')

const canonical = (name: string, modulus: bigint): string => `
/** x in [0, 2m) with carried limbs, in place, to [0, m), without a branch. */
export function ${name}(x: usize): void {
  ${range(limbs)
    .map((i) => `let s${i} = load<i64>(x, ${8 * i}) - ${hex(limb(modulus, i))}`)
    .join('\n  ')}
  ${carryChain(limbs - 1)}
  // all ones when the difference is negative: x was already reduced
  const keep = s8 >> 63
  ${range(limbs)
    .map((i) => `store<i64>(x, (load<i64>(x, ${8 * i}) & keep) | (s${i} & ~keep), ${8 * i})`)
    .join('\n  ')}
}
`

const loadBytes = (): string => {
  const lines = range(4).map((w) => `const w${w} = bswap<u64>(load<u64>(from, ${24 - 8 * w}))`)
  for (const i of range(limbs)) {
    const at = bits * i
    const [word, shift] = [at >> 6, at & 63]
    const high = shift > 64 - bits && word < 3 ? ` | (w${word + 1} << ${64 - shift})` : ''
    lines.push(`store<u64>(out, ((w${word} >> ${shift})${high}) & ${hex(radix - 1n)}, ${8 * i})`)
  }
  return lines.join('\n  ')
}

const storeBytes = (): string =>
  range(4)
    .map((w) => {
      const terms = range(limbs).flatMap((i) => {
        const shift = bits * i - 64 * w
        if (shift >= 64 || shift <= -bits) return []
        return [shift >= 0 ? `(s${i} << ${shift})` : `(s${i} >> ${-shift})`]
      })
      return `store<u64>(out, bswap<u64>(${terms.join(' | ')}), ${24 - 8 * w})`
    })
    .join('\n  ')

/** Text of the field module. */
export const generateField = (): string => `
const mask: i64 = ${hex(radix - 1n)}
const negativeInverse: i64 = ${hex(negativeInverse())}

${constant('one', montgomery % p)}
${constant('plainOne', 1n)}
${constant('toMontgomery', (montgomery * montgomery) % p)}
${constant('toMontgomeryN', (montgomery * montgomery) % n)}
${constant('oneN', montgomery % n)}
${constant('curveB', (b * montgomery) % p)}
${constant('generatorX', (generatorX * montgomery) % p)}
${constant('generatorY', (generatorY * montgomery) % p)}
${constant('fieldPrime', p)}
${constant('groupOrder', n)}
/** n - 2, most significant word first. */
export const exponentN: usize = memory.data<u64>([${range(4)
  .map((i) => hex(((n - 2n) >> BigInt(192 - 64 * i)) % (1n << 64n)))
  .join(', ')}])
${constant('primeMinusOrder', p - n)}

/** out = a * b / R mod p: carried limbs, value below p + a * b / R. */
export function mul(out: usize, a: usize, b: usize): void {
  ${load('a', 'a')}
  ${load('b', 'b')}
  ${columns(productColumn, reductionByShifts, false)}
}

/** out = a * a / R mod p; a must be carried or a difference. */
export function square(out: usize, a: usize): void {
  ${load('a', 'a')}
  ${range(limbs - 1)
    .map((i) => `const d${i} = a${i} << 1`)
    .join('\n  ')}
  ${columns(squareColumn, reductionByShifts, false)}
}

/** out = a * b / R mod n; both carried. */
export function mulN(out: usize, a: usize, b: usize): void {
  ${load('a', 'a')}
  ${load('b', 'b')}
  ${columns(productColumn, reductionByProducts, true)}
}

/** Limb by limb, without a carry. */
export function add(out: usize, a: usize, b: usize): void {
  ${range(limbs)
    .map((i) => `store<i64>(out, load<i64>(a, ${8 * i}) + load<i64>(b, ${8 * i}), ${8 * i})`)
    .join('\n  ')}
}

/** Limb by limb, without a carry. */
export function sub(out: usize, a: usize, b: usize): void {
  ${range(limbs)
    .map((i) => `store<i64>(out, load<i64>(a, ${8 * i}) - load<i64>(b, ${8 * i}), ${8 * i})`)
    .join('\n  ')}
}

/** out = a * x + b * y (|a|, |b| <= 16) with carried limbs and a value in about [0, p]: multiples of 2^256 are folded. */
export function combine(out: usize, x: usize, a: i64, y: usize, b: i64): void {
  ${range(limbs)
    .map((i) => `let s${i} = load<i64>(x, ${8 * i}) * a + load<i64>(y, ${8 * i}) * b`)
    .join('\n  ')}
  ${carryChain(limbs - 1)}
  const q = s8 >> 24
  s8 &= 0xffffff
  s7 += q << 21
  s6 -= q << 18
  s3 -= q << 9
  s0 += q
  ${range(limbs)
    .map((i) => `store<i64>(out, s${i}, ${8 * i})`)
    .join('\n  ')}
}

/** out = x + y mod n for x, y in [0, n). */
export function addN(out: usize, x: usize, y: usize): void {
  ${range(limbs)
    .map((i) => `let s${i} = load<i64>(x, ${8 * i}) + load<i64>(y, ${8 * i})`)
    .join('\n  ')}
  ${carryChain(limbs - 1)}
  ${range(limbs)
    .map((i) => `store<i64>(out, s${i}, ${8 * i})`)
    .join('\n  ')}
  canonicalN(out)
}

/** x = n - x when mask is all ones, x when it is zero; x in [0, n). */
export function negateN(x: usize, choice: i64): void {
  ${range(limbs)
    .map((i) => `let s${i} = (load<i64>(x, ${8 * i}) ^ choice) - choice + (${hex(limb(n, i))} & choice)`)
    .join('\n  ')}
  ${carryChain(limbs - 1)}
  ${range(limbs)
    .map((i) => `store<i64>(x, s${i}, ${8 * i})`)
    .join('\n  ')}
}

/** 1 when the carried x is below the carried limit, else 0; without a branch. */
export function isBelow(x: usize, limit: usize): i32 {
  ${range(limbs)
    .map((i) => `let s${i} = load<i64>(x, ${8 * i}) - load<i64>(limit, ${8 * i})`)
    .join('\n  ')}
  ${range(limbs - 1)
    .map((i) => `s${i + 1} += s${i} >> ${bits}`)
    .join('\n  ')}
  return <i32>(<u64>s8 >> 63)
}
${canonical('canonicalP', p)}
${canonical('canonicalN', n)}
/** 32 bytes in network order to carried limbs (value below 2^256, not reduced). */
export function loadBytes(out: usize, from: usize): void {
  ${loadBytes()}
}

/** Canonical limbs to 32 bytes in network order. */
export function storeBytes(out: usize, x: usize): void {
  ${range(limbs)
    .map((i) => `const s${i} = load<u64>(x, ${8 * i})`)
    .join('\n  ')}
  ${storeBytes()}
}
`

/**
 * GHASH (NIST SP 800-38D §6.4) by table look-ups inside vector registers. Bytes keep the bit order of the standard: the most
 * significant bit of byte 0 is the coefficient of x^0.
 *
 * A table for H holds, for k = 0..16, byte k of n * H for every nibble n: 16 entries, one vector; one set for the first nibble of a
 * byte and one for the second (which is H * x^4). A product is unreduced: byte b of X and vector k add to byte b + k of 32.
 * - one block: lanes are the bytes b of X;
 * - sixteen blocks: lanes are blocks, one vector per byte position; the multiplier is H^16.
 * The index of a swizzle is a register operand, so no address depends on a secret.
 */

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

const splatBytes = (value: (entry: number) => number): string =>
  `i8x16(${range(16)
    .map((entry) => (value(entry) << 24) >> 24)
    .join(', ')})`

const bitMask = (bit: number): string => splatBytes((entry) => (entry & bit ? 0xff : 0))

const shiftUp = (x: string): string => `v128.shuffle<i8>(zero, ${x}, ${range(16).map((i) => (i === 0 ? 0 : i + 15))})`
const carryUp = (hi: string, lo: string): string => `v128.shuffle<i8>(${lo}, ${hi}, ${range(16).map((i) => i + 15)})`

const table = (): string => `
const shifted: usize = memory.data(256, 16)

/** Fills table (34 vectors) for the multiplier at h (16 bytes). */
export function ghashTable(table: usize, h: usize): void {
  const hi = bswap<u64>(load<u64>(h))
  const lo = bswap<u64>(load<u64>(h, 8))
  // H * x^s as 17 bytes, 32 bytes apart
  v128.store(shifted, v128.load(h))
  store<u8>(shifted, 0, 16)
  ${range(7)
    .map((i) => {
      const s = i + 1
      return `store<u64>(shifted, bswap<u64>(hi >> ${s}), ${32 * s})
  store<u64>(shifted, bswap<u64>((lo >> ${s}) | (hi << ${64 - s})), ${32 * s + 8})
  store<u8>(shifted, <u8>(lo << ${8 - s}), ${32 * s + 16})`
    })
    .join('\n  ')}
  const m8 = ${bitMask(8)}
  const m4 = ${bitMask(4)}
  const m2 = ${bitMask(2)}
  const m1 = ${bitMask(1)}
  for (let k: usize = 0; k < 17; k++) {
    const from: usize = shifted + k
    const to: usize = table + (k << 5)
    ${[0, 1]
      .map((set) => {
        const term = (i: number): string => `v128.and(v128.load_splat<u8>(from, ${128 * set + 32 * i}), m${8 >> i})`
        return `v128.store(to, v128.xor(v128.xor(${term(0)}, ${term(1)}), v128.xor(${term(2)}, ${term(3)})), ${16 * set})`
      })
      .join('\n    ')}
  }
}
`

const reduction = (): string => `
/** What byte h at position 16 + i adds to byte i: h * (1 + x + x^2 + x^7). */
function foldHere(h: v128): v128 {
  const half = i8x16.shr_u(h, 1)
  return v128.xor(v128.xor(h, half), v128.xor(i8x16.shr_u(h, 2), i8x16.shr_u(h, 7)))
}

/** What it adds to byte i + 1. */
function foldNext(h: v128): v128 {
  const six = i8x16.shl(h, 6)
  return v128.xor(v128.xor(six, i8x16.add(six, six)), i8x16.add(h, h))
}

/** 32 bytes (hi: bytes 16..31) to 16. */
function reduce(lo: v128, hi: v128): v128 {
  const zero = i64x2.splat(0)
  hi = v128.xor(hi, v128.shuffle<i8>(foldNext(hi), zero, ${range(16).map((i) => i + 15)}))
  const next = foldNext(hi)
  return v128.xor(v128.xor(lo, foldHere(hi)), ${shiftUp('next')})
}

/** Squares the element at p in place. */
export function ghashSquare(p: usize): void {
  const spread = ${splatBytes((n) => (n & 8 ? 0x80 : 0) | (n & 4 ? 0x20 : 0) | (n & 2 ? 0x08 : 0) | (n & 1 ? 0x02 : 0))}
  const x = v128.load(p)
  const first = v128.swizzle(spread, i8x16.shr_u(x, 4))
  const second = v128.swizzle(spread, v128.and(x, i8x16.splat(0x0f)))
  const lo = v128.shuffle<i8>(first, second, ${range(16).map((i) => (i >> 1) + 16 * (i & 1))})
  const hi = v128.shuffle<i8>(first, second, ${range(16).map((i) => (i >> 1) + 8 + 16 * (i & 1))})
  v128.store(p, reduce(lo, hi))
}
`

const single = (): string => `
/** y = (y + block) * H for each of count blocks; y: 16 bytes. */
export function ghashBlocks(y: usize, table: usize, p: usize, count: usize): void {
  const zero = i64x2.splat(0)
  const mask = i8x16.splat(0x0f)
  let x = v128.load(y)
  for (; count !== 0; count--, p += 16) {
    x = v128.xor(x, v128.load(p))
    const first = v128.and(i16x8.shr_u(x, 4), mask)
    const second = v128.and(x, mask)
    let hi = zero
    let lo = v128.xor(v128.swizzle(v128.load(table, 512), first), v128.swizzle(v128.load(table, 528), second))
    ${range(16)
      .map((i) => 15 - i)
      .map(
        (k) => `hi = ${carryUp('hi', 'lo')}
    lo = v128.xor(${shiftUp('lo')}, v128.xor(v128.swizzle(v128.load(table, ${32 * k}), first), v128.swizzle(v128.load(table, ${32 * k + 16}), second)))`,
      )
      .join('\n    ')}
    x = reduce(lo, hi)
  }
  v128.store(y, x)
}
`

/** Four interleavings of rows i and i + 8 transpose 16 x 16 bytes. */
const transpose = (): string => {
  const lines: string[] = []
  const lowHalf = range(16).map((i) => (i >> 1) + 16 * (i & 1))
  const highHalf = lowHalf.map((i) => i + 8)
  const name = (stage: number, row: number): string => `r${stage}_${row}`
  for (const i of range(16)) lines.push(`const ${name(0, i)} = v128.load(from, ${16 * i})`)
  for (const stage of range(4))
    for (const i of range(8)) {
      const pair = `${name(stage, i)}, ${name(stage, i + 8)}`
      lines.push(
        `const ${name(stage + 1, 2 * i)} = v128.shuffle<i8>(${pair}, ${lowHalf})`,
        `const ${name(stage + 1, 2 * i + 1)} = v128.shuffle<i8>(${pair}, ${highHalf})`,
      )
    }
  for (const i of range(16)) lines.push(`v128.store(to, ${name(4, i)}, ${16 * i})`)
  return lines.join('\n  ')
}

const tile = (): string => {
  const lines = range(4).flatMap((q) => [
    `const first${q} = v128.load(nibble, ${32 * q})`,
    `const second${q} = v128.load(nibble, ${32 * q + 16})`,
  ])
  const sum = (o: number): string => `c${o}`
  for (const o of range(20)) lines.push(`let ${sum(o)} = v128.load(to, ${16 * o})`)
  // one accumulator is live per pending output byte: outputs k..k+3 while vector k of the table is applied
  const body: string[] = []
  for (const k of range(17)) {
    body.push(`a = v128.load(table, ${32 * k})`, `b = v128.load(table, ${32 * k + 16})`)
    for (const q of range(4))
      body.push(
        `${sum(k + q)} = v128.xor(${sum(k + q)}, v128.xor(v128.swizzle(a, first${q}), v128.swizzle(b, second${q})))`,
      )
    body.push(`v128.store(to, ${sum(k)}, ${16 * k})`)
  }
  for (const o of [17, 18, 19]) body.push(`v128.store(to, ${sum(o)}, ${16 * o})`)
  const loads = lines.splice(8)
  // each load goes right before its first use
  const withLoads = body.flatMap((line) => {
    const used = loads.findIndex((load) => line.startsWith(`${load.slice(4).split(' ')[0]} =`))
    return used < 0 ? [line] : [...loads.splice(used, 1), line]
  })
  return ['let a = v128.load(table)', 'let b = a', ...lines, ...withLoads].join('\n    ')
}

const wide = (): string => `
/** Rows of the transposed accumulator, nibbles of its 16 rows (first, second), and the 32 rows of a product. */
const rows: usize = memory.data(256, 16)
const block: usize = memory.data(256, 16)
const nibbles: usize = memory.data(512, 16)
const product: usize = memory.data(512, 16)

function transpose16(to: usize, from: usize): void {
  ${transpose()}
}

/** rows = rows * multiplier of the table. */
function multiplyRows(table: usize): void {
  const mask = i8x16.splat(0x0f)
  for (let at: usize = 0; at < 256; at += 16) {
    const x = v128.load(rows + at)
    v128.store(nibbles + (at << 1), v128.and(i16x8.shr_u(x, 4), mask))
    v128.store(nibbles + (at << 1), v128.and(x, mask), 16)
  }
  for (let at: usize = 0; at < 512; at += 16) v128.store(product + at, i64x2.splat(0))
  for (let part: usize = 0; part < 4; part++) {
    const to: usize = product + (part << 6)
    const nibble: usize = nibbles + (part << 7)
    ${tile()}
  }
  // from the last byte down: what byte 31 adds to byte 16 is there before byte 16 is folded
  for (let at: usize = 512; at !== 256; ) {
    at -= 16
    const to: usize = product + at - 256
    const h = v128.load(product + at)
    v128.store(to, v128.xor(v128.load(to), foldHere(h)))
    v128.store(to, v128.xor(v128.load(to, 16), foldNext(h)), 16)
  }
  for (let at: usize = 0; at < 256; at += 16) v128.store(rows + at, v128.load(product + at))
}

/** Takes groups >= 1 times 16 blocks into y; table is that of H, table16 that of H^16. */
export function ghashGroups(y: usize, table: usize, table16: usize, p: usize, groups: usize): void {
  for (let at: usize = 0; at < 256; at += 16)
    v128.store(rows + at, i8x16.replace_lane(i64x2.splat(0), 0, load<i8>(y + (at >> 4))))
  for (;;) {
    transpose16(block, p)
    for (let at: usize = 0; at < 256; at += 16)
      v128.store(rows + at, v128.xor(v128.load(rows + at), v128.load(block + at)))
    if (--groups === 0) break
    multiplyRows(table16)
    p += 256
  }
  transpose16(block, rows)
  v128.store(y, i64x2.splat(0))
  ghashBlocks(y, table, block, 16)
}

/** Clears what the functions above left. */
export function ghashWipe(wasWide: bool): void {
  memory.fill(shifted, 0, 256)
  if (wasWide) {
    memory.fill(rows, 0, 256)
    memory.fill(block, 0, 256)
    memory.fill(nibbles, 0, 512)
    memory.fill(product, 0, 512)
  }
}
`

/** Text of `ghashTable`, `ghashSquare`, `ghashBlocks`, `ghashGroups` and `ghashWipe`. */
export const generateGhash = (): string => [table(), reduction(), single(), wide()].join('')

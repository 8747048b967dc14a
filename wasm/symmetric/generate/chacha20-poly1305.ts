/**
 * ChaCha20 (RFC 8439 §2.3) on four blocks at a time, one state word per vector, and the Poly1305 products (§2.5) on five 26-bit
 * limbs: one block in 64-bit integers, four blocks in lanes.
 */

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

const rotate16 = (x: string): string =>
  `v128.shuffle<i16>(${x}, ${x}, ${range(8)
    .map((i) => i ^ 1)
    .join(', ')})`
const rotate8 = (x: string): string => `v128.swizzle(${x}, rotation8)`
const rotate = (x: string, n: number): string => `v128.or(i32x4.shl(${x}, ${n}), i32x4.shr_u(${x}, ${32 - n}))`

const quarterStep = (quads: readonly (readonly [number, number, number, number])[]): string => {
  const lines: string[] = []
  const each = (line: (a: string, b: string, c: string, d: string) => string): void => {
    for (const [a, b, c, d] of quads) lines.push(line(`x${a}`, `x${b}`, `x${c}`, `x${d}`))
  }
  const half = (turnD: (x: string) => string, turnB: number): void => {
    each((a, b) => `${a} = i32x4.add(${a}, ${b})`)
    each((a, _b, _c, d) => `${d} = v128.xor(${d}, ${a})`)
    each((_a, _b, _c, d) => `${d} = ${turnD(d)}`)
    each((_a, _b, c, d) => `${c} = i32x4.add(${c}, ${d})`)
    each((_a, b, c) => `${b} = v128.xor(${b}, ${c})`)
    each((_a, b) => `${b} = ${rotate(b, turnB)}`)
  }
  half(rotate16, 12)
  half(rotate8, 7)
  return lines.join('\n    ')
}

const columns = range(4).map((i) => [i, i + 4, i + 8, i + 12] as const)
const diagonals = range(4).map((i) => [i, ((i + 1) & 3) + 4, ((i + 2) & 3) + 8, ((i + 3) & 3) + 12] as const)

const output = (group: number): string => {
  const [a, b, c, d] = range(4).map((i) => `x${4 * group + i}`)
  const store = (block: number, value: string): string =>
    `v128.store(to, v128.xor(${value}, v128.load(from, ${64 * block + 16 * group})), ${64 * block + 16 * group})`
  return [
    `p = v128.shuffle<i32>(${a}, ${b}, 0, 4, 1, 5)`,
    `q = v128.shuffle<i32>(${c}, ${d}, 0, 4, 1, 5)`,
    store(0, 'v128.shuffle<i64>(p, q, 0, 2)'),
    store(1, 'v128.shuffle<i64>(p, q, 1, 3)'),
    `p = v128.shuffle<i32>(${a}, ${b}, 2, 6, 3, 7)`,
    `q = v128.shuffle<i32>(${c}, ${d}, 2, 6, 3, 7)`,
    store(2, 'v128.shuffle<i64>(p, q, 0, 2)'),
    store(3, 'v128.shuffle<i64>(p, q, 1, 3)'),
  ].join('\n  ')
}

const chacha = (): string => `
/** to = from ^ key stream, 256 bytes, for the four blocks from the counter in \`state\` (16 words) on. Adds 4 to that counter. */
export function chacha4(to: usize, from: usize, state: usize): void {
  const rotation8 = i8x16(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14)
  ${range(16)
    .map((i) => `let x${i} = v128.load_splat<u32>(state, ${4 * i})`)
    .join('\n  ')}
  x12 = i32x4.add(x12, i32x4(0, 1, 2, 3))
  for (let round = 0; round < 10; round++) {
    ${quarterStep(columns)}
    ${quarterStep(diagonals)}
  }
  ${range(16)
    .map((i) => `x${i} = i32x4.add(x${i}, v128.load_splat<u32>(state, ${4 * i}))`)
    .join('\n  ')}
  x12 = i32x4.add(x12, i32x4(0, 1, 2, 3))
  let p = x0
  let q = x0
  ${range(4).map(output).join('\n  ')}
  store<u32>(state, load<u32>(state, 48) + 4, 48)
}
`

/** Terms of column k of the product of five-limb numbers mod 2^130 - 5: [i, j, times five]. */
const column = (k: number): (readonly [number, number, boolean])[] =>
  range(5).map((i) => [i, (k - i + 5) % 5, i > k] as const)

const scalarColumns = (a: string, b: string, b5: string): string =>
  range(5)
    .map(
      (k) =>
        `${k === 0 ? 'let t' : 't'} = ${column(k)
          .map(([i, j, five]) => `${a}${i} * ${five ? b5 : b}${j}`)
          .join(' + ')}${k === 0 ? '' : ' + (t >> 26)'}\n    ${'const'} n${k} = t & 0x3ffffff`,
    )
    .join('\n    ')

const scalarCarry = `h0 = n0 + (t >> 26) * 5
    h1 = n1 + (h0 >> 26)
    h0 &= 0x3ffffff
    h2 = n2
    h3 = n3
    h4 = n4`

const loadLimbs = (name: string, p: string): string =>
  range(5)
    .map((i) => `let ${name}${i} = load<u64>(${p}, ${8 * i})`)
    .join('\n  ')
const storeLimbs = (name: string, p: string): string =>
  range(5)
    .map((i) => `store<u64>(${p}, ${name}${i}, ${8 * i})`)
    .join('\n  ')

const scalarPoly = (): string => `
/** h = (h + m) * r for each of count blocks; h and r: five u64 limbs. Blocks are full: the bit 2^128 is added to each. */
export function polyBlocks(h: usize, r: usize, p: usize, count: usize): void {
  ${loadLimbs('h', 'h')}
  ${loadLimbs('r', 'r')}
  ${range(5)
    .slice(1)
    .map((i) => `const f${i} = r${i} * 5`)
    .join('\n  ')}
  for (; count !== 0; count--, p += 16) {
    const lo = load<u64>(p)
    const hi = load<u64>(p, 8)
    h0 += lo & 0x3ffffff
    h1 += (lo >> 26) & 0x3ffffff
    h2 += ((lo >> 52) | (hi << 12)) & 0x3ffffff
    h3 += (hi >> 14) & 0x3ffffff
    h4 += (hi >> 40) | 0x1000000
    ${scalarColumns('h', 'r', 'f')}
    ${scalarCarry}
  }
  ${storeLimbs('h', 'h')}
}

/** out = a * b, five u64 limbs each. */
export function polyMul(out: usize, a: usize, b: usize): void {
  ${loadLimbs('h', 'a')}
  ${loadLimbs('r', 'b')}
  ${range(5)
    .slice(1)
    .map((i) => `const f${i} = r${i} * 5`)
    .join('\n  ')}
    ${scalarColumns('h', 'r', 'f')}
    ${scalarCarry}
  ${storeLimbs('h', 'out')}
}
`

const vectorMul = (b: (i: number) => string, b5: (i: number) => string): string => {
  const lines: string[] = []
  for (const k of range(5)) {
    for (const half of ['low', 'high']) {
      const sum = column(k)
        .map(([i, j, five]) => `i64x2.extmul_${half}_i32x4_u(a${i}, ${five ? b5(j) : b(j)})`)
        .reduce((x, y) => `i64x2.add(${x}, ${y})`)
      const name = half === 'low' ? 'lo' : 'hi'
      lines.push(
        k === 0 ? `${k === 0 ? 'let ' : ''}${name} = ${sum}` : `${name} = i64x2.add(${sum}, i64x2.shr_u(${name}, 26))`,
      )
    }
    lines.push(`const n${k} = v128.and(v128.shuffle<i32>(lo, hi, 0, 2, 4, 6), mask)`)
  }
  lines.push(
    'const top = v128.shuffle<i32>(i64x2.shr_u(lo, 26), i64x2.shr_u(hi, 26), 0, 2, 4, 6)',
    // the carry out of the top column is below 2^31, five times it is not: it goes in as two parts
    'const topLow = v128.and(top, mask)',
    'a0 = i32x4.add(n0, i32x4.add(topLow, i32x4.shl(topLow, 2)))',
    'const topHigh = i32x4.shr_u(top, 26)',
    'a1 = i32x4.add(i32x4.add(n1, i32x4.shr_u(a0, 26)), i32x4.add(topHigh, i32x4.shl(topHigh, 2)))',
    'a0 = v128.and(a0, mask)',
    'a2 = n2',
    'a3 = n3',
    'a4 = n4',
  )
  return lines.join('\n    ')
}

const addMessage = `
    let t0 = v128.load(p), t1 = v128.load(p, 16), t2 = v128.load(p, 32), t3 = v128.load(p, 48)
    const u0 = v128.shuffle<i32>(t0, t1, 0, 4, 1, 5), u1 = v128.shuffle<i32>(t0, t1, 2, 6, 3, 7)
    const u2 = v128.shuffle<i32>(t2, t3, 0, 4, 1, 5), u3 = v128.shuffle<i32>(t2, t3, 2, 6, 3, 7)
    t0 = v128.shuffle<i64>(u0, u2, 0, 2)
    t1 = v128.shuffle<i64>(u0, u2, 1, 3)
    t2 = v128.shuffle<i64>(u1, u3, 0, 2)
    t3 = v128.shuffle<i64>(u1, u3, 1, 3)
    a0 = i32x4.add(a0, v128.and(t0, mask))
    a1 = i32x4.add(a1, v128.and(v128.or(i32x4.shr_u(t0, 26), i32x4.shl(t1, 6)), mask))
    a2 = i32x4.add(a2, v128.and(v128.or(i32x4.shr_u(t1, 20), i32x4.shl(t2, 12)), mask))
    a3 = i32x4.add(a3, v128.and(v128.or(i32x4.shr_u(t2, 14), i32x4.shl(t3, 18)), mask))
    a4 = i32x4.add(a4, v128.or(i32x4.shr_u(t3, 8), i32x4.splat(0x1000000)))`

const vectorPoly = (): string => `
/**
 * count >= 1 groups of four blocks into h (five u64 limbs). powers: 20 vectors: five limbs of r^4 in all lanes, five times them,
 * then five limbs of (r^4, r^3, r^2, r) and five times them.
 */
export function polyGroups(h: usize, powers: usize, p: usize, count: usize): void {
  const mask = i32x4.splat(0x3ffffff)
  ${range(5)
    .map((i) => `let a${i} = i32x4.replace_lane(i32x4.splat(0), 0, <u32>load<u64>(h, ${8 * i}))`)
    .join('\n  ')}
  ${addMessage}
  for (p += 64, count--; count !== 0; count--, p += 64) {
    ${vectorMul(
      (i) => `v128.load(powers, ${16 * i})`,
      (i) => `v128.load(powers, ${80 + 16 * i})`,
    )}
    ${addMessage}
  }
  ${vectorMul(
    (i) => `v128.load(powers, ${160 + 16 * i})`,
    (i) => `v128.load(powers, ${240 + 16 * i})`,
  )}
  ${range(5)
    .map(
      (i) =>
        `let s${i} = <u64>i32x4.extract_lane(a${i}, 0) + <u64>i32x4.extract_lane(a${i}, 1) + <u64>i32x4.extract_lane(a${i}, 2) + <u64>i32x4.extract_lane(a${i}, 3)`,
    )
    .join('\n  ')}
  ${range(4)
    .map((i) => `s${i + 1} += s${i} >> 26\n  s${i} &= 0x3ffffff`)
    .join('\n  ')}
  s0 += (s4 >> 26) * 5
  s4 &= 0x3ffffff
  s1 += s0 >> 26
  s0 &= 0x3ffffff
  ${storeLimbs('s', 'h')}
}
`

/** Text of `chacha4`, `polyBlocks`, `polyMul` and `polyGroups`. */
export const generateChacha20Poly1305 = (): string => [chacha(), scalarPoly(), vectorPoly()].join('')

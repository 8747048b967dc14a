/**
 * SHA-256 compression (FIPS 180-4 §6.2.2) as straight-line AssemblyScript: one message with 32-bit words, and four messages with
 * one message per 32-bit lane. Constants are computed from their definition (§4.2.2: cube roots of the first 64 primes).
 */

const primes = (count: number): number[] => {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n)
  return found
}

/** The first 32 fraction bits of the `degree`-th root of `n`, by integer search. */
const rootBits = (n: number, degree: 2 | 3): bigint => {
  const target = BigInt(n) << BigInt(32 * degree)
  let root = 0n
  for (let bit = 36n; bit >= 0n; bit--) {
    const tried = root | (1n << bit)
    if (tried ** BigInt(degree) <= target) root = tried
  }
  return root & 0xffffffffn
}

const roundConstants = primes(64).map((p) => `0x${rootBits(p, 3).toString(16)}`)
/** The initial hash value, FIPS 180-4 §5.3.3 (square roots of the first eight primes). */
const initialValue = primes(8).map((p) => `0x${rootBits(p, 2).toString(16)}`)

interface Lane {
  readonly type: string
  add(...terms: string[]): string
  xor(...terms: string[]): string
  and(a: string, b: string): string
  rotr(x: string, n: number): string
  shr(x: string, n: number): string
  constant(value: string): string
}

const fold = (name: string) => (terms: string[]) => terms.reduce((a, b) => `${name}(${a}, ${b})`)

const scalar: Lane = {
  type: 'u32',
  add: (...terms) => `(${terms.join(' + ')})`,
  xor: (...terms) => `(${terms.join(' ^ ')})`,
  and: (a, b) => `(${a} & ${b})`,
  rotr: (x, n) => `rotr<u32>(${x}, ${n})`,
  shr: (x, n) => `(${x} >> ${n})`,
  constant: (value) => value,
}

const vector: Lane = {
  type: 'v128',
  add: (...terms) => fold('i32x4.add')(terms),
  xor: (...terms) => fold('v128.xor')(terms),
  and: (a, b) => `v128.and(${a}, ${b})`,
  rotr: (x, n) => `v128.or(i32x4.shr_u(${x}, ${n}), i32x4.shl(${x}, ${32 - n}))`,
  shr: (x, n) => `i32x4.shr_u(${x}, ${n})`,
  constant: (value) => `i32x4.splat(${value})`,
}

const rounds = (lane: Lane): string => {
  const lines: string[] = ['let t: T = a', 'let ab: T = a', `let bc: T = ${lane.xor('b', 'c')}`]
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  for (let i = 0; i < 64; i++) {
    const [a, b, , d, e, f, g, h] = names as [string, string, string, string, string, string, string, string]
    const w = `w${i % 16}`
    if (i >= 16) {
      const w15 = `w${(i + 1) % 16}`
      const w2 = `w${(i + 14) % 16}`
      const s0 = lane.xor(lane.rotr(w15, 7), lane.rotr(w15, 18), lane.shr(w15, 3))
      const s1 = lane.xor(lane.rotr(w2, 17), lane.rotr(w2, 19), lane.shr(w2, 10))
      lines.push(`${w} = ${lane.add(w, s0, `w${(i + 9) % 16}`, s1)}`)
    }
    const choice = lane.xor(g, lane.and(e, lane.xor(f, g)))
    const bigS1 = lane.xor(lane.rotr(e, 6), lane.rotr(e, 11), lane.rotr(e, 25))
    lines.push(
      `t = ${lane.add(lane.add(h, lane.constant(roundConstants[i] ?? ''), w), bigS1, choice)}`,
      `${d} = ${lane.add(d, 't')}`,
    )
    // maj(a, b, c) = b ^ ((a ^ b) & (b ^ c)), and this round's a ^ b is the next round's b ^ c
    const bigS0 = lane.xor(lane.rotr(a, 2), lane.rotr(a, 13), lane.rotr(a, 22))
    const [now, before] = i % 2 === 0 ? ['ab', 'bc'] : ['bc', 'ab']
    lines.push(`${now} = ${lane.xor(a, b)}`, `${h} = ${lane.add('t', bigS0, lane.xor(b, lane.and(now, before)))}`)
    names.unshift(names.pop() ?? '')
  }
  return lines.map((line) => line.replace(': T', `: ${lane.type}`)).join('\n    ')
}

const eight = (line: (name: string, i: number) => string): string =>
  [...'abcdefgh'].map((name, i) => line(name, i)).join('\n    ')
const sixteen = (line: (i: number) => string): string => Array.from({ length: 16 }, (_, i) => line(i)).join('\n    ')

/** Text of `compress`, `compress4`, `initialState` and `initialState4`. */
export const generateSha256 = (): string => `
/** state: 8 native u32; p: count blocks of 64 bytes. */
export function compress(state: usize, p: usize, count: usize): void {
  let sa = load<u32>(state), sb = load<u32>(state, 4), sc = load<u32>(state, 8), sd = load<u32>(state, 12)
  let se = load<u32>(state, 16), sf = load<u32>(state, 20), sg = load<u32>(state, 24), sh = load<u32>(state, 28)
  for (; count !== 0; count--, p += 64) {
    ${sixteen((i) => `let w${i} = bswap<u32>(load<u32>(p, ${4 * i}))`)}
    ${eight((x) => `let ${x}: u32 = s${x}`)}
    ${rounds(scalar)}
    ${eight((x) => `s${x} += ${x}`)}
  }
  ${eight((x, i) => `store<u32>(state, s${x}, ${4 * i})`)}
}

/** state: 8 vectors; w: 16 message vectors of one block each of four messages, already in native byte order. */
export function compress4(state: usize, w: usize): void {
    ${sixteen((i) => `let w${i} = v128.load(w, ${16 * i})`)}
    ${eight((x, i) => `let ${x}: v128 = v128.load(state, ${16 * i})`)}
    ${rounds(vector)}
    ${eight((x, i) => `v128.store(state, i32x4.add(${x}, v128.load(state, ${16 * i})), ${16 * i})`)}
}

export function initialState(state: usize): void {
  ${initialValue.map((v, i) => `store<u32>(state, ${v}, ${4 * i})`).join('\n  ')}
}

export function initialState4(state: usize): void {
  ${initialValue.map((v, i) => `v128.store(state, i32x4.splat(${v}), ${16 * i})`).join('\n  ')}
}
`

/**
 * AES-128 (FIPS 197) on eight blocks at a time, bitsliced: vector j holds bit j of every byte, a lane is a byte position, bit k of
 * a lane belongs to block k. The S-box is the 113-gate circuit of Boyar and Peralta; its four final NOTs are the constant 0x63,
 * which is added to the round keys instead. Byte moves are swizzles with constant indices: nothing depends on secret data.
 */

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

const multiply = (a: number, b: number): number => {
  let product = 0
  for (let bit = 0; bit < 8; bit++) {
    if ((b >> bit) & 1) product ^= a
    a = (a << 1) ^ (a & 0x80 ? 0x11b : 0)
  }
  return product
}

/** FIPS 197 §5.1.1: the inverse in GF(2^8), then the affine map. */
const sBox = (): number[] =>
  range(256).map((x) => {
    const inverse = range(256).find((y) => multiply(x, y) === 1) ?? 0
    let out = 0x63
    for (let turn = 0; turn < 5; turn++) out ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xff
    return out
  })

/** One gate per entry; x0 is the most significant input bit, s0 the most significant output bit (without the final NOTs). */
const gates = `
y14=x3^x5 y13=x0^x6 y9=x0^x3 y8=x0^x5 t0=x1^x2 y1=t0^x7 y4=y1^x3 y12=y13^y14 y2=y1^x0 y5=y1^x6 y3=y5^y8 t1=x4^y12 y15=t1^x5
y20=t1^x1 y6=y15^x7 y10=y15^t0 y11=y20^y9 y7=x7^y11 y17=y10^y11 y19=y10^y8 y16=t0^y11 y21=y13^y16 y18=x0^y16
t2=y12&y15 t3=y3&y6 t4=t3^t2 t5=y4&x7 t6=t5^t2 t7=y13&y16 t8=y5&y1 t9=t8^t7 t10=y2&y7 t11=t10^t7 t12=y9&y11 t13=y14&y17
t14=t13^t12 t15=y8&y10 t16=t15^t12 t17=t4^t14 t18=t6^t16 t19=t9^t14 t20=t11^t16 t21=t17^y20 t22=t18^y19 t23=t19^y21 t24=t20^y18
t25=t21^t22 t26=t21&t23 t27=t24^t26 t28=t25&t27 t29=t28^t22 t30=t23^t24 t31=t22^t26 t32=t31&t30 t33=t32^t24 t34=t23^t33
t35=t27^t33 t36=t24&t35 t37=t36^t34 t38=t27^t36 t39=t29&t38 t40=t25^t39 t41=t40^t37 t42=t29^t33 t43=t29^t40 t44=t33^t37
t45=t42^t41 z0=t44&y15 z1=t37&y6 z2=t33&x7 z3=t43&y16 z4=t40&y1 z5=t29&y7 z6=t42&y11 z7=t45&y17 z8=t41&y10 z9=t44&y12
z10=t37&y3 z11=t33&y4 z12=t43&y13 z13=t40&y5 z14=t29&y2 z15=t42&y9 z16=t45&y14 z17=t41&y8
t46=z15^z16 t47=z10^z11 t48=z5^z13 t49=z9^z10 t50=z2^z12 t51=z2^z5 t52=z7^z8 t53=z0^z3 t54=z6^z7 t55=z16^z17 t56=z12^t48
t57=t50^t53 t58=z4^t46 t59=z3^t54 t60=t46^t57 t61=z14^t57 t62=t52^t58 t63=t49^t58 t64=z4^t59 t65=t61^t62 t66=z1^t63
s0=t59^t63 s6=t56^t62 s7=t48^t60 t67=t64^t65 s3=t53^t66 s4=t51^t66 s5=t47^t65 s1=t64^s3 s2=t55^t67`

const subBytes = (): string => {
  const lines = range(8).map((i) => `const x${i} = b${7 - i}`)
  for (const gate of gates.trim().split(/\s+/)) {
    const [, to, a, operator, b] = /^(\w+)=(\w+)([&^])(\w+)$/.exec(gate) ?? []
    lines.push(`const ${to} = v128.${operator === '&' ? 'and' : 'xor'}(${a}, ${b})`)
  }
  lines.push(...range(8).map((i) => `b${7 - i} = s${i}`))
  return lines.join('\n    ')
}

/** 8x8 bit transposition inside every lane, between the eight vectors and the eight bits; its own inverse. */
const transposeBits = (): string => {
  const lines: string[] = []
  for (const [step, mask] of [
    [1, '0x5555555555555555'],
    [2, '0x3333333333333333'],
    [4, '0x0f0f0f0f0f0f0f0f'],
  ] as const) {
    lines.push(`m = i64x2.splat(${mask})`)
    for (const i of range(8).filter((n) => (n & step) === 0)) {
      const [a, b] = [`b${i}`, `b${i + step}`]
      lines.push(
        `t = v128.and(v128.xor(i64x2.shr_u(${a}, ${step}), ${b}), m)`,
        `${b} = v128.xor(${b}, t)`,
        `${a} = v128.xor(${a}, i64x2.shl(t, ${step}))`,
      )
    }
  }
  return lines.join('\n  ')
}

const bytes = (index: (column: number, row: number) => number): string =>
  `i8x16(${range(16)
    .map((p) => index(p >> 2, p & 3))
    .join(', ')})`
const shiftRows = bytes((c, r) => 4 * ((c + r) & 3) + r)
const shiftRowsThenUp = bytes((c, r) => 4 * ((c + r + 1) & 3) + ((r + 1) & 3))
const upTwo = bytes((c, r) => 4 * c + ((r + 2) & 3))

const mixColumns = (): string => {
  const lines: string[] = []
  for (const j of range(8))
    lines.push(
      `const u${j} = v128.swizzle(b${j}, shiftRowsThenUp)`,
      `const v${j} = v128.xor(v128.swizzle(b${j}, shiftRows), u${j})`,
    )
  for (const j of range(8)) {
    const terms = [`u${j}`, `v128.swizzle(v${j}, upTwo)`, `v128.load(key, ${16 * j})`]
    if (j > 0) terms.push(`v${j - 1}`)
    if ([0, 1, 3, 4].includes(j)) terms.push('v7')
    lines.push(`b${j} = ${terms.reduce((x, y) => `v128.xor(${x}, ${y})`)}`)
  }
  return lines.join('\n    ')
}

/** Text of `aes8`, `aes1` and `aesKey`. */
export const generateAes = (): string => `
const box: usize = memory.data<u8>([${sBox().join(', ')}], 16)

/** Encrypts 8 blocks in place. keys: the 11 round keys as bytes (176), sliced: round keys 1..10 as 8 bit masks each (1280). */
export function aes8(p: usize, keys: usize, sliced: usize): void {
  const shiftRows = ${shiftRows}
  const shiftRowsThenUp = ${shiftRowsThenUp}
  const upTwo = ${upTwo}
  const whitening = v128.load(keys)
  ${range(8)
    .map((k) => `let b${k} = v128.xor(v128.load(p, ${16 * k}), whitening)`)
    .join('\n  ')}
  let t = b0
  let m = b0
  ${transposeBits()}
  for (let key: usize = sliced, last: usize = sliced + 1152; ; key += 128) {
    ${subBytes()}
    if (key === last) break
    ${mixColumns()}
  }
  ${range(8)
    .map((j) => `b${j} = v128.xor(v128.swizzle(b${j}, shiftRows), v128.load(sliced, ${1152 + 16 * j}))`)
    .join('\n  ')}
  ${transposeBits()}
  ${range(8)
    .map((k) => `v128.store(p, b${k}, ${16 * k})`)
    .join('\n  ')}
}

/** The S-box on 16 bytes: every one of the 16 table rows is looked at, an index outside a row gives zero. */
function substitute(x: v128): v128 {
  let out = v128.swizzle(v128.load(box), x)
  ${range(15)
    .map(
      (i) =>
        `out = v128.or(out, v128.swizzle(v128.load(box, ${16 * i + 16}), i8x16.sub(x, i8x16.splat(<i8>${16 * i + 16}))))`,
    )
    .join('\n  ')}
  return out
}

/** Encrypts one block in place. */
export function aes1(p: usize, keys: usize): void {
  let x = v128.xor(v128.load(p), v128.load(keys))
  for (let key: usize = keys + 16, last: usize = keys + 160; ; key += 16) {
    x = substitute(x)
    if (key === last) break
    const b = v128.swizzle(x, ${shiftRowsThenUp})
    const a = v128.xor(v128.swizzle(x, ${shiftRows}), b)
    const doubled = v128.xor(i8x16.add(a, a), v128.and(i8x16.shr_s(a, 7), i8x16.splat(0x1b)))
    x = v128.xor(v128.xor(doubled, b), v128.xor(v128.swizzle(a, ${upTwo}), v128.load(key)))
  }
  v128.store(p, v128.xor(v128.swizzle(x, ${shiftRows}), v128.load(keys, 160)))
}

function slice(to: usize, key: v128): void {
  const x = v128.xor(key, i8x16.splat(0x63))
  ${range(8)
    .map((j) => `v128.store(to, i8x16.shr_s(i8x16.shl(x, ${7 - j}), 7), ${16 * j})`)
    .join('\n  ')}
}

/** Key expansion, FIPS 197 §5.2, into both forms. */
export function aesKey(keys: usize, sliced: usize, key: usize): void {
  let x = v128.load(key)
  v128.store(keys, x)
  let constant: u32 = 1
  const rotated = ${bytes((_c, r) => 12 + ((r + 1) & 3))}
  const zero = i64x2.splat(0)
  for (let round: usize = 0; round < 10; round++) {
    const word = v128.xor(substitute(v128.swizzle(x, rotated)), i32x4.splat(constant))
    // prefix sums of the four words
    x = v128.xor(x, v128.shuffle<i32>(zero, x, 0, 4, 5, 6))
    x = v128.xor(x, v128.shuffle<i64>(zero, x, 0, 2))
    x = v128.xor(x, word)
    v128.store(keys + (round << 4), x, 16)
    slice(sliced + (round << 7), x)
    constant = (constant << 1) ^ ((constant >> 7) * 0x11b)
  }
}
`

/**
 * Multiples of the base point for four secret scalars at once, one in each lane. A scalar n becomes 51 odd digits of radix 32: B has the
 * odd order L, so n may be n - L, and with m = (n - L + 2^255 - 1) / 2 the five bits e of m at 5i are the digit 2e - 31. The table has the
 * odd multiples 1 .. 31 of 32^i B in affine form ((y - x) / 2, (y + x) / 2, d x y), four of them side by side in a vector for each
 * pair of limbs: a shuffle by index picks from four, an index of others gives zero, and all are read. Branch-free, no secret address.
 */
import { BASE_POINT, F4_ONE, FE_ONE, ODD_OFFSET } from './constants.generated'
import { oddMultiples } from './edwards'
import { copy, divideBlock, fromLane } from './field'
import { f4AddSub, f4Mul, f4SetLane, feAddSub, feMul, feToBytes } from './field.generated'
import {
  CHAIN,
  DENOMINATORS,
  ENCODING,
  NIELS_TABLE,
  NUMERATORS,
  S0,
  S1,
  S2,
  S3,
  S4,
  S5,
  S6,
  SCALARS,
  X3 as T,
  V_DIGITS,
  V_T,
  X1 as X,
  X2 as Y,
  Z2 as Z,
} from './memory'
import { p4Double } from './point'
import { clampTo } from './x25519'

const DIGIT_COUNT: usize = 51
/** Sixteen multiples of thirty words. */
const ROW: usize = 16 * 120
/** The selected multiples: three slots. */
const CHOSEN: usize = CHAIN

/** Keys after which the table has paid for itself. */
const WORTH: usize = 128

let asked: usize = 0
let ready: bool = false

/** Whether there is a table for `n` keys more; it is filled when so many have been asked for that it pays. */
export function hasNiels(n: usize): bool {
  if (!ready) {
    asked += n
    if (asked < WORTH) return false
    fill()
    ready = true
  }
  return true
}

function fill(): void {
  copy<v128>(V_T, BASE_POINT)
  for (let row: usize = NIELS_TABLE; row < NIELS_TABLE + DIGIT_COUNT * ROW; row += ROW) {
    // a cached operand is that form times 2 Z, which is its third lane
    oddMultiples(V_DIGITS, 16, V_T)
    for (let i: usize = 0; i < 16; i++) {
      copy<u64>(NUMERATORS + i * 80, FE_ONE)
      fromLane(DENOMINATORS + i * 80, V_DIGITS + i * 160, 2)
    }
    divideBlock(16)
    for (let i: usize = 0; i < 16; i++) {
      for (let part: usize = 0; part < 3; part++) {
        fromLane(S0, V_DIGITS + i * 160, part + (part >> 1))
        feMul(S0, S0, NUMERATORS + i * 80)
        feToBytes(ENCODING, S0)
        f4SetLane(S1, ENCODING)
        for (let word: usize = 0; word < 10; word++)
          store<u32>(row + (part * 10 + word) * 64 + i * 4, load<u32>(S1 + word * 16))
      }
    }
    p4Double(V_T, V_T, 5)
  }
}

/** Clamps a scalar and makes m of it. */
function recode(out: usize, scalar: usize): void {
  clampTo(out, scalar)
  let carry: u64 = 0
  for (let i: usize = 0; i < 32; i += 4) {
    const next: u64 = i === 28 ? 0 : (<u64>load<u32>(out + i, 4)) << 31
    const half: u64 = ((<u64>load<u32>(out + i) >> 1) | next) & 0xffffffff
    carry += half + load<u32>(ODD_OFFSET + i)
    store<u32>(out + i, <u32>carry)
    carry >>= 32
  }
}

/** One word of the chosen multiples, from those of all sixteen. */
function pick(at: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.or(
    v128.or(i8x16.swizzle(load<v128>(at), a), i8x16.swizzle(load<v128>(at, 16), b)),
    v128.or(i8x16.swizzle(load<v128>(at, 32), c), i8x16.swizzle(load<v128>(at, 48), d)),
  )
}

/** CHOSEN = digit i of each lane times 32^i B. */
function select(i: usize): void {
  const byte: usize = SCALARS + ((5 * i) >> 3)
  const words: v128 = i32x4.replace_lane(
    i32x4.replace_lane(
      i32x4.replace_lane(i32x4.splat(load<u16>(byte)), 1, load<u16>(byte, 32)),
      2,
      load<u16>(byte, 64),
    ),
    3,
    load<u16>(byte, 96),
  )
  const digit: v128 = v128.and(i32x4.shr_u(words, <i32>(5 * i) & 7), i32x4.splat(31))
  const negative: v128 = i32x4.lt_s(digit, i32x4.splat(16))
  const index: v128 = v128.and(v128.xor(digit, negative), i32x4.splat(15))
  const a: v128 = i32x4.add(i32x4.mul(index, i32x4.splat(0x04040404)), i32x4.splat(0x03020100))
  const b: v128 = i8x16.sub(a, i8x16.splat(16))
  const c: v128 = i8x16.sub(a, i8x16.splat(32))
  const d: v128 = i8x16.sub(a, i8x16.splat(48))
  const row: usize = NIELS_TABLE + i * ROW
  for (let word: usize = 0; word < 10; word++) {
    const at: usize = row + word * 64
    const to: usize = CHOSEN + word * 16
    const minus: v128 = pick(at, a, b, c, d)
    const plus: v128 = pick(at + 640, a, b, c, d)
    const product: v128 = pick(at + 1280, a, b, c, d)
    const swap: v128 = v128.and(v128.xor(minus, plus), negative)
    store<v128>(to, v128.xor(minus, swap))
    store<v128>(to, v128.xor(plus, swap), 160)
    store<v128>(to, i16x8.sub(v128.xor(product, negative), negative), 320)
  }
}

/**
 * Quotients index .. index + count - 1 of the block become u = (Z + Y) / (Z - Y) of the multiples for `count` scalars, 4 at most; unused
 * lanes repeat the first. Sums have two units each, for the halves in the table take the place of 2 Z.
 */
export function base4(scalars: usize, index: usize, count: usize): void {
  for (let lane: usize = 0; lane < 4; lane++) recode(SCALARS + lane * 32, scalars + (lane < count ? lane * 32 : 0))
  memory.fill(X, 0, 160)
  memory.fill(T, 0, 160)
  copy<v128>(Y, F4_ONE)
  copy<v128>(Z, F4_ONE)
  for (let i: usize = 0; i < DIGIT_COUNT; i++) {
    select(i)
    f4AddSub(S0, S1, Y, X)
    f4Mul(S2, S1, CHOSEN)
    f4Mul(S3, S0, CHOSEN + 160)
    f4Mul(S4, T, CHOSEN + 320)
    f4AddSub(S0, S1, S3, S2)
    f4AddSub(S5, S6, Z, S4)
    f4Mul(X, S1, S6)
    f4Mul(Y, S5, S0)
    f4Mul(T, S1, S0)
    f4Mul(Z, S6, S5)
  }
  for (let lane: usize = 0; lane < count; lane++) {
    fromLane(S0, Y, lane)
    fromLane(S1, Z, lane)
    feAddSub(NUMERATORS + (index + lane) * 80, DENOMINATORS + (index + lane) * 80, S1, S0)
  }
}

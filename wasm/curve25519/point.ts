/**
 * The Edwards point formulas on lanes. A point is (X, Y, Z, T), a cached operand (Y - X, Y + X, 2Z, 2dT); limbs of both are those of a
 * product, one unit (`generate.ts`). Each formula is one product of four lanes, sums across lanes, and a second product. The loops run
 * over limbs. Branch-free.
 */
import { CACHE_FACTORS } from './constants.generated'
import { f4Mul, f4SqTimes, f4WeakReduce } from './field.generated'
import { WORK_A, WORK_B } from './memory'

/** (Y - X, Y + X, Z, T) of p; two units. */
function differences(p: v128): v128 {
  // xor with -1 and subtraction of it negate X in the first lane
  const first: v128 = i32x4(-1, 0, 0, 0)
  const x: v128 = i16x8.sub(v128.xor(v128.shuffle<i32>(p, i32x4.splat(0), 0, 0, 4, 4), first), first)
  return i16x8.add(v128.shuffle<i32>(p, p, 1, 1, 2, 3), x)
}

/** r = cached form of p. */
export function p4Cache(r: usize, p: usize): void {
  for (let i: usize = 0; i < 160; i += 16) store<v128>(WORK_A + i, differences(load<v128>(p + i)))
  f4Mul(r, WORK_A, CACHE_FACTORS)
}

/**
 * r = p + q for sign 0, p - q for sign -1, q cached. The sign is a mask and may be secret: the negative of a cached operand swaps its first
 * two lanes and negates the last. Lanes (A, B, D, C) of the first product give (E, G, G, E) * (F, H, F, H) with E = B - A, F = D - C,
 * G = D + C, H = B + A, all of two units.
 */
export function p4Add(r: usize, p: usize, q: usize, sign: i32): void {
  const negative: v128 = i32x4.splat(sign)
  for (let i: usize = 0; i < 160; i += 16) {
    const operand: v128 = load<v128>(q + i)
    const opposite: v128 = v128.shuffle<i32>(operand, i16x8.neg(operand), 1, 0, 2, 7)
    store<v128>(WORK_A + i, differences(load<v128>(p + i)))
    store<v128>(WORK_B + i, v128.bitselect(opposite, operand, negative))
  }
  f4Mul(WORK_A, WORK_A, WORK_B)
  for (let i: usize = 0; i < 160; i += 16) {
    const m: v128 = load<v128>(WORK_A + i)
    const n: v128 = i16x8.neg(m)
    store<v128>(WORK_A + i, i16x8.add(v128.shuffle<i32>(m, m, 1, 2, 2, 1), v128.shuffle<i32>(m, n, 4, 3, 3, 4)))
    store<v128>(WORK_B + i, i16x8.add(v128.shuffle<i32>(m, m, 2, 1, 2, 1), v128.shuffle<i32>(m, n, 7, 0, 7, 0)))
  }
  f4Mul(r, WORK_A, WORK_B)
}

/** (S8, S5, S8, S5) of one pair of limbs; four units. */
function doubleLeft(s: v128, n: v128): v128 {
  const s6s5: v128 = i16x8.add(v128.shuffle<i32>(s, s, 0, 0, 0, 0), v128.shuffle<i32>(s, n, 5, 1, 5, 1))
  return i16x8.add(s6s5, v128.shuffle<i32>(i16x8.shl(s, 1), i32x4.splat(0), 2, 4, 2, 4))
}

/** (S9, S6, S6, S9) of one pair of limbs; three units. */
function doubleRight(s: v128, n: v128): v128 {
  const s5s6: v128 = i16x8.add(v128.shuffle<i32>(s, s, 0, 0, 0, 0), v128.shuffle<i32>(s, n, 1, 5, 5, 1))
  return i16x8.add(s5s6, v128.shuffle<i32>(n, i32x4.splat(0), 3, 4, 4, 3))
}

/**
 * r = 2^times p, times > 0. The squares of (X, Y, Z, X + Y) are S1..S4; the result is (S8, S5, S8, S5) * (S9, S6, S6, S9) with S5 = S1 + S2,
 * S6 = S1 - S2, S8 = 2 S3 + S6, S9 = S5 - S4. The left operand is carried: less than one and a half units.
 */
export function p4Double(r: usize, p: usize, times: i32): void {
  for (; times > 0; times--) {
    const zero: v128 = i32x4.splat(0)
    for (let i: usize = 0; i < 160; i += 16) {
      const x: v128 = load<v128>(p + i)
      store<v128>(WORK_A + i, i16x8.add(v128.shuffle<i32>(x, zero, 0, 1, 2, 0), v128.shuffle<i32>(x, zero, 4, 4, 4, 1)))
    }
    f4SqTimes(WORK_A, WORK_A, 1)
    for (let i: usize = 0; i < 160; i += 16) {
      const s: v128 = load<v128>(WORK_A + i)
      const n: v128 = i16x8.neg(s)
      store<v128>(WORK_A + i, doubleLeft(s, n))
      store<v128>(WORK_B + i, doubleRight(s, n))
    }
    f4WeakReduce(WORK_A)
    f4Mul(r, WORK_A, WORK_B)
    p = r
  }
}

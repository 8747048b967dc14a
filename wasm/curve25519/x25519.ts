/** X25519 (RFC 7748 §5): the Montgomery ladder on one element or on four lanes. Branch-free, no secret index. */
import { F4_ONE, LADDER_A24, LADDER_FACTORS, LADDER_START } from './constants.generated'
import { copy, divideBlock, fromLane } from './field'
import { f4AddSub, f4Mul, f4SetLane, f4SqTimes, f4SubMulSmall, f4SwapAddSub, feToBytes } from './field.generated'
import {
  BLOCK,
  DENOMINATORS,
  NUMERATORS,
  S0,
  S1,
  S2,
  S3,
  S4,
  S5,
  S6,
  SCALARS,
  wipe,
  X1,
  X2,
  X3,
  Z2,
  Z3,
} from './memory'

/** Copies a scalar and clamps it (RFC 7748 §5, decodeScalar25519). */
export function clampTo(out: usize, scalar: usize): void {
  memory.copy(out, scalar, 32)
  store<u8>(out, load<u8>(out) & 248)
  store<u8>(out, (load<u8>(out, 31) & 127) | 64, 31)
}

/** One step on (X2 : Z2), (X3 : Z3) with difference X1 in each lane, from their sums S0, S2 and differences S1, S3. */
function step(): void {
  f4Mul(S4, S3, S0)
  f4Mul(S5, S2, S1)
  f4SqTimes(S2, S0, 1)
  f4SqTimes(S3, S1, 1)
  f4Mul(X2, S2, S3)
  f4SubMulSmall(S0, S6, S2, S3)
  f4Mul(Z2, S6, S0)
  f4AddSub(S0, S1, S4, S5)
  f4SqTimes(X3, S0, 1)
  f4SqTimes(S2, S1, 1)
  f4Mul(Z3, S2, X1)
}

/**
 * One ladder with its products side by side: lanes (X2, Z2, X3, Z3), each step three products of four lanes. With A, B = X2 +- Z2,
 * C, D = X3 +- Z3, E = AA - BB: (A, B, D, C) * (A, B, A, B); (DA + CB, DA - CB, AA, E) * (DA + CB, DA - CB, BB, 121666); and
 * (AA BB, E, (DA + CB)^2, (DA - CB)^2) * (1, BB + 121666 E, 1, u). Operands have at most two units each. The result becomes
 * quotient `index` of the block. Bit 0 of a clamped scalar is 0, so no swap is left at the end.
 */
function ladder(scalar: usize, u: usize, index: usize): void {
  clampTo(SCALARS, scalar)
  copy<v128>(X1, LADDER_FACTORS)
  f4SetLane(X1 + 12, u)
  copy<v128>(X2, LADDER_START)
  f4SetLane(X2 + 8, u)
  let last: i32 = 0
  for (let t: i32 = 254; t >= 0; t--) {
    const bit: i32 = (<i32>load<u8>(SCALARS + (<usize>t >> 3)) >> (t & 7)) & 1
    const swap: v128 = i32x4.splat(-(last ^ bit))
    last = bit
    for (let i: usize = 0; i < 160; i += 16) {
      const p: v128 = load<v128>(X2 + i)
      const v: v128 = v128.bitselect(v128.shuffle<i32>(p, p, 2, 3, 0, 1), p, swap)
      const left: v128 = i16x8.add(v128.shuffle<i32>(v, v, 0, 0, 2, 2), v128.shuffle<i32>(v, i16x8.neg(v), 1, 5, 7, 3))
      store<v128>(S0 + i, left)
      store<v128>(S1 + i, v128.shuffle<i32>(left, left, 0, 1, 0, 1))
    }
    f4Mul(S2, S0, S1)
    for (let i: usize = 0; i < 160; i += 16) {
      const m: v128 = load<v128>(S2 + i)
      const other: v128 = v128.and(v128.shuffle<i32>(m, i16x8.neg(m), 3, 7, 0, 5), i32x4(-1, -1, 0, -1))
      const left: v128 = i16x8.add(v128.shuffle<i32>(m, m, 2, 2, 0, 0), other)
      store<v128>(S0 + i, left)
      store<v128>(
        S1 + i,
        v128.shuffle<i32>(v128.shuffle<i32>(left, m, 0, 1, 5, 5), load<v128>(LADDER_A24 + i), 0, 1, 2, 7),
      )
    }
    f4Mul(S3, S0, S1)
    for (let i: usize = 0; i < 160; i += 16) {
      const m: v128 = load<v128>(S3 + i)
      const sum: v128 = i16x8.add(
        v128.shuffle<i32>(m, m, 3, 3, 3, 3),
        v128.shuffle<i32>(load<v128>(S2 + i), m, 1, 1, 1, 1),
      )
      store<v128>(S1 + i, v128.shuffle<i32>(load<v128>(X1 + i), sum, 0, 5, 2, 3))
      store<v128>(S0 + i, v128.shuffle<i32>(m, load<v128>(S0 + i), 2, 7, 0, 1))
    }
    f4Mul(X2, S0, S1)
  }
  fromLane(NUMERATORS + index * 80, X2, 0)
  fromLane(DENOMINATORS + index * 80, X2, 1)
}

/** Four ladders at once into quotients index .. index + count - 1; unused lanes repeat the first input. */
function ladder4(scalars: usize, us: usize, index: usize, count: usize): void {
  for (let lane: usize = 0; lane < 4; lane++) {
    const from: usize = lane < count ? lane * 32 : 0
    clampTo(SCALARS + lane * 32, scalars + from)
    f4SetLane(X1 + lane * 4, us + from)
  }
  copy<v128>(X2, F4_ONE)
  memory.fill(Z2, 0, 160)
  copy<v128>(X3, X1)
  copy<v128>(Z3, F4_ONE)
  let last: v128 = i32x4.splat(0)
  for (let t: i32 = 254; t >= 0; t--) {
    const byte: usize = SCALARS + (<usize>t >> 3)
    const word: v128 = i32x4.replace_lane(
      i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(load<u8>(byte)), 1, load<u8>(byte, 32)), 2, load<u8>(byte, 64)),
      3,
      load<u8>(byte, 96),
    )
    const bit: v128 = i32x4.neg(v128.and(i32x4.shr_u(word, t & 7), i32x4.splat(1)))
    const swap: v128 = v128.xor(last, bit)
    last = bit
    f4SwapAddSub(swap)
    step()
  }
  for (let lane: usize = 0; lane < count; lane++) {
    fromLane(NUMERATORS + (index + lane) * 80, X2, lane)
    fromLane(DENOMINATORS + (index + lane) * 80, Z2, lane)
  }
}

/** Writes the quotients of a block as 32-byte strings; 1 when any of them is all zero. */
function finish(out: usize, n: usize): u64 {
  divideBlock(n)
  let zeros: u64 = 0
  for (let i: usize = 0; i < n; i++) {
    const to: usize = out + i * 32
    feToBytes(to, NUMERATORS + i * 80)
    const w: u64 = load<u64>(to) | load<u64>(to, 8) | load<u64>(to, 16) | load<u64>(to, 24)
    zeros |= ((w | (0 - w)) >> 63) ^ 1
  }
  return zeros
}

/** out = X25519(scalar, u), each 32 bytes. Returns 1 when the result is all zero (RFC 7748 §6.1), else 0. */
export function x25519(out: usize, scalar: usize, u: usize): i32 {
  return x25519Many(1, out, scalar, u)
}

/** `n` independent X25519, inputs and outputs back to back. Returns 1 when any result is all zero, else 0. */
export function x25519Many(n: usize, out: usize, scalars: usize, us: usize): i32 {
  let zeros: u64 = 0
  for (let done: usize = 0; done < n; ) {
    const block: usize = min<usize>(BLOCK, n - done)
    let i: usize = 0
    for (; block - i >= 3; i += min<usize>(4, block - i)) {
      ladder4(scalars + (done + i) * 32, us + (done + i) * 32, i, min<usize>(4, block - i))
    }
    for (; i < block; i++) ladder(scalars + (done + i) * 32, us + (done + i) * 32, i)
    zeros |= finish(out + done * 32, block)
    done += block
  }
  wipe()
  return <i32>zeros
}

/** X25519 (RFC 7748 §5): the Montgomery ladder on one element or on four lanes. Branch-free, no secret index. */
import { addSub, copy, divideBlock, fromLane, mul, setOne, sqTimes, subMulSmall } from './field'
import { f4SetLane, f4SwapAddSub, feFromBytes, feSwapAddSub, feToBytes } from './field.generated'
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

/** One step on (X2 : Z2), (X3 : Z3) with difference X1, from their sums S0, S2 and differences S1, S3. */
function step<T>(): void {
  mul<T>(S4, S3, S0)
  mul<T>(S5, S2, S1)
  sqTimes<T>(S2, S0, 1)
  sqTimes<T>(S3, S1, 1)
  mul<T>(X2, S2, S3)
  subMulSmall<T>(S0, S6, S2, S3)
  mul<T>(Z2, S6, S0)
  addSub<T>(S0, S1, S4, S5)
  sqTimes<T>(X3, S0, 1)
  sqTimes<T>(S2, S1, 1)
  mul<T>(Z3, S2, X1)
}

function start<T>(): void {
  setOne<T>(X2)
  memory.fill(Z2, 0, 160)
  copy<T>(X3, X1)
  setOne<T>(Z3)
}

/** The result of one ladder becomes quotient `index` of the block. Bit 0 of a clamped scalar is 0, so no swap is left at the end. */
function ladder(scalar: usize, u: usize, index: usize): void {
  clampTo(SCALARS, scalar)
  feFromBytes(X1, u)
  start<u64>()
  let last: u64 = 0
  for (let t: i32 = 254; t >= 0; t--) {
    const bit: u64 = <u64>(load<u8>(SCALARS + (<usize>t >> 3)) >> <u8>(t & 7)) & 1
    const swap: u64 = 0 - (last ^ bit)
    last = bit
    feSwapAddSub(swap)
    step<u64>()
  }
  copy<u64>(NUMERATORS + index * 80, X2)
  copy<u64>(DENOMINATORS + index * 80, Z2)
}

/** Four ladders at once into quotients index .. index + count - 1; unused lanes repeat the first input. */
function ladder4(scalars: usize, us: usize, index: usize, count: usize): void {
  for (let lane: usize = 0; lane < 4; lane++) {
    const from: usize = lane < count ? lane * 32 : 0
    clampTo(SCALARS + lane * 32, scalars + from)
    f4SetLane(X1 + lane * 4, us + from)
  }
  start<v128>()
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
    step<v128>()
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

/** Field operations built on the generated ones. T = u64 works on one element, T = v128 on four lanes. Branch-free. */
import { f4AddSub, f4Mul, f4SqTimes, feAddSub, feFromLane, feMul, feSqTimes, feToBytes } from './field.generated'
import { invert } from './invert'
import { CHAIN, DENOMINATORS, ENCODING, NUMERATORS, PRODUCTS, ZEROS } from './memory'

export function mul<T>(r: usize, x: usize, y: usize): void {
  if (isVector<T>()) f4Mul(r, x, y)
  else feMul(r, x, y)
}

export function sqTimes<T>(r: usize, x: usize, times: i32): void {
  if (isVector<T>()) f4SqTimes(r, x, times)
  else feSqTimes(r, x, times)
}

export function addSub<T>(sum: usize, difference: usize, x: usize, y: usize): void {
  if (isVector<T>()) f4AddSub(sum, difference, x, y)
  else feAddSub(sum, difference, x, y)
}

export function copy<T>(r: usize, x: usize): void {
  memory.copy(r, x, isVector<T>() ? 160 : 80)
}

/** z^(2^250 - 1) into CHAIN. */
function powChain<T>(z: usize): void {
  const a: usize = CHAIN
  const b: usize = CHAIN + 320
  const c: usize = CHAIN + 480
  const d: usize = CHAIN + 640
  sqTimes<T>(a, z, 1)
  sqTimes<T>(b, a, 2)
  mul<T>(b, b, z)
  mul<T>(a, a, b)
  sqTimes<T>(a, a, 1)
  mul<T>(a, a, b)
  sqTimes<T>(b, a, 5)
  mul<T>(b, b, a)
  sqTimes<T>(a, b, 10)
  mul<T>(a, a, b)
  sqTimes<T>(c, a, 20)
  mul<T>(c, c, a)
  sqTimes<T>(c, c, 10)
  mul<T>(c, c, b)
  sqTimes<T>(a, c, 50)
  mul<T>(a, a, c)
  sqTimes<T>(d, a, 100)
  mul<T>(d, d, a)
  sqTimes<T>(d, d, 50)
  mul<T>(a, d, c)
}

/** r = z^((p - 5) / 8), the power behind every square root. r must not be z. */
export function powRoot<T>(r: usize, z: usize): void {
  powChain<T>(z)
  sqTimes<T>(CHAIN, CHAIN, 2)
  mul<T>(r, CHAIN, z)
}

/** 1 when the field element is zero, else 0. */
export function isZero(x: usize): u64 {
  feToBytes(ENCODING, x)
  const w: u64 = load<u64>(ENCODING) | load<u64>(ENCODING, 8) | load<u64>(ENCODING, 16) | load<u64>(ENCODING, 24)
  return ((w | (0 - w)) >> 63) ^ 1
}

/** One element out of lane `lane` of four, reduced. */
export function fromLane(r: usize, vector: usize, lane: usize): void {
  feFromLane(r, vector + lane * 4)
}

/**
 * NUMERATORS[i] / DENOMINATORS[i] for i < n into NUMERATORS, with one inversion for all: each denominator is divided out of the running
 * product. A zero denominator takes part as 1 and its quotient is 0, by masks.
 */
export function divideBlock(n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const z: usize = DENOMINATORS + i * 80
    const mask: u64 = 0 - isZero(z)
    store<u64>(ZEROS + i * 8, mask)
    store<u64>(z, (load<u64>(z) & ~mask) | (1 & mask))
    for (let j: usize = 8; j < 80; j += 8) store<u64>(z + j, load<u64>(z + j) & ~mask)
    if (i === 0) copy<u64>(PRODUCTS, z)
    else feMul(PRODUCTS + i * 80, PRODUCTS + i * 80 - 80, z)
  }
  const inverse: usize = CHAIN + 800
  invert(inverse, PRODUCTS + (n - 1) * 80)
  for (let i: usize = n - 1; ; i--) {
    const x: usize = NUMERATORS + i * 80
    feMul(x, x, inverse)
    if (i > 0) {
      feMul(x, x, PRODUCTS + i * 80 - 80)
      feMul(inverse, inverse, DENOMINATORS + i * 80)
    }
    const mask: u64 = load<u64>(ZEROS + i * 8)
    for (let j: usize = 0; j < 80; j += 8) store<u64>(x + j, load<u64>(x + j) & ~mask)
    if (i === 0) break
  }
}

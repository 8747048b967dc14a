// Exponentiations and conversions on top of the generated arithmetic. All are constant time: the exponents are public.
import {
  canonicalN,
  canonicalP,
  exponentN,
  mul,
  mulN,
  oneN,
  plainOne,
  square,
  toMontgomeryN,
} from '../build/p256/field'

export const elementSize: usize = 80

const scratchSize: usize = 1600
const scratch: usize = memory.data(1600, 16)
const x3: usize = scratch
const x15: usize = scratch + 80
const x30: usize = scratch + 160
const x32: usize = scratch + 240
const powersN: usize = scratch + 320

export function copy(to: usize, from: usize): void {
  for (let at: usize = 0; at < elementSize; at += 16) v128.store(to + at, v128.load(from + at))
}

export function clear(p: usize, size: usize): void {
  memory.fill(p, 0, size)
}

function squares(out: usize, a: usize, count: i32): void {
  square(out, a)
  for (let i = 1; i < count; i++) square(out, out)
}

/** out = 1 / a mod p as a^(p - 2); zero gives zero. out and a differ. */
export function invert(out: usize, a: usize): void {
  square(out, a)
  mul(out, out, a)
  square(out, out)
  mul(x3, out, a)
  squares(out, x3, 3)
  mul(out, out, x3)
  squares(x15, out, 6)
  mul(x15, x15, out)
  squares(x15, x15, 3)
  mul(x15, x15, x3)
  squares(x30, x15, 15)
  mul(x30, x30, x15)
  // 2^32 - 1 = (2^30 - 1) * 4 + 3
  squares(x32, x30, 2)
  square(out, a)
  mul(out, out, a)
  mul(x32, x32, out)
  squares(out, x32, 32)
  mul(out, out, a)
  squares(out, out, 128)
  mul(out, out, x32)
  squares(out, out, 32)
  mul(out, out, x32)
  squares(out, out, 30)
  mul(out, out, x30)
  squares(out, out, 2)
  mul(out, out, a)
}

/** out = 1 / a mod n as a^(n - 2), Montgomery form. out and a differ. */
export function invertN(out: usize, a: usize): void {
  copy(powersN, oneN)
  for (let i: usize = 1; i < 16; i++) mulN(powersN + i * elementSize, powersN + (i - 1) * elementSize, a)
  copy(out, oneN)
  for (let digit: usize = 0; digit < 64; digit++) {
    for (let i = 0; i < 4; i++) mulN(out, out, out)
    const word = load<u64>(exponentN + ((digit >> 4) << 3))
    const value = <usize>((word >> (60 - ((digit & 15) << 2))) & 15)
    if (value !== 0) mulN(out, out, powersN + value * elementSize)
  }
}

/** Montgomery form to canonical limbs, in place. */
export function leaveP(x: usize): void {
  mul(x, x, plainOne)
  canonicalP(x)
}

export function leaveN(x: usize): void {
  mulN(x, x, plainOne)
  canonicalN(x)
}

export function enterN(x: usize): void {
  mulN(x, x, toMontgomeryN)
}

/** All ones when every limb of a canonical element is zero, else zero; without a branch. */
export function zeroMask(x: usize): i64 {
  let bits: i64 = 0
  for (let at: usize = 0; at < 72; at += 8) bits |= load<i64>(x + at)
  return (bits - 1) >> 63
}

/** Clears what the inversions left. */
export function wipeField(): void {
  clear(scratch, scratchSize)
}

// Tables of the odd multiples 1, 3, .. 15 of a point, affine, limbs as u32: eight entries of 80 bytes (x at 0, y at 36).
import { combine, mul, one, square } from '../build/p256/field'
import { clear, copy, invert } from './field'
import { addMixed, double } from './point'

export const tableSize: usize = 640

const scratchSize: usize = 3120
const scratch: usize = memory.data(3120, 16)
/** Eight Jacobian multiples while a table is made, then the running products of their Z. */
const multiples: usize = scratch
const products: usize = scratch + 1920
const twice: usize = scratch + 2560
const inverse: usize = scratch + 2800
const s: usize = scratch + 2880
const u: usize = scratch + 2960
const packed: usize = scratch + 3040

function pack(to: usize, element: usize): void {
  // positive limbs below 2^29 + small are wanted: the value is carried once more
  combine(u, element, 1, element, 0)
  combine(u, u, 1, u, 0)
  for (let i: usize = 0; i < 9; i++) store<u32>(to + (i << 2), load<u32>(u + (i << 3)))
}

/** Unpacks one 36-byte element; limbs are signed 32 bits. */
export function unpack(to: usize, from: usize): void {
  for (let i: usize = 0; i < 9; i++) store<i64>(to + (i << 3), load<i32>(from + (i << 2)))
}

/**
 * Fills table with the odd multiples of the affine point at q (not the identity).
 * 2q is computed first; on the isomorphic curve where 2q has Z = 1 the multiples follow by mixed additions, which do not use the
 * coefficients of the curve. (2i - 1) q = +-2q is impossible for i < 8 in a group of prime order, so no addition is exceptional.
 */
export function oddMultiples(table: usize, q: usize): void {
  copy(twice, q)
  copy(twice + 80, q + 80)
  copy(twice + 160, one)
  double(twice)
  const z: usize = twice + 160
  square(s, z)
  mul(multiples, q, s)
  mul(s, s, z)
  mul(multiples + 80, q + 80, s)
  copy(multiples + 160, one)
  for (let i: usize = 1; i < 8; i++) {
    const to: usize = multiples + i * 240
    copy(to, to - 240)
    copy(to + 80, to - 160)
    copy(to + 160, to - 80)
    addMixed(to, twice)
  }
  // back on the curve the Z of multiple i is Z_i * z; one inversion serves all
  for (let i: usize = 0; i < 8; i++) {
    const to: usize = multiples + i * 240 + 160
    mul(to, to, z)
    if (i === 0) copy(products, to)
    else mul(products + i * 80, products + (i - 1) * 80, to)
  }
  invert(inverse, products + 560)
  for (let i: usize = 8; i-- !== 0; ) {
    const from: usize = multiples + i * 240
    if (i === 0) copy(s, inverse)
    else {
      mul(s, inverse, products + (i - 1) * 80)
      mul(inverse, inverse, from + 160)
    }
    square(u, s)
    mul(s, s, u)
    mul(from, from, u)
    pack(table + i * 80, from)
    mul(from + 80, from + 80, s)
    pack(table + i * 80 + 36, from + 80)
  }
}

/**
 * to = affine entry for the odd digit 2 * nibble - 15 of the table. All eight entries are read; the choice and the sign are made
 * with masks.
 */
export function select(to: usize, table: usize, nibble: u32): void {
  const negative: i32 = <i32>(nibble >> 3) - 1
  const wanted: u32 = (nibble ^ <u32>negative) & 7
  let v0 = i64x2.splat(0)
  let v1 = v0
  let v2 = v0
  let v3 = v0
  let v4 = v0
  for (let i: u32 = 0; i < 8; i++) {
    // all ones when i is wanted: (x - 1) >> 31 for x = i ^ wanted in 0..7
    const mask = i32x4.splat(<i32>((i ^ wanted) - 1) >> 31)
    const at: usize = table + i * 80
    v0 = v128.or(v0, v128.and(v128.load(at), mask))
    v1 = v128.or(v1, v128.and(v128.load(at, 16), mask))
    v2 = v128.or(v2, v128.and(v128.load(at, 32), mask))
    v3 = v128.or(v3, v128.and(v128.load(at, 48), mask))
    v4 = v128.or(v4, v128.and(v128.load(at, 64), mask))
  }
  v128.store(packed, v0)
  v128.store(packed, v1, 16)
  v128.store(packed, v2, 32)
  v128.store(packed, v3, 48)
  v128.store(packed, v4, 64)
  unpack(to, packed)
  const sign: i64 = <i64>negative
  for (let i: usize = 0; i < 9; i++) {
    const y = <i64>load<i32>(packed + 36 + (i << 2))
    store<i64>(to + 80 + (i << 3), (y ^ sign) - sign)
  }
}

/** Clears what the functions above left. */
export function wipeTable(): void {
  clear(scratch, scratchSize)
}

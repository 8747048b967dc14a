// ECDH, key generation and ECDSA signing over P-256 (NIST SP 800-56A §5.7.1.2, FIPS 186-5 §6).
// Secret scalars go through a regular recoding: 64 odd digits in -15..15, the same additions whatever the scalar.
import {
  addN,
  canonicalN,
  combine,
  curveB,
  fieldPrime,
  generatorX,
  generatorY,
  groupOrder,
  isBelow,
  loadBytes,
  mul,
  mulN,
  negateN,
  one,
  square,
  storeBytes,
  toMontgomery,
} from '../build/p256/field'
import { clear, copy, enterN, invert, invertN, leaveN, leaveP, wipeField, zeroMask } from './field'
import { addComplete, addMixed, double, toProjective, wipePoint } from './point'
import { oddMultiples, select, tableSize, wipeTable } from './table'

/** Row i: odd multiples of 16^i G. Made at the first use: verification needs only row 0. */
export const rows: usize = memory.data(64 * 640, 16)
let rowsReady: usize = 0
/** Where the next row starts: 16^rowsReady G, affine. */
const nextRow: usize = memory.data(160, 16)

const scratchSize: usize = 1856
const scratch: usize = memory.data(1856, 16)
const table: usize = scratch
const peer: usize = scratch + 640
const sum: usize = scratch + 800
const term: usize = scratch + 1040
const scalar: usize = scratch + 1280
const nibbles: usize = scratch + 1360
const check: usize = scratch + 1424
const left: usize = scratch + 1504
const inverse: usize = scratch + 1584
const u1: usize = scratch + 1664
const u2: usize = scratch + 1744
const bytes: usize = scratch + 1824

function wipe(): void {
  clear(scratch, scratchSize)
  wipePoint()
  wipeTable()
  wipeField()
}

/** Reads an uncompressed point; 1 when it is 0x04, x and y are below p, and (x, y) is on the curve (so not the identity). */
export function loadPoint(to: usize, point: usize): bool {
  loadBytes(to, point + 1)
  loadBytes(to + 80, point + 33)
  const inRange = isBelow(to, fieldPrime) & isBelow(to + 80, fieldPrime)
  mul(to, to, toMontgomery)
  mul(to + 80, to + 80, toMontgomery)
  // y^2 = x (x^2 - 3) + b
  square(check, to)
  combine(check, check, 1, one, -3)
  mul(check, check, to)
  combine(check, check, 1, curveB, 1)
  square(left, to + 80)
  combine(check, check, 1, left, -1)
  leaveP(check)
  return load<u8>(point) === 4 && inRange === 1 && zeroMask(check) !== 0
}

/** Reads a scalar; 1 when it is in [1, n - 1]. */
export function loadScalar(to: usize, from: usize): i32 {
  loadBytes(to, from)
  return isBelow(to, groupOrder) & (1 + <i32>zeroMask(to))
}

/**
 * Makes the scalar k odd (n - k when k is even) and cuts it into nibbles: digit i is 2 * nibble - 15, the top one 2 * nibble + 1.
 * Sum of 16^i (2 b_i + 1) minus sum of 16^i for i = 1..63 is k, with b_i the nibbles of k >> 1. Returns all ones when it negated.
 */
function recode(k: usize): i64 {
  const even: i64 = (load<i64>(k) & 1) - 1
  negateN(k, even)
  storeBytes(bytes, k)
  for (let i: usize = 0; i < 64; i++) {
    const bit: usize = (i << 2) + 1
    const at: usize = bit >> 3
    const low: u32 = load<u8>(bytes + 31 - at)
    const high: u32 = at < 31 ? load<u8>(bytes + 30 - at) : 0
    store<u8>(nibbles + i, <u8>((((high << 8) | low) >> (bit & 7)) & 15))
  }
  // the top digit is positive: as 2 b + 1 = 2 (b + 8) - 15
  store<u8>(nibbles + 63, load<u8>(nibbles + 63) | 8)
  return even
}

/**
 * ECDH: out = x of scalar * point, 32 bytes. scalar: 32 bytes, point: 65 bytes, uncompressed. Returns 1, or 0 with out zeroed when
 * the scalar is not in [1, n - 1] or the point is not on the curve.
 *
 * No addition but the last can be exceptional: before digit i the sum is 16 m P, with m the integer made of the digits above;
 * m is odd and positive, so 16 m >= 16 > |d|, and for i >= 1 16 m + 15 < n, so 16 m P differs from d P and -d P and is not the
 * identity. The last addition is done with the complete law. The result is not the identity since n does not divide the scalar.
 */
export function p256Ecdh(out: usize, scalarAt: usize, point: usize): i32 {
  clear(out, 32)
  const ok = loadScalar(scalar, scalarAt) === 1 && loadPoint(peer, point)
  if (ok) {
    oddMultiples(table, peer)
    recode(scalar)
    select(sum, table, load<u8>(nibbles + 63))
    copy(sum + 160, one)
    for (let i: usize = 63; i-- !== 0; ) {
      double(sum)
      double(sum)
      double(sum)
      double(sum)
      select(term, table, load<u8>(nibbles + i))
      if (i !== 0) addMixed(sum, term)
    }
    toProjective(sum)
    copy(term + 160, one)
    addComplete(sum, term)
    invert(left, sum + 160)
    mul(sum, sum, left)
    leaveP(sum)
    storeBytes(out, sum)
  }
  wipe()
  return ok ? 1 : 0
}

/** Makes the first `count` rows, once. */
export function prepareRows(count: usize): void {
  if (rowsReady === 0) {
    copy(nextRow, generatorX)
    copy(nextRow + 80, generatorY)
  }
  for (; rowsReady < count; rowsReady++) {
    oddMultiples(rows + rowsReady * tableSize, nextRow)
    copy(sum, nextRow)
    copy(sum + 80, nextRow + 80)
    copy(sum + 160, one)
    for (let j = 0; j < 4; j++) double(sum)
    invert(left, sum + 160)
    square(check, left)
    mul(nextRow, sum, check)
    mul(check, check, left)
    mul(nextRow + 80, sum + 80, check)
  }
}

/**
 * Affine multiple of G: x and y (canonical, not Montgomery) in sum. scalar is used up.
 *
 * No addition but the last can be exceptional: before digit i the sum is s G with |s| <= 16^i - 1, s odd, and the term is t G with
 * |t| = |d| 16^i >= 16^i. So s + t and s - t are not zero, and for i <= 62 both are below 16^63 < n in magnitude. The last addition
 * is done with the complete law.
 */
function baseMultiple(k: usize): void {
  prepareRows(64)
  const negated = recode(k)
  select(sum, rows, load<u8>(nibbles))
  copy(sum + 160, one)
  for (let i: usize = 1; i < 64; i++) {
    select(term, rows + i * tableSize, load<u8>(nibbles + i))
    if (i !== 63) addMixed(sum, term)
  }
  toProjective(sum)
  copy(term + 160, one)
  addComplete(sum, term)
  invert(left, sum + 160)
  mul(sum, sum, left)
  mul(sum + 80, sum + 80, left)
  combine(sum + 80, sum + 80, 1 + 2 * negated, sum + 80, 0)
  leaveP(sum)
  leaveP(sum + 80)
}

/** out = 0x04, x, y of scalar * G. Returns 1, or 0 with out zeroed when the scalar is not in [1, n - 1]. */
export function p256PublicKey(out: usize, scalarAt: usize): i32 {
  clear(out, 65)
  const ok = loadScalar(scalar, scalarAt) === 1
  if (ok) {
    baseMultiple(scalar)
    store<u8>(out, 4)
    storeBytes(out + 1, sum)
    storeBytes(out + 33, sum + 80)
  }
  wipe()
  return ok ? 1 : 0
}

/** Reads a 32-byte hash as an integer mod n, into Montgomery form (FIPS 186-5 §6.4.1: all 256 bits count). */
export function loadHash(to: usize, hash: usize): void {
  loadBytes(to, hash)
  canonicalN(to)
  enterN(to)
}

/**
 * ECDSA signature r, s (64 bytes) of a 32-byte hash with the nonce k (32 bytes, secret, used once). Returns 1, or 0 with out zeroed
 * when the key or k is not in [1, n - 1], or r or s is zero (take another k).
 */
export function p256Sign(out: usize, scalarAt: usize, hash: usize, k: usize): i32 {
  clear(out, 64)
  let ok = (loadScalar(u1, scalarAt) & loadScalar(scalar, k)) === 1
  if (ok) {
    copy(u2, scalar)
    baseMultiple(scalar)
    copy(left, sum)
    canonicalN(left)
    storeBytes(out, left)
    ok = zeroMask(left) === 0
    enterN(left)
    enterN(u1)
    mulN(left, left, u1)
    loadHash(check, hash)
    canonicalN(left)
    canonicalN(check)
    addN(check, check, left)
    enterN(u2)
    invertN(inverse, u2)
    mulN(check, check, inverse)
    leaveN(check)
    ok = ok && zeroMask(check) === 0
    storeBytes(out + 32, check)
    if (!ok) clear(out, 64)
  }
  wipe()
  return ok ? 1 : 0
}

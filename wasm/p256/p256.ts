// ECDH, key generation and ECDSA over P-256 (NIST SP 800-56A §5.7.1.2, FIPS 186-5 §6).
// Secret scalars go through a regular recoding: 64 odd digits in -15..15, the same additions whatever the scalar.
import {
  add,
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
  primeMinusOrder,
  square,
  storeBytes,
  toMontgomery,
} from '../build/p256/field'
import { clear, copy, enterN, invert, invertN, leaveN, leaveP, wipeField, zeroMask } from './field'
import { addComplete, addMixed, double, toProjective, wipePoint } from './point'
import { oddMultiples, select, tableSize, unpack, wipeTable } from './table'

/** Row i: odd multiples of 16^i G. Made at the first use: verification needs only row 0. */
const rows: usize = memory.data(64 * 640, 16)
let rowsReady: usize = 0
/** Where the next row starts: 16^rowsReady G, affine. */
const nextRow: usize = memory.data(160, 16)

const scratchSize: usize = 2400
const scratch: usize = memory.data(2400, 16)
const table: usize = scratch
const peer: usize = scratch + 640
const sum: usize = scratch + 800
const term: usize = scratch + 1040
const scalar: usize = scratch + 1280
const nibbles: usize = scratch + 1360
const check: usize = scratch + 1424
const left: usize = scratch + 1504
const digitsG: usize = scratch + 1856
const digitsQ: usize = scratch + 2128
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
function loadPoint(to: usize, point: usize): bool {
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
function loadScalar(to: usize, from: usize): i32 {
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

function prepareRows(count: usize): void {
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
function loadHash(to: usize, hash: usize): void {
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

/** Digits of a width-5 non-adjacent form, one i8 per bit, 257 of them. Public scalars only. */
function nonAdjacentForm(to: usize, x: usize): void {
  storeBytes(bytes, x)
  clear(to, 272)
  let w0 = bswap<u64>(load<u64>(bytes, 24))
  let w1 = bswap<u64>(load<u64>(bytes, 16))
  let w2 = bswap<u64>(load<u64>(bytes, 8))
  let w3 = bswap<u64>(load<u64>(bytes))
  for (let i: usize = 0; i < 257; i++) {
    if ((w0 & 1) !== 0) {
      const digit = <i32>(w0 & 31)
      w0 &= ~(<u64>31)
      if (digit > 15) {
        // a negative digit borrows 32 from the bits above
        w0 += 32
        if (w0 === 0 && ++w1 === 0 && ++w2 === 0) w3++
      }
      store<i8>(to + i, <i8>(digit > 15 ? digit - 32 : digit))
    }
    w0 = (w0 >> 1) | (w1 << 63)
    w1 = (w1 >> 1) | (w2 << 63)
    w2 = (w2 >> 1) | (w3 << 63)
    w3 >>= 1
  }
}

function addDigit(from: usize, digit: i32, started: bool): void {
  const index: usize = <usize>((digit < 0 ? -digit : digit) >> 1)
  const at: usize = from + index * 80
  const to: usize = started ? term : sum
  unpack(to, at)
  unpack(to + 80, at + 36)
  if (digit < 0) combine(to + 80, to + 80, -1, to + 80, 0)
  if (started) addMixed(sum, term)
  else copy(sum + 160, one)
}

/** sum = u1 G + u2 Q, Jacobian, by interleaved digits; Z = 0 when an addition was exceptional or the result is the identity. */
function twoMultiples(): void {
  nonAdjacentForm(digitsG, u1)
  nonAdjacentForm(digitsQ, u2)
  let started = false
  clear(sum, 240)
  for (let i: usize = 257; i-- !== 0; ) {
    if (started) double(sum)
    const g = <i32>load<i8>(digitsG + i)
    if (g !== 0) {
      addDigit(rows, g, started)
      started = true
    }
    const q = <i32>load<i8>(digitsQ + i)
    if (q !== 0) {
      addDigit(table, q, started)
      started = true
    }
  }
}

/** The same with the complete law, bit by bit: projective. Only for inputs made to meet an exceptional addition. */
function twoMultiplesComplete(): void {
  clear(sum, 240)
  copy(sum + 80, one)
  copy(term + 160, one)
  for (let bit: usize = 256; bit-- !== 0; ) {
    addComplete(sum, sum)
    const limb: usize = (bit / 29) << 3
    const shift: u64 = bit % 29
    for (let which: usize = 0; which < 2; which++) {
      const x: usize = which === 0 ? u1 : u2
      if (((load<u64>(x + limb) >> shift) & 1) === 0) continue
      const from: usize = which === 0 ? rows : table
      unpack(term, from)
      unpack(term + 80, from + 36)
      addComplete(sum, term)
    }
  }
}

/** 1 when sum.x / z (z: element) is r or r + n as a field element; r: canonical limbs in inverse. */
function sameX(z: usize): bool {
  mul(check, inverse, toMontgomery)
  mul(check, check, z)
  combine(check, check, 1, sum, -1)
  leaveP(check)
  if (zeroMask(check) !== 0) return true
  // r + n is a field element too when it is below p
  if (isBelow(inverse, primeMinusOrder) === 0) return false
  add(left, inverse, groupOrder)
  mul(check, left, toMontgomery)
  mul(check, check, z)
  combine(check, check, 1, sum, -1)
  leaveP(check)
  return zeroMask(check) !== 0
}

/**
 * ECDSA verification: pk: 65 bytes, signature: r, s as 64 bytes, hash: 32 bytes. Returns 1 or 0. Variable time: public data only.
 */
export function p256Verify(pk: usize, signature: usize, hash: usize): i32 {
  prepareRows(1)
  let ok = (loadScalar(inverse, signature) & loadScalar(u2, signature + 32)) === 1 && loadPoint(peer, pk)
  if (ok) {
    enterN(u2)
    invertN(scalar, u2)
    loadHash(u1, hash)
    mulN(u1, u1, scalar)
    leaveN(u1)
    copy(u2, inverse)
    enterN(u2)
    mulN(u2, u2, scalar)
    leaveN(u2)
    oddMultiples(table, peer)
    twoMultiples()
    copy(check, sum + 160)
    leaveP(check)
    if (zeroMask(check) === 0) {
      square(term, sum + 160)
      ok = sameX(term)
    } else {
      twoMultiplesComplete()
      copy(check, sum + 160)
      leaveP(check)
      ok = zeroMask(check) === 0 && sameX(sum + 160)
    }
  }
  wipe()
  return ok ? 1 : 0
}

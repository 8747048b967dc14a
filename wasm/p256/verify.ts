// ECDSA verification over P-256 (FIPS 186-5 §6.4.2). Variable time, public data only: nothing is wiped.
import {
  add,
  combine,
  groupOrder,
  isBelow,
  mul,
  mulN,
  one,
  primeMinusOrder,
  square,
  storeBytes,
  toMontgomery,
} from '../build/p256/field'
import { clear, copy, enterN, invertN, leaveN, leaveP, zeroMask } from './field'
import { loadHash, loadPoint, loadScalar, prepareRows, rows } from './p256'
import { addComplete, addMixed, double } from './point'
import { oddMultiples, unpack } from './table'

const table: usize = memory.data(640, 16)
const peer: usize = memory.data(160, 16)
const sum: usize = memory.data(240, 16)
const term: usize = memory.data(240, 16)
const sInverse: usize = memory.data(80, 16)
const check: usize = memory.data(80, 16)
const left: usize = memory.data(80, 16)
const r: usize = memory.data(80, 16)
const u1: usize = memory.data(80, 16)
const u2: usize = memory.data(80, 16)
const bytes: usize = memory.data(32, 16)
const digitsG: usize = memory.data(272, 16)
const digitsQ: usize = memory.data(272, 16)

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

/** 1 when sum.x / z (z: element) is r or r + n as a field element; r: canonical limbs. */
function sameX(z: usize): bool {
  mul(check, r, toMontgomery)
  mul(check, check, z)
  combine(check, check, 1, sum, -1)
  leaveP(check)
  if (zeroMask(check) !== 0) return true
  // r + n is a field element too when it is below p
  if (isBelow(r, primeMinusOrder) === 0) return false
  add(left, r, groupOrder)
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
  let ok = (loadScalar(r, signature) & loadScalar(u2, signature + 32)) === 1 && loadPoint(peer, pk)
  if (ok) {
    enterN(u2)
    invertN(sInverse, u2)
    loadHash(u1, hash)
    mulN(u1, u1, sInverse)
    leaveN(u1)
    copy(u2, r)
    enterN(u2)
    mulN(u2, u2, sInverse)
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
  return ok ? 1 : 0
}

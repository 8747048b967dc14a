/**
 * Ed25519 verification, one rule: A and R canonical, A not of small order, S < L, and [8][S]B = [8]R + [8][k]A (RFC 8032 §5.1.7).
 * Everything here is public: variable time.
 */
import { IDENTITY } from './constants.generated'
import { decompress, smallOrder } from './decompress'
import { oddMultiples, prepareTables } from './edwards'
import { copy, fromLane, isZero } from './field'
import { feMul, feSub, feToBytes } from './field.generated'
import { invert } from './invert'
import { B_DIGITS, BASE_ODD, CHALLENGE, D0, DIGEST, ENCODING, V_A, V_DIGITS, V_R, V_SUM, V_T, V_TABLE } from './memory'
import { belowOrder, reduceWide } from './order'
import { p4Add, p4Cache, p4Double } from './point'
import { hashFinal, hashInit, hashUpdate } from './sha512'

/** Pieces of 32 bits of a scalar; a piece has 32 digits, and one more for a carry. */
const PIECES: usize = 8
const PIECE_LENGTH: usize = 33

/** CHALLENGE = SHA-512(R || A || M) mod L (RFC 8032 §5.1.7 step 2). */
export function challenge(pk: usize, signature: usize, message: usize, length: usize): void {
  hashInit()
  hashUpdate(signature, 32)
  hashUpdate(pk, 32)
  hashUpdate(message, length)
  hashFinal(DIGEST)
  reduceWide(CHALLENGE, DIGEST)
}

/** Bits position .. position + 31 of a 256-bit value, zeros above it. */
export function bitsFrom(scalar: usize, position: usize): u32 {
  const word: usize = position >> 5
  if (word > 7) return 0
  const low: u64 = load<u32>(scalar + word * 4)
  const high: u64 = word < 7 ? load<u32>(scalar + word * 4 + 4) : 0
  return <u32>((low | (high << 32)) >> (position & 31))
}

/**
 * Sliding signed window digits: `length` x i8 at `out`, odd or zero, |digit| < 2^(width - 1), negated on demand. The scalar is below
 * 2^254 for a length of 256, and below 2^(length - width) for another.
 */
export function slide(out: usize, scalar: usize, width: usize, negate: bool, length: usize): void {
  memory.fill(out, 0, length)
  let carry: u32 = 0
  for (let i: usize = 0; i < length; ) {
    const bits: u32 = bitsFrom(scalar, i)
    if (((bits + carry) & 1) === 0) {
      i++
      continue
    }
    let digit: i32 = <i32>((bits & ((1 << (<u32>width)) - 1)) + carry)
    carry = <u32>(digit >> <i32>(width - 1))
    digit -= <i32>(carry << (<u32>width))
    store<i8>(out + i, negate ? -digit : digit)
    i += width
  }
}

/** The digits of each 32 bits apart, 256 bytes from each other. */
function slidePieces(out: usize, scalar: usize, width: usize, negate: bool): void {
  const window: i64 = (<i64>1) << width
  for (let i: usize = 0; i < PIECES; i++, out += 256) {
    memory.fill(out, 0, PIECE_LENGTH)
    let rest: i64 = load<u32>(scalar + 4 * i)
    for (let at: usize = out; rest !== 0; ) {
      const zeros: i64 = ctz(rest)
      at += <usize>zeros
      rest >>= zeros
      let digit: i64 = rest & (window - 1)
      if (digit >= window >> 1) digit -= window
      rest -= digit
      store<i8>(at, negate ? -digit : digit)
    }
  }
}

/**
 * V_SUM = sum of `count` tables (8 odd multiples each) by their digits, plus B_DIGITS times the base point, plus, for `bases` = 8, the next
 * digits times 2^32, 2^64, .. 2^224 the base point. Digits are 256 bytes apart; `length` of them count.
 */
export function multiply(count: usize, tables: usize, digits: usize, bases: usize, length: usize): void {
  prepareTables()
  copy<v128>(V_SUM, IDENTITY)
  let doubles: i32 = 0
  let started: bool = false
  for (let t: usize = length - 1; ; t--) {
    for (let i: usize = 0; i < count + bases; i++) {
      const base: usize = i - count
      const digit: i32 = i < count ? load<i8>(digits + i * 256 + t) : load<i8>(B_DIGITS + base * 256 + t)
      if (digit === 0) continue
      if (started && doubles > 0) p4Double(V_SUM, V_SUM, doubles)
      started = true
      doubles = 0
      const table: usize = i < count ? tables + i * 1280 : BASE_ODD + base * 10240
      p4Add(V_SUM, V_SUM, table + <usize>(abs<i32>(digit) >> 1) * 160, digit >> 31)
    }
    if (t === 0) break
    doubles++
  }
  if (doubles > 0) p4Double(V_SUM, V_SUM, doubles)
}

/** Whether [8]V_SUM is the neutral element. */
export function cofactoredIdentity(): bool {
  p4Double(V_SUM, V_SUM, 3)
  fromLane(D0, V_SUM, 0)
  if (!isZero(D0)) return false
  fromLane(D0, V_SUM, 1)
  fromLane(V_T, V_SUM, 2)
  feSub(D0, D0, V_T)
  return isZero(D0) === 1
}

/**
 * Whether V_SUM = [S]B - [k]A is the point R of 32 bytes but for a point of small order. A valid signature made as it should be is told by
 * the encoding of V_SUM, which costs less than to decode R.
 */
function isNonce(encoded: usize): i32 {
  fromLane(D0, V_SUM, 2)
  invert(D0, D0)
  fromLane(V_T, V_SUM, 0)
  feMul(V_T, V_T, D0)
  feToBytes(ENCODING, V_T)
  const sign: u8 = load<u8>(ENCODING) << 7
  fromLane(V_T, V_SUM, 1)
  feMul(V_T, V_T, D0)
  feToBytes(ENCODING, V_T)
  store<u8>(ENCODING, load<u8>(ENCODING, 31) | sign, 31)
  if (memory.compare(ENCODING, encoded, 32) === 0) return 1
  if (!decompress<u64>(encoded, 32, 1, V_R)) return 0
  p4Cache(V_R, V_R)
  p4Add(V_SUM, V_SUM, V_R, -1)
  return cofactoredIdentity() ? 1 : 0
}

/** 1 when `signature` (64 bytes) by `pk` (32 bytes) over `length` bytes is valid, else 0. */
export function ed25519Verify(pk: usize, signature: usize, message: usize, length: usize): i32 {
  challenge(pk, signature, message, length)
  return verifyChallenge(pk, signature)
}

/** `ed25519Verify` where the 64 bytes of `digest` are SHA-512(R || pk || message). */
export function ed25519VerifyHashed(pk: usize, signature: usize, digest: usize): i32 {
  reduceWide(CHALLENGE, digest)
  return verifyChallenge(pk, signature)
}

function verifyChallenge(pk: usize, signature: usize): i32 {
  if (!belowOrder(signature + 32) || !decompress<u64>(pk, 32, 1, V_A) || smallOrder(pk)) return 0
  oddMultiples(V_TABLE, 8, V_A)
  slide(V_DIGITS, CHALLENGE, 5, true, 256)
  slide(B_DIGITS, signature + 32, 8, false, 256)
  multiply(1, V_TABLE, V_DIGITS, 1, 256)
  return isNonce(signature)
}

/** 1 when `pk` is acceptable as a key: a canonical encoding of a point that is not of small order, else 0. */
export function ed25519IsKey(pk: usize): i32 {
  return decompress<u64>(pk, 32, 1, V_A) && !smallOrder(pk) ? 1 : 0
}

/**
 * Prepares a public key for several verifications: odd multiples of A, 2^32 A, .. 2^224 A, then the key itself; 10272 bytes at
 * `out`, aligned to 16. Returns 0 when the key is not acceptable (then no signature by it is), else 1.
 */
export function ed25519VerifyKeyExpand(out: usize, pk: usize): i32 {
  if (!ed25519IsKey(pk)) return 0
  for (let i: usize = 0; ; ) {
    oddMultiples(out + i * 1280, 8, V_A)
    if (++i === PIECES) break
    p4Double(V_A, V_A, 32)
  }
  memory.copy(out + PIECES * 1280, pk, 32)
  return 1
}

/** `ed25519Verify` with an expanded key: an eighth of the doublings, one decompression less. */
export function ed25519VerifyExpanded(key: usize, signature: usize, message: usize, length: usize): i32 {
  challenge(key + PIECES * 1280, signature, message, length)
  return verifyExpandedChallenge(key, signature)
}

/** `ed25519VerifyHashed` with an expanded key. */
export function ed25519VerifyExpandedHashed(key: usize, signature: usize, digest: usize): i32 {
  reduceWide(CHALLENGE, digest)
  return verifyExpandedChallenge(key, signature)
}

function verifyExpandedChallenge(key: usize, signature: usize): i32 {
  if (!belowOrder(signature + 32)) return 0
  slidePieces(V_DIGITS, CHALLENGE, 5, true)
  slidePieces(B_DIGITS, signature + 32, 8, false)
  multiply(PIECES, key, V_DIGITS, PIECES, PIECE_LENGTH)
  return isNonce(signature)
}

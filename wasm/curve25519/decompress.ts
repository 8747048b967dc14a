/** Point decoding (RFC 8032 §5.1.3) on one element or four lanes. Public data only: variable time. */
import { F4_D, F4_ONE, F4_ROOT, FE_D, FE_ONE, FE_ROOT, SMALL_ORDER_Y } from './constants.generated'
import { addSub, copy, fromLane, isZero, mul, powRoot, sqTimes } from './field'
import { f4SetLane, feFromBytes, feSub, feToBytes } from './field.generated'
import { D0, ENCODING } from './memory'

const Y: usize = D0
const U: usize = D0 + 160
const V: usize = D0 + 320
const A: usize = D0 + 480
const B: usize = D0 + 640
const X: usize = D0 + 800
const X_OTHER: usize = D0 + 960
const PLUS: usize = D0 + 1120
const MINUS: usize = D0 + 1280
const T: usize = D0 + 1440
const ELEMENT: usize = D0 + 1600

/** Both candidates for x with u = y^2 - 1, v = d y^2 + 1: X = u v^3 (u v^7)^((p-5)/8), X sqrt(-1); and u + v X^2, u - v X^2. */
function candidates<K>(): void {
  const one: usize = isVector<K>() ? F4_ONE : FE_ONE
  sqTimes<K>(U, Y, 1)
  mul<K>(V, U, isVector<K>() ? F4_D : FE_D)
  addSub<K>(T, U, U, one)
  addSub<K>(V, T, V, one)
  sqTimes<K>(A, V, 1)
  mul<K>(A, A, V)
  sqTimes<K>(B, A, 1)
  mul<K>(B, B, V)
  mul<K>(B, B, U)
  powRoot<K>(X, B)
  mul<K>(X, X, A)
  mul<K>(X, X, U)
  sqTimes<K>(T, X, 1)
  mul<K>(T, T, V)
  mul<K>(X_OTHER, X, isVector<K>() ? F4_ROOT : FE_ROOT)
  addSub<K>(PLUS, MINUS, U, T)
}

function toLane(to: usize, element: usize): void {
  feToBytes(ENCODING, element)
  f4SetLane(to, ENCODING)
}

function getLane<K>(from: usize, lane: usize): void {
  if (isVector<K>()) fromLane(ELEMENT, from, lane)
  else copy<u64>(ELEMENT, from)
}

/** y below p. */
function canonical(bytes: usize): bool {
  const ones: u64 = u64.MAX_VALUE
  if (load<u64>(bytes, 24) << 1 !== ones << 1 || load<u64>(bytes, 16) !== ones || load<u64>(bytes, 8) !== ones)
    return true
  return load<u64>(bytes) < ones - 18
}

/** Whether a canonical encoding is one of the eight points of order 1, 2, 4 or 8. */
export function smallOrder(bytes: usize): bool {
  for (let i: usize = 0; i < 5; i++) {
    const y: usize = SMALL_ORDER_Y + i * 32
    const difference: u64 =
      (load<u64>(bytes) ^ load<u64>(y)) |
      (load<u64>(bytes, 8) ^ load<u64>(y, 8)) |
      (load<u64>(bytes, 16) ^ load<u64>(y, 16)) |
      ((load<u64>(bytes, 24) ^ load<u64>(y, 24)) << 1)
    if (difference === 0) return true
  }
  return false
}

/** Picks x of one lane by the equation and the sign bit and writes (x, y, 1, x y) to `out`, but for T; false when there is none. */
function choose<K>(bytes: usize, lane: usize): bool {
  const sign: u64 = <u64>(load<u8>(bytes, 31) >> 7)
  getLane<K>(MINUS, lane)
  let from: usize = X
  if (!isZero(ELEMENT)) {
    getLane<K>(PLUS, lane)
    if (!isZero(ELEMENT)) return false
    from = X_OTHER
  }
  getLane<K>(from, lane)
  const zero: u64 = isZero(ELEMENT)
  const negate: bool = (load<u64>(ENCODING) & 1) !== sign
  if (negate && zero) return false
  if (isVector<K>()) {
    for (let i: usize = lane * 4; i < 160; i += 16) {
      const pair: u32 = load<u32>(from + i)
      const opposite: u32 = ((0 - pair) & 0xffff) | ((0 - (pair >> 16)) << 16)
      store<u32>(X + i, negate ? opposite : pair)
    }
  } else if (negate) {
    memory.fill(U, 0, 80)
    feSub(X, U, ELEMENT)
  } else copy<u64>(X, ELEMENT)
  return true
}

/**
 * Decodes `count` points (at most 4 for K = v128, 1 for u64) at bytes + i * stride into extended points at out + i * 160. False when any
 * is not a canonical encoding of a point of the curve. All coordinates are reduced.
 */
export function decompress<K>(bytes: usize, stride: usize, count: usize, out: usize): bool {
  for (let lane: usize = 0; lane < (isVector<K>() ? 4 : 1); lane++) {
    const at: usize = lane < count ? bytes + lane * stride : bytes
    if (!canonical(at)) return false
    if (isVector<K>()) f4SetLane(Y + lane * 4, at)
    else feFromBytes(Y, at)
  }
  candidates<K>()
  for (let lane: usize = 0; lane < count; lane++) if (!choose<K>(bytes + lane * stride, lane)) return false
  mul<K>(T, X, Y)
  for (let lane: usize = 0; lane < count; lane++) {
    const point: usize = out + lane * 160
    if (isVector<K>()) {
      for (let i: usize = 0; i < 160; i += 16) {
        const limbs: usize = i + lane * 4
        store<u32>(point + i, load<u32>(X + limbs))
        store<u32>(point + i, load<u32>(Y + limbs), 4)
        store<u32>(point + i, load<u32>(T + limbs), 12)
      }
    } else {
      toLane(point, X)
      f4SetLane(point + 4, bytes)
      toLane(point + 12, T)
    }
    for (let i: usize = 0; i < 160; i += 16) store<u32>(point + i, i === 0 ? 1 : 0, 8)
  }
  return true
}

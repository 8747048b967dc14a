/**
 * The Edwards curve in lanes: points are (X, Y, Z, T), cached operands (Y - X, Y + X, 2Z, 2dT). Fixed-base multiplication is branch-free
 * and scans whole table rows; the tables themselves are public and built at first use.
 */
import { BASE_POINT, CACHED_IDENTITY, IDENTITY } from './constants.generated'
import { copy } from './field'
import { BASE_ODD, BASE_TABLE, DIGITS, ENTRY, POINT, V_SUM, V_T } from './memory'
import { p4Add, p4Cache, p4Double } from './point'

const ROW: usize = 8 * 160

let ready: bool = false

/** Fills the constant-time table (row i: j * 256^i * B, j = 1..8) and the odd multiples of B, 2^32 B, .. 2^224 B once. Variable time on public data. */
export function prepareTables(): void {
  if (ready) return
  copy<v128>(V_T, BASE_POINT)
  for (let row: usize = BASE_TABLE; row < BASE_TABLE + 32 * ROW; row += ROW) {
    const done: usize = row - BASE_TABLE
    if (done % (4 * ROW) === 0) oddMultiples(BASE_ODD + 2 * done, 64, V_T)
    multiples(row, 8, V_T, row)
    p4Double(V_T, V_T, 8)
  }
  ready = true
}

/** Cached p, p + q, p + 2q, ... where `cached` (maybe the first output) holds q. */
function multiples(table: usize, count: usize, p: usize, cached: usize): void {
  copy<v128>(V_SUM, p)
  for (let i: usize = 0; ; ) {
    p4Cache(table + i * 160, V_SUM)
    if (++i === count) return
    p4Add(V_SUM, V_SUM, cached, 0)
  }
}

/** Cached 1p, 3p, 5p, ... */
export function oddMultiples(table: usize, count: usize, p: usize): void {
  p4Double(ENTRY, p, 1)
  p4Cache(ENTRY, ENTRY)
  multiples(table, count, p, ENTRY)
}

/** Signed radix-16 digits -8..8 of a 256-bit scalar below 2^255 into DIGITS. */
function recode(scalar: usize): void {
  let carry: i32 = 0
  for (let i: usize = 0; i < 64; i++) {
    const nibble: i32 = (<i32>load<u8>(scalar + (i >> 1)) >> ((<i32>(i & 1)) << 2)) & 15
    const digit: i32 = nibble + carry
    // The last digit keeps its value (at most 8), so no carry leaves it.
    carry = i === 63 ? 0 : (digit + 8) >> 4
    store<i8>(DIGITS + i, digit - (carry << 4))
  }
}

/** ENTRY = |digit| times the row's point, by a masked scan of all eight entries. */
function select(row: usize, digit: i32): void {
  const sign: i32 = digit >> 31
  const magnitude: v128 = i32x4.splat((digit ^ sign) - sign)
  const m0: v128 = i32x4.eq(magnitude, i32x4.splat(0))
  const m1: v128 = i32x4.eq(magnitude, i32x4.splat(1))
  const m2: v128 = i32x4.eq(magnitude, i32x4.splat(2))
  const m3: v128 = i32x4.eq(magnitude, i32x4.splat(3))
  const m4: v128 = i32x4.eq(magnitude, i32x4.splat(4))
  const m5: v128 = i32x4.eq(magnitude, i32x4.splat(5))
  const m6: v128 = i32x4.eq(magnitude, i32x4.splat(6))
  const m7: v128 = i32x4.eq(magnitude, i32x4.splat(7))
  const m8: v128 = i32x4.eq(magnitude, i32x4.splat(8))
  for (let i: usize = 0; i < 160; i += 16) {
    const at: usize = row + i
    const a: v128 = v128.or(v128.and(m0, load<v128>(CACHED_IDENTITY + i)), v128.and(m1, load<v128>(at)))
    const b: v128 = v128.or(v128.and(m2, load<v128>(at, 160)), v128.and(m3, load<v128>(at, 320)))
    const c: v128 = v128.or(v128.and(m4, load<v128>(at, 480)), v128.and(m5, load<v128>(at, 640)))
    const d: v128 = v128.or(v128.and(m6, load<v128>(at, 800)), v128.and(m7, load<v128>(at, 960)))
    const e: v128 = v128.or(v128.or(v128.or(a, b), v128.or(c, d)), v128.and(m8, load<v128>(at, 1120)))
    store<v128>(ENTRY + i, e)
  }
}

/** POINT = scalar * B for a secret 32-byte scalar below 2^255. */
export function fixedBase(scalar: usize): void {
  prepareTables()
  recode(scalar)
  copy<v128>(POINT, IDENTITY)
  for (let half: usize = 1; ; half--) {
    for (let i: usize = 0; i < 32; i++) {
      const digit: i32 = load<i8>(DIGITS + 2 * i + half)
      select(BASE_TABLE + i * ROW, digit)
      p4Add(POINT, POINT, ENTRY, digit >> 31)
    }
    if (half === 0) return
    p4Double(POINT, POINT, 4)
  }
}

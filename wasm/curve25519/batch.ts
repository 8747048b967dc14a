/**
 * Batch verification under the rule of `verify.ts`: each item is checked alone for canonical A, R, S and the order of A, and one equation
 * [8](sum z_i R_i + sum (z_i k_i) A_i - (sum z_i s_i) B) = 0 with random 128-bit z_i decides for all. Public data only: variable time.
 */
import { BASE_POINT, IDENTITY } from './constants.generated'
import { decompress, smallOrder } from './decompress'
import { oddMultiples, prepareTables } from './edwards'
import { copy } from './field'
import { B_DIGITS, BATCH_POINTS, BATCH_SCALAR, BATCH_SUM, BATCH_Z, CHALLENGE, V_R, V_SUM, V_T, V_U } from './memory'
import { belowOrder, mulAdd } from './order'
import { p4Add, p4Cache, p4Double } from './point'
import { bitsFrom, challenge, cofactoredIdentity, multiply, slide } from './verify'

/** Below this count interleaved sliding windows cost less than buckets. */
const STRAUS_LIMIT: usize = 80

/** Bits of a bucket window for n signatures. */
function windowBits(n: usize): usize {
  return n < 128 ? 5 : n < 384 ? 6 : n < 2048 ? 7 : 8
}

function windowsFor(bits: usize, window: usize): usize {
  return (bits + window - 1) / window
}

/** Bytes of scratch that `ed25519VerifyBatch` needs for n items. */
export function ed25519VerifyBatchScratch(n: usize): usize {
  if (n <= STRAUS_LIMIT) return 2 * n * (1280 + 256)
  const window: usize = windowBits(n)
  return (2 * n + 1) * (320 + 2 * windowsFor(254, window)) + ((<usize>1) << (window - 1)) * 161 + 16
}

/** Signed digits of `window` bits, digit w of the scalar at out + w * stride (i16). */
function recode(out: usize, stride: usize, scalar: usize, window: usize, windows: usize, negate: bool): void {
  let carry: i32 = 0
  for (let w: usize = 0; w < windows; w++) {
    let digit: i32 = <i32>(bitsFrom(scalar, w * window) & (((<u32>1) << (<u32>window)) - 1)) + carry
    carry = (digit + (1 << (<i32>(window - 1)))) >> <i32>window
    digit -= carry << (<i32>window)
    store<i16>(out + w * stride, negate ? -digit : digit)
  }
}

/** Adds sum over b of (b + 1) * bucket[b] to V_SUM; `filled` says which buckets hold a point. */
function addBuckets(buckets: usize, filled: usize, count: usize): void {
  const running: usize = V_R
  let started: bool = false
  for (let b: usize = count - 1; ; b--) {
    if (load<u8>(filled + b)) {
      if (started) {
        p4Cache(V_U, buckets + b * 160)
        p4Add(running, running, V_U, 0)
      } else copy<v128>(running, buckets + b * 160)
      started = true
      p4Cache(V_T, running)
    }
    if (started) p4Add(V_SUM, V_SUM, V_T, 0)
    if (b === 0) return
  }
}

/** V_SUM = sum of all points (extended, cached: 320 bytes each) by their digits; points from `long` on have only `shortWindows` digits. */
function pippenger(
  points: usize,
  count: usize,
  long: usize,
  digits: usize,
  window: usize,
  shortWindows: usize,
  buckets: usize,
): void {
  const bucketCount: usize = (<usize>1) << (window - 1)
  const filled: usize = buckets + bucketCount * 160
  copy<v128>(V_SUM, IDENTITY)
  for (let w: usize = windowsFor(254, window) - 1; ; w--) {
    p4Double(V_SUM, V_SUM, <i32>window)
    memory.fill(filled, 0, bucketCount)
    const active: usize = w < shortWindows ? count : long
    for (let i: usize = 0; i < active; i++) {
      const digit: i32 = load<i16>(digits + (w * count + i) * 2)
      if (digit === 0) continue
      const b: usize = <usize>abs<i32>(digit) - 1
      const bucket: usize = buckets + b * 160
      const point: usize = points + i * 320
      if (load<u8>(filled + b)) p4Add(bucket, bucket, point + 160, digit >> 31)
      else {
        // The first point of a bucket: neutral element plus or minus it.
        store<u8>(filled + b, 1)
        if (digit > 0) copy<v128>(bucket, point)
        else p4Add(bucket, IDENTITY, point + 160, -1)
      }
    }
    addBuckets(buckets, filled, bucketCount)
    if (w === 0) return
  }
}

/** Whether key i is that of the item before: a KeyPackage and its leaf are signed with one. */
function repeats(pks: usize, i: usize): bool {
  return i > 0 && memory.compare(pks + i * 32, pks + i * 32 - 32, 32) === 0
}

/**
 * 1 when all n signatures are valid, else 0. Public keys (32 bytes each), signatures (64) and z (16, random, secret from whoever made the signatures; one of them may be 1) are back to back;
 * message i is at messages + offsets[i] up to offsets[i + 1] (u32, n + 1 of them). `scratch` is aligned to 16 and holds ed25519VerifyBatchScratch(n) bytes.
 */
export function ed25519VerifyBatch(
  n: usize,
  pks: usize,
  signatures: usize,
  messages: usize,
  offsets: usize,
  z: usize,
  scratch: usize,
): i32 {
  for (let i: usize = 0; i < n; i++) if (!belowOrder(signatures + i * 64 + 32) || smallOrder(pks + i * 32)) return 0
  prepareTables()
  const straus: bool = n <= STRAUS_LIMIT
  const window: usize = windowBits(n)
  const unit: usize = straus ? 1280 : 320
  const shortWindows: usize = windowsFor(130, window)
  const digits: usize = scratch + (straus ? 2 * n * 1280 : (2 * n + 1) * 320)
  // The keys, neighbours that are equal once, then the R of the signatures; they are gathered where the digits will be.
  let keys: usize = 0
  for (let i: usize = 0; i < n; i++) if (!repeats(pks, i)) memory.copy(digits + keys++ * 32, pks + i * 32, 32)
  for (let i: usize = 0; i < n; i++) memory.copy(digits + (keys + i) * 32, signatures + i * 64, 32)
  // Buckets have the base point between them.
  const gap: usize = straus ? 0 : 1
  const count: usize = keys + n + gap
  for (let i: usize = 0; i < keys + n; i += 4) {
    const group: usize = min<usize>(4, keys + n - i)
    if (!decompress<v128>(digits + i * 32, 32, group, BATCH_POINTS)) return 0
    for (let lane: usize = 0; lane < group; lane++) {
      const point: usize = BATCH_POINTS + lane * 160
      const to: usize = scratch + (i + lane < keys ? i + lane : i + lane + gap) * unit
      if (straus) oddMultiples(to, 8, point)
      else {
        copy<v128>(to, point)
        p4Cache(to + 160, point)
      }
    }
  }
  memory.fill(BATCH_SUM, 0, 32)
  memory.fill(BATCH_Z + 16, 0, 16)
  for (let i: usize = 0, next: usize = 0; i < n; i++) {
    const signature: usize = signatures + i * 64
    const from: usize = load<u32>(offsets + i * 4)
    challenge(pks + i * 32, signature, messages + from, load<u32>(offsets + i * 4, 4) - from)
    memory.copy(BATCH_Z, z + i * 16, 16)
    mulAdd(BATCH_SUM, BATCH_Z, signature + 32, BATCH_SUM)
    if (!repeats(pks, i)) {
      memory.fill(BATCH_SCALAR, 0, 32)
      next++
    }
    mulAdd(BATCH_SCALAR, BATCH_Z, CHALLENGE, BATCH_SCALAR)
    // of equal keys the last scalar is that of all
    const key: usize = next - 1
    const nonce: usize = keys + gap + i
    if (straus) {
      slide(digits + key * 256, BATCH_SCALAR, 5, false, 256)
      slide(digits + nonce * 256, BATCH_Z, 5, false, 256)
    } else {
      recode(digits + key * 2, count * 2, BATCH_SCALAR, window, windowsFor(254, window), false)
      recode(digits + nonce * 2, count * 2, BATCH_Z, window, shortWindows, false)
    }
  }
  if (straus) {
    slide(B_DIGITS, BATCH_SUM, 8, true, 256)
    multiply(count, scratch, digits, 1, 256)
  } else {
    const base: usize = scratch + keys * 320
    copy<v128>(base, BASE_POINT)
    p4Cache(base + 160, BASE_POINT)
    recode(digits + keys * 2, count * 2, BATCH_SUM, window, windowsFor(254, window), true)
    const buckets: usize = (digits + count * 2 * windowsFor(254, window) + 15) & ~15
    pippenger(scratch, count, keys + 1, digits, window, shortWindows, buckets)
  }
  return cofactoredIdentity() ? 1 : 0
}

// Points of P-256. Three forms: affine (x, y), Jacobian (x = X / Z^2, y = Y / Z^3), projective (x = X / Z, y = Y / Z).
// A point is 2 or 3 elements of 80 bytes. Nothing here branches on data.
import { add, combine, curveB, mul, square, sub } from '../build/p256/field'
import { clear } from './field'

const scratchSize: usize = 640
const scratch: usize = memory.data(640, 16)
const t0: usize = scratch
const t1: usize = scratch + 80
const t2: usize = scratch + 160
const t3: usize = scratch + 240
const t4: usize = scratch + 320
const t5: usize = scratch + 400
const t6: usize = scratch + 480
const t7: usize = scratch + 560

/**
 * Jacobian doubling in place for a = -3. Right for every point of the curve: the group has odd order, so 2P is the identity only
 * for the identity, and Z = 0 gives Z = 0.
 */
export function double(p: usize): void {
  const x: usize = p
  const y: usize = p + 80
  const z: usize = p + 160
  square(t0, z) // delta
  square(t1, y) // gamma
  add(t2, t1, t1)
  mul(t2, t2, x) // 2 x y^2
  add(t3, x, t0)
  sub(t4, x, t0)
  mul(t3, t3, t4)
  combine(t3, t3, 3, t3, 0) // alpha = 3 (x - delta) (x + delta)
  add(t4, y, y)
  mul(z, t4, z)
  square(t4, t3)
  combine(x, t4, 1, t2, -4) // alpha^2 - 8 x y^2
  add(t2, t2, t2)
  sub(t2, t2, x)
  mul(t2, t2, t3)
  square(t1, t1)
  combine(y, t2, 1, t1, -8) // alpha (4 x y^2 - x3) - 8 y^4
}

/**
 * Jacobian p = p + q with q affine. Wrong (Z = 0) when p = q or p = -q, and when p is the identity Z stays 0: callers show that
 * this cannot happen, or look for Z = 0 at the end.
 */
export function addMixed(p: usize, q: usize): void {
  const x: usize = p
  const y: usize = p + 80
  const z: usize = p + 160
  square(t0, z)
  mul(t1, q, t0)
  sub(t1, t1, x) // h
  mul(t0, t0, z)
  mul(t2, q + 80, t0)
  sub(t2, t2, y) // r
  mul(z, z, t1)
  square(t3, t1) // h^2
  mul(t1, t1, t3) // h^3
  mul(t3, t3, x) // v = x h^2
  square(t4, t2)
  sub(t4, t4, t1)
  combine(x, t4, 1, t3, -2)
  sub(t3, t3, x)
  mul(t3, t3, t2)
  mul(t1, t1, y)
  combine(y, t3, 1, t1, -1)
}

/**
 * Projective p = p + q, right for all pairs of points (the addition law of Bosma and Lenstra, complete on curves of odd order;
 * Renes, Costello, Batina 2016). With a = -3 and
 *   G = 3 (E - b C), N = 3 (b E - A - 3 C), Q = 3 (A - C),
 *   A = x1 x2, B = y1 y2, C = z1 z2, D = x1 y2 + x2 y1, E = x1 z2 + x2 z1, F = y1 z2 + y2 z1:
 *   x3 = D (B + G) - F N, y3 = Q N + (B - G) (B + G), z3 = F (B - G) + D Q.
 */
export function addComplete(p: usize, q: usize): void {
  const y1: usize = p + 80
  const z1: usize = p + 160
  const y2: usize = q + 80
  const z2: usize = q + 160
  mul(t0, p, q) // A
  mul(t1, y1, y2) // B
  mul(t2, z1, z2) // C
  add(t3, p, y1)
  combine(t4, q, 1, y2, 1)
  mul(t3, t3, t4)
  sub(t3, t3, t0)
  combine(t3, t3, 1, t1, -1) // D
  add(t4, p, z1)
  combine(t5, q, 1, z2, 1)
  mul(t4, t4, t5)
  sub(t4, t4, t0)
  combine(t4, t4, 1, t2, -1) // E
  add(t5, y1, z1)
  combine(t6, y2, 1, z2, 1)
  mul(t5, t5, t6)
  sub(t5, t5, t1)
  combine(t5, t5, 1, t2, -1) // F
  mul(t6, t2, curveB)
  combine(t6, t4, 3, t6, -3) // G
  mul(t4, t4, curveB)
  combine(t7, t0, 1, t2, 3)
  combine(t4, t4, 3, t7, -3) // N
  combine(t0, t0, 3, t2, -3) // Q
  combine(t2, t1, 1, t6, -1) // B - G
  combine(t1, t1, 1, t6, 1) // B + G
  mul(t6, t3, t1)
  mul(t7, t5, t4)
  combine(p, t6, 1, t7, -1)
  mul(t6, t0, t4)
  mul(t7, t1, t2)
  combine(y1, t6, 1, t7, 1)
  mul(t6, t5, t2)
  mul(t7, t3, t0)
  combine(z1, t6, 1, t7, 1)
}

/** Jacobian to projective, in place. */
export function toProjective(p: usize): void {
  mul(p, p, p + 160)
  square(t0, p + 160)
  mul(p + 160, t0, p + 160)
}

/** Clears what the functions above left. */
export function wipePoint(): void {
  clear(scratch, scratchSize)
}

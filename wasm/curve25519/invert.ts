/**
 * Inversion modulo p by division steps (Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", with steps that
 * start from one half): 590 of them reach the end for every number below 2^256. Branch-free but for counters.
 *
 * f and g become gcd and zero, while d and e keep f = d z and g = e z modulo p. Thirty steps at a time look at the lowest bits alone
 * and give a matrix ((u, v), (q, r)) times 2^-30, which is then applied to the whole numbers: nine signed limbs of 30 bits.
 */
import { INVERSE_30 } from './constants.generated'
import { feFromBytes, feToBytes } from './field.generated'
import { CHAIN, ENCODING } from './memory'

/** Limb i of f, g, d and e is at 32 i from here. */
const F: usize = CHAIN
const G: usize = CHAIN + 8
const D: usize = CHAIN + 16
const E: usize = CHAIN + 24
const TOP: usize = 8 * 32
const MASK: i64 = (1 << 30) - 1
/** p is the sum of these at limbs 0 and 8. */
const P_LOW: i64 = -19
const P_TOP: i64 = 1 << 15

const ROUNDS: i32 = 20

/** Adds p when d is negative. */
function addModulus(): void {
  const negative: i64 = load<i64>(D + TOP) >> 63
  store<i64>(D, load<i64>(D) + (P_LOW & negative))
  store<i64>(D + TOP, load<i64>(D + TOP) + (P_TOP & negative))
}

function carry(): void {
  let c: i64 = 0
  for (let i: usize = D; i < D + TOP; i += 32) {
    c += load<i64>(i)
    store<i64>(i, c & MASK)
    c >>= 30
  }
  store<i64>(D + TOP, load<i64>(D + TOP) + c)
}

/** r = 1 / z, and 0 for z = 0. */
export function invert(to: usize, z: usize): void {
  feToBytes(ENCODING, z)
  memory.fill(CHAIN, 0, 9 * 32)
  store<i64>(F, P_LOW)
  store<i64>(F + TOP, P_TOP)
  store<i64>(E, 1)
  for (let i: usize = 0; i < 8; i++)
    store<i64>(G + 32 * i, (load<i64>(ENCODING + ((30 * i) >> 3)) >> (<i64>(30 * i) & 7)) & MASK)
  store<i64>(G + TOP, <i64>load<u16>(ENCODING, 30))

  let zeta: i64 = -1
  for (let round = 0; round < ROUNDS; round++) {
    let f: i64 = load<i64>(F)
    let g: i64 = load<i64>(G)
    // u + 2^32 v and q + 2^32 r
    let uv: i64 = 1
    let qr: i64 = 1 << 32
    for (let i = 0; i < 30; i++) {
      let swap: i64 = zeta >> 63
      const odd: i64 = 0 - (g & 1)
      g += ((f ^ swap) - swap) & odd
      qr += ((uv ^ swap) - swap) & odd
      swap &= odd
      zeta = (zeta ^ swap) - 1
      f += g & swap
      uv += qr & swap
      g >>= 1
      uv <<= 1
    }
    const u: i64 = <i64>(<i32>uv)
    const v: i64 = (uv - u) >> 32
    const q: i64 = <i64>(<i32>qr)
    const r: i64 = (qr - q) >> 32

    // multiples of p that make the lowest limbs of d and e zero, and keep both between -2p and p
    const dSign: i64 = load<i64>(D + TOP) >> 63
    const eSign: i64 = load<i64>(E + TOP) >> 63
    let dp: i64 = (u & dSign) + (v & eSign)
    let ep: i64 = (q & dSign) + (r & eSign)
    let cf: i64 = 0
    let cg: i64 = 0
    let cd: i64 = 0
    let ce: i64 = 0
    for (let i: usize = 0; i <= TOP; i += 32) {
      const fi: i64 = load<i64>(F + i)
      const gi: i64 = load<i64>(G + i)
      const di: i64 = load<i64>(D + i)
      const ei: i64 = load<i64>(E + i)
      cf += u * fi + v * gi
      cg += q * fi + r * gi
      cd += u * di + v * ei
      ce += q * di + r * ei
      if (i === 0) {
        dp -= (INVERSE_30 * cd + dp) & MASK
        ep -= (INVERSE_30 * ce + ep) & MASK
        cd += P_LOW * dp
        ce += P_LOW * ep
      } else {
        if (i === TOP) {
          cd += P_TOP * dp
          ce += P_TOP * ep
        }
        store<i64>(F + i - 32, cf & MASK)
        store<i64>(G + i - 32, cg & MASK)
        store<i64>(D + i - 32, cd & MASK)
        store<i64>(E + i - 32, ce & MASK)
      }
      cf >>= 30
      cg >>= 30
      cd >>= 30
      ce >>= 30
    }
    store<i64>(F + TOP, cf)
    store<i64>(G + TOP, cg)
    store<i64>(D + TOP, cd)
    store<i64>(E + TOP, ce)
  }

  // f is 1 or -1 now, or p when z is zero; d is between -2p and p
  const sign: i64 = load<i64>(F + TOP) >> 63
  addModulus()
  for (let i: usize = D; i <= D + TOP; i += 32) store<i64>(i, (load<i64>(i) ^ sign) - sign)
  carry()
  addModulus()
  carry()
  for (let word: usize = 0; word < 4; word++) {
    const first: usize = D + 64 * word
    // bits 64 w .. 64 w + 63 begin in limb 2 w, 4 w bits above its end
    const shift: i64 = 4 * <i64>word
    const low: i64 = (load<i64>(first) >> shift) | (load<i64>(first, 32) << (30 - shift))
    store<i64>(ENCODING + 8 * word, low | (load<i64>(first, 64) << (60 - shift)))
  }
  feFromBytes(to, ENCODING)
}

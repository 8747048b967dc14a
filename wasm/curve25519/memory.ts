/**
 * Static memory. SECRET holds every intermediate value of the secret operations and is wiped as a whole when one ends; PUBLIC is for
 * verification; the tables are multiples of the base point, filled at first use. Slots are 160 bytes: one f4, one p4, or one fe.
 */

export const SLOT: usize = 160
/** Elements that share one field inversion in the `Many` operations. */
export const BLOCK: usize = 16

const SECRET_SIZE: usize = 8640
export const SECRET: usize = memory.data(8640, 16)

/** Montgomery ladder and fixed-base working slots. */
export const X1: usize = SECRET
export const X2: usize = SECRET + 1 * 160
export const Z2: usize = SECRET + 2 * 160
export const X3: usize = SECRET + 3 * 160
export const Z3: usize = SECRET + 4 * 160
export const S0: usize = SECRET + 5 * 160
export const S1: usize = SECRET + 6 * 160
export const S2: usize = SECRET + 7 * 160
export const S3: usize = SECRET + 8 * 160
export const S4: usize = SECRET + 9 * 160
export const S5: usize = SECRET + 10 * 160
export const S6: usize = SECRET + 11 * 160
/** Power chain: six slots. */
export const CHAIN: usize = SECRET + 12 * 160
/** Edwards accumulator and selected table entry. */
export const POINT: usize = SECRET + 18 * 160
export const ENTRY: usize = SECRET + 19 * 160
/** Clamped scalars of four lanes, then recoded digits (64 bytes). */
export const SCALARS: usize = SECRET + 20 * 160
export const DIGITS: usize = SCALARS + 128
/** Numerators, denominators, running products and zero masks of one block. */
export const NUMERATORS: usize = DIGITS + 64
export const DENOMINATORS: usize = NUMERATORS + 16 * 80
export const PRODUCTS: usize = DENOMINATORS + 16 * 80
export const ZEROS: usize = PRODUCTS + 16 * 80
/** SHA-512: chaining value (64), block (128), digest (64). */
export const HASH: usize = ZEROS + 16 * 8
export const HASH_BLOCK: usize = HASH + 64
export const DIGEST: usize = HASH_BLOCK + 128
/** Scalars modulo the group order: 3 x 12 limbs, 24 limbs, nonce and challenge. */
export const LIMBS_A: usize = DIGEST + 64
export const LIMBS_B: usize = LIMBS_A + 96
export const LIMBS_C: usize = LIMBS_B + 96
export const LIMBS: usize = LIMBS_C + 96
export const NONCE: usize = LIMBS + 192
export const CHALLENGE: usize = NONCE + 32
export const EXPANDED: usize = CHALLENGE + 32
/** 32 bytes to look at a canonical encoding. */
export const ENCODING: usize = EXPANDED + 96

/** Operands of the products inside the point formulas. */
export const WORK_A: usize = ENCODING + 32
export const WORK_B: usize = WORK_A + 160

/** Clears every intermediate value of secret operations. */
export function wipe(): void {
  memory.fill(SECRET, 0, SECRET_SIZE)
}

/** Constant-time base table: 32 rows (weights 256^i) of the multiples 1..8 in cached form. */
export const BASE_TABLE: usize = memory.data(40960, 16)
/** Odd multiples 1, 3, .. 127 of the base point B, then of 2^32 B, 2^64 B, .. 2^224 B, in cached form, for verification. */
export const BASE_ODD: usize = memory.data(81920, 16)

/** Verification of one signature: decompressed points, a table of 8 odd multiples, digits (public data only). */
export const PUBLIC: usize = memory.data(9376, 16)
export const V_A: usize = PUBLIC
export const V_R: usize = PUBLIC + 1 * 160
export const V_SUM: usize = PUBLIC + 2 * 160
export const V_T: usize = PUBLIC + 3 * 160
export const V_U: usize = PUBLIC + 4 * 160
/** Decompression: twelve slots. */
export const D0: usize = PUBLIC + 5 * 160
export const V_TABLE: usize = PUBLIC + 17 * 160
/** Batch: four decompressed points, the sum of z_i s_i, one z, the sum of the products of one key. */
export const BATCH_POINTS: usize = PUBLIC + 28 * 160
export const BATCH_SUM: usize = PUBLIC + 32 * 160
export const BATCH_Z: usize = BATCH_SUM + 32
export const BATCH_SCALAR: usize = BATCH_Z + 32
export const V_DIGITS: usize = PUBLIC + 33 * 160
export const B_DIGITS: usize = V_DIGITS + 2048
/** Table of `base-lanes.ts`: 51 rows (weights 32^i) of the odd multiples 1, 3, .. 31 of the base point in affine form. */
export const NIELS_TABLE: usize = memory.data(97920, 16)

/**
 * Emits the straight-line AssemblyScript of the curve25519 module: field arithmetic modulo 2^255 - 19 on one element (`fe*`) and on
 * four elements in SIMD lanes (`f4*`), arithmetic modulo the group order (`sc*`), SHA-512, and the constants. The point formulas, ladders
 * and protocols are written by hand around it. Nothing is written to disk: `build.ts` hands the text to the compiler.
 *
 * Field elements have ten unsigned limbs of 26 and 25 bits in turn. A scalar element is 10 x u64 (80 bytes); a vector of four is 10 x v128
 * (160 bytes), vector i holding limb i of the four elements in its u32 lanes. A reduced element has limbs below 2^26 / 2^25 (limb 1 a
 * little more). Operands of a product may be sums or differences of reduced elements: limbs x < 2^28.4, y < 2^27.75 (19 y must
 * fit 32 bits), and each column below 2^64. The caller keeps to that; the point formulas of `point.ts` state their bounds.
 */
import { scalarField, vectorField } from './generate-field.ts'
import { constants, scalarLimbs, scalarReduce, sha512Block } from './generate-numbers.ts'

/** The generated sources by module name (imported as `./<name>` by the hand-written ones). Deterministic. */
export function generateCurve25519(): Record<string, string> {
  return {
    'constants.generated': constants(),
    'field.generated': ["import { S0, S1, S2, S3, X2, X3, Z2, Z3 } from './memory'", scalarField(), vectorField()].join(
      '\n',
    ),
    'sha512.generated': sha512Block(),
    'order.generated': `${scalarReduce()}\n${scalarLimbs()}`,
  }
}

/**
 * Emits the straight-line AssemblyScript of the curve25519 module: field arithmetic modulo 2^255 - 19 on one element (`fe*`) and on
 * four elements in SIMD lanes (`f4*`), arithmetic modulo the group order (`sc*`), SHA-512, and the constants. The point formulas, ladders
 * and protocols are written by hand around it. Nothing is written to disk: `build.ts` hands the text to the compiler.
 *
 * A scalar element is 10 x u64 (80 bytes): unsigned limbs of 26 and 25 bits in turn. A reduced one has limbs below 2^26 / 2^25 (limb 1 a
 * little more). Operands of a product may be sums or differences of reduced elements: limbs x < 2^28.4, y < 2^27.75 (19 y must
 * fit 32 bits), and each column below 2^64.
 *
 * A vector of four is 10 x v128 (160 bytes): twenty signed limbs of 13 bits, see `generate-lanes.ts`. The limbs of a product are at most
 * 4100 in magnitude, which is called one unit; a sum or difference of m reduced elements has at most m units, and eight would not
 * fit 16 bits. Operands of a product may have m and n units with m n <= 6 (20 products of 6 x 4100^2 and what is folded stay below
 * 2^31), that of a square 2.5. The caller keeps to that; the point formulas of `point.ts` state their bounds.
 */
import { scalarField } from './generate-field.ts'
import { vectorField } from './generate-lanes.ts'
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

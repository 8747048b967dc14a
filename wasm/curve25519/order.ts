/** Scalars modulo the group order L. Branch-free except `belowOrder`, which sees public data only. */
import { ORDER } from './constants.generated'
import { LIMBS, LIMBS_A, LIMBS_B, LIMBS_C } from './memory'
import { scFold, scLimbs12, scLimbs24, scMulAddLimbs } from './order.generated'

/** out = 64-byte value mod L. */
export function reduceWide(out: usize, bytes: usize): void {
  scLimbs24(LIMBS, bytes)
  scFold(out, LIMBS)
}

/** out = a b + c mod L; inputs are any 32-byte values. */
export function mulAdd(out: usize, a: usize, b: usize, c: usize): void {
  scLimbs12(LIMBS_A, a)
  scLimbs12(LIMBS_B, b)
  scLimbs12(LIMBS_C, c)
  scMulAddLimbs(LIMBS, LIMBS_A, LIMBS_B, LIMBS_C)
  scFold(out, LIMBS)
}

/** Whether a public 32-byte value is below L. */
export function belowOrder(bytes: usize): bool {
  for (let i: i32 = 24; i >= 0; i -= 8) {
    const a: u64 = load<u64>(bytes + <usize>i)
    const b: u64 = load<u64>(ORDER + <usize>i)
    if (a !== b) return a < b
  }
  return false
}

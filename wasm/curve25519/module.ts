/**
 * Exports of the curve25519 module. Arguments are addresses and lengths in the one linear memory; the host owns everything from
 * `heapBase()` on. Addresses need no alignment but for speed (16). Outputs must not overlap inputs. No state is kept between calls but the
 * public multiples of the base point.
 *
 * Time and memory access depend on lengths and counts only in x25519*, ed25519PublicKey, ed25519Expand, ed25519Sign* and sha512, which also
 * wipe their static memory; the ed25519Verify* functions are variable time and must see public data only.
 */
export { ed25519VerifyBatch, ed25519VerifyBatchScratch } from './batch'
export { sha512 } from './sha512'
export {
  ed25519Expand,
  ed25519PublicKey,
  ed25519Sign,
  ed25519SignFinish,
  ed25519SignNonce,
  x25519Base,
  x25519BaseMany,
} from './sign'
export {
  ed25519IsKey,
  ed25519Verify,
  ed25519VerifyExpanded,
  ed25519VerifyExpandedHashed,
  ed25519VerifyHashed,
  ed25519VerifyKeyExpand,
} from './verify'
export { x25519, x25519Many } from './x25519'

/** First byte the host may use; aligned to 16. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15
}

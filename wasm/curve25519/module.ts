export { ed25519VerifyBatch, ed25519VerifyBatchScratch } from './batch'
export { sha512 } from './sha512'
export { ed25519Expand, ed25519PublicKey, ed25519Sign, x25519Base, x25519BaseMany } from './sign'
export { ed25519Verify, ed25519VerifyExpanded, ed25519VerifyKeyExpand } from './verify'
export { x25519, x25519Many } from './x25519'

/** First byte the host may use; aligned to 16. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15
}

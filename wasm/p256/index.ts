// Entry of the P-256 module. Pointers are byte offsets into the one linear memory; the host owns all of it above heapBase().
export { p256Ecdh, p256PublicKey, p256Sign } from './p256'
export { p256Verify } from './verify'

/** First address the host may use; a multiple of 16. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15
}

// Entry of the symmetric module. Pointers and lengths are byte offsets into the one linear memory; the host owns all of it above
// heapBase() and checks every length before a call.

export { aes128gcmOpen, aes128gcmSeal } from './aes-gcm'
export { chacha20poly1305Open, chacha20poly1305Seal } from './chacha20-poly1305'
export { hkdfExpand, hkdfExpandChain, hkdfExpandMany, hkdfExtract, hmacKey, hmacMid, hmacSha256 } from './hmac'
export { hpkeDerive, hpkeKeys } from './hpke'
export { sha256, sha256Final, sha256Init, sha256Many, sha256Strided, sha256Update } from './sha256'

/** First address the host may use; a multiple of 16. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15
}

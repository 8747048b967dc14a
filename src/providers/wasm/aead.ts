import { MlsError } from '../../bytes/errors.ts'
import { tagLength } from '../../crypto/suites.ts'
import { decryptError } from '../decrypt-error.ts'
import type { Aead } from '../noble/aead.ts'
import { type Kernel, largestInput, type SymmetricExports } from './kernel.ts'

const nonceLength = 12

/** An AEAD of the symmetric kernel. */
export function wasmAead(
  name: 'AES128GCM' | 'CHACHA20POLY1305',
  kernel: Kernel<SymmetricExports>,
  isFresh = false,
): Aead {
  const { exports, arena } = kernel
  const forLarge = () => wasmAead(name, kernel.fresh(), true)
  const aes = name === 'AES128GCM'
  const keyLength = aes ? 16 : 32
  const sealInto = aes ? exports.aes128gcmSeal : exports.chacha20poly1305Seal
  const openInto = aes ? exports.aes128gcmOpen : exports.chacha20poly1305Open
  return {
    seal(key, nonce, aad, plaintext) {
      if (key.length !== keyLength || nonce.length !== nonceLength)
        throw new MlsError('crypto/length', 'key or nonce has another length than the AEAD takes')
      if (!isFresh && aad.length + plaintext.length > largestInput) return forLarge().seal(key, nonce, aad, plaintext)
      try {
        const length = plaintext.length + tagLength
        const [k, n, a, text] = [arena.put(key), arena.put(nonce), arena.put(aad), arena.put(plaintext)]
        const out = arena.reserve(length)
        sealInto(out, k, n, a, aad.length, text, plaintext.length)
        return arena.read(out, length)
      } finally {
        arena.clear()
      }
    },
    open(key, nonce, aad, ciphertext) {
      // RFC 9420 §6.3 V043: the tag is never truncated. A short nonce would change the counter block of GCM.
      if (key.length !== keyLength || nonce.length !== nonceLength || ciphertext.length < tagLength)
        throw decryptError()
      if (!isFresh && aad.length + ciphertext.length > largestInput) return forLarge().open(key, nonce, aad, ciphertext)
      try {
        const length = ciphertext.length - tagLength
        const [k, n, a, text] = [arena.put(key), arena.put(nonce), arena.put(aad), arena.put(ciphertext)]
        const out = arena.reserve(length)
        if (openInto(out, k, n, a, aad.length, text, ciphertext.length) !== 1) throw decryptError()
        return arena.read(out, length)
      } finally {
        arena.clear()
      }
    },
  }
}

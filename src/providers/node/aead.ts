import { type Bytes, copyBytes } from '../../bytes/bytes.ts'
import { tagLength } from '../../crypto/suites.ts'
import { decryptError } from '../decrypt-error.ts'
import type { Aead } from '../noble/aead.ts'
import type { NodeCrypto } from './crypto.ts'

const algorithms = { AES128GCM: 'aes-128-gcm', CHACHA20POLY1305: 'chacha20-poly1305' } as const

/** `aead` for short messages, OpenSSL for those of `threshold` bytes and more; `aead` alone where OpenSSL is built without it. */
export function nodeAead(crypto: NodeCrypto, name: keyof typeof algorithms, aead: Aead, threshold: number): Aead {
  if (!crypto.getCiphers().includes(algorithms[name])) return aead
  const { createCipheriv, createDecipheriv, createSecretKey } = crypto
  // one type for both: OpenSSL's two modes have the same interface
  const algorithm = algorithms[name] as 'aes-128-gcm'
  const options = { authTagLength: tagLength }
  const keyLength = name === 'AES128GCM' ? 16 : 32
  const isNative = (key: Uint8Array, nonce: Uint8Array, length: number) =>
    length >= threshold && key.length === keyLength && nonce.length === 12
  return {
    seal(key, nonce, aad, plaintext) {
      if (!isNative(key, nonce, plaintext.length)) return aead.seal(key, nonce, aad, plaintext)
      // Node 24 takes 25 us for a key as bytes, and 2 us for a key object
      const cipher = createCipheriv(algorithm, createSecretKey(key), nonce, options)
      cipher.setAAD(aad, { plaintextLength: plaintext.length })
      const out = new Uint8Array(plaintext.length + tagLength)
      out.set(cipher.update(plaintext))
      cipher.final()
      out.set(cipher.getAuthTag(), plaintext.length)
      return out
    },
    open(key, nonce, aad, ciphertext) {
      const length = ciphertext.length - tagLength
      if (!isNative(key, nonce, length)) return aead.open(key, nonce, aad, ciphertext)
      const decipher = createDecipheriv(algorithm, createSecretKey(key), nonce, options)
      decipher.setAAD(aad, { plaintextLength: length })
      decipher.setAuthTag(ciphertext.subarray(length))
      const plaintext = decipher.update(ciphertext.subarray(0, length))
      try {
        decipher.final()
      } catch {
        plaintext.fill(0)
        throw decryptError()
      }
      return owned(plaintext)
    },
  }
}

/** The bytes of a buffer that is not used any more: in memory of their own, without a copy where they have that. */
function owned(plaintext: Buffer): Bytes {
  const { buffer, byteOffset, length } = plaintext
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) return new Uint8Array(buffer, byteOffset, length)
  const out = copyBytes(plaintext)
  plaintext.fill(0)
  return out
}

import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import type { Bytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { type AeadName, tagLength } from '../../crypto/suites.ts'
import { decryptError } from '../decrypt-error.ts'

/** An AEAD of RFC 5116 with a 12-byte nonce and a 16-byte tag. */
export interface Aead {
  /** Ciphertext and tag. @throws `crypto/length` for a key or nonce of another length */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Bytes
  /** @throws `crypto/decrypt`, one error for every cause */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Bytes
}

const nonceLength = 12
const algorithms = {
  AES128GCM: { keyLength: 16, cipher: gcm },
  AES256GCM: { keyLength: 32, cipher: gcm },
  CHACHA20POLY1305: { keyLength: 32, cipher: chacha20poly1305 },
} as const

/** The AEAD of one name. */
export function nobleAead(name: AeadName): Aead {
  const { keyLength, cipher } = algorithms[name]
  return {
    seal(key, nonce, aad, plaintext) {
      if (key.length !== keyLength || nonce.length !== nonceLength)
        throw new MlsError('crypto/length', 'key or nonce has another length than the AEAD takes')
      return cipher(key, nonce, aad).encrypt(plaintext)
    },
    open(key, nonce, aad, ciphertext) {
      // RFC 9420 §6.3 V043: the tag is never truncated. A short nonce would change the counter block of GCM.
      if (key.length !== keyLength || nonce.length !== nonceLength || ciphertext.length < tagLength)
        throw decryptError()
      try {
        return cipher(key, nonce, aad).decrypt(ciphertext)
      } catch {
        throw decryptError()
      }
    },
  }
}

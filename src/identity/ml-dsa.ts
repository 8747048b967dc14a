/** ML-DSA-65 (FIPS 204), the second half of a hybrid root. The only file that knows the library. */
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { type Bytes, copyBytes, wipe } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'

/** Bytes of the seed that keys are made from. */
export const mlDsaSeedLength = 32
/** Bytes of a public key. */
export const mlDsaPublicKeyLength = 1952
/** Bytes of a signature. */
export const mlDsaSignatureLength = 3309

function keysOf(seed: Uint8Array): { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array } {
  check(seed.length === mlDsaSeedLength, 'crypto/length', undefined, 'a seed of ML-DSA-65 has 32 bytes')
  return ml_dsa65.keygen(copyBytes(seed))
}

/** The public key of a seed of 32 bytes. @throws `crypto/length` */
export function mlDsaPublicKey(seed: Uint8Array): Bytes {
  const { publicKey, secretKey } = keysOf(seed)
  wipe(secretKey)
  return copyBytes(publicKey)
}

/**
 * A signature by the key of a seed of 32 bytes: the deterministic variant, so that two devices that merge the same manifests
 * make the same bytes.
 * @throws `crypto/length`, `crypto/provider`
 */
export function mlDsaSign(seed: Uint8Array, message: Uint8Array): Bytes {
  const { secretKey } = keysOf(seed)
  try {
    return copyBytes(ml_dsa65.sign(copyBytes(message), secretKey, { extraEntropy: false }))
  } catch (cause) {
    throw new MlsError('crypto/provider', 'ML-DSA-65 failed', { cause })
  } finally {
    wipe(secretKey)
  }
}

/** Whether a signature holds; keys and signatures of another form are `false`. */
export function mlDsaVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== mlDsaPublicKeyLength || signature.length !== mlDsaSignatureLength) return false
  try {
    return ml_dsa65.verify(signature, message, publicKey)
  } catch {
    return false
  }
}

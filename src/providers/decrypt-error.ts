import { MlsError } from '../bytes/errors.ts'

/** The one error of every AEAD and HPKE opening: what failed would be an oracle. */
export function decryptError(): MlsError {
  return new MlsError('crypto/decrypt', 'decryption failed')
}

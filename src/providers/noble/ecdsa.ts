import { p256 as noble256, p384 as noble384, p521 as noble521 } from '@noble/curves/nist.js'
import { copyBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { decodeEcdsaSignature, encodeEcdsaSignature } from './der.ts'
import { isUncompressedPoint } from './kem-key.ts'
import type { SignatureScheme } from './signature.ts'

type NistCurve = typeof noble256

/**
 * ECDSA with the curve's hash, deterministic nonces (RFC 6979), DER signatures and uncompressed public keys (RFC 9420
 * §5.1.1, §5.1.2). Both halves of the signature space are accepted and produced: RFC 9420 asks for no low S.
 */
function ecdsaScheme(curve: NistCurve): SignatureScheme {
  const { Point, lengths, utils } = curve
  const scalarLength = lengths.secretKey as number

  function checked(privateKey: Uint8Array): Uint8Array {
    if (privateKey.length !== scalarLength || !utils.isValidSecretKey(privateKey))
      throw new MlsError('crypto/key', 'not a private key of the signature scheme')
    return privateKey
  }

  return {
    seedLength: lengths.seed as number,
    privateKeyFrom: (seed) => copyBytes(utils.randomSecretKey(seed)),
    publicKey: (privateKey) => copyBytes(curve.getPublicKey(checked(privateKey), false)),
    isPublicKey: (publicKey) => isUncompressedPoint(curve, publicKey),
    sign(privateKey, message) {
      const compact = curve.sign(message, checked(privateKey), { prehash: true, lowS: false, format: 'compact' })
      return encodeEcdsaSignature(compact)
    },
    verify(publicKey, message, signature) {
      // RFC 9420 §5.1.1 V036: the uncompressed form alone
      if (publicKey.length !== lengths.publicKeyUncompressed || publicKey[0] !== 0x04) return false
      const compact = decodeEcdsaSignature(signature, scalarLength, Point.Fn.ORDER)
      if (compact === undefined) return false
      try {
        return curve.verify(compact, message, publicKey, { prehash: true, lowS: false, format: 'compact' })
      } catch {
        return false
      }
    },
  }
}

/** ECDSA over P-256 with SHA-256. */
export const ecdsaP256: SignatureScheme = ecdsaScheme(noble256)
/** ECDSA over P-384 with SHA-384. */
export const ecdsaP384: SignatureScheme = ecdsaScheme(noble384)
/** ECDSA over P-521 with SHA-512. */
export const ecdsaP521: SignatureScheme = ecdsaScheme(noble521)

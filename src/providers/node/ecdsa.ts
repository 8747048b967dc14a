import { mapKey } from '../../bytes/text.ts'
import { decodeEcdsaSignature } from '../noble/der.ts'
import type { SignatureScheme } from '../noble/signature.ts'
import { p256Order } from '../wasm/p256.ts'
import type { NodeCrypto } from './crypto.ts'

type KeyObject = ReturnType<NodeCrypto['createPublicKey']>

const pointLength = 65
const scalarLength = 32
const cachedKeys = 512

/**
 * ECDSA over P-256 with OpenSSL for verification. The encodings of keys and signatures are checked here; OpenSSL is lenient
 * with them. Everything else is `scheme`'s.
 */
export function nodeEcdsaP256(crypto: NodeCrypto, scheme: SignatureScheme): SignatureScheme {
  /** Imported keys, least recently used first; nothing for bytes that are no point of the curve. */
  const keys = new Map<string, KeyObject | undefined>()

  function imported(publicKey: Uint8Array): KeyObject | undefined {
    const name = mapKey(publicKey)
    const known = keys.get(name)
    const key = known ?? importKey(crypto, publicKey)
    if (keys.has(name)) keys.delete(name)
    else if (keys.size >= cachedKeys) for (const oldest of keys.keys()) if (keys.delete(oldest)) break
    keys.set(name, key)
    return key
  }

  return {
    ...scheme,
    verify(publicKey, message, signature) {
      // RFC 9420 §5.1.1 V036: the uncompressed form alone
      if (publicKey.length !== pointLength || publicKey[0] !== 0x04) return false
      const compact = decodeEcdsaSignature(signature, scalarLength, p256Order)
      const key = compact && imported(publicKey)
      if (compact === undefined || key === undefined) return false
      return crypto.verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, compact)
    },
  }
}

/** The key of an uncompressed point. As JWK: DER takes Node 20 ten times as long. */
function importKey(crypto: NodeCrypto, publicKey: Uint8Array): KeyObject | undefined {
  const base64url = (part: Uint8Array) => Buffer.from(part).toString('base64url')
  const half = 1 + scalarLength
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: base64url(publicKey.subarray(1, half)),
    y: base64url(publicKey.subarray(half)),
  }
  try {
    return crypto.createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** P-256 of the kernel: the group of DHKEM(P-256), and ECDSA with deterministic nonces (RFC 6979). */
import { p256 as noble256 } from '@noble/curves/nist.js'
import { type Bytes, concatBytes, wipe } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { decodeEcdsaSignature, encodeEcdsaSignature } from '../noble/der.ts'
import { ecdsaP256 as noble } from '../noble/ecdsa.ts'
import { isKemPublicKey } from '../noble/kem-key.ts'
import type { BatchKdf, BatchSignatureScheme, DhGroup } from '../parts.ts'
import type { Kernel, P256Exports } from './kernel.ts'

const scalarLength = 32
const pointLength = 65
/** The order of the group. */
export const p256Order: bigint = noble256.Point.Fn.ORDER

/** DHKEM(P-256): the shared value is the x coordinate (RFC 9180 §7.1). */
export function wasmP256Group({ exports, arena }: Kernel<P256Exports>): DhGroup {
  function publicKey(privateKey: Uint8Array): Bytes | undefined {
    if (privateKey.length !== scalarLength) return undefined
    try {
      const out = arena.reserve(pointLength)
      return exports.p256PublicKey(out, arena.put(privateKey)) === 1 ? arena.read(out, pointLength) : undefined
    } finally {
      arena.clear()
    }
  }

  function agreement(privateKey: Uint8Array, other: Uint8Array): Bytes | undefined {
    if (privateKey.length !== scalarLength || other.length !== pointLength) return undefined
    try {
      const out = arena.reserve(scalarLength)
      const done = exports.p256Ecdh(out, arena.put(privateKey), arena.put(other)) === 1
      return done ? arena.read(out, scalarLength) : undefined
    } finally {
      arena.clear()
    }
  }

  return {
    isPublicKey: (key) => isKemPublicKey('DHKEMP256', key),
    publicKeys: (privateKeys) => privateKeys.map(publicKey),
    agreements: (privateKeys, others) =>
      privateKeys.map((key, i) => {
        const other = others[i]
        return other === undefined ? undefined : agreement(key, other)
      }),
  }
}

/** ECDSA over P-256 with SHA-256; DER signatures, uncompressed keys, both halves of the signature space. */
export function wasmEcdsaP256({ exports, arena }: Kernel<P256Exports>, kdf: BatchKdf): BatchSignatureScheme {
  const group = wasmP256Group({ exports, arena })

  function publicKey(privateKey: Uint8Array): Bytes {
    const [found] = group.publicKeys([privateKey])
    if (found === undefined) throw new MlsError('crypto/key', 'not a private key of the signature scheme')
    return found
  }

  /** r || s with the nonce k; nothing when the kernel refuses the key or k, or asks for another k. */
  function signWith(privateKey: Uint8Array, digest: Uint8Array, k: Uint8Array): Bytes | undefined {
    try {
      const out = arena.reserve(2 * scalarLength)
      const done = exports.p256Sign(out, arena.put(privateKey), arena.put(digest), arena.put(k)) === 1
      return done ? arena.read(out, 2 * scalarLength) : undefined
    } finally {
      arena.clear()
    }
  }

  return {
    seedLength: noble.seedLength,
    privateKeyFrom: noble.privateKeyFrom,
    publicKey,
    isPublicKey: noble.isPublicKey,
    sign(privateKey, message) {
      if (privateKey.length !== scalarLength || !noble256.utils.isValidSecretKey(privateKey))
        throw new MlsError('crypto/key', 'not a private key of the signature scheme')
      const digest = kdf.hash(message)
      const nonces = deterministicNonces(kdf, privateKey, digest)
      for (;;) {
        const k = nonces()
        const compact = signWith(privateKey, digest, k)
        wipe(k)
        if (compact !== undefined) return encodeEcdsaSignature(compact)
      }
    },
    verify(key, message, signature) {
      // RFC 9420 §5.1.1 V036: the uncompressed form alone
      if (key.length !== pointLength || key[0] !== 0x04) return false
      const compact = decodeEcdsaSignature(signature, scalarLength, p256Order)
      if (compact === undefined) return false
      const digest = kdf.hash(message)
      try {
        return exports.p256Verify(arena.put(key), arena.put(compact), arena.put(digest)) === 1
      } finally {
        arena.clear()
      }
    },
  }
}

/** The nonces of RFC 6979 §3.2 for one key and digest; the caller wipes each of them. */
function deterministicNonces({ hmac }: BatchKdf, privateKey: Uint8Array, digest: Uint8Array): () => Bytes {
  const seed = concatBytes(privateKey, reduced(digest))
  let K: Bytes = new Uint8Array(32)
  let V: Bytes = new Uint8Array(32).fill(1)
  const update = (separator: number, material: Uint8Array) => {
    const input = concatBytes(V, Uint8Array.of(separator), material)
    const next = hmac(K, input)
    wipe(K, input)
    K = next
    V = hmac(K, V)
  }
  update(0, seed)
  update(1, seed)
  wipe(seed)
  let first = true
  return () => {
    if (!first) update(0, new Uint8Array(0))
    first = false
    V = hmac(K, V)
    return V.slice()
  }
}

/** `bits2octets` of RFC 6979 §2.3.4: the digest modulo the group order. */
function reduced(digest: Uint8Array): Bytes {
  const difference = new Uint8Array(digest)
  let borrow = 0
  for (let i = 31; i >= 0; i--) {
    const value = (difference[i] as number) - (orderBytes[i] as number) - borrow
    difference[i] = value & 0xff
    borrow = value < 0 ? 1 : 0
  }
  // the digest is below twice the order
  return borrow === 1 ? new Uint8Array(digest) : difference
}

const orderBytes = Uint8Array.from({ length: 32 }, (_, i) => Number((p256Order >> BigInt(8 * (31 - i))) & 0xffn))

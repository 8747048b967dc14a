/** P-256 of the kernel: the group of DHKEM(P-256), and ECDSA with deterministic nonces (RFC 6979). */
import { type Bytes, concatBytes, wipe } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { fromHex, toHex } from '../../bytes/text.ts'
import { decodeEcdsaSignature, encodeEcdsaSignature } from '../noble/der.ts'
import type { BatchKdf, BatchSignatureScheme, DhGroup } from '../parts.ts'
import type { Kernel, P256Exports } from './kernel.ts'

const scalarLength = 32
const pointLength = 65
/** A scalar from so many random bytes is as good as uniform (FIPS 186-5 §A.2.1). */
const seedLength = 48

/** The order of the group, the prime of the field, and b of y^2 = x^3 - 3x + b (SP 800-186 §3.2.1.3). */
export const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const prime = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const curveB = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

const number = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`)

/** Whether the bytes are an uncompressed point of the curve (V032, V033, V036); public data only. */
export function isP256PublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== pointLength || publicKey[0] !== 0x04) return false
  const [x, y] = [number(publicKey.subarray(1, 33)), number(publicKey.subarray(33))]
  return x < prime && y < prime && (y * y - x * (x * x - 3n) - curveB) % prime === 0n
}

function isPrivateKey(privateKey: Uint8Array): boolean {
  if (privateKey.length !== scalarLength) return false
  const scalar = number(privateKey)
  return scalar > 0n && scalar < p256Order
}

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
    isPublicKey: isP256PublicKey,
    publicKeys: (privateKeys) => privateKeys.map(publicKey),
    agreements: (privateKeys, others) =>
      privateKeys.map((key, i) => {
        const other = others[i]
        return other === undefined ? undefined : agreement(key, other)
      }),
  }
}

/** ECDSA over P-256 with SHA-256; DER signatures, uncompressed keys, both halves of the signature space. */
export function wasmEcdsaP256(kernel: Kernel<P256Exports>, kdf: BatchKdf): BatchSignatureScheme {
  const { exports, arena } = kernel
  const group = wasmP256Group(kernel)

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
    seedLength,
    privateKeyFrom(seed) {
      const scalar = (number(seed) % (p256Order - 1n)) + 1n
      return fromHex(scalar.toString(16).padStart(2 * scalarLength, '0'))
    },
    publicKey,
    isPublicKey: isP256PublicKey,
    sign(privateKey, message) {
      if (!isPrivateKey(privateKey)) throw new MlsError('crypto/key', 'not a private key of the signature scheme')
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

const orderBytes = fromHex(p256Order.toString(16))

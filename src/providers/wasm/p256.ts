/** P-256 of the kernel: the group of DHKEM(P-256), and ECDSA with deterministic nonces (RFC 6979). */
import { type Bytes, concatBytes, empty, isZero, wipe } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { fromHex, toHex } from '../../bytes/text.ts'
import { decodeEcdsaSignature, encodeEcdsaSignature } from '../noble/der.ts'
import type { Kdf } from '../noble/kdf.ts'
import type { SignatureScheme } from '../noble/signature.ts'
import type { DhGroup } from '../parts.ts'
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
function isP256PublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== pointLength || publicKey[0] !== 0x04) return false
  const [x, y] = [number(publicKey.subarray(1, 33)), number(publicKey.subarray(33))]
  return x < prime && y < prime && (y * y - x * (x * x - 3n) - curveB) % prime === 0n
}

const orderBytes = fromHex(p256Order.toString(16))

/** bytes - order modulo 2^256, and whether that is negative; looks at every byte, whatever they are. */
function minusOrder(bytes: Uint8Array): { readonly difference: Bytes; readonly isBelow: boolean } {
  const difference = new Uint8Array(scalarLength)
  let borrow = 0
  for (let i = scalarLength - 1; i >= 0; i--) {
    const value = (bytes[i] as number) - (orderBytes[i] as number) - borrow
    difference[i] = value & 0xff
    borrow = (value >> 8) & 1
  }
  return { difference, isBelow: borrow === 1 }
}

function isPrivateKey(privateKey: Uint8Array): boolean {
  if (privateKey.length !== scalarLength || isZero(privateKey)) return false
  const { difference, isBelow } = minusOrder(privateKey)
  wipe(difference)
  return isBelow
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
export function wasmEcdsaP256(kernel: Kernel<P256Exports>, kdf: Kdf): SignatureScheme {
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
      const nonces = new DeterministicNonces(kdf, privateKey, digest)
      try {
        for (;;) {
          const compact = signWith(privateKey, digest, nonces.next())
          if (compact !== undefined) return encodeEcdsaSignature(compact)
        }
      } finally {
        nonces.wipe()
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

/** The nonces of RFC 6979 §3.2 for one key and digest. */
class DeterministicNonces {
  readonly #kdf: Kdf
  #K: Bytes = new Uint8Array(32)
  #V: Bytes = new Uint8Array(32).fill(1)
  #first = true

  constructor(kdf: Kdf, privateKey: Uint8Array, digest: Uint8Array) {
    this.#kdf = kdf
    // bits2octets: the digest, which is below twice the order, modulo the order
    const { difference, isBelow } = minusOrder(digest)
    const seed = concatBytes(privateKey, isBelow ? digest : difference)
    this.#update(0, seed)
    this.#update(1, seed)
    wipe(seed)
  }

  /** The next candidate, valid until the one after it. */
  next(): Uint8Array {
    if (!this.#first) this.#update(0, empty)
    this.#first = false
    this.#replaceV()
    return this.#V
  }

  wipe(): void {
    wipe(this.#K, this.#V)
  }

  #update(separator: number, material: Uint8Array): void {
    const input = concatBytes(this.#V, Uint8Array.of(separator), material)
    const K = this.#kdf.hmac(this.#K, input)
    wipe(this.#K, input)
    this.#K = K
    this.#replaceV()
  }

  #replaceV(): void {
    const V = this.#kdf.hmac(this.#K, this.#V)
    wipe(this.#V)
    this.#V = V
  }
}

/**
 * Ed25519 and Ed448 (RFC 8032) with one acceptance rule, `spec-notes/adr/0011-ed25519.md`:
 *
 *   1. A, R and S have the length of the curve; A and R are canonical encodings of points; S < L.
 *   2. A is not of small order.
 *   3. [h][S]B = [h]R + [h][k]A, with k over the bytes as received (RFC 8032 §5.1.7 and §5.2.7, cofactored).
 *
 * A signature that passes the equation without the cofactor passes this one; the reverse does not hold. Were clients free
 * to choose, a crafted signature would be accepted by some members of a group and refused by others: a fork.
 *
 * A batch checks the sum of the equations of rule 3, each multiplied with a random coefficient: the same rule.
 */
import { pippenger } from '@noble/curves/abstract/curve.js'
import type { EdwardsPoint, EdwardsPointCons } from '@noble/curves/abstract/edwards.js'
import { ed448 as noble448 } from '@noble/curves/ed448.js'
import { ed25519 as noble25519 } from '@noble/curves/ed25519.js'
import { bytesToNumberLE } from '@noble/curves/utils.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { shake256 } from '@noble/hashes/sha3.js'
import { ascii, type Bytes, concatBytes, copyBytes, empty, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { mapKey } from '../../bytes/text.ts'
import type { VerifyRequest } from '../../crypto/cipher-suite.ts'
import type { SignatureScheme } from './signature.ts'

interface EdwardsCurve {
  readonly Point: EdwardsPointCons
  /** Bytes of a point, of a private key and of S. */
  readonly length: number
  readonly hash: (message: Uint8Array) => Bytes
  /** dom2 or dom4 of RFC 8032 §2 for pure EdDSA with the empty context. */
  readonly domain: Bytes
  /** The key expansion of the library: clamping lives there. */
  readonly expand: (privateKey: Uint8Array) => {
    readonly scalar: bigint
    readonly prefix: Uint8Array
    pointBytes: Bytes
  }
}

interface ExpandedKey {
  readonly privateKey: Bytes
  readonly publicKey: Bytes
  readonly scalar: bigint
  readonly prefix: Uint8Array
}

/** One signature: it holds when [h]([s]B - R - [k]A) is the identity. */
interface Equation {
  readonly A: EdwardsPoint
  readonly R: EdwardsPoint
  readonly s: bigint
  readonly k: bigint
}

const cachedPoints = 512
/** Fewer signatures are checked faster one by one. */
const minBatch = 16
/** More do not make a batch faster. */
const maxBatch = 256
/** Bytes of a random coefficient: a batch with a false signature passes with a chance of 2^-127. */
const coefficientLength = 16

function edwardsScheme(curve: EdwardsCurve): SignatureScheme {
  const { Point, length } = curve
  const { BASE, Fn } = Point
  // Weak: an entry lives as long as the caller keeps the key's array. It doubles the speed of signing.
  const expandedKeys = new WeakMap<Uint8Array, ExpandedKey>()
  // Decoded public keys of the last signers, oldest first.
  const points = new Map<string, EdwardsPoint | undefined>()

  function challenge(...parts: readonly Uint8Array[]): bigint {
    return Fn.create(bytesToNumberLE(curve.hash(concatBytes(curve.domain, ...parts))))
  }

  function expandKey(privateKey: Uint8Array): ExpandedKey {
    const known = expandedKeys.get(privateKey)
    // the array may have been wiped or reused since
    if (known !== undefined && equalBytes(known.privateKey, privateKey)) return known
    if (privateKey.length !== length) throw new MlsError('crypto/key', 'a private signature key of another length')
    const { scalar, prefix, pointBytes } = curve.expand(privateKey)
    const expanded = { privateKey: copyBytes(privateKey), publicKey: copyBytes(pointBytes), scalar, prefix }
    expandedKeys.set(privateKey, expanded)
    return expanded
  }

  /** The point of a canonical encoding, else nothing. */
  function decode(bytes: Uint8Array): EdwardsPoint | undefined {
    try {
      return Point.fromBytes(bytes, false)
    } catch {
      return undefined
    }
  }

  function publicPoint(publicKey: Uint8Array): EdwardsPoint | undefined {
    if (publicKey.length !== length) return undefined
    const key = mapKey(publicKey)
    if (points.has(key)) return points.get(key)
    const point = decode(publicKey)
    const accepted = point === undefined || point.isSmallOrder() ? undefined : point
    if (points.size >= cachedPoints) for (const oldest of points.keys()) if (points.delete(oldest)) break
    points.set(key, accepted)
    return accepted
  }

  /** The terms of the equation in rule 3, when rules 1 and 2 hold. */
  function read({ publicKey, message, signature }: VerifyRequest): Equation | undefined {
    // RFC 9420 §5.1.2 V036-V038, the rule at the head of this file
    if (signature.length !== 2 * length) return undefined
    const s = bytesToNumberLE(signature.subarray(length))
    if (s >= Fn.ORDER) return undefined
    const A = publicPoint(publicKey)
    const encodedR = signature.subarray(0, length)
    const R = A && decode(encodedR)
    if (A === undefined || R === undefined) return undefined
    return { A, R, s, k: challenge(encodedR, publicKey, message) }
  }

  return {
    seedLength: length,
    minBatch,
    maxBatch,
    privateKeyFrom: (seed) => copyBytes(seed),
    publicKey: (privateKey) => copyBytes(expandKey(privateKey).publicKey),
    isPublicKey: (publicKey) => publicPoint(publicKey) !== undefined,
    sign(privateKey, message) {
      const { scalar, prefix, publicKey } = expandKey(privateKey)
      const r = challenge(prefix, message)
      const R = BASE.multiply(r).toBytes()
      const k = challenge(R, publicKey, message)
      return concatBytes(R, Fn.toBytes(Fn.create(r + k * scalar)))
    },
    verify(publicKey, message, signature) {
      const equation = read({ publicKey, message, signature })
      if (equation === undefined) return false
      const { A, R, s, k } = equation
      return R.add(A.multiplyUnsafe(k)).subtract(BASE.multiplyUnsafe(s)).clearCofactor().is0()
    },
    verifyAll(requests, random) {
      const points: EdwardsPoint[] = []
      const scalars: bigint[] = []
      let sum = 0n
      for (const request of requests) {
        const equation = read(request)
        if (equation === undefined) return false
        // odd, and so never zero
        const z = bytesToNumberLE(random(coefficientLength)) | 1n
        points.push(equation.R, equation.A)
        scalars.push(z, Fn.create(z * equation.k))
        sum = Fn.create(sum + z * equation.s)
      }
      points.push(BASE)
      scalars.push(Fn.neg(sum))
      // components of small order, which the reduction of z * k may change, vanish with the cofactor
      return pippenger(Point, points, scalars).clearCofactor().is0()
    },
  }
}

/** Ed25519 of RFC 8032 §5.1. */
export const ed25519: SignatureScheme = edwardsScheme({
  Point: noble25519.Point,
  length: 32,
  hash: (message) => sha512(message),
  domain: empty,
  expand: (privateKey) => noble25519.utils.getExtendedPublicKey(privateKey),
})

/** Ed448 of RFC 8032 §5.2, with the empty context. */
export const ed448: SignatureScheme = edwardsScheme({
  Point: noble448.Point,
  length: 57,
  hash: (message) => shake256(message, { dkLen: 114 }),
  domain: concatBytes(ascii('SigEd448'), new Uint8Array(2)),
  expand: (privateKey) => noble448.utils.getExtendedPublicKey(privateKey),
})

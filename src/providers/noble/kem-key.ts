/**
 * Which byte strings are public keys of a KEM (RFC 9180 §7.1.1, §7.1.4): exactly one encoding for one key, so that the
 * uniqueness rules of RFC 9420 §7.3 cannot be evaded by encoding a key anew.
 */
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { bytesToNumberLE } from '@noble/curves/utils.js'
import type { KemName } from '../../crypto/suites.ts'

interface MontgomeryCurve {
  readonly length: number
  readonly prime: bigint
  /** The u coordinates that every clamped scalar sends to zero: order 1, 2, 4, 8 on the curve and on its twist. */
  readonly lowOrder: ReadonlySet<bigint>
}

const p25519 = 2n ** 255n - 19n
const curve25519: MontgomeryCurve = {
  length: 32,
  prime: p25519,
  lowOrder: new Set([
    0n,
    1n,
    p25519 - 1n,
    325606250916557431795983626356110631294008115727848805560023387167927233504n,
    39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  ]),
}
const p448 = 2n ** 448n - 2n ** 224n - 1n
const curve448: MontgomeryCurve = { length: 56, prime: p448, lowOrder: new Set([0n, 1n, p448 - 1n]) }

const montgomery = { DHKEMX25519: curve25519, DHKEMX448: curve448 } as const
const weierstrass = { DHKEMP256: p256, DHKEMP384: p384, DHKEMP521: p521 } as const

function isMontgomeryKey(curve: MontgomeryCurve, publicKey: Uint8Array): boolean {
  // RFC 9420 §5.1.1 V032
  if (publicKey.length !== curve.length) return false
  const u = bytesToNumberLE(publicKey)
  // V035: u < p, which also leaves the top bit of X25519 clear; V034: no low order
  return u < curve.prime && !curve.lowOrder.has(u)
}

/** Whether `publicKey` is an uncompressed point on one of the NIST curves (V032, V033, V036). */
export function isUncompressedPoint(curve: typeof p256, publicKey: Uint8Array): boolean {
  if (publicKey.length !== curve.lengths.publicKeyUncompressed || publicKey[0] !== 0x04) return false
  try {
    curve.Point.fromBytes(publicKey)
    return true
  } catch {
    return false
  }
}

/** Whether the bytes are a valid, canonical public key of the KEM. */
export function isKemPublicKey(kem: KemName, publicKey: Uint8Array): boolean {
  return kem === 'DHKEMX25519' || kem === 'DHKEMX448'
    ? isMontgomeryKey(montgomery[kem], publicKey)
    : isUncompressedPoint(weierstrass[kem], publicKey)
}

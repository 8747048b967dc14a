/**
 * The rule of `spec-notes/adr/0011-ed25519.md` on signatures that only the owner of a key can make: A and R with components
 * of small order. All providers, alone, by a key that they know already, and in batches of every method.
 */
import { createPublicKey, verify as opensslVerify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToNumberLE } from '@noble/curves/utils.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../src/bytes/bytes.ts'
import { fromHex, utf8 } from '../../src/bytes/text.ts'
import type { CipherSuite, VerifyRequest } from '../../src/crypto/cipher-suite.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { nodeProvider } from '../../src/providers/node/provider.ts'
import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { openSuite } from './conformance/oracle.ts'

type Point = typeof ed25519.Point.BASE
const { Point } = ed25519
const { Fn } = Point
const message = utf8('a commit that forks a group')

// a point of order 8 (RFC 8032's curve), and all its multiples
const generator = Point.fromBytes(fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'))
const torsion = Array.from({ length: 8 }, (_, i) => (i === 0 ? Point.ZERO : generator.multiplyUnsafe(BigInt(i))))
const p = 2n ** 255n - 19n
const encodeY = (y: bigint, sign: 0 | 1) => {
  const bytes = fromHex(y.toString(16).padStart(64, '0')).reverse()
  bytes[31]! |= sign << 7
  return bytes
}

/** The signature by `a` with nonce `r`, for a key and a nonce point with the given additions. */
function forge(a: bigint, r: bigint, toA: Point, toR: Point): VerifyRequest {
  const times = (scalar: bigint) => (scalar === 0n ? Point.ZERO : Point.BASE.multiply(scalar))
  const publicKey = times(a).add(toA).toBytes()
  const R = times(r).add(toR).toBytes()
  const k = Fn.create(bytesToNumberLE(sha512(concatBytes(R, publicKey, message))))
  return { publicKey, message, signature: concatBytes(R, Fn.toBytes(Fn.create(r + k * a))) }
}

/** What OpenSSL, whose equation has no cofactor, says. */
function openssl({ publicKey, signature }: VerifyRequest): boolean {
  const key = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }
  return opensslVerify(null, message, createPublicKey({ key, format: 'jwk' }), signature)
}

const accepted = torsion.flatMap((toA, i) =>
  torsion.map((toR, j) => forge(BigInt(1000 + i), BigInt(77 + 8 * i + j), toA, toR)),
)
/** R of small order alone. */
const smallR = torsion.map((toR, i) => forge(BigInt(5000 + i), 0n, torsion[(3 * i) % 8]!, toR))
/** A of small order: the equation holds, but anybody can make it hold. */
const smallA = torsion.flatMap((toA) => torsion.map((toR, j) => forge(0n, BigInt(99 + j), toA, toR)))
const honest = forge(4242n, 4343n, Point.ZERO, Point.ZERO)
const withR = (R: Uint8Array) => {
  const [k, a] = [bytesToNumberLE(sha512(concatBytes(R, honest.publicKey, message))), 4242n]
  return { ...honest, signature: concatBytes(R, Fn.toBytes(Fn.create(k * a))) }
}
/** Small-order points in the encodings that are not canonical: y + p, and the sign of x = 0. */
const nonCanonical = [
  encodeY(1n, 1),
  encodeY(p - 1n, 1),
  encodeY(p, 0),
  encodeY(p, 1),
  encodeY(p + 1n, 0),
  encodeY(p + 1n, 1),
]
const refused: VerifyRequest[] = [
  ...smallA,
  ...nonCanonical.map(withR),
  ...nonCanonical.map((publicKey) => ({ ...honest, publicKey })),
  // S + L
  {
    ...honest,
    signature: concatBytes(
      honest.signature.subarray(0, 32),
      fromHex((bytesToNumberLE(honest.signature.subarray(32)) + Fn.ORDER).toString(16).padStart(64, '0')).reverse(),
    ),
  },
  // a component of small order in R that was not there when k was computed
  {
    ...honest,
    signature: concatBytes(
      Point.fromBytes(honest.signature.subarray(0, 32)).add(generator).toBytes(),
      honest.signature.subarray(32),
    ),
  },
]

test('the crafted signatures are those that rules differ on', () => {
  const decided = [...accepted, ...smallR].map(openssl)
  expect(decided.filter((holds) => !holds).length).toBeGreaterThan(30)
  expect(decided.filter((holds) => holds).length).toBeGreaterThan(3)
  expect(torsion.map((point) => point.isSmallOrder())).toEqual(Array(8).fill(true))
})

describe.each([nobleProvider, wasmProvider, nodeProvider])('$name', (provider) => {
  const suite: CipherSuite = openSuite(provider, 1)
  const verify = (request: VerifyRequest) => suite.verify(request.publicKey, request.message, request.signature)

  // three times: providers keep keys that come again in another form
  test.each([1, 2, 3])('alone, time %i', () => {
    expect([...accepted, ...smallR].map(verify)).toEqual([...accepted, ...smallR].map(() => true))
    expect(refused.map(verify)).toEqual(refused.map(() => false))
  })

  test.each([2, 17, 72, 150])('batches of %i', async (size) => {
    const good = Array.from({ length: size }, (_, i) => [...accepted, ...smallR, honest][i % 73]!)
    expect(await suite.verifyMany(good)).toEqual(good.map(() => true))
    // one culprit at a time
    for (const at of [0, size - 1])
      for (const bad of [refused[9]!, ...refused.slice(-2)]) {
        const mixed = good.map((request, i) => (i === at ? bad : request))
        expect(await suite.verifyMany(mixed)).toEqual(good.map((_, i) => i !== at))
      }
  })

  test('a batch of crafted signatures alone and many culprits', async () => {
    const all = [...accepted, ...refused, ...smallR, ...refused]
    expect(await suite.verifyMany(all)).toEqual(all.map((request) => !refused.includes(request)))
  })

  test('keys of small order and other encodings are no signature keys', () => {
    for (const { publicKey } of accepted) expect(suite.isSignaturePublicKey(publicKey)).toBe(true)
    for (const key of [...torsion.map((point) => point.toBytes()), ...nonCanonical])
      expect(suite.isSignaturePublicKey(key)).toBe(false)
  })
})

import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { buildP256 } from '../../wasm/p256/build.ts'
import { fromHex, hexField, pattern, wycheproof } from './kernel.ts'
import { signatureFromDer } from './p256-der.ts'
import { loadP256 } from './p256-kernel.ts'

const kernel = await loadP256()
const { Point } = p256
const n = Point.Fn.ORDER
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const toBytes = (value: bigint): Uint8Array<ArrayBuffer> => fromHex(value.toString(16).padStart(64, '0'))
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${hex(bytes)}`)

const ecdh = (scalar: Uint8Array, point: Uint8Array): string | undefined => {
  kernel.reset()
  const out = kernel.put(new Uint8Array(48).fill(0xa5))
  const ok = kernel.call('p256Ecdh', out, kernel.put(scalar, 1), kernel.put(point, 3))
  expect(kernel.read(out + 32, 16).every((byte) => byte === 0xa5)).toBe(true)
  if (ok === 1) return hex(kernel.read(out, 32))
  expect(kernel.read(out, 32).every((byte) => byte === 0)).toBe(true)
  return undefined
}

const publicKey = (scalar: Uint8Array): string | undefined => {
  kernel.reset()
  const out = kernel.put(new Uint8Array(80).fill(0xa5))
  const ok = kernel.call('p256PublicKey', out, kernel.put(scalar, 1))
  expect(kernel.read(out + 65, 15).every((byte) => byte === 0xa5)).toBe(true)
  if (ok === 1) return hex(kernel.read(out, 65))
  expect(kernel.read(out, 65).every((byte) => byte === 0)).toBe(true)
  return undefined
}

const sign = (scalar: Uint8Array, hash: Uint8Array, k: Uint8Array): Uint8Array | undefined => {
  kernel.reset()
  const out = kernel.room(64)
  const ok = kernel.call('p256Sign', out, kernel.put(scalar, 1), kernel.put(hash, 5), kernel.put(k, 3))
  return ok === 1 ? kernel.read(out, 64) : undefined
}

const verify = (point: Uint8Array, signature: Uint8Array, hash: Uint8Array): boolean => {
  kernel.reset()
  return kernel.call('p256Verify', kernel.put(point, 1), kernel.put(signature, 3), kernel.put(hash, 5)) === 1
}

/** Scalars that reach the ends of every table and the last-addition cases n - 2 d, then powers of two and random ones. */
const scalars: readonly bigint[] = [
  ...Array.from({ length: 70 }, (_, i) => BigInt(i + 1)),
  ...Array.from({ length: 70 }, (_, i) => n - BigInt(i + 1)),
  ...Array.from({ length: 10 }, (_, i) => n / 2n + BigInt(i - 5)),
  ...Array.from({ length: 63 }, (_, i) => 1n << BigInt(4 * i + 3)),
  ...Array.from({ length: 32 }, (_, i) => (1n << BigInt(8 * i)) - 1n).slice(1),
  // the one scalar whose last fixed-base addition doubles: sum and term are both 15 * 16^63 mod n
  30n * 2n ** 252n - n,
  2n * n - 30n * 2n ** 252n,
  ...Array.from({ length: 60 }, (_, i) => toNumber(pattern(32, i)) % n),
]

describe('public keys', () => {
  test('equal the oracle for edge and random scalars', () => {
    for (const scalar of scalars)
      expect(publicKey(toBytes(scalar)), `scalar ${scalar}`).toBe(hex(p256.getPublicKey(toBytes(scalar), false)))
  })

  test('scalars outside [1, n - 1] are refused', () => {
    for (const scalar of [0n, n, n + 1n, 2n ** 256n - 1n]) expect(publicKey(toBytes(scalar))).toBeUndefined()
  })
})

describe('ECDH', () => {
  const peer = p256.getPublicKey(pattern(32, 77), false)

  test('equals the oracle for edge scalars', () => {
    for (const scalar of scalars)
      expect(ecdh(toBytes(scalar), peer), `scalar ${scalar}`).toBe(
        hex(p256.getSharedSecret(toBytes(scalar), peer, false).subarray(1, 33)),
      )
  })

  test('both sides agree for random pairs and extreme points', () => {
    const points = [1n, 2n, 3n, n - 1n, n - 2n, ...scalars.slice(-30)]
    for (const [i, b] of points.entries()) {
      const a = scalars.at(-1 - i) ?? 1n
      const [pointA, pointB] = [publicKey(toBytes(a)) ?? '', publicKey(toBytes(b)) ?? '']
      const shared = ecdh(toBytes(a), fromHex(pointB))
      expect(shared).toBe(ecdh(toBytes(b), fromHex(pointA)))
      expect(shared).toBe(
        hex(
          Point.BASE.multiply((a * b) % n)
            .toBytes(false)
            .subarray(1, 33),
        ),
      )
    }
  })

  test('invalid points are refused', () => {
    const prime = Point.Fp.ORDER
    const make = (first: number, x: bigint, y: bigint): Uint8Array =>
      Buffer.concat([new Uint8Array([first]), toBytes(x), toBytes(y)])
    const { x, y } = Point.BASE.multiply(5n).toAffine()
    const scalar = toBytes(12345n)
    expect(ecdh(scalar, make(4, x, y))).toBeDefined()
    for (const first of [0, 2, 3, 5, 6, 7, 0x84]) expect(ecdh(scalar, make(first, x, y))).toBeUndefined()
    expect(ecdh(scalar, make(4, 0n, 0n))).toBeUndefined()
    for (const bit of [0n, 28n, 29n, 100n, 255n]) {
      expect(ecdh(scalar, make(4, x ^ (1n << bit), y))).toBeUndefined()
      expect(ecdh(scalar, make(4, x, y ^ (1n << bit)))).toBeUndefined()
    }
    // x = 0 is on the curve, so x = p is the same point written with a coordinate that is not below p
    const root = Point.Fp.sqrt(Point.CURVE().b)
    expect(ecdh(scalar, make(4, 0n, root))).toBe(
      hex(Point.fromAffine({ x: 0n, y: root }).multiply(12345n).toBytes(false).subarray(1, 33)),
    )
    expect(ecdh(scalar, make(4, prime, root))).toBeUndefined()
    expect(ecdh(scalar, make(4, 2n ** 256n - 1n, root))).toBeUndefined()
    for (const value of [0n, n, 2n ** 256n - 1n]) expect(ecdh(toBytes(value), make(4, x, y))).toBeUndefined()
  })

  test('Wycheproof', () => {
    const groups = wycheproof('ecdh_secp256r1_ecpoint_test.json')
    let count = 0
    for (const group of groups ?? [])
      for (const item of group.tests) {
        count++
        const point = hexField(item, 'public')
        const scalar = String(item['private']).padStart(64, '0').slice(-64)
        // other encodings have no place in MLS (RFC 9420 §5.1.1 takes RFC 9180's uncompressed form)
        const shared = point.length === 65 ? ecdh(fromHex(scalar), point) : undefined
        if (item.result === 'valid') expect(shared, `tcId ${item.tcId}`).toBe(String(item['shared']))
        else if (item.result === 'invalid') expect(shared, `tcId ${item.tcId}`).toBeUndefined()
        else expect([undefined, String(item['shared'])], `tcId ${item.tcId}`).toContain(shared)
      }
    if (groups !== undefined) expect(count).toBeGreaterThan(200)
  })
})

const isSquare = (value: bigint): boolean => Point.Fp.pow(value, (Point.Fp.ORDER - 1n) / 2n) === 1n
const invert = (value: bigint): bigint => Point.Fn.inv(value)

describe('ECDSA', () => {
  test('RFC 6979 A.2.5, message "sample"', () => {
    const scalar = fromHex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721')
    const k = fromHex('a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60')
    const hash = fromHex('af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf')
    expect(hex(sign(scalar, hash, k) ?? new Uint8Array())).toBe(
      'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
    )
  })

  test('signatures follow the definition and verify in both implementations', () => {
    const edges = [1n, 2n, n - 1n, n - 2n, n / 2n]
    for (let round = 0; round < 60; round++) {
      const d = edges[round] ?? toNumber(pattern(32, round)) % n
      const k = edges[(round * 3) % 11] ?? toNumber(pattern(32, round + 500)) % n
      const hash =
        round % 10 === 0 ? toBytes([0n, n, 2n ** 256n - 1n, n - 1n, 1n, n + 1n][round / 10] ?? 0n) : pattern(32, round)
      const r = Point.BASE.multiply(k).toAffine().x % n
      const s = (invert(k) * (toNumber(hash) + r * d)) % n
      const signature = sign(toBytes(d), hash, toBytes(k)) ?? new Uint8Array(64)
      expect(hex(signature), `round ${round}`).toBe(hex(toBytes(r)) + hex(toBytes(s)))
      const point = p256.getPublicKey(toBytes(d), false)
      expect(verify(point, signature, hash)).toBe(true)
      expect(p256.verify(signature, hash, point, { prehash: false, lowS: false })).toBe(true)
      const changed = signature.slice()
      changed[round] = (changed[round] ?? 0) ^ (1 << (round & 7))
      expect(verify(point, changed, hash)).toBe(false)
      const otherHash = hash.slice()
      otherHash[31 - (round & 31)] = (otherHash[31 - (round & 31)] ?? 0) ^ 1
      expect(verify(point, signature, otherHash)).toBe(false)
      expect(verify(p256.getPublicKey(toBytes(d === 7n ? 8n : 7n), false), signature, hash)).toBe(false)
    }
  })

  test('keys, nonces, r and s out of range are refused', () => {
    const [d, hash, k] = [toBytes(5n), pattern(32, 1), toBytes(9n)]
    for (const value of [0n, n, n + 1n, 2n ** 256n - 1n]) {
      expect(sign(toBytes(value), hash, k)).toBeUndefined()
      expect(sign(d, hash, toBytes(value))).toBeUndefined()
      const point = p256.getPublicKey(d, false)
      const good = sign(d, hash, k) ?? new Uint8Array(64)
      expect(verify(point, good, hash)).toBe(true)
      expect(verify(point, Buffer.concat([toBytes(value), good.subarray(32)]), hash)).toBe(false)
      expect(verify(point, Buffer.concat([good.subarray(0, 32), toBytes(value)]), hash)).toBe(false)
    }
    // s = 0 when the hash is -r d
    const r = Point.BASE.multiply(9n).toAffine().x % n
    expect(sign(d, toBytes(n - ((r * 5n) % n)), k)).toBeUndefined()
  })

  test('r stands for r + n too when that is below p', () => {
    const hash = pattern(32, 8)
    let tried = 0
    for (let r = 1n; tried < 5; r++) {
      const x = r + n
      const square = (x * x * x - 3n * x + Point.CURVE().b) % Point.Fp.ORDER
      if (!isSquare(square)) continue
      tried++
      // any s: the key r^-1 (s R - h G) makes (r, s) a signature of the hash
      const s = toNumber(pattern(32, tried)) % n
      const point = Point.fromAffine({ x, y: Point.Fp.sqrt(square) })
      const h = toNumber(hash) % n
      const key = point
        .multiply(s)
        .add(Point.BASE.multiply(n - h))
        .multiply(invert(r))
      const signature = Buffer.concat([toBytes(r), toBytes(s)])
      expect(verify(key.toBytes(false), signature, hash)).toBe(true)
      expect(verify(key.toBytes(false), Buffer.concat([toBytes(r + 1n), toBytes(s)]), hash)).toBe(false)
    }
  })

  test('exceptional additions: keys that are small multiples of the generator', () => {
    for (const d of [1n, 2n, 3n, 5n, n - 1n, n - 2n, n - 3n])
      for (const u2 of [1n, 2n, 3n, 7n, 16n, 31n, 12345n, n - 1n, n - 5n, n / 2n])
        for (const u1 of [0n, 1n, u2, (u2 * d) % n, n - u2, n - ((u2 * d) % n), (2n * u2 * d) % n]) {
          const point = p256.getPublicKey(toBytes(d), false)
          const total = (u1 + u2 * d) % n
          // with u1 = h / s and u2 = r / s any r gives some s and h
          const r = total === 0n ? 3n : Point.BASE.multiply(total).toAffine().x % n
          const s = (r * invert(u2)) % n
          const signature = Buffer.concat([toBytes(r), toBytes(s)])
          expect(verify(point, signature, toBytes((u1 * s) % n)), `d ${d}, u1 ${u1}, u2 ${u2}`).toBe(total !== 0n)
        }
  })

  test('Wycheproof', () => {
    const groups = wycheproof('ecdsa_secp256r1_sha256_test.json')
    let count = 0
    for (const group of groups ?? []) {
      const point = fromHex(String((group['publicKey'] as { uncompressed: string }).uncompressed))
      for (const item of group.tests) {
        count++
        const signature = signatureFromDer(hexField(item, 'sig'))
        const hash = sha256(hexField(item, 'msg'))
        const valid = signature !== undefined && verify(point, signature, hash)
        expect(valid, `tcId ${item.tcId}`).toBe(item.result === 'valid')
      }
    }
    if (groups !== undefined) expect(count).toBeGreaterThan(400)
  })
})

test('nothing secret stays in static memory', () => {
  const [d, k, hash] = [pattern(32, 1), pattern(32, 2), pattern(32, 3)]
  const peer = p256.getPublicKey(pattern(32, 77), false)
  publicKey(toBytes(1n))
  const run = (): string => hex(kernel.staticCopy())
  const atRest = run()
  sign(d, hash, k)
  expect(run()).toBe(atRest)
  ecdh(d, peer)
  expect(run()).toBe(atRest)
  publicKey(d)
  expect(run()).toBe(atRest)
})

test('the build is deterministic', async () => {
  expect(hex(await buildP256())).toBe(hex(await buildP256()))
}, 60_000)

import { randomBytes } from 'node:crypto'
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { concat, hex, loadCurve25519, readVectors, type Signed } from './curve25519-module.ts'

const CASES = Number(process.env['WASM_CASES'] ?? 60)
const curve = await loadCurve25519()
const random = (n: number): Uint8Array => Uint8Array.from(randomBytes(n))
const { Point } = ed25519
const ORDER = Point.Fn.ORDER
const P = 2n ** 255n - 19n

/** The rule in readable form, on noble's points: canonical A and R, A not of small order, S < L, the cofactored equation. */
function acceptable({ pk, signature, message }: Signed): boolean {
  try {
    return signature.length === 64 && ed25519.verify(signature, message, pk, { zip215: false })
  } catch {
    return false
  }
}

const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
const toBytes = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
const challenge = (r: Uint8Array, pk: Uint8Array, message: Uint8Array): bigint =>
  littleEndian(curve.sha512(concat([r, pk, message]))) % ORDER
const randomScalar = (): bigint => (littleEndian(random(48)) % (ORDER - 1n)) + 1n
const batch = (items: readonly Signed[]): boolean => curve.ed25519VerifyBatch(items, random(16 * items.length))
const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

function signed(length = Math.floor(Math.random() * 300), expanded = curve.ed25519Expand(random(32))): Signed {
  const message = random(length)
  return { pk: expanded.slice(64), message, signature: curve.ed25519Sign(expanded, message) }
}

/** The verdict of the two single verifications, which must agree. */
function verify(item: Signed): boolean {
  const valid = curve.ed25519Verify(item)
  expect(curve.ed25519VerifyExpanded(item)).toBe(valid)
  return valid
}

/** Single and batch must say the same, alone and among good ones in both batch algorithms. */
function expectVerdict(item: Signed, valid: boolean, good: readonly Signed[]): void {
  expect(verify(item)).toBe(valid)
  expect(batch([item])).toBe(valid)
  expect(batch([...good, item])).toBe(valid)
}

/** The eight points of order 1, 2, 4 and 8. */
const torsion = ED25519_TORSION_SUBGROUP.map((encoding) => Point.fromHex(encoding))

describe('Ed25519 kernels', { timeout: 60_000 }, () => {
  test('RFC 8032 §7.1 vectors', () => {
    const vectors = [
      [
        '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
        '',
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      ],
      [
        '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
        '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
        '72',
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      ],
      [
        'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
        'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
        'af82',
        '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
      ],
    ] as const
    for (const [seed, pk, message, signature] of vectors) {
      expect(curve.ed25519PublicKey(hex(seed))).toEqual(hex(pk))
      const expanded = curve.ed25519Expand(hex(seed))
      expect(expanded.slice(64)).toEqual(hex(pk))
      expect(curve.ed25519Sign(expanded, hex(message))).toEqual(hex(signature))
      expectVerdict({ pk: hex(pk), message: hex(message), signature: hex(signature) }, true, [])
    }
  })

  test('keys and signatures equal noble; every kind of flipped bit is refused', () => {
    for (let i = 0; i < CASES; i++) {
      const seed = random(32)
      const message = random(i < 4 ? i : i * 5)
      const expanded = curve.ed25519Expand(seed)
      const pk = ed25519.getPublicKey(seed)
      const signature = ed25519.sign(message, seed)
      expect(curve.ed25519PublicKey(seed)).toEqual(pk)
      expect(curve.ed25519Sign(expanded, message)).toEqual(signature)
      const item = { pk, message, signature }
      expect(verify(item)).toBe(true)
      const bit = Math.floor(Math.random() * 256)
      const broken = [
        { ...item, pk: flip(pk, bit) },
        { ...item, signature: flip(signature, bit) },
        { ...item, signature: flip(signature, 256 + bit) },
        { ...item, message: concat([message, new Uint8Array(1)]) },
      ]
      for (const bad of broken) {
        expect(verify(bad)).toBe(false)
        expect(batch([item, bad])).toBe(false)
      }
    }
  })

  test('batches of every size accept good items and refuse one bad message anywhere', () => {
    const good = Array.from({ length: 1024 }, () => signed())
    for (const n of [...Array.from({ length: 70 }, (_, i) => i + 1), 96, 97, 159, 160, 256, 1024]) {
      const items = good.slice(0, n)
      expect({ n, valid: batch(items) }).toEqual({ n, valid: true })
      const at = Math.floor(Math.random() * n)
      const bad = items.map((item, i) =>
        i === at ? { ...item, message: concat([item.message, new Uint8Array(1)]) } : item,
      )
      expect({ n, at, valid: batch(bad) }).toEqual({ n, at, valid: false })
    }
    expect(batch([])).toBe(true)
  })

  test('neighbours with one key: good ones are accepted, and one bad message or a swap of two signatures is not', () => {
    for (const sizes of [[2], [3], [1, 2, 1], [2, 2, 2, 3, 1], Array.from({ length: 60 }, () => 2)]) {
      const items = sizes.flatMap((size) => {
        const expanded = curve.ed25519Expand(random(32))
        return Array.from({ length: size }, () => signed(40, expanded))
      })
      expect(batch(items)).toBe(true)
      for (const at of new Set([0, 1, items.length >> 1, items.length - 1])) {
        expect(batch(items.map((item, i) => (i === at ? { ...item, message: random(40) } : item)))).toBe(false)
        const other = items[(at + 1) % items.length]!
        expect(batch(items.map((item, i) => (i === at ? { ...item, signature: other.signature } : item)))).toBe(false)
      }
    }
  })

  test('a batch of 4096 fits in one call', () => {
    const few = Array.from({ length: 16 }, () => signed())
    const items = Array.from({ length: 4096 }, (_, i) => few[i % 16]!)
    expect(batch(items)).toBe(true)
    const bad = { ...few[3]!, message: random(8) }
    expect(batch([...items.slice(1), bad])).toBe(false)
  })

  test('a batch stays inside its scratch and leaves its inputs alone', () => {
    const items = Array.from({ length: 400 }, () => signed(50))
    for (const n of [1, 2, 5, 80, 81, 128, 400]) {
      const { kernel } = curve
      curve.run(() => {
        const args = curve.batchArguments(items.slice(0, n), random(16 * n))
        const scratch = args[6]
        const end = scratch + kernel.ed25519VerifyBatchScratch(n)
        const guard = random(4096)
        curve.reserve(4096 + 16)
        new Uint8Array(kernel.memory.buffer).set(guard, end)
        const inputs = new Uint8Array(kernel.memory.buffer).slice(args[1], scratch)
        expect(kernel.ed25519VerifyBatch(...args)).toBe(1)
        expect(Buffer.compare(new Uint8Array(kernel.memory.buffer).slice(end, end + 4096), guard)).toBe(0)
        expect(Buffer.compare(new Uint8Array(kernel.memory.buffer).slice(args[1], scratch), inputs)).toBe(0)
      })
    }
  })

  test('S of L or more is refused', () => {
    const good = Array.from({ length: 100 }, () => signed(40))
    const item = good[0]!
    const s = littleEndian(item.signature.slice(32))
    for (let k = 1n; s + k * ORDER < 2n ** 256n; k += 4n) {
      const signature = concat([item.signature.slice(0, 32), toBytes(s + k * ORDER)])
      expectVerdict({ ...item, signature }, false, good)
    }
    const zero = { ...item, signature: concat([item.signature.slice(0, 32), toBytes(ORDER)]) }
    expectVerdict(zero, false, [])
  })

  test('torsion-crafted keys and signatures: single, batch and the readable rule agree', () => {
    const good = Array.from({ length: 3 }, () => signed(40))
    const many = Array.from({ length: 100 }, () => signed(40))
    let accepted = 0
    for (let i = 0; i < 64; i++) {
      const a = randomScalar()
      const r = randomScalar()
      const A = Point.BASE.multiply(a).add(torsion[i & 7]!)
      const R = Point.BASE.multiply(r).add(torsion[i >> 3]!)
      const pk = A.toBytes()
      const message = random(i)
      const k = challenge(R.toBytes(), pk, message)
      const signature = concat([R.toBytes(), toBytes((r + k * a) % ORDER)])
      const item = { pk, message, signature }
      expect(acceptable(item)).toBe(true)
      expectVerdict(item, true, i % 8 === 0 ? many : good)
      accepted++
      expectVerdict({ ...item, message: random(i + 1) }, false, i % 8 === 0 ? many : good)
    }
    expect(accepted).toBe(64)
  })

  test('small-order R is fine, small-order A is not', () => {
    const good = Array.from({ length: 3 }, () => signed(40))
    for (const T of torsion) {
      const a = randomScalar()
      const pk = Point.BASE.multiply(a).toBytes()
      const message = random(20)
      const s = (challenge(T.toBytes(), pk, message) * a) % ORDER
      const item = { pk, message, signature: concat([T.toBytes(), toBytes(s)]) }
      expect(acceptable(item)).toBe(true)
      expectVerdict(item, true, good)
      const r = randomScalar()
      const weak = { pk: T.toBytes(), message, signature: concat([Point.BASE.multiply(r).toBytes(), toBytes(r)]) }
      expect(acceptable(weak)).toBe(false)
      expectVerdict(weak, false, good)
    }
  })

  test('non-canonical encodings of A or R are refused, also where the equation holds', () => {
    const good = Array.from({ length: 3 }, () => signed(40))
    // y + p for the few y below 19 that are on the curve, both signs; and x = 0 with the sign bit.
    const encodings: Uint8Array[] = []
    for (let y = 0n; y < 19n; y++) {
      for (const sign of [0n, 1n << 255n]) encodings.push(toBytes(y + P + sign))
    }
    encodings.push(toBytes(1n + (1n << 255n)), toBytes(P - 1n + (1n << 255n)))
    let decodable = 0
    for (const encoding of encodings) {
      const message = random(12)
      let point: typeof Point.BASE | undefined
      try {
        point = Point.fromBytes(encoding, true)
        decodable++
      } catch {
        // not on the curve at all
      }
      const a = randomScalar()
      const pk = Point.BASE.multiply(a).toBytes()
      // For small-order R = point, S = k a satisfies the cofactored equation.
      const s = (challenge(encoding, pk, message) * a) % ORDER
      const asR = { pk, message, signature: concat([encoding, toBytes(s)]) }
      expect(acceptable(asR)).toBe(false)
      expectVerdict(asR, false, good)
      const r = randomScalar()
      const asA = { pk: encoding, message, signature: concat([Point.BASE.multiply(r).toBytes(), toBytes(r)]) }
      expect(acceptable(asA)).toBe(false)
      expectVerdict(asA, false, good)
      expect(point === undefined || point.toBytes().length === 32).toBe(true)
    }
    expect(decodable).toBeGreaterThan(10)
  })

  test('random 32-byte strings as A and R give the verdict of the readable rule', () => {
    for (let i = 0; i < CASES; i++) {
      const item = { pk: random(32), message: random(9), signature: concat([random(32), toBytes(randomScalar())]) }
      expect(verify(item)).toBe(acceptable(item))
      expect(batch([item])).toBe(acceptable(item))
    }
  })

  test('an expanded key with pieces of S and of the challenge at their ends', () => {
    const ones = 2n ** 32n - 1n
    const ends = [0n, 1n, ones, ones - 1n, 2n ** 31n, 2n ** 31n - 1n, 0x55555555n, 0xaaaaaaaan, 15n << 28n, 127n]
    const pick = () => ends[Math.floor(Math.random() * ends.length)] as bigint
    const crafted = (): bigint =>
      [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, i) => sum + (pick() << BigInt(32 * i)), 0n) % ORDER
    const scalars = [
      0n,
      1n,
      ORDER - 1n,
      2n ** 252n - 1n,
      2n ** 252n,
      2n ** 192n - 1n,
      ...Array.from({ length: CASES }, crafted),
    ]
    for (const [n, s] of scalars.entries()) {
      const k = scalars[(5 * n + 2) % scalars.length] as bigint
      const key = Point.BASE.multiply(randomScalar())
      const times = (point: typeof key, scalar: bigint) => (scalar === 0n ? Point.ZERO : point.multiplyUnsafe(scalar))
      const r = times(Point.BASE, s).subtract(times(key, k))
      const signature = concat([r.toBytes(), toBytes(s)])
      const digest = concat([toBytes(k), new Uint8Array(32)])
      expect(curve.ed25519VerifyExpandedHashed(key.toBytes(), signature, digest)).toBe(true)
      const other = concat([toBytes((k + 2n ** BigInt((n * 37) % 252)) % ORDER), new Uint8Array(32)])
      expect(curve.ed25519VerifyExpandedHashed(key.toBytes(), signature, other)).toBe(false)
    }
  })

  test('Wycheproof ed25519', () => {
    interface Case {
      readonly tcId: number
      readonly msg: string
      readonly sig: string
      readonly result: string
    }
    const file = readVectors<{ testGroups: { publicKey: { pk: string }; tests: Case[] }[] }>(
      'wycheproof/ed25519_test.json',
    )
    const good = Array.from({ length: 3 }, () => signed(40))
    for (const { publicKey, tests } of file?.testGroups ?? []) {
      for (const { tcId, msg, sig, result } of tests) {
        // The kernels take 64 bytes; the length check belongs to the caller.
        if (sig.length !== 128) continue
        const item = { pk: hex(publicKey.pk), message: hex(msg), signature: hex(sig) }
        expect({ tcId, valid: verify(item) }).toEqual({ tcId, valid: result === 'valid' })
        expect({ tcId, valid: batch([...good, item]) }).toEqual({ tcId, valid: result === 'valid' })
      }
    }
  })

  test('CCTV ed25519: low-order components pass, low-order A and non-canonical encodings do not', () => {
    interface Case {
      readonly number: number
      readonly key: string
      readonly sig: string
      readonly msg: string
      readonly flags: string[] | null
    }
    const cases = readVectors<Case[]>('cctv/ed25519vectors.json') ?? []
    const good = Array.from({ length: 3 }, () => signed(40))
    for (const { number, key, sig, msg, flags } of cases) {
      const item = { pk: hex(key), message: Uint8Array.from(Buffer.from(msg)), signature: hex(sig) }
      const valid = !['low_order_A', 'non_canonical_A', 'non_canonical_R'].some((flag) => flags?.includes(flag))
      expect({ number, valid: acceptable(item) }).toEqual({ number, valid })
      expect({ number, valid: verify(item) }).toEqual({ number, valid })
      expect({ number, valid: batch([...good, item]) }).toEqual({ number, valid })
    }
  })
})

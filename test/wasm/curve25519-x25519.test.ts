import { createHash, randomBytes } from 'node:crypto'
import { x25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { buildCurve25519 } from '../../wasm/curve25519/build.ts'
import { concat, hex, loadCurve25519, readVectors } from './curve25519-module.ts'

const CASES = Number(process.env['WASM_CASES'] ?? 150)
const wasm = await buildCurve25519()
const curve = await loadCurve25519(wasm)
const random = (n: number): Uint8Array => Uint8Array.from(randomBytes(n))

/** noble refuses an all-zero result; the kernel returns it with a flag. */
const reference = (scalar: Uint8Array, u: Uint8Array): Uint8Array => {
  try {
    return x25519.getSharedSecret(scalar, u)
  } catch {
    return new Uint8Array(32)
  }
}

const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(hex)

/** Encodings in [p, 2^255), and the same with the ignored top bit. */
const NON_CANONICAL = Array.from({ length: 19 }, (_, i) => {
  const u = new Uint8Array(32).fill(0xff)
  u[0] = 0xed + i
  u[31] = i % 2 === 0 ? 0x7f : 0xff
  return u
})

describe('X25519 kernels', { timeout: 60_000 }, () => {
  test('RFC 7748 §5.2 vectors', () => {
    const { result } = curve.x25519(
      hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
      hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
    )
    expect(result).toEqual(hex('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'))
    const second = curve.x25519(
      hex('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d'),
      hex('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493'),
    )
    expect(second.result).toEqual(hex('95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957'))
  })

  test('RFC 7748 §5.2 iterated, 1 and 1000 times', () => {
    let k = hex('0900000000000000000000000000000000000000000000000000000000000000')
    let u = k
    for (let i = 1; i <= 1000; i++) {
      const { result } = curve.x25519(k, u)
      u = k
      k = result
      if (i === 1) expect(k).toEqual(hex('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079'))
    }
    expect(k).toEqual(hex('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51'))
  })

  test('RFC 7748 §6.1 key pairs and shared secret', () => {
    const alice = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
    const bob = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
    const alicePublic = hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
    const bobPublic = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    const shared = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')
    expect(curve.x25519Base(alice)).toEqual(alicePublic)
    expect(curve.x25519BaseMany([bob, alice])).toEqual(concat([bobPublic, alicePublic]))
    expect(curve.x25519(alice, bobPublic)).toEqual({ result: shared, zero: 0 })
    expect(curve.x25519(bob, alicePublic)).toEqual({ result: shared, zero: 0 })
  })

  test('random scalars and points, alone and in lanes, equal noble', () => {
    for (let n = 1; n <= 40 && n * n <= CASES * 8; n++) {
      const scalars = Array.from({ length: n }, () => random(32))
      const us = Array.from({ length: n }, () => random(32))
      const expected = scalars.map((scalar, i) => reference(scalar, us[i]!))
      expect(curve.x25519Many(scalars, us)).toEqual({ result: concat(expected), zero: 0 })
      expect(curve.x25519(scalars[0]!, us[0]!)).toEqual({ result: expected[0], zero: 0 })
    }
  })

  test('non-canonical u is reduced and its top bit ignored', () => {
    const scalars = NON_CANONICAL.map(() => random(32))
    const expected = NON_CANONICAL.map((u, i) => reference(scalars[i]!, u))
    expect(curve.x25519Many(scalars, NON_CANONICAL).result).toEqual(concat(expected))
    for (const [i, u] of NON_CANONICAL.entries()) expect(curve.x25519(scalars[i]!, u).result).toEqual(expected[i])
  })

  test('low-order points give zero and the flag, without touching their neighbours', () => {
    for (const u of LOW_ORDER) expect(curve.x25519(random(32), u)).toEqual({ result: new Uint8Array(32), zero: 1 })
    const us = LOW_ORDER.flatMap((u) => [u, random(32)])
    const scalars = us.map(() => random(32))
    expect(curve.x25519Many(scalars, us)).toEqual({
      result: concat(us.map((u, i) => (i % 2 === 0 ? new Uint8Array(32) : reference(scalars[i]!, u)))),
      zero: 1,
    })
  })

  test('fixed base equals noble, alone and many', () => {
    const edges = [
      new Uint8Array(32),
      new Uint8Array(32).fill(0xff),
      new Uint8Array(32).fill(0x88),
      new Uint8Array(32).fill(0x77),
    ]
    const scalars = [...edges, ...Array.from({ length: CASES }, () => random(32))]
    const expected = scalars.map((scalar) => x25519.getPublicKey(scalar))
    expect(curve.x25519BaseMany(scalars)).toEqual(concat(expected))
    // from here on in lanes: their table is there after so many keys
    for (let asked = 0; asked < 128; asked += scalars.length) curve.x25519BaseMany(scalars)
    for (let n = 1; n < 20; n++) expect(curve.x25519BaseMany(scalars.slice(0, n))).toEqual(concat(expected.slice(0, n)))
    expect(curve.x25519BaseMany(scalars)).toEqual(concat(expected))
    for (const [i, scalar] of scalars.slice(0, 40).entries()) expect(curve.x25519Base(scalar)).toEqual(expected[i])
  })

  test('Wycheproof x25519', () => {
    interface Case {
      readonly tcId: number
      readonly public: string
      readonly private: string
      readonly shared: string
    }
    const file = readVectors<{ testGroups: { tests: Case[] }[] }>('wycheproof/x25519_test.json')
    const cases = file?.testGroups.flatMap((group) => group.tests) ?? []
    for (const { tcId, public: u, private: scalar, shared } of cases) {
      expect({ tcId, shared: curve.x25519(hex(scalar), hex(u)).result }).toEqual({ tcId, shared: hex(shared) })
    }
    const many = curve.x25519Many(
      cases.map((c) => hex(c.private)),
      cases.map((c) => hex(c.public)),
    )
    expect(many.result).toEqual(concat(cases.map((c) => hex(c.shared))))
  })
})

describe('the module', () => {
  test('SHA-512 equals node for every length around the block edges', () => {
    for (let n = 0; n <= 400; n++) {
      const data = random(n)
      expect(curve.sha512(data)).toEqual(Uint8Array.from(createHash('sha512').update(data).digest()))
    }
  })

  test('is reproducible', async () => {
    expect(await buildCurve25519()).toEqual(wasm)
  }, 60_000)

  test('keeps nothing of a secret operation in its memory', () => {
    const { kernel } = curve
    const used = () => new Uint8Array(kernel.memory.buffer, 0, kernel.heapBase()).slice()
    const scalar = random(32)
    curve.x25519Base(scalar) // builds the public tables
    curve.x25519BaseMany(new Array(128).fill(scalar))
    const snapshots = [
      () => curve.x25519(scalar, random(32)),
      () =>
        curve.x25519Many(
          [scalar, scalar, scalar, scalar, scalar],
          Array.from({ length: 5 }, () => random(32)),
        ),
      () => curve.x25519Base(scalar),
      () => curve.x25519BaseMany(new Array(7).fill(scalar)),
      () => curve.ed25519Expand(scalar),
      () => curve.ed25519PublicKey(scalar),
      () => curve.ed25519Sign(curve.ed25519Expand(scalar), random(300)),
      () => curve.sha512(scalar),
    ].map((operation) => {
      operation()
      return used()
    })
    curve.x25519Base(new Uint8Array(32))
    const clean = used()
    for (const snapshot of snapshots) expect(Buffer.compare(snapshot, clean)).toBe(0)
  })
})

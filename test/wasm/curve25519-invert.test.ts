import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { buildCurve25519 } from '../../wasm/curve25519/build.ts'

// Inversion by division steps against BigInt: numbers whose steps take unusual ways, and random ones.

const CASES = Number(process.env['WASM_CASES'] ?? 150) * 8
const P = 2n ** 255n - 19n

interface Field {
  readonly memory: WebAssembly.Memory
  invert(r: number, z: number): void
  feMul(r: number, x: number, y: number): void
  feSub(r: number, x: number, y: number): void
  feFromBytes(r: number, bytes: number): void
  feToBytes(out: number, x: number): void
}

const wasm = await buildCurve25519(`
export { invert } from './invert'
export { feMul, feSub, feFromBytes, feToBytes } from './field.generated'
`)
const field = new WebAssembly.Instance(new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>))
  .exports as unknown as Field
// the last page is free: static data is at the front
field.memory.grow(1)
const base = field.memory.buffer.byteLength - 65536
const [Z, R, ONE, BYTES] = [base, base + 80, base + 160, base + 240] as const
const bytes = new Uint8Array(field.memory.buffer)

function put(element: number, x: bigint): void {
  bytes.set(Buffer.from(x.toString(16).padStart(64, '0'), 'hex').reverse(), BYTES)
  field.feFromBytes(element, BYTES)
}

function get(element: number): bigint {
  field.feToBytes(BYTES, element)
  return BigInt(
    `0x${Buffer.from(bytes.slice(BYTES, BYTES + 32))
      .reverse()
      .toString('hex')}`,
  )
}

/** The quotients 1, 1, 1 .. of Euclid's algorithm are the longest way; numbers of this kind are near p / phi. */
const golden = (P * 618033988749894848204586834n) / 10n ** 27n

test('the inverse times the number is one, and that of zero is zero', () => {
  const powers = Array.from({ length: 255 }, (_, i) => 2n ** BigInt(i))
  const near = [0n, golden, P / 2n, P / 3n, 2n ** 30n, 2n ** 240n, P].flatMap((x) =>
    [-3n, -2n, -1n, 0n, 1n, 2n, 3n].map((d) => x + d),
  )
  const ones = Array.from({ length: 9 }, (_, i) => (2n ** 30n - 1n) << BigInt(30 * i))
  const random = Array.from({ length: CASES }, () => BigInt(`0x${randomBytes(32).toString('hex')}`))
  for (const x of [...powers, ...powers.map((power) => P - power), ...near, ...ones, ...random]) {
    const z = BigInt.asUintN(255, x) % P
    put(Z, z)
    field.invert(R, Z)
    const inverse = get(R)
    expect(inverse).toBeLessThan(P)
    expect((inverse * z) % P).toBe(z === 0n ? 0n : 1n)
    if (z === 0n) expect(inverse).toBe(0n)
  }
})

test('numbers that are not reduced, and a result in place of the number', () => {
  put(ONE, 0n)
  for (let n = 0; n < 64; n++) {
    const x = n === 0 ? 0n : BigInt.asUintN(255, BigInt(`0x${randomBytes(32).toString('hex')}`)) % P
    put(Z, x)
    // 2 p - x in limbs that are not reduced
    field.feSub(Z, ONE, Z)
    field.invert(Z, Z)
    expect((get(Z) * (P - x)) % P).toBe(x === 0n ? 0n : 1n)
  }
})

import { randomBytes, randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { buildCurve25519 } from '../../wasm/curve25519/build.ts'

// The field on four lanes against BigInt, with operands at the bounds that generate.ts states.

const CASES = Number(process.env['WASM_CASES'] ?? 150) * 8
const P = 2n ** 255n - 19n
/** The largest limb of a product, and the factors m, n of operands that may be multiplied. */
const UNIT = 4100
const FACTORS = [
  [1, 1],
  [2, 1],
  [2, 2],
  [3, 2],
  [1.5, 3],
  [6, 1],
  [1, 6],
] as const
const SQUARE_FACTORS = [1, 2, 2.4]
const ELEMENT = 160

interface Lanes {
  readonly memory: WebAssembly.Memory
  f4Mul(r: number, x: number, y: number): void
  f4SqTimes(r: number, x: number, times: number): void
  f4SubMulSmall(r: number, e: number, x: number, y: number): void
  f4WeakReduce(x: number): void
  f4SetLane(r: number, bytes: number): void
  feFromLane(r: number, x: number): void
  feToBytes(out: number, x: number): void
}

const wasm = await buildCurve25519(`
export { f4Mul, f4SqTimes, f4SubMulSmall, f4WeakReduce, f4SetLane, feFromLane, feToBytes } from './field.generated'
`)
const lanes = new WebAssembly.Instance(new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>))
  .exports as unknown as Lanes
// the last page is free: static data is at the front
lanes.memory.grow(1)
const base = lanes.memory.buffer.byteLength - 65536
const [X, Y, R, E, BYTES] = [base, base + ELEMENT, base + 2 * ELEMENT, base + 3 * ELEMENT, base + 4 * ELEMENT] as const
const halves = new Int16Array(lanes.memory.buffer)
const bytes = new Uint8Array(lanes.memory.buffer)

const limbAt = (element: number, lane: number, i: number) => element / 2 + 8 * (i >> 1) + 2 * lane + (i & 1)
const modP = (x: bigint) => ((x % P) + P) % P

function value(element: number, lane: number): bigint {
  let sum = 0n
  for (let i = 19; i >= 0; i--) sum = (sum << 13n) + BigInt(halves[limbAt(element, lane, i)] as number)
  return modP(sum)
}

/** Limbs up to `bound`: all at one end, each at either end, near an end, or anywhere. */
function fill(element: number, bound: number): void {
  for (let lane = 0; lane < 4; lane++) {
    const kind = randomInt(6)
    for (let i = 0; i < 20; i++) {
      const end = randomInt(2) === 0 ? bound : -bound
      const near = end - Math.sign(end) * randomInt(3)
      const limb = [bound, -bound, end, near, randomInt(-bound, bound + 1), i % 2 === 0 ? bound : -bound][
        kind
      ] as number
      halves[limbAt(element, lane, i)] = limb
    }
  }
}

function largest(element: number): number {
  let most = 0
  for (let i = 0; i < ELEMENT / 2; i++) most = Math.max(most, Math.abs(halves[element / 2 + i] as number))
  return most
}

/** The four results are those of `expected`, and their limbs are within one unit. */
function check(expected: readonly bigint[], what: string): void {
  for (const [lane, x] of expected.entries()) if (value(R, lane) !== x) expect.fail(`${what}, lane ${lane}`)
  if (largest(R) > UNIT) expect.fail(`${what}: limb ${largest(R)}`)
}

const each = (of: (lane: number) => bigint) => [0, 1, 2, 3].map((lane) => modP(of(lane)))

test('products of operands at their bounds', { timeout: 600_000 }, () => {
  for (let n = 0; n < CASES; n++) {
    const [m, k] = FACTORS[n % FACTORS.length] as (typeof FACTORS)[number]
    fill(X, Math.floor(m * UNIT))
    fill(Y, Math.floor(k * UNIT))
    lanes.f4Mul(R, X, Y)
    check(
      each((lane) => value(X, lane) * value(Y, lane)),
      `${m} by ${k}`,
    )
  }
})

test('squares, and squares of squares', { timeout: 600_000 }, () => {
  for (let n = 0; n < CASES / 4; n++) {
    const m = SQUARE_FACTORS[n % SQUARE_FACTORS.length] as number
    fill(X, Math.floor(m * UNIT))
    const times = 1 + (n % 3)
    lanes.f4SqTimes(R, X, times)
    check(
      each((lane) => value(X, lane) ** BigInt(2 ** times)),
      `square ${m}, ${times}`,
    )
  }
})

test('the small factor of the ladder, and a carry without a product', { timeout: 600_000 }, () => {
  for (let n = 0; n < CASES / 4; n++) {
    fill(X, UNIT)
    fill(Y, UNIT)
    lanes.f4SubMulSmall(R, E, X, Y)
    check(
      each((lane) => 121666n * (value(X, lane) - value(Y, lane)) + value(Y, lane)),
      'small factor',
    )
    fill(R, 4 * UNIT - 100)
    const before = each((lane) => value(R, lane))
    lanes.f4WeakReduce(R)
    expect(each((lane) => value(R, lane))).toEqual(before)
    expect(largest(R)).toBeLessThan(1.5 * UNIT)
  }
})

test('elements in and out of a lane: around 0, p, 2p and 2^255, all ones, and random', () => {
  const near = [0n, P, 2n ** 255n - 1n, 2n ** 254n, 2n ** 13n, 2n ** 247n, 2n ** 26n, 2n ** 234n]
  const around = near.flatMap((x) => [-2n, -1n, 0n, 1n, 2n].map((d) => x + d))
  const ones = Array.from({ length: 20 }, (_, i) => (2n ** 255n - 1n) ^ (0x1fffn << BigInt(13 * i)))
  const random = Array.from({ length: CASES / 4 }, () => BigInt(`0x${randomBytes(32).toString('hex')}`))
  const inputs = [...around, ...ones, ...random].map((x) => BigInt.asUintN(255, x))
  for (const [n, x] of inputs.entries()) {
    const lane = n % 4
    const other = inputs[(7 * n + 3) % inputs.length] as bigint
    for (const [i, y] of [x, other].entries()) {
      bytes.set(Buffer.from(y.toString(16).padStart(64, '0'), 'hex').reverse(), BYTES)
      // bit 255 is left out
      bytes[BYTES + 31] = (bytes[BYTES + 31] as number) | (n % 2 === 0 ? 0x80 : 0)
      lanes.f4SetLane((i === 0 ? X : Y) + 4 * lane, BYTES)
    }
    expect(value(X, lane)).toBe(modP(x))
    lanes.f4Mul(R, X, Y)
    expect(value(R, lane)).toBe(modP(x * other))
    lanes.feFromLane(E, R + 4 * lane)
    lanes.feToBytes(BYTES, E)
    const out = Buffer.from(bytes.slice(BYTES, BYTES + 32))
      .reverse()
      .toString('hex')
    expect(BigInt(`0x${out}`)).toBe(modP(x * other))
  }
})

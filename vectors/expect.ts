/** Comparisons of the families; each throws on the first difference and shows both values. */
import { equalBytes } from '../src/bytes/bytes.ts'
import { toHex } from '../src/bytes/text.ts'
import { VectorError } from './fields.ts'

/** Bytes that a message shows of a value. */
const shown = 64

/** @throws VectorError with both values in hexadecimal; of long ones, the place of the first difference */
export function expectBytes(what: string, actual: Uint8Array | undefined, expected: Uint8Array): void {
  if (actual === undefined) throw new VectorError(`${what}: expected ${around(expected, 0)}, actual nothing`)
  if (equalBytes(actual, expected)) return
  const at = expected.findIndex((byte, i) => byte !== actual[i])
  const first = at < 0 ? expected.length : at
  throw new VectorError(
    `${what}: expected ${around(expected, first)}, actual ${around(actual, first)}, ` +
      `first difference at byte ${first} of ${expected.length}`,
  )
}

/** Up to 64 bytes around a place. */
function around(bytes: Uint8Array, place: number): string {
  const start = bytes.length <= shown ? 0 : Math.max(0, place - shown / 4)
  const end = Math.min(bytes.length, start + shown)
  return `${start > 0 ? '..' : ''}${toHex(bytes.subarray(start, end))}${end < bytes.length ? '..' : ''}`
}

/** @throws VectorError with both values */
export function expectEqual<T extends number | string | boolean | bigint | undefined>(
  what: string,
  actual: T,
  expected: T,
): void {
  if (actual !== expected) throw new VectorError(`${what}: expected ${expected}, actual ${actual}`)
}

/** @throws VectorError unless the two lists are equal */
export function expectNumbers(what: string, actual: readonly number[], expected: readonly number[]): void {
  if (actual.length === expected.length && actual.every((value, i) => value === expected[i])) return
  throw new VectorError(`${what}: expected [${expected.join(', ')}], actual [${actual.join(', ')}]`)
}

/** @throws VectorError unless `condition` holds */
export function expectTrue(what: string, condition: boolean): asserts condition {
  if (!condition) throw new VectorError(what)
}

/** @throws VectorError unless the call throws */
export async function expectFailure(what: string, call: () => unknown): Promise<void> {
  try {
    await call()
  } catch {
    return
  }
  throw new VectorError(`${what}: expected a failure`)
}

/** A value that must be there. @throws VectorError */
export function present<T>(what: string, value: T | undefined): T {
  if (value === undefined) throw new VectorError(`${what}: nothing is there`)
  return value
}

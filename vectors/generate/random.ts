import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'

/** A random integer, 0..2^32 - 1. */
export function randomUint32(suite: CipherSuite): number {
  const bytes = suite.randomBytes(4)
  return new DataView(bytes.buffer).getUint32(0)
}

/** A random integer below `bound`, for choices that need not be exactly uniform. */
export function randomBelow(suite: CipherSuite, bound: number): number {
  return randomUint32(suite) % bound
}

/** A random element. */
export function randomOf<T>(suite: CipherSuite, list: readonly T[]): T {
  const item = list[randomBelow(suite, list.length)]
  if (item === undefined) throw new Error('a choice from nothing')
  return item
}

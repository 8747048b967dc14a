import { type Bytes, equalBytes, isZero } from '../../bytes/bytes.ts'
import { fromHex } from '../../bytes/text.ts'
import type { DhGroup } from '../parts.ts'
import type { Curve25519Exports, Kernel } from './kernel.ts'

const length = 32
/** Pairs that share one call. */
const batch = 1024

/** The u coordinates that every clamped scalar sends to zero: order 1, 2, 4, 8 on the curve and on its twist. */
const lowOrder: readonly Bytes[] = [
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
].map(fromHex)

/** Whether the bytes are u < 2^255 - 19. */
function isCanonical(publicKey: Uint8Array): boolean {
  const top = publicKey[length - 1] as number
  if (top !== 0x7f) return top < 0x80
  for (let i = length - 2; i > 0; i--) if (publicKey[i] !== 0xff) return true
  return (publicKey[0] as number) < 0xed
}

/** Whether the bytes are a public key of DHKEM(X25519): canonical (V035) and not of low order (V034). Public data only. */
function isX25519PublicKey(publicKey: Uint8Array): boolean {
  // RFC 9420 §5.1.1 V032
  if (publicKey.length !== length || !isCanonical(publicKey)) return false
  return !lowOrder.some((low) => low[0] === publicKey[0] && equalBytes(low, publicKey))
}

function inBatches<T>(n: number, run: (start: number, end: number) => T[]): T[] {
  if (n <= batch) return run(0, n)
  const out: T[] = []
  for (let start = 0; start < n; start += batch)
    for (const item of run(start, Math.min(n, start + batch))) out.push(item)
  return out
}

const isKey = (privateKey: Uint8Array) => privateKey.length === length

/** X25519 of the curve25519 kernel: four ladders at a time, one inversion for sixteen. */
export function wasmX25519({ exports, arena }: Kernel<Curve25519Exports>): DhGroup {
  function publicKeys(privateKeys: readonly Uint8Array[]): Bytes[] {
    const n = privateKeys.length
    try {
      const scalars = arena.putAll(privateKeys)
      const out = arena.reserve(n * length)
      exports.x25519BaseMany(n, out, scalars)
      return arena.readAll(out, n, length)
    } finally {
      arena.clear()
    }
  }

  function agreements(privateKeys: readonly Uint8Array[], publicKeys: readonly Uint8Array[]): (Bytes | undefined)[] {
    const n = privateKeys.length
    try {
      const scalars = arena.putAll(privateKeys)
      const points = arena.putAll(publicKeys)
      const out = arena.reserve(n * length)
      const anyZero = exports.x25519Many(n, out, scalars, points) !== 0
      const results = arena.readAll(out, n, length)
      return anyZero ? results.map((result) => (isZero(result) ? undefined : result)) : results
    } finally {
      arena.clear()
    }
  }

  return {
    isPublicKey: isX25519PublicKey,
    publicKeys(privateKeys) {
      if (privateKeys.every(isKey))
        return inBatches(privateKeys.length, (start, end) => publicKeys(privateKeys.slice(start, end)))
      return privateKeys.map((key) => (isKey(key) ? publicKeys([key])[0] : undefined))
    },
    agreements(privateKeys, others) {
      if (privateKeys.every(isKey) && others.every(isKey) && privateKeys.length === others.length)
        return inBatches(privateKeys.length, (start, end) =>
          agreements(privateKeys.slice(start, end), others.slice(start, end)),
        )
      return privateKeys.map((key, i) => {
        const other = others[i]
        return other !== undefined && isKey(key) && isKey(other) ? agreements([key], [other])[0] : undefined
      })
    },
  }
}

import type { Bytes } from '../bytes/bytes.ts'
import type { VerifyRequest } from '../crypto/cipher-suite.ts'
import type { SignatureScheme } from './noble/signature.ts'

/** Fewer signatures are checked one by one when a batch of them has failed. */
const smallest = 4
/** Failed batches after which the rest is checked one by one: forged signatures must not multiply the work. */
const mostFailures = 16

/**
 * `verify` of each request. Batches; one that fails is halved until the culprits stand alone, so that the answers are those
 * of single checks.
 */
export function verifyMany(
  scheme: SignatureScheme,
  requests: readonly VerifyRequest[],
  random: (length: number) => Bytes,
): boolean[] {
  const { minBatch = 2, maxBatch = requests.length } = scheme
  const results = new Array<boolean>(requests.length).fill(false)
  let failures = 0

  function singly(start: number, end: number): void {
    for (const [i, { publicKey, message, signature }] of requests.slice(start, end).entries())
      results[start + i] = scheme.verify(publicKey, message, signature)
  }

  function halve(start: number, end: number): void {
    const one = scheme.verifyAll === undefined || failures >= mostFailures || end - start < minBatch
    if (!one && scheme.verifyAll?.(requests.slice(start, end), random)) {
      results.fill(true, start, end)
      return
    }
    if (!one) failures++
    if (one || end - start < smallest) {
      singly(start, end)
      return
    }
    const middle = (start + end) >> 1
    halve(start, middle)
    halve(middle, end)
  }

  for (let start = 0; start < requests.length; start += maxBatch)
    halve(start, Math.min(requests.length, start + maxBatch))
  return results
}

/**
 * Padding of PrivateMessages (RFC 9420 §6.3.1, §15.1): how much of a message's length an observer learns.
 *
 * | policy     | lengths that are seen                                    | cost at most    |
 * |------------|----------------------------------------------------------|-----------------|
 * | `none`     | all                                                      | 0               |
 * | `multiple` | multiples of `of` bytes                                  | `of` - 1 bytes  |
 * | `padme`    | O(log log n) bits of the length                          | 12 % of length  |
 * | `buckets`  | the given sizes; above the last one, multiples of it     | the next size   |
 */
import { MlsError } from '../bytes/errors.ts'

/** How own messages are padded; sizes in bytes of the content with its signature. */
export type PaddingPolicy =
  | { readonly kind: 'none' }
  | { readonly kind: 'multiple'; readonly of: number }
  | { readonly kind: 'padme' }
  | { readonly kind: 'buckets'; readonly sizes: readonly number[] }

/**
 * The length that content of `length` bytes is padded to, at least `length`.
 * @throws `codec/range` for a policy whose sizes are not positive integers
 */
export function paddedLength(policy: PaddingPolicy, length: number): number {
  switch (policy.kind) {
    case 'none':
      return length
    case 'multiple':
      return nextMultiple(length, policy.of)
    case 'padme':
      return padme(length)
    case 'buckets': {
      const sizes = policy.sizes.map(positive)
      const fitting = sizes.filter((size) => size >= length)
      return fitting.length > 0 ? Math.min(...fitting) : nextMultiple(length, Math.max(...sizes))
    }
  }
}

/** Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", §4: as many low bits are zero as the exponent is long. */
function padme(length: number): number {
  if (length < 2) return length
  const exponent = Math.floor(Math.log2(length))
  const bits = Math.floor(Math.log2(exponent)) + 1
  return exponent < bits ? length : nextMultiple(length, 2 ** (exponent - bits))
}

function nextMultiple(length: number, of: number): number {
  return Math.ceil(length / positive(of)) * of
}

function positive(size: number): number {
  if (!Number.isSafeInteger(size) || size < 1) throw new MlsError('codec/range', 'padding to no positive size')
  return size
}

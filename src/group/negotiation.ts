import { type CipherSuiteId, suites } from '../crypto/suites.ts'
import { type KeyPackageSource, keyPackageOf } from './commit-options.ts'

/** Suites from the one that we would rather have to the one that we would rather not: fast ones first, then strong ones. */
export const cipherSuitePreference: readonly CipherSuiteId[] = [1, 3, 2, 7, 5, 4, 6]

/**
 * The best cipher suite that everybody supports by the capabilities of their leaves. RFC 9420 §11 asks the creator of a group
 * to check that the suite of the KeyPackages is no downgrade from it (V324).
 * @param preference code points, best first; those of this package that it lacks are not considered
 * @returns a code point, or `undefined` when there is no common suite
 * @throws kind `malformed` for KeyPackages that cannot be decoded
 */
export function bestCipherSuite(
  keyPackages: readonly KeyPackageSource[],
  preference: readonly CipherSuiteId[] = cipherSuitePreference,
): CipherSuiteId | undefined {
  const offered = keyPackages.map((source) => new Set(keyPackageOf(source).leafNode.capabilities.cipherSuites))
  // RFC 9420 §11 V324
  return preference.find((id) => suites.some((suite) => suite.id === id) && offered.every((list) => list.has(id)))
}

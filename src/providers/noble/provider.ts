import { MlsError } from '../../bytes/errors.ts'
import type { CryptoProvider } from '../../crypto/cipher-suite.ts'
import { type SuiteParameters, suites } from '../../crypto/suites.ts'
import { NobleSuite } from './suite.ts'

function supports(parameters: SuiteParameters): boolean {
  return suites.some((suite) => suite.id === parameters.id && suite.name === parameters.name)
}

/**
 * Every suite of RFC 9420 §17.1 in plain JavaScript; the reference that the other providers are compared with. The KEM of
 * suites 2, 5 and 7 and the KDF inside every KEM use WebCrypto: browsers offer it in secure contexts only.
 */
export const nobleProvider: CryptoProvider = {
  name: 'noble',
  supports,
  open(parameters, rng) {
    if (!supports(parameters))
      throw new MlsError('suite/unsupported', 'a cipher suite that this provider does not compute')
    return new NobleSuite(parameters, rng)
  },
}

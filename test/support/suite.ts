import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { systemRng } from '../../src/providers/system-rng.ts'

const open = new Map<number, CipherSuite>()

/** The noble provider's suite with this code point. */
export function openSuite(id: number): CipherSuite {
  const known = open.get(id)
  if (known !== undefined) return known
  const suite = nobleProvider.open(suiteParameters(id), systemRng)
  open.set(id, suite)
  return suite
}

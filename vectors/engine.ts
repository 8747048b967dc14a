import type { CipherSuite, CryptoProvider } from '../src/crypto/cipher-suite.ts'
import { suiteParameters } from '../src/crypto/suites.ts'
import { nobleProvider } from '../src/providers/noble/provider.ts'
import { nodeProvider } from '../src/providers/node/provider.ts'
import { systemRng } from '../src/providers/system-rng.ts'
import { wasmProvider } from '../src/providers/wasm/provider.ts'

/** The cipher suites that vectors are checked or made with. */
export interface VectorEngine {
  /** Name of the provider. */
  readonly provider: string
  /** A suite by code point. @throws `suite/unsupported` */
  suite(id: number): CipherSuite
}

/** The providers that `--provider` can name. */
export const providers: ReadonlyMap<string, () => Promise<CryptoProvider>> = new Map([
  ['noble', async () => nobleProvider],
  ['wasm', async () => wasmProvider],
  ['node', async () => nodeProvider],
])

/** An engine over one provider; each suite is opened once. */
export function vectorEngine(provider: CryptoProvider): VectorEngine {
  const open = new Map<number, CipherSuite>()
  return {
    provider: provider.name,
    suite(id) {
      const suite = open.get(id) ?? provider.open(suiteParameters(id), systemRng)
      open.set(id, suite)
      return suite
    },
  }
}

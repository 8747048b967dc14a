import type { CryptoProvider } from '../crypto/cipher-suite.ts'
import type { SuiteParameters } from '../crypto/suites.ts'
import { createWasmProvider } from './wasm/create-provider.ts'
import { inlineCore } from './wasm/inline-core.ts'

const wasm = createWasmProvider(inlineCore, { name: 'wasm' })

/**
 * The provider for a suite when the caller names none: WebAssembly for 1, 2 and 3, noble for the others and where the platform
 * refuses WebAssembly. Noble is loaded only then, so that bundlers can leave it out of what an application loads first.
 */
export async function defaultProvider(parameters: SuiteParameters): Promise<CryptoProvider> {
  if (wasm.supports(parameters)) return wasm
  return (await import('./noble/provider.ts')).nobleProvider
}

import type { CryptoProvider } from '../crypto/cipher-suite.ts'
import type { SuiteParameters } from '../crypto/suites.ts'
import { platformCrypto } from './node/crypto.ts'
import { createWasmProvider, type WasmProvider } from './wasm/create-provider.ts'
import { inlineCore } from './wasm/inline-core.ts'

let made: Promise<WasmProvider> | undefined

/** WebAssembly, with `node:crypto` where the platform has it and it is faster. */
async function fastest(): Promise<WasmProvider> {
  const crypto = platformCrypto()
  if (crypto === undefined) return createWasmProvider(inlineCore, { name: 'wasm' })
  return createWasmProvider(inlineCore, (await import('./node/tune.ts')).tunedFor(crypto))
}

/**
 * The provider for a suite when the caller names none: WebAssembly for 1, 2 and 3, with `node:crypto` in Node where that is
 * faster; noble for the others and where the platform refuses WebAssembly. What is not needed is not loaded, so that bundlers
 * can leave it out of what an application loads first.
 */
export async function defaultProvider(parameters: SuiteParameters): Promise<CryptoProvider> {
  made ??= fastest()
  const provider = await made
  if (provider.supports(parameters)) return provider
  return (await import('./noble/provider.ts')).nobleProvider
}

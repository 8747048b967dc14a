import { MlsError } from '../../bytes/errors.ts'
import type { CryptoProvider } from '../../crypto/cipher-suite.ts'
import type { SuiteParameters } from '../../crypto/suites.ts'
import { nobleProvider } from '../noble/provider.ts'
import type { SuiteParts } from '../parts.ts'
import { PartsSuite } from '../suite.ts'
import { createKernels, type WasmModules } from './kernel.ts'
import { createWasmParts } from './parts.ts'

/** A provider that computes in WebAssembly where the platform lets it. */
export interface WasmProvider extends CryptoProvider {
  /** `wasm`, or `noble: ` and the reason why noble computes everything. Reading it compiles the modules. */
  readonly status: string
}

/** How one provider differs from the plain WASM one. */
export interface ProviderOptions {
  readonly name: string
  /** The parts to use in place of those of the kernels; they get the same results faster. */
  readonly tune?: (parts: SuiteParts, parameters: SuiteParameters) => SuiteParts
}

/**
 * Suites 1, 2 and 3 over kernels, the others over noble. Where WebAssembly or its SIMD instructions are refused (a browser
 * without them, a Content-Security-Policy without `wasm-unsafe-eval`), noble computes all suites, with the same results.
 */
export function createWasmProvider(
  modules: WasmModules,
  { name, tune = (parts) => parts }: ProviderOptions = { name: 'wasm' },
): WasmProvider {
  const kernels = createKernels(modules)
  const wasmParts = createWasmParts(kernels)
  const tuned = new Map<number, SuiteParts>()
  let refusal: string | undefined

  function partsOf(parameters: SuiteParameters): SuiteParts | undefined {
    const known = tuned.get(parameters.id)
    if (known !== undefined || refusal !== undefined) return known
    try {
      const parts = wasmParts(parameters)
      if (parts === undefined) return undefined
      const result = tune(parts, parameters)
      tuned.set(parameters.id, result)
      return result
    } catch (cause) {
      // out of memory, no WebAssembly, no SIMD, a policy: whatever it is, noble does without
      refusal = cause instanceof Error ? `${cause.name}: ${cause.message}` : 'WebAssembly is refused'
      return undefined
    }
  }

  return {
    name,
    supports: nobleProvider.supports,
    get status() {
      if (refusal === undefined) {
        try {
          kernels.symmetric()
          kernels.curve25519()
        } catch (cause) {
          refusal = cause instanceof Error ? `${cause.name}: ${cause.message}` : 'WebAssembly is refused'
        }
      }
      return refusal === undefined ? 'wasm' : `noble: ${refusal}`
    },
    open(parameters, rng) {
      if (!nobleProvider.supports(parameters))
        throw new MlsError('suite/unsupported', 'a cipher suite that this provider does not compute')
      const parts = partsOf(parameters)
      return parts === undefined ? nobleProvider.open(parameters, rng) : new PartsSuite(name, parameters, parts, rng)
    },
  }
}

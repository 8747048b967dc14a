import { MlsError } from '../../bytes/errors.ts'
import type { CryptoProvider } from '../../crypto/cipher-suite.ts'
import { type SuiteParameters, suites } from '../../crypto/suites.ts'
import type { SuiteParts } from '../parts.ts'
import { PartsSuite } from '../suite.ts'
import type { WasmCore } from './parts.ts'

/** A provider that computes in WebAssembly where the platform lets it. */
export interface WasmProvider extends CryptoProvider {
  /**
   * `wasm`; `wasm, node:crypto` where OpenSSL takes part; or `noble: ` and the reason why noble computes everything. Reading it
   * compiles the modules.
   */
  readonly status: string
}

/** How one provider differs from the plain WASM one. */
export interface ProviderOptions {
  readonly name: string
  /** What computes, for `status`; `wasm` by default. */
  readonly engine?: string
  /** Computes what the kernels do not: suites 4 to 7, and all of them where WebAssembly is refused. */
  readonly fallback?: CryptoProvider
  /** The parts to use in place of those of the kernels; they get the same results faster. */
  readonly tune?: (parts: SuiteParts, parameters: SuiteParameters) => SuiteParts
}

/**
 * Suites 1, 2 and 3 over kernels, the others over the fallback. Where WebAssembly or its SIMD instructions are refused (a
 * browser without them, a Content-Security-Policy without `wasm-unsafe-eval`), the fallback computes all suites, with the
 * same results.
 */
export function createWasmProvider(core: WasmCore, options: ProviderOptions): WasmProvider {
  const { name, engine = 'wasm', fallback, tune = (parts) => parts } = options
  const tuned = new Map<number, SuiteParts>()
  let refusal: string | undefined

  /** What `run` returns; nothing once the platform has refused. */
  function unlessRefused<T>(run: () => T): T | undefined {
    if (refusal !== undefined) return undefined
    try {
      return run()
    } catch (cause) {
      // no WebAssembly, no SIMD, no memory, a policy: whatever it is, the fallback does without
      refusal = reasonOf(cause)
      return undefined
    }
  }

  const isKnown = ({ id, name }: SuiteParameters) => suites.some((suite) => suite.id === id && suite.name === name)

  function partsOf(parameters: SuiteParameters): SuiteParts | undefined {
    const known = tuned.get(parameters.id)
    if (known !== undefined) return known
    const parts = isKnown(parameters) ? unlessRefused(() => core.parts(parameters)) : undefined
    if (parts === undefined) return undefined
    const result = tune(parts, parameters)
    tuned.set(parameters.id, result)
    return result
  }

  return {
    name,
    supports: (parameters) => fallback?.supports(parameters) || partsOf(parameters) !== undefined,
    get status() {
      unlessRefused(() => core.start())
      return refusal === undefined ? engine : `noble: ${refusal}`
    },
    open(parameters, rng) {
      const parts = partsOf(parameters)
      if (parts !== undefined) return new PartsSuite(name, parameters, parts, rng)
      if (fallback?.supports(parameters)) return fallback.open(parameters, rng)
      throw new MlsError('suite/unsupported', 'a cipher suite that this provider does not compute')
    },
  }
}

function reasonOf(cause: unknown): string {
  if (typeof WebAssembly !== 'object') return 'no WebAssembly on this platform'
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : 'WebAssembly is refused'
}

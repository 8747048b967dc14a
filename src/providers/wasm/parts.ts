import type { SuiteParameters } from '../../crypto/suites.ts'
import type { SuiteParts } from '../parts.ts'
import { wasmAead } from './aead.ts'
import { wasmEd25519 } from './ed25519.ts'
import { wasmHpke } from './hpke.ts'
import { wasmKdf } from './kdf.ts'
import { createKernels, type WasmModules } from './kernel.ts'
import { wasmEcdsaP256, wasmP256Group } from './p256.ts'
import { wasmX25519 } from './x25519.ts'

/** The kernels of one set of modules, and what suites make of them. */
export interface WasmCore {
  /** Compiles what suites 1 and 3 need. Throws where WebAssembly is refused. */
  start(): void
  /** The parts of suites 1, 2 and 3; nothing for others. Throws where WebAssembly is refused. */
  parts(parameters: SuiteParameters): SuiteParts | undefined
}

/** One instance of each kernel, and each part once, because parts keep room in the memory of their kernel. */
export function createWasmCore(modules: WasmModules): WasmCore {
  const kernels = createKernels(modules)
  const made = new Map<number, SuiteParts>()
  let shared: Pick<SuiteParts, 'kdf'> | undefined
  let edwards: Pick<SuiteParts, 'group' | 'signature'> | undefined
  let nist: Pick<SuiteParts, 'group' | 'signature'> | undefined

  function make({ kem, aead, hash, signature }: SuiteParameters): SuiteParts | undefined {
    if (hash !== 'SHA256' || aead === 'AES256GCM') return undefined
    shared ??= { kdf: wasmKdf(kernels.symmetric()) }
    const both = { ...shared, aead: wasmAead(aead, kernels.symmetric()) }
    if (kem === 'DHKEMX25519' && signature === 'Ed25519') {
      const kernel = kernels.curve25519()
      edwards ??= { group: wasmX25519(kernel), signature: wasmEd25519(kernel) }
      return { ...both, ...edwards, hpke: wasmHpke(aead, kernel, kernels.symmetric()) }
    }
    if (kem === 'DHKEMP256' && signature === 'P256') {
      const kernel = kernels.p256()
      if (kernel === undefined) return undefined
      nist ??= { group: wasmP256Group(kernel), signature: wasmEcdsaP256(kernel, shared.kdf) }
      return { ...both, ...nist }
    }
    return undefined
  }

  return {
    start() {
      kernels.symmetric()
      kernels.curve25519()
    },
    parts(parameters) {
      const parts = made.get(parameters.id) ?? make(parameters)
      if (parts !== undefined) made.set(parameters.id, parts)
      return parts
    },
  }
}

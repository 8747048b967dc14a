import { nobleProvider } from '../noble/provider.ts'
import { createWasmProvider, type WasmProvider } from './create-provider.ts'
import { inlineCore } from './inline-core.ts'

export type { WasmProvider } from './create-provider.ts'

/**
 * WebAssembly for suites 1, 2 and 3, noble for the rest. Its modules are part of the package's text and are compiled when
 * the first suite is opened, at once. `status` says whether the platform allowed it.
 */
export const wasmProvider: WasmProvider = createWasmProvider(inlineCore, { name: 'wasm', fallback: nobleProvider })

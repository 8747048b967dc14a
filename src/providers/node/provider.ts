import * as crypto from 'node:crypto'
import { nobleProvider } from '../noble/provider.ts'
import { createWasmProvider, type WasmProvider } from '../wasm/create-provider.ts'
import { inlineCore } from '../wasm/inline-core.ts'
import { tunedFor } from './tune.ts'

/** The WASM provider with `node:crypto` where that is faster, see `crossovers.ts`; the same results. */
export const nodeProvider: WasmProvider = createWasmProvider(inlineCore, {
  fallback: nobleProvider,
  ...tunedFor(crypto),
})

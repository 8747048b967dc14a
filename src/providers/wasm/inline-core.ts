import { fromBase64 } from '../../bytes/text.ts'
import { curve25519Base64 } from './curve25519.generated.ts'
import type { WasmModules } from './kernel.ts'
import { p256Base64 } from './p256.generated.ts'
import { createWasmCore, type WasmCore } from './parts.ts'
import { symmetricBase64 } from './symmetric.generated.ts'

const compile = (base64: string) => new WebAssembly.Module(fromBase64(base64))

const modules: WasmModules = {
  curve25519: () => compile(curve25519Base64),
  symmetric: () => compile(symmetricBase64),
  p256: () => compile(p256Base64),
}

/** The kernels that are part of the package's own text: no file to find, nothing to wait for. */
export const inlineCore: WasmCore = createWasmCore(modules)

import { curve25519Text } from './curve25519.generated.ts'
import type { WasmModules } from './kernel.ts'
import { fromModuleText } from './module-text.ts'
import { p256Text } from './p256.generated.ts'
import { createWasmCore, type WasmCore } from './parts.ts'
import { symmetricText } from './symmetric.generated.ts'

const compile = (text: string) => new WebAssembly.Module(fromModuleText(text))

const modules: WasmModules = {
  curve25519: () => compile(curve25519Text),
  symmetric: () => compile(symmetricText),
  p256: () => compile(p256Text),
}

/** The kernels that are part of the package's own text: no file to find, nothing to wait for. */
export const inlineCore: WasmCore = createWasmCore(modules)

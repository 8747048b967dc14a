/**
 * The WASM provider over modules that the caller brings: for pages whose policy or bundler wants `.wasm` files, and to share
 * compiled modules with workers. The files are `xmpp-mls/wasm/curve25519.wasm`, `symmetric.wasm` and `p256.wasm`.
 */
import { MlsError } from '../../bytes/errors.ts'
import { nobleProvider } from '../noble/provider.ts'
import { createWasmProvider, type WasmProvider } from './create-provider.ts'
import type { WasmModules } from './kernel.ts'
import { createWasmCore } from './parts.ts'

export type { WasmProvider } from './create-provider.ts'

/** A compiled module, its bytes, a response with its bytes, or where `fetch` finds it. */
export type WasmSource = WebAssembly.Module | Uint8Array | ArrayBuffer | Response | URL | string

/** The modules; suite 2 is computed by noble when `p256` is missing. */
export interface WasmFiles {
  readonly curve25519: WasmSource
  readonly symmetric: WasmSource
  readonly p256?: WasmSource
}

/**
 * A provider over the given modules. Where the platform refuses WebAssembly the provider computes with noble, see `status`.
 * @throws `crypto/provider` when a file cannot be had, or is none of the modules
 */
export async function loadWasmProvider(files: WasmFiles): Promise<WasmProvider> {
  const [curve25519, symmetric, p256] = await Promise.all([
    load(files.curve25519, 'ed25519Sign'),
    load(files.symmetric, 'sha256Many'),
    files.p256 === undefined ? () => undefined : load(files.p256, 'p256Ecdh'),
  ])
  const modules: WasmModules = { curve25519, symmetric, p256 }
  return createWasmProvider(createWasmCore(modules), { name: 'wasm', fallback: nobleProvider })
}

/** How to make the module; throws what the platform throws, when it refuses. */
async function load(source: WasmSource, landmark: string): Promise<() => WebAssembly.Module> {
  let module: WebAssembly.Module
  if (isModule(source)) module = source
  else {
    const bytes = await read(source)
    const magic = bytes[0] === 0x00 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d
    if (!magic) throw new MlsError('crypto/provider', 'a file that is no WebAssembly module')
    try {
      module = await WebAssembly.compile(bytes)
    } catch (refusal) {
      return () => {
        throw refusal
      }
    }
  }
  const isOurs = WebAssembly.Module.exports(module).some(({ name }) => name === landmark)
  if (!isOurs) throw new MlsError('crypto/provider', 'a module of another kernel')
  return () => module
}

/** A platform that refuses WebAssembly has no modules either. */
function isModule(source: WasmSource): source is WebAssembly.Module {
  return typeof WebAssembly === 'object' && source instanceof WebAssembly.Module
}

async function read(source: WasmSource): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return new Uint8Array(source)
  try {
    const response = source instanceof Response ? source : await fetch(source as string | URL)
    if (!response.ok) throw new MlsError('crypto/provider', 'a WebAssembly file cannot be had')
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    if (cause instanceof MlsError) throw cause
    throw new MlsError('crypto/provider', 'a WebAssembly file cannot be had', { cause })
  }
}

import { Arena } from './arena.ts'

/** What every kernel exports. */
interface KernelExports {
  readonly memory: WebAssembly.Memory
  heapBase(): number
}

/** The curve25519 kernel, `wasm/curve25519/module.ts`. */
export interface Curve25519Exports extends KernelExports {
  x25519Many(n: number, out: number, scalars: number, us: number): number
  x25519BaseMany(n: number, out: number, scalars: number): void
  ed25519Expand(out: number, seed: number): void
  ed25519Sign(out: number, expanded: number, message: number, length: number): void
  ed25519SignNonce(out: number, digest: number): void
  ed25519SignFinish(out: number, expanded: number, digest: number, challenge: number): void
  ed25519VerifyHashed(publicKey: number, signature: number, digest: number): number
  ed25519VerifyExpandedHashed(key: number, signature: number, digest: number): number
  ed25519Verify(publicKey: number, signature: number, message: number, length: number): number
  ed25519IsKey(publicKey: number): number
  ed25519VerifyKeyExpand(out: number, publicKey: number): number
  ed25519VerifyExpanded(key: number, signature: number, message: number, length: number): number
  ed25519VerifyBatchScratch(n: number): number
  ed25519VerifyBatch(
    n: number,
    publicKeys: number,
    signatures: number,
    messages: number,
    offsets: number,
    z: number,
    scratch: number,
  ): number
}

type Seal = (
  out: number,
  key: number,
  nonce: number,
  aad: number,
  aadLength: number,
  text: number,
  length: number,
) => number

/** The symmetric kernel, `wasm/symmetric/index.ts`. */
export interface SymmetricExports extends KernelExports {
  sha256(out: number, message: number, length: number): void
  sha256Init(state: number): void
  sha256Update(state: number, data: number, length: number): void
  sha256Final(state: number, out: number): void
  sha256Many(n: number, out: number, table: number): void
  hmacSha256(out: number, key: number, keyLength: number, message: number, length: number): void
  hmacKey(midstates: number, key: number, keyLength: number): void
  hmacMid(out: number, midstates: number, message: number, length: number): void
  hkdfExpand(out: number, outLength: number, prk: number, prkLength: number, info: number, infoLength: number): void
  hkdfExpandChain(n: number, keys: number, infos: number, infoLength: number): void
  hkdfExpandMany(n: number, out: number, outLength: number, table: number): void
  hpkeDerive(
    n: number,
    out: number,
    ikms: number,
    label: number,
    labelLength: number,
    info: number,
    infoLength: number,
  ): void
  hpkeKeys(n: number, out: number, dhs: number, encs: number, publicKeys: number, labels: number): void
  readonly chacha20poly1305Seal: Seal
  readonly chacha20poly1305Open: Seal
  readonly aes128gcmSeal: Seal
  readonly aes128gcmOpen: Seal
}

/** The P-256 kernel, `wasm/p256/index.ts`. */
export interface P256Exports extends KernelExports {
  p256Ecdh(out: number, scalar: number, point: number): number
  p256PublicKey(out: number, scalar: number): number
  p256Sign(out: number, scalar: number, hash: number, k: number): number
  p256Verify(publicKey: number, signature: number, hash: number): number
}

/** One instance of a module with the memory that belongs to its host. */
export interface Kernel<E extends KernelExports> {
  readonly exports: E
  readonly arena: Arena
  /** Another instance of the same module, for one operation. */
  fresh(): Kernel<E>
}

/**
 * Inputs of more bytes go through an instance of their own, which is collected afterwards: memory of an instance, once grown,
 * never shrinks.
 */
export const largestInput = 16 * 1024 * 1024

/** The compiled modules, each made at its first use. Making one throws where WebAssembly or its SIMD part is refused. */
export interface WasmModules {
  curve25519(): WebAssembly.Module
  symmetric(): WebAssembly.Module
  /** Nothing where suite 2 is left to noble. */
  p256(): WebAssembly.Module | undefined
}

/** The instances of the kernels. Making one throws where WebAssembly is refused. */
export interface Kernels {
  curve25519(): Kernel<Curve25519Exports>
  symmetric(): Kernel<SymmetricExports>
  p256(): Kernel<P256Exports> | undefined
}

/** One instance of each module, made at its first use. */
export function createKernels(modules: WasmModules): Kernels {
  return {
    curve25519: once(() => instantiate<Curve25519Exports>(modules.curve25519())),
    symmetric: once(() => instantiate<SymmetricExports>(modules.symmetric())),
    p256: once(() => {
      const module = modules.p256()
      return module && instantiate<P256Exports>(module)
    }),
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function instantiate<E extends KernelExports>(module: WebAssembly.Module): Kernel<E> {
  const exports = new WebAssembly.Instance(module).exports as unknown as E
  const arena = new Arena(exports.memory, exports.heapBase())
  return { exports, arena, fresh: () => instantiate<E>(module) }
}

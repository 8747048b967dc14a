/** The kernels of the WASM provider without its copying: inputs lie in linear memory before the clock starts. */
import { type KernelName, wasmBytes } from '../../scripts/build-wasm.ts'
import type { Arena } from '../../src/providers/wasm/arena.ts'
import { createKernels, type Kernels } from '../../src/providers/wasm/kernel.ts'
import { type InputClass, type Operation, slotCount } from './measure.ts'

const compile = (name: KernelName) => new WebAssembly.Module(wasmBytes(name) as Uint8Array<ArrayBuffer>)

/** Instances of their own, from the bytes that the package ships. */
export const rawKernels: Kernels = createKernels({
  curve25519: () => compile('curve25519'),
  symmetric: () => compile('symmetric'),
  p256: () => compile('p256'),
})

/** An operation over slots in the arena of a kernel, each on cache lines of its own. `call` gets the address of an input. */
export function kernelOperation(
  name: string,
  arena: Arena,
  batch: number,
  classes: readonly [InputClass, InputClass],
  call: (address: number) => unknown,
): Operation {
  const stride = ((classes[0].values[0]?.length ?? 0) + 63) & ~63
  const base = (arena.reserve(slotCount(batch) * stride + 64) + 63) & ~63
  return {
    name,
    classes,
    batch,
    write: (slot, value) => arena.write(base + slot * stride, value),
    call: (slot) => call(base + slot * stride),
  }
}

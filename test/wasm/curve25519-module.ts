/** Loads the curve25519 kernels for tests: compiles them, and copies arguments into a bump arena above the module's own memory. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildCurve25519 } from '../../wasm/curve25519/build.ts'

interface Exports {
  readonly memory: WebAssembly.Memory
  heapBase(): number
  sha512(out: number, data: number, length: number): void
  x25519(out: number, scalar: number, u: number): number
  x25519Many(n: number, out: number, scalars: number, us: number): number
  x25519Base(out: number, scalar: number): void
  x25519BaseMany(n: number, out: number, scalars: number): void
  ed25519PublicKey(out: number, seed: number): void
  ed25519Expand(out: number, seed: number): void
  ed25519Sign(out: number, expanded: number, message: number, length: number): void
  ed25519Verify(pk: number, signature: number, message: number, length: number): number
  ed25519IsKey(pk: number): number
  ed25519VerifyKeyExpand(out: number, pk: number): number
  ed25519VerifyExpanded(key: number, signature: number, message: number, length: number): number
  ed25519VerifyExpandedHashed(key: number, signature: number, digest: number): number
  ed25519VerifyBatchScratch(n: number): number
  ed25519VerifyBatch(
    n: number,
    pks: number,
    signatures: number,
    messages: number,
    offsets: number,
    z: number,
    scratch: number,
  ): number
}

/** Bytes of an expanded key. */
const EXPANDED = 10272

export interface Signed {
  readonly pk: Uint8Array
  readonly signature: Uint8Array
  readonly message: Uint8Array
}

export const concat = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

/** The kernels with byte arrays in place of pointers. */
export async function loadCurve25519(bytes?: Uint8Array) {
  const module = new WebAssembly.Module((bytes ?? (await buildCurve25519())) as Uint8Array<ArrayBuffer>)
  const kernel = new WebAssembly.Instance(module).exports as unknown as Exports
  let top = kernel.heapBase()
  const reserve = (size: number): number => {
    const at = top
    top = (top + size + 15) & ~15
    const missing = top - kernel.memory.buffer.byteLength
    if (missing > 0) kernel.memory.grow(Math.ceil(missing / 65536))
    return at
  }
  const put = (data: Uint8Array): number => {
    const at = reserve(data.length)
    new Uint8Array(kernel.memory.buffer).set(data, at)
    return at
  }
  const run = <T>(body: () => T): T => {
    top = kernel.heapBase()
    return body()
  }
  const output = (size: number, call: (out: number) => unknown): Uint8Array => {
    const out = reserve(size)
    call(out)
    return new Uint8Array(kernel.memory.buffer).slice(out, out + size)
  }
  const batchArguments = (items: readonly Signed[], z: Uint8Array) => {
    const ends = new Uint32Array(items.length + 1)
    for (const [i, { message }] of items.entries()) ends[i + 1] = (ends[i] ?? 0) + message.length
    return [
      items.length,
      put(concat(items.map((item) => item.pk))),
      put(concat(items.map((item) => item.signature))),
      put(concat(items.map((item) => item.message))),
      put(new Uint8Array(ends.buffer)),
      put(z),
      reserve(kernel.ed25519VerifyBatchScratch(items.length)),
    ] as const
  }
  return {
    kernel,
    put,
    reserve,
    run,
    batchArguments,
    sha512: (data: Uint8Array) => run(() => output(64, (out) => kernel.sha512(out, put(data), data.length))),
    x25519: (scalar: Uint8Array, u: Uint8Array) =>
      run(() => {
        let zero = -1
        const result = output(32, (out) => {
          zero = kernel.x25519(out, put(scalar), put(u))
        })
        return { result, zero }
      }),
    x25519Many: (scalars: readonly Uint8Array[], us: readonly Uint8Array[]) =>
      run(() => {
        let zero = -1
        const result = output(32 * scalars.length, (out) => {
          zero = kernel.x25519Many(scalars.length, out, put(concat(scalars)), put(concat(us)))
        })
        return { result, zero }
      }),
    x25519Base: (scalar: Uint8Array) => run(() => output(32, (out) => kernel.x25519Base(out, put(scalar)))),
    x25519BaseMany: (scalars: readonly Uint8Array[]) =>
      run(() => output(32 * scalars.length, (out) => kernel.x25519BaseMany(scalars.length, out, put(concat(scalars))))),
    ed25519PublicKey: (seed: Uint8Array) => run(() => output(32, (out) => kernel.ed25519PublicKey(out, put(seed)))),
    ed25519Expand: (seed: Uint8Array) => run(() => output(96, (out) => kernel.ed25519Expand(out, put(seed)))),
    ed25519Sign: (expanded: Uint8Array, message: Uint8Array) =>
      run(() => output(64, (out) => kernel.ed25519Sign(out, put(expanded), put(message), message.length))),
    ed25519Verify: ({ pk, signature, message }: Signed): boolean =>
      run(() => kernel.ed25519Verify(put(pk), put(signature), put(message), message.length) === 1),
    /** By expanded key; a key that cannot be expanded verifies nothing. */
    ed25519VerifyExpanded: ({ pk, signature, message }: Signed): boolean =>
      run(() => {
        const key = reserve(EXPANDED)
        const isKey = kernel.ed25519IsKey(put(pk))
        if (kernel.ed25519VerifyKeyExpand(key, put(pk)) !== isKey) throw new Error('two verdicts on one key')
        if (isKey !== 1) return false
        return kernel.ed25519VerifyExpanded(key, put(signature), put(message), message.length) === 1
      }),
    /** By expanded key, with the 64 bytes that R, the key and the message are hashed to. */
    ed25519VerifyExpandedHashed: (pk: Uint8Array, signature: Uint8Array, digest: Uint8Array): boolean =>
      run(() => {
        const key = reserve(EXPANDED)
        if (kernel.ed25519VerifyKeyExpand(key, put(pk)) !== 1) return false
        return kernel.ed25519VerifyExpandedHashed(key, put(signature), put(digest)) === 1
      }),
    ed25519VerifyBatch: (items: readonly Signed[], z: Uint8Array): boolean =>
      run(() => kernel.ed25519VerifyBatch(...batchArguments(items, z)) === 1),
  }
}

const VECTORS = process.env['MLS_VECTORS_DIR'] ?? join(import.meta.dirname, '../../../shared/vectors')

/** The parsed vector file, or undefined (said on the console) where the vectors are not installed. */
export function readVectors<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(join(VECTORS, path), 'utf8')) as T
  } catch {
    console.log(`${path}: vectors not found`)
    return undefined
  }
}

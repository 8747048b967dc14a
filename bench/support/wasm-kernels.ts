/** The WASM kernels with byte arrays in place of pointers: every call copies its arguments in and its result out. */
import { loadCurve25519, type Signed } from '../../test/wasm/curve25519-module.ts'
import type { Kernel } from '../../test/wasm/kernel.ts'
import { loadP256 } from '../../test/wasm/p256-kernel.ts'
import { loadSymmetric } from '../../test/wasm/symmetric-kernel.ts'

export type { Signed }

/** An export of a kernel with its results of `size` bytes. */
function output(kernel: Kernel, size: number, call: (out: number) => void): Uint8Array {
  const out = kernel.room(size)
  call(out)
  const result = kernel.read(out, size)
  kernel.reset()
  return result
}

/** Copies byte arrays into the arena, back to back. */
function putAll(kernel: Kernel, parts: readonly Uint8Array[]): number {
  const at = kernel.room(parts.reduce((sum, part) => sum + part.length, 0))
  let next = at
  for (const part of parts) {
    kernel.write(next, part)
    next += part.length
  }
  return at
}

/** Compiles and starts the three modules. */
export async function loadWasmKernels() {
  const [curve, symmetric, p256] = await Promise.all([loadCurve25519(), loadSymmetric(), loadP256()])
  const aead =
    (name: string) =>
    (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, message: Uint8Array): Uint8Array =>
      output(symmetric, message.length + 16, (out) => {
        const [k, n, a, m] = [key, nonce, aad, message].map((bytes) => symmetric.put(bytes)) as [
          number,
          number,
          number,
          number,
        ]
        symmetric.call(`${name}Seal`, out, k, n, a, aad.length, m, message.length)
      })
  return {
    x25519: curve.x25519,
    x25519Many: curve.x25519Many,
    x25519Base: curve.x25519Base,
    x25519BaseMany: curve.x25519BaseMany,
    ed25519Expand: curve.ed25519Expand,
    ed25519Sign: curve.ed25519Sign,
    ed25519Verify: curve.ed25519Verify,
    ed25519VerifyBatch: curve.ed25519VerifyBatch,
    sha256: (data: Uint8Array) =>
      output(symmetric, 32, (out) => symmetric.call('sha256', out, symmetric.put(data), data.length)),
    /** Of equally long inputs; the digests back to back. */
    sha256Many: (data: readonly Uint8Array[]) =>
      output(symmetric, 32 * data.length, (out) => {
        const length = data[0]?.length ?? 0
        symmetric.call('sha256Strided', data.length, out, putAll(symmetric, data), length, length)
      }),
    hkdfExpand: (prk: Uint8Array, info: Uint8Array, length: number) =>
      output(symmetric, length, (out) =>
        symmetric.call('hkdfExpand', out, length, symmetric.put(prk), prk.length, symmetric.put(info), info.length),
      ),
    /** Of keys of 32 bytes and infos of one length; the outputs back to back. */
    hkdfExpandMany: (prks: readonly Uint8Array[], infos: readonly Uint8Array[], length: number) =>
      output(symmetric, length * prks.length, (out) => {
        const infoLength = infos[0]?.length ?? 0
        const [prkAt, infoAt] = [putAll(symmetric, prks), putAll(symmetric, infos)]
        // of each key of 32 bytes: its address, and address and length of its info
        const triples = new Uint32Array(3 * prks.length)
        for (let i = 0; i < prks.length; i++) {
          triples[3 * i] = prkAt + 32 * i
          triples[3 * i + 1] = infoAt + infoLength * i
          triples[3 * i + 2] = infoLength
        }
        const table = symmetric.put(new Uint8Array(triples.buffer))
        symmetric.call('hkdfExpandMany', prks.length, out, length, table)
      }),
    chacha20poly1305Seal: aead('chacha20poly1305'),
    aes128gcmSeal: aead('aes128gcm'),
    p256PublicKey: (scalar: Uint8Array) => output(p256, 65, (out) => p256.call('p256PublicKey', out, p256.put(scalar))),
    p256Ecdh: (scalar: Uint8Array, point: Uint8Array) =>
      output(p256, 32, (out) => p256.call('p256Ecdh', out, p256.put(scalar), p256.put(point))),
    /** Of a raw r, s signature over a SHA-256 hash. */
    p256Verify: (point: Uint8Array, signature: Uint8Array, hash: Uint8Array): boolean => {
      const ok = p256.call('p256Verify', p256.put(point), p256.put(signature), p256.put(hash))
      p256.reset()
      return ok === 1
    },
  }
}

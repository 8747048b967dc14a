/**
 * Ed25519 of the curve25519 kernel, under the rule of `spec-notes/adr/0011-ed25519.md`: canonical A and R, S < L, A not of
 * small order, and the cofactored equation; the kernel checks all of it, alone and in batches.
 */
import { type Bytes, copyBytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { mapKey } from '../../bytes/text.ts'
import type { BatchSignatureScheme } from '../parts.ts'
import { type Curve25519Exports, type Kernel, largestInput } from './kernel.ts'
import { VerificationKeys } from './verification-keys.ts'

const keyLength = 32
const signatureLength = 64
/** Clamped scalar, prefix, public key. */
const expandedLength = 96
/** Bytes of a random coefficient: a batch with a false signature passes with a chance of 2^-127. */
const coefficientLength = 16
/** More do not make a signature cheaper. */
const maxBatch = 2048

interface ExpandedKey {
  readonly privateKey: Bytes
  readonly expanded: Bytes
}

/** The scheme over one instance of the kernel. */
export function wasmEd25519(kernel: Kernel<Curve25519Exports>, isFresh = false): BatchSignatureScheme {
  const { exports, arena } = kernel
  const forLarge = () => wasmEd25519(kernel.fresh(), true)
  // Weak: an entry lives as long as the caller keeps the key's array
  const signingKeys = new WeakMap<Uint8Array, ExpandedKey>()
  const verificationKeys = new VerificationKeys(arena, exports.ed25519VerifyKeyExpand)

  function expandKey(privateKey: Uint8Array): Bytes {
    const known = signingKeys.get(privateKey)
    // the array may have been wiped or reused since
    if (known !== undefined && equalBytes(known.privateKey, privateKey)) return known.expanded
    if (privateKey.length !== keyLength) throw new MlsError('crypto/key', 'a private signature key of another length')
    try {
      const seed = arena.put(privateKey)
      const out = arena.reserve(expandedLength)
      exports.ed25519Expand(out, seed)
      const expanded = arena.read(out, expandedLength)
      signingKeys.set(privateKey, { privateKey: copyBytes(privateKey), expanded })
      return expanded
    } finally {
      arena.clear()
    }
  }

  return {
    seedLength: keyLength,
    maxBatch,
    privateKeyFrom: (seed) => copyBytes(seed),
    publicKey: (privateKey) => expandKey(privateKey).slice(signatureLength),
    isPublicKey(publicKey) {
      return publicKey.length === keyLength && verificationKeys.isValid(mapKey(publicKey), publicKey)
    },
    sign(privateKey, message) {
      const expanded = expandKey(privateKey)
      if (!isFresh && message.length > largestInput) return forLarge().sign(privateKey, message)
      try {
        const key = arena.put(expanded)
        const text = arena.put(message)
        const out = arena.reserve(signatureLength)
        exports.ed25519Sign(out, key, text, message.length)
        return arena.read(out, signatureLength)
      } finally {
        arena.clear()
      }
    },
    verify(publicKey, message, signature) {
      if (publicKey.length !== keyLength || signature.length !== signatureLength) return false
      if (!isFresh && message.length > largestInput) return forLarge().verify(publicKey, message, signature)
      const name = mapKey(publicKey)
      const expanded = verificationKeys.find(name, publicKey)
      try {
        const signed = arena.put(signature)
        const text = arena.put(message)
        const valid =
          expanded === undefined
            ? exports.ed25519Verify(arena.put(publicKey), signed, text, message.length)
            : exports.ed25519VerifyExpanded(expanded, signed, text, message.length)
        if (valid === 1) verificationKeys.accept(name)
        return valid === 1
      } finally {
        arena.clear()
      }
    },
    verifyAll(requests, random) {
      const n = requests.length
      const ends = new Uint32Array(n + 1)
      let total = 0
      for (const [i, { publicKey, message, signature }] of requests.entries()) {
        total += message.length
        ends[i + 1] = total
        if (publicKey.length !== keyLength || signature.length !== signatureLength || total > largestInput) return false
      }
      const z = random(n * coefficientLength)
      // odd, and so never zero
      for (let i = 0; i < z.length; i += coefficientLength) z[i] = (z[i] as number) | 1
      let inputsEnd: number | undefined
      try {
        const keys = arena.putAll(requests.map(({ publicKey }) => publicKey))
        const signatures = arena.putAll(requests.map(({ signature }) => signature))
        const messages = arena.putAll(requests.map(({ message }) => message))
        // WebAssembly is little-endian, and so is every platform that runs it
        const offsets = arena.put(new Uint8Array(ends.buffer))
        const coefficients = arena.put(z)
        const scratch = arena.reserve(exports.ed25519VerifyBatchScratch(n))
        inputsEnd = scratch
        if (exports.ed25519VerifyBatch(n, keys, signatures, messages, offsets, coefficients, scratch) !== 1)
          return false
      } finally {
        arena.clearBelow(inputsEnd)
      }
      verificationKeys.acceptAll(requests)
      return true
    },
  }
}

/**
 * Ed25519 of the curve25519 kernel, under the rule of `spec-notes/adr/0011-ed25519.md`: canonical A and R, S < L, A not of
 * small order, and the cofactored equation; the kernel checks all of it, alone and in batches.
 */
import { type Bytes, copyBytes, equalBytes, wipe } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { mapKey } from '../../bytes/text.ts'
import type { SignatureScheme } from '../noble/signature.ts'
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

type Sha512 = (...parts: readonly Uint8Array[]) => Bytes

interface ExpandedKey {
  readonly privateKey: Bytes
  readonly expanded: Bytes
}

/** The scheme over one instance of the kernel. */
export function wasmEd25519(kernel: Kernel<Curve25519Exports>, isFresh = false): SignatureScheme {
  const { exports, arena } = kernel
  const forLarge = () => wasmEd25519(kernel.fresh(), true)
  // Weak: an entry lives as long as the caller keeps the key's array
  const signingKeys = new WeakMap<Uint8Array, ExpandedKey>()
  const verificationKeys = new VerificationKeys(arena, exports)

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

  const scheme: SignatureScheme = {
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
      // odd, and so never zero; that of the first may be known, since only their quotients matter
      for (let i = 0; i < z.length; i += coefficientLength) z[i] = (z[i] as number) | 1
      z.fill(0, 1, coefficientLength)
      z[0] = 1
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
    withSha512: (sha512, from) => ({
      ...scheme,
      sign: (privateKey, message) =>
        message.length < from ? scheme.sign(privateKey, message) : signHashed(sha512, privateKey, message),
      verify: (publicKey, message, signature) =>
        message.length < from
          ? scheme.verify(publicKey, message, signature)
          : verifyHashed(sha512, publicKey, message, signature),
    }),
  }
  return scheme

  /** RFC 8032 §5.1.6 with both hashes made outside. */
  function signHashed(sha512: Sha512, privateKey: Uint8Array, message: Uint8Array): Bytes {
    const expanded = expandKey(privateKey)
    const digest = sha512(expanded.subarray(keyLength, 2 * keyLength), message)
    const signature = new Uint8Array(signatureLength)
    try {
      const out = arena.reserve(keyLength)
      const digestAt = arena.put(digest)
      exports.ed25519SignNonce(out, digestAt)
      signature.set(arena.read(out, keyLength))
      const challenge = sha512(signature.subarray(0, keyLength), expanded.subarray(2 * keyLength), message)
      exports.ed25519SignFinish(out, arena.put(expanded), digestAt, arena.put(challenge))
      signature.set(arena.read(out, keyLength), keyLength)
      return signature
    } finally {
      arena.clear()
      wipe(digest)
    }
  }

  function verifyHashed(sha512: Sha512, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    if (publicKey.length !== keyLength || signature.length !== signatureLength) return false
    const name = mapKey(publicKey)
    const expanded = verificationKeys.find(name, publicKey)
    try {
      const digest = arena.put(sha512(signature.subarray(0, keyLength), publicKey, message))
      const signed = arena.put(signature)
      const valid =
        expanded === undefined
          ? exports.ed25519VerifyHashed(arena.put(publicKey), signed, digest)
          : exports.ed25519VerifyExpandedHashed(expanded, signed, digest)
      if (valid === 1) verificationKeys.accept(name)
      return valid === 1
    } finally {
      arena.clear()
    }
  }
}

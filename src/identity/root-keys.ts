/**
 * The root key of an account: Ed25519, and ML-DSA-65 beside it where the owner wants signatures that outlive Ed25519. Where
 * both are present both must sign (I006).
 *
 *     R (20 bytes, recovery code) ── HKDF "root", generation ──> root seed of a generation (32 bytes)
 *                                                                  ├── "root ed25519" ──> Ed25519 key
 *                                                                  └── "root mldsa65" ──> ML-DSA-65 key
 *
 * A root seed tells nothing about the seeds of other generations, so a stolen one cannot announce the next root.
 */
import { type Bytes, empty, equalBytes, wipe } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { encode, fixed, type Infer, optional, struct } from '../codec/codec.ts'
import { Writer } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { boundedOpaque } from './bounded.ts'
import { type IdentityLabel, identityInfo, identitySignContent } from './labels.ts'
import {
  mlDsaPublicKey,
  mlDsaPublicKeyLength,
  mlDsaSeedLength,
  mlDsaSign,
  mlDsaSignatureLength,
  mlDsaVerify,
} from './ml-dsa.ts'

/** Bytes of R, the secret behind the recovery code: 160 bits. */
export const recoverySecretLength = 20
/** Bytes of a root seed, a root hash and a manifest hash. */
const identityHashLength = 32

/** The public root: Ed25519 (32 bytes), optionally ML-DSA-65 (1952 bytes). */
export const RootKeySet = struct({
  ed25519: fixed(32),
  mldsa65: optional(boundedOpaque(mlDsaPublicKeyLength, mlDsaPublicKeyLength)),
})
export type RootKeySet = Infer<typeof RootKeySet>

/** What a root makes: one signature for each of its keys (I006). */
export const RootSignature = struct({
  ed25519: fixed(64),
  mldsa65: optional(boundedOpaque(mlDsaSignatureLength, mlDsaSignatureLength)),
})
export type RootSignature = Infer<typeof RootSignature>

/** Holds the private root. A platform key answers with a promise; signatures must be deterministic, see `merge.ts`. */
export interface RootSigner {
  readonly root: RootKeySet
  /** Signs exactly `message`, with every key of `root`. */
  sign(message: Uint8Array): RootSignature | Promise<RootSignature>
}

/** `root_hash`: SHA-256 of the encoded {@link RootKeySet}, 32 bytes; what contacts pin and compare. */
export function rootHash(suite: CipherSuite, root: RootKeySet): Bytes {
  return suite.hash(encode(RootKeySet, root))
}

/** Whether two roots are the same keys. */
export function sameRoot(a: RootKeySet, b: RootKeySet): boolean {
  return equalBytes(encode(RootKeySet, a), encode(RootKeySet, b))
}

/**
 * The root seed of a generation, 32 bytes, from R (20 bytes): `HKDF(R, "root" || generation)`.
 * @throws `crypto/length` for an R of another length
 */
export function rootSeed(suite: CipherSuite, recoverySecret: Uint8Array, generation: number): Bytes {
  check(recoverySecret.length === recoverySecretLength, 'crypto/length', undefined, 'a recovery secret has 20 bytes')
  const context = new Writer(4)
  context.uint32(generation)
  const prk = suite.extract(empty, recoverySecret)
  try {
    return suite.expand(prk, identityInfo('root', context.finish()), identityHashLength)
  } finally {
    wipe(prk)
  }
}

/**
 * A signer for the root of a seed; it keeps the derived secrets in memory until `wipe`.
 * @param hybrid whether ML-DSA-65 is part of the root
 * @throws `crypto/length` for a seed of another length
 */
export function rootSigner(
  suite: CipherSuite,
  seed: Uint8Array,
  hybrid: boolean,
): RootSigner & { sign(message: Uint8Array): RootSignature; wipe(): void } {
  check(seed.length === identityHashLength, 'crypto/length', undefined, 'a root seed has 32 bytes')
  const privateKey = suite.expand(seed, identityInfo('root ed25519', empty), 32)
  const mlDsaSeed = hybrid ? suite.expand(seed, identityInfo('root mldsa65', empty), mlDsaSeedLength) : undefined
  return {
    root: {
      ed25519: suite.signaturePublicKey(privateKey),
      mldsa65: mlDsaSeed === undefined ? undefined : mlDsaPublicKey(mlDsaSeed),
    },
    sign: (message) => ({
      ed25519: suite.sign(privateKey, message),
      mldsa65: mlDsaSeed === undefined ? undefined : mlDsaSign(mlDsaSeed, message),
    }),
    wipe: () => wipe(privateKey, mlDsaSeed),
  }
}

/** Whether the Ed25519 key is one (the length of the other is part of the codec). @throws `identity/key` (I005) */
export function checkRoot(suite: CipherSuite, root: RootKeySet): void {
  check(suite.isSignaturePublicKey(root.ed25519), 'identity/key', 'I005', 'a root that is no Ed25519 key')
}

/** A signature of the root over `content` with a label. */
export async function signWithRoot(
  signer: RootSigner,
  label: IdentityLabel,
  content: Uint8Array,
): Promise<RootSignature> {
  return signer.sign(identitySignContent(label, content))
}

/** Whether every key of the root signed, and no other (I006). */
export function verifyRoot(
  suite: CipherSuite,
  root: RootKeySet,
  label: IdentityLabel,
  content: Uint8Array,
  signature: RootSignature,
): boolean {
  const message = identitySignContent(label, content)
  if (!suite.verify(root.ed25519, message, signature.ed25519)) return false
  // I006: a hybrid root is worth nothing when one half is enough; a half without a key proves nothing
  if (root.mldsa65 === undefined || signature.mldsa65 === undefined)
    return root.mldsa65 === undefined && signature.mldsa65 === undefined
  return mlDsaVerify(root.mldsa65, message, signature.mldsa65)
}

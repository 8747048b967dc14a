/**
 * A change of root. The statement names the old root by hash, the new one in full, and the last manifest of the old.
 *
 * | strength | old root signed | new root is the one announced | who can make it |
 * |---|---|---|---|
 * | `strong` | yes | yes | the owner of the recovery secret |
 * | `soft` | yes | nothing was announced | whoever holds the old root |
 * | `broken` | yes | another was announced | whoever holds the old root, against its owner |
 * | `reset` | no | any | anybody |
 */
import { type Bytes, copyBytes, equalBytes, isZero } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { concat, encode, fixed, type Infer, nested, optional, struct, uint32, uint64 } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { AccountName, decodeWithin } from './bounded.ts'
import { identitySignContent } from './labels.ts'
import { identityLimits } from './limits.ts'
import {
  checkRoot,
  RootKeySet,
  RootSignature,
  type RootSigner,
  rootHash,
  signWithRoot,
  verifyRoot,
} from './root-keys.ts'

/** What both roots sign. `lastSeq` and `lastHash`: the last manifest under the old root; hash 32 bytes. */
export const RotationTbs = struct({
  account: AccountName,
  oldGeneration: uint32,
  oldRootHash: fixed(32),
  newGeneration: uint32,
  newRoot: RootKeySet,
  lastSeq: uint64,
  lastHash: fixed(32),
})
export type RotationTbs = Infer<typeof RotationTbs>

/** A rotation; decoded and not verified. `oldSignature` is missing in a reset. */
export const RotationStatement = concat(
  RotationTbs,
  struct({ oldSignature: optional(nested(RootSignature)), newSignature: nested(RootSignature) }),
)
export type RotationStatement = Infer<typeof RotationStatement>

declare const verified: unique symbol
/** A rotation whose signatures hold against a given old root; made by {@link verifyRotation} and {@link signRotation} alone. */
export type VerifiedRotation = RotationStatement & {
  readonly newRootHash: Bytes
  /** Whether the old root signed: not in a reset. */
  readonly provenByOld: boolean
  readonly [verified]: true
}

/** How much a rotation proves, see the table above. */
export type RotationStrength = 'strong' | 'soft' | 'broken' | 'reset'

/**
 * Decodes a rotation of at most 16 KiB.
 * @throws `identity/limit` (I003), `identity/account` (I002), kind `malformed`
 */
export function decodeRotation(bytes: Uint8Array): RotationStatement {
  return decodeWithin(RotationStatement, bytes, identityLimits.rotationBytes)
}

/** Signs a rotation from one root to the next; without `old` it is a reset. @throws as {@link verifyRotation} */
export async function signRotation(
  suite: CipherSuite,
  signers: { readonly old: RootSigner | undefined; readonly next: RootSigner },
  content: Omit<RotationTbs, 'newRoot'>,
  oldRoot: RootKeySet | undefined = signers.old?.root,
): Promise<VerifiedRotation> {
  const tbs: RotationTbs = { ...content, newRoot: signers.next.root }
  const encoded = encode(RotationTbs, tbs)
  const oldSignature = signers.old && (await signWithRoot(signers.old, 'Rotation', encoded))
  const newSignature = await signWithRoot(signers.next, 'Rotation', encoded)
  return verifyRotation(suite, { ...tbs, oldSignature, newSignature }, oldRoot)
}

/**
 * Checks a rotation: the new root signed it, and the old one too unless it is a reset; generations follow one another.
 * @param oldRoot the root that is pinned or stands in the last manifest; `undefined` accepts resets alone
 * @throws `identity/rotation` (I050 generations, I051 another old root, I054 the same root), `identity/signature`
 * (I052 old, I053 new), `identity/key` (I005)
 */
export function verifyRotation(
  suite: CipherSuite,
  statement: RotationStatement,
  oldRoot: RootKeySet | undefined,
): VerifiedRotation {
  const { oldSignature, newSignature, newRoot } = statement
  const follows = statement.newGeneration === statement.oldGeneration + 1
  check(follows, 'identity/rotation', 'I050', 'a rotation that skips a generation')
  checkRoot(suite, newRoot)
  const newRootHash = rootHash(suite, newRoot)
  const other = !equalBytes(newRootHash, statement.oldRootHash)
  check(other, 'identity/rotation', 'I054', 'a rotation from a root to itself')
  const content = encode(RotationTbs, statement)
  if (oldSignature !== undefined) {
    const named = oldRoot !== undefined && equalBytes(rootHash(suite, oldRoot), statement.oldRootHash)
    check(named, 'identity/rotation', 'I051', 'a rotation from another root')
    const signed = verifyRoot(suite, oldRoot, 'Rotation', content, oldSignature)
    check(signed, 'identity/signature', 'I052', 'the old root did not sign this rotation')
  }
  // the new root signs too: nobody may claim the root of another as his next one
  const signed = verifyRoot(suite, newRoot, 'Rotation', content, newSignature)
  check(signed, 'identity/signature', 'I053', 'the new root did not sign this rotation')
  return { ...statement, newRootHash, provenByOld: oldSignature !== undefined } as unknown as VerifiedRotation
}

/**
 * Checks a rotation by who knows the old root from a leaf alone, that is by its Ed25519 half: a group does. A reset is no
 * rotation there, since nobody in the group could tell it from a theft. The other half of a hybrid old root cannot be
 * checked; it must be there, and contacts who pinned that root check it.
 * @param oldEd25519 32 bytes, from the certificate of the leaf
 * @throws `identity/rotation` (I050, I051, I054; I055 a reset), `identity/signature` (I052, I053), `identity/key` (I005)
 */
export function verifyLeafRotation(
  suite: CipherSuite,
  statement: RotationStatement,
  oldEd25519: Uint8Array,
): VerifiedRotation {
  const { oldSignature } = statement
  check(oldSignature !== undefined, 'identity/rotation', 'I055', 'a reset where the old root must sign')
  const plain = { ed25519: copyBytes(oldEd25519), mldsa65: undefined }
  // a plain root is known whole, so that its statement is checked whole
  if (oldSignature.mldsa65 === undefined) return verifyRotation(suite, statement, plain)
  const other = !equalBytes(rootHash(suite, plain), statement.oldRootHash)
  check(other, 'identity/rotation', 'I051', 'a rotation from another root')
  const reset = verifyRotation(suite, { ...statement, oldSignature: undefined }, undefined)
  const message = identitySignContent('Rotation', encode(RotationTbs, statement))
  const signed = suite.verify(oldEd25519, message, oldSignature.ed25519)
  check(signed, 'identity/signature', 'I052', 'the old root did not sign this rotation')
  return { ...reset, oldSignature, provenByOld: true } as unknown as VerifiedRotation
}

/**
 * How much a rotation proves to somebody who knows the announced root hash (32 bytes, zero when none was announced).
 * A root that was announced is the only one that may follow: a thief of the root in use has to announce, and cannot (I055).
 */
export function rotationStrength(rotation: VerifiedRotation, nextRootHash: Uint8Array): RotationStrength {
  if (!rotation.provenByOld) return 'reset'
  if (isZero(nextRootHash)) return 'soft'
  return equalBytes(rotation.newRootHash, nextRootHash) ? 'strong' : 'broken'
}

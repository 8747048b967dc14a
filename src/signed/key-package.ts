/** Signatures of KeyPackages (RFC 9420 §10). */
import type { Bytes } from '../bytes/bytes.ts'
import { at, check, MlsError } from '../bytes/errors.ts'
import { inBatches, type SliceRules } from '../bytes/slices.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite, VerifyRequest } from '../crypto/cipher-suite.ts'
import { refHash, signContent } from '../crypto/labels.ts'
import { KeyPackage, KeyPackageTbs, leafNodeBytes, signedKeyPackage } from '../wire/key-package.ts'
import { leafNodeVerifyRequest } from './leaf-node.ts'
import { type Signer, signLabelled } from './signer.ts'

const label = 'KeyPackageTBS'
declare const verified: unique symbol

/** A KeyPackage whose two signatures hold; made by {@link verifyKeyPackages} and {@link signKeyPackage} alone. */
export type VerifiedKeyPackage = KeyPackage & { readonly [verified]: true }

/** Signs a KeyPackage with the key of its leaf. */
export async function signKeyPackage(signer: Signer, content: KeyPackageTbs): Promise<VerifiedKeyPackage> {
  const signature = await signLabelled(signer, label, encode(KeyPackageTbs, content))
  return { ...content, signature } as unknown as VerifiedKeyPackage
}

/**
 * Checks the signatures of KeyPackages and of their leaves in one batch.
 * @throws `crypto/signature` (V132 for the package, V098 for its leaf); `crypto/key` (V036) when the key is none
 */
export async function verifyKeyPackages(
  suite: CipherSuite,
  keyPackages: readonly KeyPackage[],
  share: SliceRules = {},
): Promise<readonly VerifiedKeyPackage[]> {
  const requests = keyPackages.flatMap((keyPackage): VerifyRequest[] => [
    // RFC 9420 §10.1 V132: by the signature key of the leaf
    {
      publicKey: keyPackage.leafNode.signatureKey,
      message: signContent(label, signedKeyPackage(keyPackage)),
      signature: keyPackage.signature,
    },
    leafNodeVerifyRequest(leafNodeBytes(keyPackage), undefined),
  ])
  const results = await inBatches(requests, suite.workers === undefined ? share : {}, (part) => suite.verifyMany(part))
  for (const [index, holds] of results.entries()) {
    if (holds) continue
    // RFC 9420 §5.1.1 V036; a key of another signature scheme (V044) has another form
    const isKey = suite.isSignaturePublicKey(at(requests, index).publicKey)
    check(isKey, 'crypto/key', 'V036', 'a KeyPackage with a bad signature key')
    throw new MlsError('crypto/signature', 'the signature of a KeyPackage does not hold', {
      rule: index % 2 === 0 ? 'V132' : 'V098',
    })
  }
  return keyPackages as unknown as readonly VerifiedKeyPackage[]
}

/** KeyPackageRef of RFC 9420 §5.2: Nh bytes. */
export function keyPackageRef(suite: CipherSuite, keyPackage: KeyPackage): Bytes {
  return refHash(suite, 'KeyPackage Reference', KeyPackage.bytesOf(keyPackage))
}

/** Signatures of KeyPackages (RFC 9420 §10). */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite, VerifyRequest } from '../crypto/cipher-suite.ts'
import { refHash, signContent } from '../crypto/labels.ts'
import { KeyPackage, KeyPackageTbs } from '../wire/key-package.ts'
import { LeafNode } from '../wire/leaf-node.ts'
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
 * @throws `crypto/signature` (V132 for the package, V098 for its leaf)
 */
export async function verifyKeyPackages(
  suite: CipherSuite,
  keyPackages: readonly KeyPackage[],
): Promise<readonly VerifiedKeyPackage[]> {
  const requests = keyPackages.flatMap((keyPackage): VerifyRequest[] => {
    return [
      // RFC 9420 §10.1 V132: by the signature key of the leaf
      {
        publicKey: keyPackage.leafNode.signatureKey,
        message: signContent(label, encode(KeyPackageTbs, keyPackage)),
        signature: keyPackage.signature,
      },
      leafNodeVerifyRequest(encode(LeafNode, keyPackage.leafNode), undefined),
    ]
  })
  const results = await suite.verifyMany(requests)
  results.forEach((holds, index) => {
    if (!holds)
      throw new MlsError('crypto/signature', 'the signature of a KeyPackage does not hold', {
        rule: index % 2 === 0 ? 'V132' : 'V098',
      })
  })
  return keyPackages as unknown as readonly VerifiedKeyPackage[]
}

/** KeyPackageRef of RFC 9420 §5.2: Nh bytes. */
export function keyPackageRef(suite: CipherSuite, keyPackage: KeyPackage): Bytes {
  return refHash(suite, 'KeyPackage Reference', encode(KeyPackage, keyPackage))
}

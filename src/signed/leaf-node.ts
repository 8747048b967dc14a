/** Signatures of LeafNodes (RFC 9420 §7.2, §7.3). */
import { MlsError } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import { lent } from '../codec/writer.ts'
import type { CipherSuite, VerifyRequest } from '../crypto/cipher-suite.ts'
import { signContentOf, writeSignContent } from '../crypto/labels.ts'
import {
  type EncodedLeafNode,
  LeafNode,
  type LeafNodeContent,
  type LeafPosition,
  leafNodeTbs,
  readSignedLeaf,
  writeLeafNodeTbs,
} from '../wire/leaf-node.ts'
import { type Signer, signLabelled } from './signer.ts'

const label = 'LeafNodeTBS'

/** Signs the content of a leaf; `position` for the sources `update` and `commit`. */
export async function signLeafNode(
  signer: Signer,
  content: LeafNodeContent,
  position: LeafPosition | undefined,
): Promise<EncodedLeafNode> {
  const signature = await signLabelled(signer, label, leafNodeTbs(content, position))
  const leafNode: LeafNode = { ...content, signature }
  return { leafNode, bytes: encode(LeafNode, leafNode) }
}

/** What to check for the signature of an encoded leaf; for batches. Keys and signatures are views of it. */
export function leafNodeVerifyRequest(bytes: Uint8Array, position: LeafPosition | undefined): VerifyRequest {
  const leaf = readSignedLeaf(bytes)
  return {
    publicKey: leaf.signatureKey,
    message: signContentOf(label, (writer) => writeLeafNodeTbs(writer, leaf, position)),
    signature: leaf.signature,
  }
}

/** @throws `crypto/signature` (V098) */
export function verifyLeafNodeSignature(
  suite: CipherSuite,
  bytes: Uint8Array,
  position: LeafPosition | undefined,
): void {
  const leaf = readSignedLeaf(bytes)
  const valid = lent(
    (writer) => writeSignContent(writer, label, () => writeLeafNodeTbs(writer, leaf, position)),
    (signed) => suite.verify(leaf.signatureKey, signed, leaf.signature),
  )
  // RFC 9420 §7.3 V098, with the position in what is signed: V099, V100
  if (!valid) throw new MlsError('crypto/signature', 'the signature of a leaf does not hold', { rule: 'V098' })
}

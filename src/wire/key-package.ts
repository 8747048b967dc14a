import type { Bytes } from '../bytes/bytes.ts'
import { type Codec, concat, type Infer, opaque, struct, uint16 } from '../codec/codec.ts'
import { type Remembered, remembered } from '../codec/remembered.ts'
import { Writer } from '../codec/writer.ts'
import { Extensions } from './extension.ts'
import { LeafNode } from './leaf-node.ts'

/** The leaf of a KeyPackage, which goes into a tree as it came. */
const PackagedLeafNode = remembered(LeafNode)

const keyPackageTbs = struct({
  version: uint16,
  cipherSuite: uint16,
  initKey: opaque,
  leafNode: PackagedLeafNode,
  extensions: Extensions,
})
/** KeyPackageTBS of RFC 9420 §10: a KeyPackage without its signature. */
export const KeyPackageTbs: Codec<KeyPackageTbs> = keyPackageTbs
export type KeyPackageTbs = Infer<typeof keyPackageTbs>

const keyPackage = concat(keyPackageTbs, struct({ signature: opaque }))
/** RFC 9420 §10. Decoded and not verified; `VerifiedKeyPackage` of `signed/` is. */
export type KeyPackage = Infer<typeof keyPackage>
/** RFC 9420 §10. Bytes that were received are not encoded again. */
export const KeyPackage: Remembered<KeyPackage> = remembered(keyPackage)

/** The encoded leaf of a KeyPackage. */
export function leafNodeBytes({ leafNode }: KeyPackageTbs): Bytes {
  return PackagedLeafNode.bytesOf(leafNode)
}

/** KeyPackageTBS of a KeyPackage: its encoding without the signature. */
export function signedKeyPackage(value: KeyPackage): Uint8Array {
  const bytes = KeyPackage.bytesOf(value)
  const signature = new Writer(value.signature.length + 4)
  signature.opaque(value.signature)
  return bytes.subarray(0, bytes.length - signature.length)
}

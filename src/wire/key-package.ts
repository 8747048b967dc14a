import { concat, type Infer, opaque, struct, uint16 } from '../codec/codec.ts'
import { Extensions } from './extension.ts'
import { LeafNode } from './leaf-node.ts'

/** KeyPackageTBS of RFC 9420 §10: a KeyPackage without its signature. */
export const KeyPackageTbs = struct({
  version: uint16,
  cipherSuite: uint16,
  initKey: opaque,
  leafNode: LeafNode,
  extensions: Extensions,
})
export type KeyPackageTbs = Infer<typeof KeyPackageTbs>

/** RFC 9420 §10. Decoded and not verified; `VerifiedKeyPackage` of `signed/` is. */
export const KeyPackage = concat(KeyPackageTbs, struct({ signature: opaque }))
export type KeyPackage = Infer<typeof KeyPackage>

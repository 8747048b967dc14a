import type { Bytes } from '../bytes/bytes.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { keyPackageRef } from '../signed/key-package.ts'
import { type KeyPackageSource, keyPackageOf } from './commit-options.ts'

/** KeyPackageRef (RFC 9420 §5.2) of a KeyPackage: what a Welcome names its members by; Nh bytes. @throws kind `malformed` */
export function keyPackageReference(suite: CipherSuite, source: KeyPackageSource): Bytes {
  return keyPackageRef(suite, keyPackageOf(source))
}

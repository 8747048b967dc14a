import { type Infer, opaque, optional, struct, uint16, vec } from '../codec/codec.ts'
import { wireLimits } from './limits.ts'
import { PreSharedKeyId } from './psk.ts'
import { HpkeCiphertext } from './update-path.ts'

/** PathSecret of RFC 9420 §12.4.3. */
const PathSecret = struct({ pathSecret: opaque })

/** RFC 9420 §12.4.3. */
export const GroupSecrets = struct({
  joinerSecret: opaque,
  pathSecret: optional(PathSecret),
  psks: vec(PreSharedKeyId, wireLimits.psks),
})
export type GroupSecrets = Infer<typeof GroupSecrets>

/** RFC 9420 §12.4.3: `newMember` is the KeyPackageRef. */
export const EncryptedGroupSecrets = struct({ newMember: opaque, encryptedGroupSecrets: HpkeCiphertext })
export type EncryptedGroupSecrets = Infer<typeof EncryptedGroupSecrets>

/** RFC 9420 §12.4.3. */
export const Welcome = struct({
  cipherSuite: uint16,
  secrets: vec(EncryptedGroupSecrets, wireLimits.welcomeSecrets),
  encryptedGroupInfo: opaque,
})
export type Welcome = Infer<typeof Welcome>

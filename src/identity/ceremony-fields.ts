/** Fields that the structures of the ceremonies share. */
import { MlsError } from '../bytes/errors.ts'
import { type Codec, checked, fixed, uint8 } from '../codec/codec.ts'

/** The version of the structures of the ceremonies: their first byte. */
export const ceremonyVersion = 1

/** The first byte of each structure. @throws `identity_qr/version` on reading another version */
export const versionByte: Codec<number> = checked(uint8, (version) => {
  if (version !== ceremonyVersion) throw new MlsError('identity_qr/version', 'a code of another version')
})

/** 32 bytes: root hashes, SHA-256, X25519 keys. */
export const fixed32 = fixed(32)

/** 16 bytes: randomness, device ids. */
export const fixed16 = fixed(16)

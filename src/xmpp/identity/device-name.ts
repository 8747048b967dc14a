/** Names of own devices: in the manifest, sealed with a key that own devices share. */
import { type Bytes, concatBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { fromUtf8, utf8 } from '../../bytes/text.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import { ceremonyInput } from '../../identity/ceremony-input.ts'

const maxBytes = 64

function keyOf(suite: CipherSuite, shared: Uint8Array, deviceId: Uint8Array): Bytes {
  return suite.expand(shared, ceremonyInput('Device Label', deviceId), suite.parameters.keyLength)
}

/** The sealed name for `encLabel`; empty without a shared key, or for a name of more than 64 bytes. */
export function sealDeviceName(
  suite: CipherSuite,
  shared: Uint8Array | undefined,
  deviceId: Uint8Array,
  name: string,
): Bytes {
  const text = utf8(name)
  if (shared === undefined || text.length === 0 || text.length > maxBytes) return new Uint8Array(0)
  const nonce = suite.randomBytes(suite.parameters.nonceLength)
  return concatBytes(nonce, suite.seal(keyOf(suite, shared, deviceId), nonce, deviceId, text))
}

/** The name of an own device; `undefined` where it has none, or one that was sealed with another key. */
export function openDeviceName(
  suite: CipherSuite,
  shared: Uint8Array | undefined,
  { deviceId, encLabel }: { readonly deviceId: Uint8Array; readonly encLabel: Uint8Array },
): string | undefined {
  const { nonceLength } = suite.parameters
  if (shared === undefined || encLabel.length <= nonceLength) return undefined
  try {
    const key = keyOf(suite, shared, deviceId)
    return fromUtf8(suite.open(key, encLabel.slice(0, nonceLength), deviceId, encLabel.slice(nonceLength)))
  } catch (error) {
    if (error instanceof MlsError && error.kind !== 'bug') return undefined
    throw error
  }
}

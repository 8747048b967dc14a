/**
 * What identity keys sign and what is derived from identity secrets. No key of an identity ever signs bytes without a label
 * (I001), so that a signature made for one purpose is worthless for every other, and for every other protocol.
 *
 *     SignContent = opaque label<V> ("XMPP Account Identity 1.0 " + label), opaque content<V>
 */
import { ascii, type Bytes } from '../bytes/bytes.ts'
import { Writer } from '../codec/writer.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'

const prefix = 'XMPP Account Identity 1.0 '

/** The closed list of what identity keys sign. */
const identityLabels = ['Checkpoint', 'DeviceCert', 'Manifest', 'OpsCert', 'RootCompromised', 'Rotation'] as const
/** A label of {@link identityLabels}. */
export type IdentityLabel = (typeof identityLabels)[number]

/** The closed list of what is derived from identity secrets or hashed with a label. */
const identityDerivations = ['root', 'root ed25519', 'root mldsa65', 'head leaf', 'head node'] as const
/** A label of {@link identityDerivations}. */
export type IdentityDerivation = (typeof identityDerivations)[number]

function labelled(label: string, content: Uint8Array): Bytes {
  const writer = new Writer(content.length + prefix.length + label.length + 8)
  writer.opaque(ascii(prefix + label))
  writer.opaque(content)
  return writer.finish()
}

/** The bytes that a signature with `label` over `content` covers (I001). */
export function identitySignContent(label: IdentityLabel, content: Uint8Array): Bytes {
  return labelled(label, content)
}

/** The `info` of an expansion, or the input of a labelled hash. */
export function identityInfo(label: IdentityDerivation, context: Uint8Array): Bytes {
  return labelled(label, context)
}

/** Signs with a label. `suite` is cipher suite 1. @throws `crypto/key` */
export function signIdentity(
  suite: CipherSuite,
  privateKey: Uint8Array,
  label: IdentityLabel,
  content: Uint8Array,
): Bytes {
  return suite.sign(privateKey, identitySignContent(label, content))
}

/** Whether a signature with a label holds. `suite` is cipher suite 1. */
export function verifyIdentity(
  suite: CipherSuite,
  publicKey: Uint8Array,
  label: IdentityLabel,
  content: Uint8Array,
  signature: Uint8Array,
): boolean {
  return suite.verify(publicKey, identitySignContent(label, content), signature)
}

/**
 * Sender data (RFC 9420 §6.3.2): who encrypted a message, under a key that depends on the ciphertext.
 *
 * ```
 *   sender_data_secret + first Nh bytes of ciphertext --> "key", "nonce" --> AEAD(leaf index, generation, reuse guard)
 * ```
 */
import { type Bytes, wipe } from '../bytes/bytes.ts'
import { at, check } from '../bytes/errors.ts'
import type { Secret } from '../bytes/secret.ts'
import { decode, encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { expandWithLabels } from '../crypto/labels.ts'
import { type PrivateMessage, SenderData, SenderDataAad } from '../wire/private-message.ts'

/** Bytes of SenderData. */
const senderDataLength = 12

/** The fields of a PrivateMessage that go into SenderDataAAD. */
export type SenderDataContext = Pick<PrivateMessage, 'groupId' | 'epoch' | 'contentType'>

/** Key (Nk bytes) and nonce (Nn bytes) for the sender data of one ciphertext. The caller wipes them. */
export function senderDataKeyAndNonce(
  suite: CipherSuite,
  senderDataSecret: Secret<'sender_data_secret'>,
  ciphertext: Uint8Array,
): { readonly key: Bytes; readonly nonce: Bytes } {
  const { hashLength, keyLength, nonceLength } = suite.parameters
  // RFC 9420 §6.3.2: the first KDF.Nh bytes, or all of them when there are fewer
  const sample = ciphertext.subarray(0, hashLength)
  const outputs = [
    { label: 'key', length: keyLength },
    { label: 'nonce', length: nonceLength },
  ]
  const derived = senderDataSecret.use((secret) => expandWithLabels(suite, secret, outputs, sample))
  return { key: at(derived, 0), nonce: at(derived, 1) }
}

/** `encrypted_sender_data`: 28 bytes. */
export function sealSenderData(
  suite: CipherSuite,
  senderDataSecret: Secret<'sender_data_secret'>,
  ciphertext: Uint8Array,
  context: SenderDataContext,
  senderData: SenderData,
): Bytes {
  const { key, nonce } = senderDataKeyAndNonce(suite, senderDataSecret, ciphertext)
  try {
    return suite.seal(key, nonce, encode(SenderDataAad, context), encode(SenderData, senderData))
  } finally {
    wipe(key, nonce)
  }
}

/** @throws `crypto/decrypt` (V086, V088); `codec/length` when it is not 12 bytes (V027) */
export function openSenderData(
  suite: CipherSuite,
  senderDataSecret: Secret<'sender_data_secret'>,
  message: PrivateMessage,
): SenderData {
  const { key, nonce } = senderDataKeyAndNonce(suite, senderDataSecret, message.ciphertext)
  try {
    const plaintext = suite.open(key, nonce, encode(SenderDataAad, message), message.encryptedSenderData)
    // RFC 9420 §6.3.2 V027
    check(plaintext.length === senderDataLength, 'codec/length', 'V027', 'sender data of another length')
    return decode(SenderData, plaintext)
  } finally {
    wipe(key, nonce)
  }
}

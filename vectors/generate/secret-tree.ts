import { Secret } from '../../src/bytes/secret.ts'
import { toHex } from '../../src/bytes/text.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { senderDataKeyAndNonce } from '../../src/framing/sender-data.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'

/** Generations of every ratchet. */
const generations = [0, 1, 15]

/** Trees of 1, 8 and 32 leaves. */
export function generateSecretTree(suite: CipherSuite): unknown[] {
  return [1, 8, 32].map((leafCount) => {
    const { hashLength } = suite.parameters
    const senderDataSecret = suite.randomBytes(hashLength)
    const ciphertext = suite.randomBytes(77)
    const { key, nonce } = senderDataKeyAndNonce(suite, new Secret(Uint8Array.from(senderDataSecret)), ciphertext)
    const encryptionSecret = suite.randomBytes(hashLength)
    const tree = new SecretTree(suite, new Secret(Uint8Array.from(encryptionSecret)), leafCount)
    return {
      cipher_suite: suite.parameters.id,
      encryption_secret: toHex(encryptionSecret),
      sender_data: {
        sender_data_secret: toHex(senderDataSecret),
        ciphertext: toHex(ciphertext),
        key: toHex(key),
        nonce: toHex(nonce),
      },
      leaves: Array.from({ length: leafCount }, (_, leaf) => generations.map((one) => keysOf(tree, leaf, one))),
    }
  })
}

function keysOf(tree: SecretTree, leaf: number, generation: number) {
  const handshake = tree.openingKey(leaf, 'handshake', generation)
  const application = tree.openingKey(leaf, 'application', generation)
  const keys = {
    generation,
    handshake_key: toHex(handshake.key),
    handshake_nonce: toHex(handshake.nonce),
    application_key: toHex(application.key),
    application_nonce: toHex(application.nonce),
  }
  handshake.accept()
  application.accept()
  return keys
}

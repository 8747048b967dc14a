import { Secret } from '../../src/bytes/secret.ts'
import { senderDataKeyAndNonce } from '../../src/framing/sender-data.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes } from '../expect.ts'
import type { Fields } from '../fields.ts'

/** Family `secret-tree`: the keys of sender ratchets, RFC 9420 §9, and of sender data, §6.3.2. */
export function checkSecretTree(vector: Fields, engine: VectorEngine): void {
  const suite = engine.suite(vector.number('cipher_suite'))

  const senderData = vector.object('sender_data')
  const { key, nonce } = senderDataKeyAndNonce(
    suite,
    new Secret(senderData.hex('sender_data_secret')),
    senderData.hex('ciphertext'),
  )
  expectBytes('sender_data.key', key, senderData.hex('key'))
  expectBytes('sender_data.nonce', nonce, senderData.hex('nonce'))

  const leafCount = vector.list('leaves').length
  const tree = new SecretTree(suite, new Secret(vector.hex('encryption_secret')), leafCount)
  for (const [leaf, generations] of vector.lists('leaves').entries()) {
    for (const entry of generations) {
      const generation = entry.number('generation')
      for (const type of ['handshake', 'application'] as const) {
        const opening = tree.openingKey(leaf, type, generation)
        const at = `leaves[${leaf}], generation ${generation}`
        expectBytes(`${at}: ${type}_key`, opening.key, entry.hex(`${type}_key`))
        expectBytes(`${at}: ${type}_nonce`, opening.nonce, entry.hex(`${type}_nonce`))
        opening.accept()
      }
    }
  }
}

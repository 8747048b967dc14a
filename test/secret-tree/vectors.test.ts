import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/bytes/secret.ts'
import { fromHex, toHex } from '../../src/bytes/text.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { senderDataKeyAndNonce } from '../../src/framing/sender-data.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import type { RatchetType } from '../../src/secret-tree/ratchet.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { loadVectors } from '../support/vectors.ts'

interface Generation {
  readonly generation: number
  readonly application_key: string
  readonly application_nonce: string
  readonly handshake_key: string
  readonly handshake_nonce: string
}
interface Vector {
  readonly cipher_suite: number
  readonly encryption_secret: string
  readonly sender_data: { sender_data_secret: string; ciphertext: string; key: string; nonce: string }
  readonly leaves: readonly (readonly Generation[])[]
}

describe('secret-tree.json', () => {
  for (const vector of loadVectors<Vector[]>('mlswg/secret-tree.json') ?? []) {
    const suite = nobleProvider.open(suiteParameters(vector.cipher_suite), systemRng)
    const make = () => new SecretTree(suite, new Secret(fromHex(vector.encryption_secret)), vector.leaves.length)
    const each = (check: (leaf: number, type: RatchetType, generation: number, key: string, nonce: string) => void) =>
      vector.leaves.forEach((generations, leaf) => {
        for (const g of generations) {
          check(leaf, 'application', g.generation, g.application_key, g.application_nonce)
          check(leaf, 'handshake', g.generation, g.handshake_key, g.handshake_nonce)
        }
      })

    test(`suite ${vector.cipher_suite}, ${vector.leaves.length} leaves, receiving`, () => {
      const tree = make()
      each((leaf, type, generation, key, nonce) => {
        const opening = tree.openingKey(leaf, type, generation)
        expect([toHex(opening.key), toHex(opening.nonce)]).toEqual([key, nonce])
        opening.accept()
      })
    })

    test(`suite ${vector.cipher_suite}, ${vector.leaves.length} leaves, sending`, () => {
      const tree = make()
      each((leaf, type, generation, key, nonce) => {
        let sealing = tree.seal(leaf, type)
        while (sealing.generation < generation) sealing = tree.seal(leaf, type)
        expect([sealing.generation, toHex(sealing.key), toHex(sealing.nonce)]).toEqual([generation, key, nonce])
      })
    })

    test(`suite ${vector.cipher_suite}, ${vector.leaves.length} leaves, sender data`, () => {
      const { sender_data_secret, ciphertext, key, nonce } = vector.sender_data
      const derived = senderDataKeyAndNonce(suite, new Secret(fromHex(sender_data_secret)), fromHex(ciphertext))
      expect([toHex(derived.key), toHex(derived.nonce)]).toEqual([key, nonce])
    })
  }
})

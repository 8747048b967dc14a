import { describe, expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '../../../src/bytes/text.ts'
import { Writer } from '../../../src/codec/writer.ts'
import type { CryptoProvider } from '../../../src/crypto/cipher-suite.ts'
import {
  decryptWithLabel,
  deriveSecret,
  deriveTreeSecret,
  encryptWithLabel,
  expandWithLabel,
  signWithLabel,
  verifyWithLabel,
} from '../../../src/crypto/labels.ts'
import { suites } from '../../../src/crypto/suites.ts'
import { loadVectors } from '../../support/vectors.ts'
import { allIds, kemPublicKey, openSuite } from './oracle.ts'

interface Vector {
  readonly cipher_suite: number
  readonly ref_hash: { label: string; out: string; value: string }
  readonly expand_with_label: { secret: string; label: string; context: string; length: number; out: string }
  readonly derive_secret: { secret: string; label: string; out: string }
  readonly derive_tree_secret: { secret: string; label: string; generation: number; length: number; out: string }
  readonly sign_with_label: { priv: string; pub: string; content: string; label: string; signature: string }
  readonly encrypt_with_label: {
    priv: string
    pub: string
    label: string
    context: string
    plaintext: string
    kem_output: string
    ciphertext: string
  }
}

/** The official vectors of RFC 9420 §5 and §8 for one provider. */
export function cryptoBasicsConformance(provider: CryptoProvider, ids: readonly number[] = allIds): void {
  const vectors = loadVectors<Vector[]>('mlswg/crypto-basics.json')

  describe(`crypto-basics.json, ${provider.name}`, () => {
    test('holds every suite', () => {
      if (vectors === undefined) return
      expect(vectors.map((vector) => vector.cipher_suite)).toEqual([1, 2, 3, 4, 5, 6, 7])
    })

    test.each(suites.filter(({ id }) => ids.includes(id)).map((suite) => [suite.name, suite.id] as const))(
      '%s',
      async (_, id) => {
        const vector = vectors?.find((candidate) => candidate.cipher_suite === id)
        if (vector === undefined) return
        const suite = openSuite(provider, id)

        const reference = new Writer(64)
        reference.opaque(utf8(vector.ref_hash.label))
        reference.opaque(fromHex(vector.ref_hash.value))
        expect(toHex(suite.hash(reference.finish()))).toBe(vector.ref_hash.out)

        const expand = vector.expand_with_label
        const expanded = expandWithLabel(
          suite,
          fromHex(expand.secret),
          expand.label,
          fromHex(expand.context),
          expand.length,
        )
        expect(toHex(expanded)).toBe(expand.out)

        const derive = vector.derive_secret
        expect(toHex(deriveSecret(suite, fromHex(derive.secret), derive.label))).toBe(derive.out)

        const tree = vector.derive_tree_secret
        const treeSecret = deriveTreeSecret(suite, fromHex(tree.secret), tree.label, tree.generation, tree.length)
        expect(toHex(treeSecret)).toBe(tree.out)

        const { label, ...sign } = vector.sign_with_label
        const [signer, publicKey, content] = [fromHex(sign.priv), fromHex(sign.pub), fromHex(sign.content)]
        expect(verifyWithLabel(suite, publicKey, label, content, fromHex(sign.signature))).toBe(true)
        expect(verifyWithLabel(suite, publicKey, `${label}x`, content, fromHex(sign.signature))).toBe(false)
        expect(toHex(suite.signaturePublicKey(signer))).toBe(sign.pub)
        expect(verifyWithLabel(suite, publicKey, label, content, signWithLabel(suite, signer, label, content))).toBe(
          true,
        )

        const encrypt = vector.encrypt_with_label
        const keyPair = { publicKey: fromHex(encrypt.pub), privateKey: fromHex(encrypt.priv) }
        expect(toHex(kemPublicKey(suite.parameters.kem, keyPair.privateKey))).toBe(encrypt.pub)
        const sealed = { kemOutput: fromHex(encrypt.kem_output), ciphertext: fromHex(encrypt.ciphertext) }
        const context = fromHex(encrypt.context)
        expect(toHex(await decryptWithLabel(suite, keyPair, encrypt.label, context, sealed))).toBe(encrypt.plaintext)
        const plaintext = fromHex(encrypt.plaintext)
        const again = await encryptWithLabel(suite, keyPair.publicKey, encrypt.label, context, plaintext)
        expect(toHex(await decryptWithLabel(suite, keyPair, encrypt.label, context, again))).toBe(encrypt.plaintext)
      },
    )
  })
}

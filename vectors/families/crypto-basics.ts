import { ascii } from '../../src/bytes/bytes.ts'
import { encode, opaque, struct } from '../../src/codec/codec.ts'
import {
  decryptWithLabel,
  deriveSecret,
  deriveTreeSecret,
  encryptWithLabel,
  expandWithLabel,
  signWithLabel,
  verifyWithLabel,
} from '../../src/crypto/labels.ts'
import type { VectorEngine } from '../engine.ts'
import { expectBytes, expectTrue } from '../expect.ts'
import type { Fields } from '../fields.ts'

/** RefHashInput of RFC 9420 §5.2. */
export const RefHashInput = struct({ label: opaque, value: opaque })

/** Family `crypto-basics`: the labelled operations of RFC 9420 §5.1, §5.2, §8 and §9. */
export async function checkCryptoBasics(vector: Fields, engine: VectorEngine): Promise<void> {
  const suite = engine.suite(vector.number('cipher_suite'))

  const ref = vector.object('ref_hash')
  // the label of the vector is not one of the protocol, and without its prefix: `refHash` takes neither
  const input = encode(RefHashInput, { label: ascii(ref.text('label')), value: ref.hex('value') })
  expectBytes('ref_hash', suite.hash(input), ref.hex('out'))

  const expand = vector.object('expand_with_label')
  expectBytes(
    'expand_with_label',
    expandWithLabel(suite, expand.hex('secret'), expand.text('label'), expand.hex('context'), expand.number('length')),
    expand.hex('out'),
  )

  const derive = vector.object('derive_secret')
  expectBytes('derive_secret', deriveSecret(suite, derive.hex('secret'), derive.text('label')), derive.hex('out'))

  const tree = vector.object('derive_tree_secret')
  expectBytes(
    'derive_tree_secret',
    deriveTreeSecret(suite, tree.hex('secret'), tree.text('label'), tree.number('generation'), tree.number('length')),
    tree.hex('out'),
  )

  const sign = vector.object('sign_with_label')
  const [privateKey, publicKey] = [sign.hex('priv'), sign.hex('pub')]
  const [label, content] = [sign.text('label'), sign.hex('content')]
  expectTrue(
    'sign_with_label: the signature does not hold',
    verifyWithLabel(suite, publicKey, label, content, sign.hex('signature')),
  )
  expectBytes('sign_with_label.pub', suite.signaturePublicKey(privateKey), publicKey)
  expectTrue(
    'sign_with_label: our signature does not hold',
    verifyWithLabel(suite, publicKey, label, content, signWithLabel(suite, privateKey, label, content)),
  )

  const hpke = vector.object('encrypt_with_label')
  const keyPair = { privateKey: hpke.hex('priv'), publicKey: hpke.hex('pub') }
  const [hpkeLabel, context, plaintext] = [hpke.text('label'), hpke.hex('context'), hpke.hex('plaintext')]
  const sealed = { kemOutput: hpke.hex('kem_output'), ciphertext: hpke.hex('ciphertext') }
  expectBytes('encrypt_with_label', await decryptWithLabel(suite, keyPair, hpkeLabel, context, sealed), plaintext)
  const own = await encryptWithLabel(suite, keyPair.publicKey, hpkeLabel, context, plaintext)
  expectBytes('encrypt_with_label, ours', await decryptWithLabel(suite, keyPair, hpkeLabel, context, own), plaintext)
}

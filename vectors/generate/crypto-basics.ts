import { ascii } from '../../src/bytes/bytes.ts'
import { toHex } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import {
  deriveSecret,
  deriveTreeSecret,
  encryptWithLabel,
  expandWithLabel,
  signWithLabel,
} from '../../src/crypto/labels.ts'
import { RefHashInput } from '../families/crypto-basics.ts'
import { randomUint32 } from './random.ts'

/** Labelled operations with random input; one case. */
export async function generateCryptoBasics(suite: CipherSuite): Promise<unknown[]> {
  const { hashLength, keyLength } = suite.parameters
  const random = () => suite.randomBytes(hashLength)

  const value = random()
  const refHash = { label: 'RefHash', value: toHex(value) }
  const refOut = suite.hash(encode(RefHashInput, { label: ascii(refHash.label), value }))

  const [secret, context, treeSecret, content] = [random(), random(), random(), random()]
  const generation = randomUint32(suite)
  const signing = suite.generateSignatureKeyPair()
  const hpke = await suite.deriveKeyPair(random())
  const plaintext = random()
  const sealed = await encryptWithLabel(suite, hpke.publicKey, 'EncryptWithLabel', context, plaintext)
  return [
    {
      cipher_suite: suite.parameters.id,
      ref_hash: { ...refHash, out: toHex(refOut) },
      expand_with_label: {
        secret: toHex(secret),
        label: 'ExpandWithLabel',
        context: toHex(context),
        length: keyLength,
        out: toHex(expandWithLabel(suite, secret, 'ExpandWithLabel', context, keyLength)),
      },
      derive_secret: {
        secret: toHex(secret),
        label: 'DeriveSecret',
        out: toHex(deriveSecret(suite, secret, 'DeriveSecret')),
      },
      derive_tree_secret: {
        secret: toHex(treeSecret),
        label: 'DeriveTreeSecret',
        generation,
        length: hashLength,
        out: toHex(deriveTreeSecret(suite, treeSecret, 'DeriveTreeSecret', generation, hashLength)),
      },
      sign_with_label: {
        priv: toHex(signing.privateKey),
        pub: toHex(signing.publicKey),
        content: toHex(content),
        label: 'SignWithLabel',
        signature: toHex(signWithLabel(suite, signing.privateKey, 'SignWithLabel', content)),
      },
      encrypt_with_label: {
        priv: toHex(hpke.privateKey),
        pub: toHex(hpke.publicKey),
        label: 'EncryptWithLabel',
        context: toHex(context),
        plaintext: toHex(plaintext),
        kem_output: toHex(sealed.kemOutput),
        ciphertext: toHex(sealed.ciphertext),
      },
    },
  ]
}

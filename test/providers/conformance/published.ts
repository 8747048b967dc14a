/** Values that others published, for every provider. */
import { createPrivateKey, sign as nodeSign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../../src/bytes/bytes.ts'
import { fromHex, toHex, utf8 } from '../../../src/bytes/text.ts'
import type { CryptoProvider } from '../../../src/crypto/cipher-suite.ts'
import { suites } from '../../../src/crypto/suites.ts'
import { codeOf, countingRng, openSuite } from './oracle.ts'

const message = utf8('attack at dawn')
const none = new Uint8Array(0)

/** Runs the values of RFC 8032, RFC 6979 and RFC 9180 against one provider. */
export function publishedValues(provider: CryptoProvider): void {
  describe(`${provider.name} published values`, () => {
    test('RFC 8032 §7.1 test 1', () => {
      const suite = openSuite(provider, 1)
      const privateKey = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
      expect(toHex(suite.signaturePublicKey(privateKey))).toBe(
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      )
      expect(toHex(suite.sign(privateKey, none))).toBe(
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      )
    })

    test('Ed448 signs as OpenSSL does', () => {
      const suite = openSuite(provider, 4)
      const privateKey = countingRng().randomBytes(57)
      const der = concatBytes(fromHex('3047020100300506032b6571043b0439'), privateKey)
      const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
      expect(toHex(suite.sign(privateKey, message))).toBe(nodeSign(null, message, key).toString('hex'))
    })

    test('RFC 6979 §A.2.5, SHA-256, "sample": deterministic, high S kept, DER', () => {
      const privateKey = fromHex('C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721')
      const r = 'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716'
      const s = 'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8'
      expect(toHex(openSuite(provider, 2).sign(privateKey, utf8('sample')))).toBe(`3046022100${r}022100${s}`)
    })

    test('RFC 9180 §A.1.1: base mode, first message', async () => {
      const ikmE = fromHex('7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234')
      const suite = openSuite(provider, 1, { randomBytes: () => Uint8Array.from(ikmE) })
      const ikmR = fromHex('6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037')
      const { publicKey } = await suite.deriveKeyPair(ikmR)
      expect(toHex(publicKey)).toBe('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d')
      const sealed = await suite.hpkeSeal({
        publicKey,
        info: utf8('Ode on a Grecian Urn'),
        aad: utf8('Count-0'),
        plaintext: utf8('Beauty is truth, truth beauty'),
      })
      expect(toHex(sealed.kemOutput)).toBe('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431')
      expect(toHex(sealed.ciphertext)).toBe(
        'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
      )
    })

    test('a suite that no one knows is refused', async () => {
      const unknown = { ...suites[0]!, id: 0x0a0a, name: 'GREASE' }
      expect(provider.supports(unknown)).toBe(false)
      expect(await codeOf(() => provider.open(unknown, countingRng()))).toBe('suite/unsupported')
    })
  })
}

import { expect, test } from 'vitest'
import { suites } from '../../src/crypto/suites.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { crossovers } from '../../src/providers/node/crossovers.ts'
import { nodeProvider } from '../../src/providers/node/provider.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import { cctvConformance } from './conformance/cctv.ts'
import { cryptoBasicsConformance } from './conformance/crypto-basics.ts'
import { publishedValues } from './conformance/published.ts'
import { suiteConformance } from './conformance/suite.ts'
import { wycheproofConformance } from './conformance/wycheproof.ts'

// noble computes the others, and is checked by its own tests
const ids = [1, 2, 3]

cryptoBasicsConformance(nodeProvider, ids)
cctvConformance(nodeProvider)
suiteConformance(nodeProvider, ids)
publishedValues(nodeProvider)
wycheproofConformance(nodeProvider, ids)

test('HMAC without a key, of a message that OpenSSL takes', () => {
  const message = Uint8Array.from({ length: 5000 }, (_, i) => i)
  for (const parameters of suites.filter(({ id }) => ids.includes(id))) {
    const [node, noble] = [nodeProvider, nobleProvider].map((provider) => provider.open(parameters, systemRng))
    expect(node?.extract(new Uint8Array(0), message)).toEqual(noble?.extract(new Uint8Array(0), message))
  }
})

test('Ed25519 around the length from which OpenSSL hashes, with keys seen before and not', () => {
  const parameters = suites.find(({ id }) => id === 1)!
  const [node, noble] = [nodeProvider, nobleProvider].map((provider) => provider.open(parameters, systemRng))
  for (const length of [crossovers.sha512 - 1, crossovers.sha512, crossovers.sha512 + 1, 70_000]) {
    const privateKey = Uint8Array.from({ length: 32 }, (_, i) => i ^ (length & 0xff))
    const message = Uint8Array.from({ length }, (_, i) => (i * 31) & 0xff)
    const publicKey = noble!.signaturePublicKey(privateKey)
    const signature = node!.sign(privateKey, message)
    expect(signature).toEqual(noble!.sign(privateKey, message))
    const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
    for (let again = 0; again < 3; again++) {
      expect(node!.verify(publicKey, message, signature)).toBe(true)
      expect(node!.verify(publicKey, flipped(message, length - 1), signature)).toBe(false)
      for (const at of [0, 31, 32, 63]) expect(node!.verify(publicKey, message, flipped(signature, at))).toBe(false)
      expect(node!.verify(flipped(publicKey, 0), message, signature)).toBe(false)
      expect(node!.verify(publicKey.subarray(1), message, signature)).toBe(false)
      expect(node!.verify(publicKey, message, signature.subarray(1))).toBe(false)
    }
    // small order: the neutral element as key, R and S = 0 fit every message but for the rule
    const neutral = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    expect(node!.verify(neutral, message, Uint8Array.from([...neutral, ...new Uint8Array(32)]))).toBe(false)
  }
})

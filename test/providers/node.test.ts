import { expect, test } from 'vitest'
import { suites } from '../../src/crypto/suites.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
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

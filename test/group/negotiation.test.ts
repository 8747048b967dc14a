import { expect, test } from 'vitest'
import { bestCipherSuite, cipherSuite, createIdentity, createKeyPackage, makeCapabilities } from '../../src/index.ts'

const suite = await cipherSuite(3)
const offering = async (cipherSuites: readonly number[]) =>
  createKeyPackage({
    suite,
    identity: createIdentity(suite, 'someone'),
    capabilities: { ...makeCapabilities(suite), cipherSuites },
  })

test('V324 the best suite that all KeyPackages list, by the preference of the creator', async () => {
  const [few, many] = [await offering([3, 7, 0x0a0a]), await offering([1, 2, 3, 7, 0x0a0a, 0xf000])]
  expect(bestCipherSuite([few, many.message])).toBe(3)
  expect(bestCipherSuite([few, many], [7, 3])).toBe(7)
  expect(bestCipherSuite([many])).toBe(1)
  // GREASE and suites that this package does not compute are never chosen
  expect(bestCipherSuite([many], [0x0a0a, 0xf000, 2])).toBe(2)
  expect(bestCipherSuite([few], [1, 2])).toBeUndefined()
})

import { expect, test } from 'vitest'
import { rootSigner } from '../../src/identity/root-keys.ts'
import { openSuite } from '../support/suite.ts'

test('a root seed has 32 bytes, and no others make a root', () => {
  const suite = openSuite(1)
  expect(rootSigner(suite, new Uint8Array(32), false).root.ed25519.length).toBe(32)
  for (const length of [0, 31, 33, 64])
    expect(() => rootSigner(suite, new Uint8Array(length), false)).toThrow(
      expect.objectContaining({ code: 'crypto/length' }),
    )
})

import { expect, test } from 'vitest'
import { createGroup, createIdentity, createKeyPackage } from '../../../src/index.ts'
import { referencesIn } from '../../../src/xmpp/mls/welcomes.ts'
import { openSuite } from '../../support/suite.ts'

test('the KeyPackages of a Welcome; anything else is refused', async () => {
  const suite = openSuite(1)
  const bob = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob') })
  const alice = await createGroup({ suite, identity: createIdentity(suite, 'alice') })
  const { staged } = await alice.commit({ add: [bob.message] })
  const { welcome } = alice.merge(staged)
  expect(referencesIn(welcome!)).toEqual([bob.reference])
  expect(() => referencesIn(bob.message)).toThrow(expect.objectContaining({ code: 'codec/value' }))
  expect(() => referencesIn(welcome!.subarray(0, -1))).toThrow(expect.objectContaining({ code: 'codec/short' }))
})

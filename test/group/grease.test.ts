import { expect, test } from 'vitest'
import {
  cipherSuite,
  createGroup,
  createIdentity,
  createKeyPackage,
  decodeMlsMessage,
  isGrease,
  makeCapabilities,
} from '../../src/index.ts'

const suite = await cipherSuite(1)

test('V342 GREASE is sent in every field that may hold it, and leaves list what they carry', async () => {
  const group = await createGroup({ suite, identity: createIdentity(suite, 'alice') })
  const { keyPackage } = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob') })
  const message = decodeMlsMessage(await group.groupInfo())
  if (message.wireFormat !== 'mls_group_info') throw new Error('not a GroupInfo')
  const { capabilities, extensions } = keyPackage.leafNode
  const lists = [capabilities.cipherSuites, capabilities.extensions, capabilities.proposals, capabilities.credentials]
  const types = (list: readonly { readonly extensionType: number }[]) => list.map(({ extensionType }) => extensionType)
  for (const list of [...lists, types(extensions), types(keyPackage.extensions), types(message.groupInfo.extensions)])
    expect(list.filter(isGrease)).toHaveLength(1)
  for (const type of [...types(extensions), ...types(keyPackage.extensions)])
    expect(capabilities.extensions).toContain(type)
  expect(capabilities.versions.some(isGrease)).toBe(false)
})

test('no GREASE where none is wanted', async () => {
  const capabilities = makeCapabilities(suite, { grease: false })
  const { keyPackage } = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob'), capabilities })
  expect(keyPackage.extensions).toEqual([])
  expect(keyPackage.leafNode.extensions).toEqual([])
})

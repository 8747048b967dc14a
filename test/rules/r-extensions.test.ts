/** Group R: extensions and GREASE (RFC 9420 §13). */
import { beforeAll, describe, expect, test } from 'vitest'
import { encode } from '../../src/codec/codec.ts'
import {
  createKeyPackage,
  type Extension,
  greaseValues,
  isGrease,
  joinGroup,
  makeCapabilities,
  RequiredCapabilities,
  setExtension,
} from '../../src/index.ts'
import { ExternalPub, ExternalSenders } from '../../src/wire/extension.ts'
import type { LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { extensionTypes } from '../../src/wire/registries.ts'
import { forgeCommit } from '../support/forge.ts'
import { expectJoinRejected, type JoinWorld, makeJoinWorld } from '../support/join-cases.ts'
import { add, forgeKeyPackage, reinit, setExtensions } from '../support/values.ts'
import { capabilitiesOf, expectAccepted, expectRejected, outcomeOf, suite } from '../support/world.ts'

let all: JoinWorld
beforeAll(async () => {
  all = await makeJoinWorld({ members: 2, commits: [1] })
})

/** Well-formed content of each type of RFC 9420. */
const content: Readonly<Record<number, Extension>> = {
  1: { extensionType: 1, extensionData: new Uint8Array([1]) },
  2: { extensionType: 2, extensionData: new Uint8Array([0]) },
  3: {
    extensionType: 3,
    extensionData: encode(RequiredCapabilities, { extensionTypes: [], proposalTypes: [], credentialTypes: [] }),
  },
  4: { extensionType: 4, extensionData: encode(ExternalPub, { externalPub: new Uint8Array(32).fill(9) }) },
  5: { extensionType: 5, extensionData: encode(ExternalSenders, []) },
}

describe('V339 five types in five containers', () => {
  const legal: Readonly<Record<string, readonly number[]>> = {
    LeafNode: [1],
    GroupInfo: [2, 4],
    GroupContext: [3, 5],
    ReInit: [3, 5],
    KeyPackage: [],
  }
  const rules: Readonly<Record<string, string>> = {
    LeafNode: 'V115',
    GroupInfo: 'V339',
    GroupContext: 'V235',
    ReInit: 'V235',
    KeyPackage: 'V339',
  }
  const put: Readonly<Record<string, (type: number, rule: string | undefined) => Promise<void>>> = {
    LeafNode: async (type, rule) => commit({ leaf: (leaf) => ({ ...leaf, extensions: [content[type]!] }) }, rule),
    KeyPackage: async (type, rule) => {
      const keyPackage = await forgeKeyPackage(all.world, {
        content: (kp) => ({ ...kp, extensions: [content[type]!] }),
      })
      await commit({ proposals: [add(keyPackage)] }, rule)
    },
    GroupContext: async (type, rule) => commit({ proposals: [setExtensions([content[type]!])] }, rule),
    ReInit: async (type, rule) => commit({ proposals: [reinit({ extensions: [content[type]!] })] }, rule),
    GroupInfo: async (type, rule) =>
      expectJoinRejected(all, rule, { extensions: ([tree]) => (type === 2 ? [tree!] : [tree!, content[type]!]) }),
  }
  async function commit(forgery: Parameters<typeof forgeCommit>[2], rule: string | undefined): Promise<void> {
    const message = await forgeCommit(all.world, 1, forgery)
    if (rule === undefined) await expectAccepted(all.world, 0, message)
    else await expectRejected(all.world, 0, message, rule)
  }
  for (const [container, run] of Object.entries(put))
    for (const type of [1, 2, 3, 4, 5]) {
      const fits = legal[container]!.includes(type)
      test(`V339 the extension ${type} in a ${container}: ${fits ? 'accepted' : 'rejected'}`, () =>
        run(type, fits ? undefined : rules[container]))
    }
})

describe('GREASE', () => {
  const grease = greaseValues.map((extensionType) => ({ extensionType, extensionData: new Uint8Array([1, 2]) }))
  const everywhere = (leaf: LeafNodeContent): LeafNodeContent => ({
    ...leaf,
    capabilities: {
      ...leaf.capabilities,
      cipherSuites: [...leaf.capabilities.cipherSuites, ...greaseValues],
      extensions: [...leaf.capabilities.extensions, ...greaseValues],
      proposals: [...leaf.capabilities.proposals, ...greaseValues],
      credentials: [...leaf.capabilities.credentials, ...greaseValues],
    },
    extensions: grease,
  })
  test('V342 all fifteen values in all seven fields', async () => {
    const bend = { leaf: everywhere, content: <T extends object>(kp: T) => ({ ...kp, extensions: grease }) }
    const keyPackage = await forgeKeyPackage(all.world, bend)
    await expectAccepted(
      all.world,
      0,
      await forgeCommit(all.world, 1, { leaf: everywhere, proposals: [add(keyPackage)] }),
    )
    await expectJoinRejected(all, undefined, { extensions: (list) => [...grease, ...list] })
  })
  test('V342 a newcomer with GREASE joins', async () => {
    const { identities } = all.world
    expect(identities.length).toBe(2)
    const capabilities = capabilitiesOf({
      capabilities: { extensions: [...greaseValues], proposals: [...greaseValues] },
    })
    const identity = {
      credential: { credentialType: 'basic' as const, identity: new Uint8Array([7]) },
      signer: all.bundle.signer,
    }
    const bundle = await createKeyPackage({ suite, identity, capabilities, leafExtensions: grease, extensions: grease })
    const group = all.world.restore(0)
    const { welcome } = group.merge((await group.commit({ add: [bundle] })).staged)
    expect((await joinGroup({ suite, keyPackage: bundle, welcome: welcome! })).memberCount).toBe(3)
  })
  test('V341 GREASE is put into capabilities, and never asked for', async () => {
    const { versions, ...lists } = makeCapabilities(suite)
    expect(versions.some(isGrease)).toBe(false)
    for (const list of Object.values(lists)) expect(list.filter(isGrease).length).toBe(1)
    const group = all.world.restore(0)
    expect(group.extensions.some(({ extensionType }) => isGrease(extensionType))).toBe(false)
    // a GREASE extension in a GroupContext would be asking for it
    const required = setExtension([], 0x0a0a, RequiredCapabilities, {
      extensionTypes: [],
      proposalTypes: [],
      credentialTypes: [],
    })
    expect(await outcomeOf(() => group.commit({ extensions: required }))).toBe('V234')
  })
})

test('V343 setting an extension replaces the one of its type, in its place', () => {
  const value = (type: number) => ({ extensionTypes: [type], proposalTypes: [], credentialTypes: [] })
  const type = extensionTypes.requiredCapabilities
  const once = setExtension([content[5]!], type, RequiredCapabilities, value(1))
  const twice = setExtension([...once, content[1]!], type, RequiredCapabilities, value(2))
  expect(twice.map(({ extensionType }) => extensionType)).toEqual([5, 3, 1])
  expect(twice[1]).toEqual({ extensionType: type, extensionData: encode(RequiredCapabilities, value(2)) })
})

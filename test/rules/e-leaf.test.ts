/** Group E: leaves (RFC 9420 §7.2, §7.3), in a KeyPackage, an Update proposal and an UpdatePath; trees are in g-tree-join. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { validateLeafNode } from '../../src/ratchet-tree/leaf-validation.ts'
import { type Extension, ExternalSenders } from '../../src/wire/extension.ts'
import { type Capabilities, type EncodedLeafNode, LeafNode, type LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { encodeMlsMessage } from '../../src/wire/mls-message.ts'
import { greaseValues } from '../../src/wire/registries.ts'
import { forgeCommit, forgeProposal } from '../support/forge.ts'
import { add, forgeKeyPackage, forgeUpdate, remove, requiredCapabilities, unknownExtension } from '../support/values.ts'
import { expectAccepted, expectRejected, flip, makeWorld, outcomeOf, suite, type World } from '../support/world.ts'

// the group requires 0xf00d, 0xf00e and x509, and has the extension 0xf00d
let world: World
beforeAll(async () => {
  world = await makeWorld({
    members: 3,
    extensions: [
      unknownExtension,
      requiredCapabilities({ extensionTypes: [0xf00c], proposalTypes: [0xf00e], credentialTypes: [2] }),
    ],
    capabilities: { extensions: [0xf00c, 0xf00d], proposals: [0xf00e] },
  })
})

const data = (extensionType: number, bytes = new Uint8Array(0)): Extension => ({ extensionType, extensionData: bytes })
type Change = (leaf: LeafNodeContent) => LeafNodeContent
const capabilities =
  (change: (list: Capabilities) => Partial<Capabilities>): Change =>
  (leaf) => ({ ...leaf, capabilities: { ...leaf.capabilities, ...change(leaf.capabilities) } })

/** One bent leaf in all places where a leaf enters a live group. */
function leaf(title: string, rule: string, change: Change): void {
  test(`${title}, in an Add`, async () => {
    const proposal = add(await forgeKeyPackage(world, { leaf: change }))
    await expectRejected(world, 0, (await forgeProposal(world, 1, proposal)).message, rule)
    const message = await forgeCommit(world, 1, { proposals: [proposal], format: 'mls_private_message' })
    await expectRejected(world, 0, message, rule)
  })
  test(`${title}, in an Update`, async () => {
    const format = 'mls_private_message'
    const proposal = await forgeUpdate(world, 1, { leaf: change })
    await expectRejected(world, 0, (await forgeProposal(world, 1, proposal, { format })).message, rule)
  })
  test(`${title}, in a path`, async () => expectRejected(world, 0, await forgeCommit(world, 1, { leaf: change }), rule))
}

leaf(
  'V108 a default proposal type in capabilities',
  'V108',
  capabilities((c) => ({ proposals: [...c.proposals, 7] })),
)
leaf(
  'V108 another default proposal type',
  'V108',
  capabilities((c) => ({ proposals: [1, ...c.proposals] })),
)
leaf(
  'V109 a default extension type in capabilities',
  'V109',
  capabilities((c) => ({ extensions: [...c.extensions, 5] })),
)
leaf(
  'V110 without the version of the group',
  'V110',
  capabilities(() => ({ versions: [2] })),
)
leaf(
  'V111 without the suite of the group',
  'V111',
  capabilities(() => ({ cipherSuites: [2, 3] })),
)
leaf(
  'V112 without the own credential type',
  'V112',
  capabilities(() => ({ credentials: [2] })),
)
leaf('V113 a leaf extension outside the capabilities', 'V113', (content) => ({
  ...content,
  extensions: [data(0xf00b)],
}))
leaf('V114 two application_id', 'V114', (content) => ({ ...content, extensions: [data(1), data(1)] }))
for (const type of [2, 3, 4, 5])
  leaf(`V115 the extension ${type} in a leaf`, 'V115', (content) => ({
    ...content,
    extensions: [data(type, type === 5 ? encode(ExternalSenders, []) : new Uint8Array(3))],
  }))
leaf(
  'V116 without a required extension',
  'V116',
  capabilities((c) => ({ extensions: c.extensions.filter((t) => t !== 0xf00c) })),
)
leaf(
  'V117 without a required proposal',
  'V117',
  capabilities(() => ({ proposals: [] })),
)
leaf(
  'V118 without a required credential type',
  'V118',
  capabilities(() => ({ credentials: [1] })),
)
leaf(
  'V119 without an extension of the group',
  'V119',
  capabilities((c) => ({ extensions: c.extensions.filter((t) => t !== 0xf00d) })),
)
leaf('V032 an encryption key of 31 bytes', 'V032', (content) => ({
  ...content,
  encryptionKey: content.encryptionKey.slice(1),
}))
leaf('V032 an encryption key of 33 bytes', 'V032', (content) => ({
  ...content,
  encryptionKey: new Uint8Array([...content.encryptionKey, 0]),
}))
leaf('V034 a low-order encryption key', 'V032', (content) => ({ ...content, encryptionKey: new Uint8Array(32) }))
leaf('V035 an encryption key that is not canonical', 'V032', (content) => {
  const encryptionKey = content.encryptionKey.slice()
  encryptionKey[31]! |= 0x80
  return { ...content, encryptionKey }
})

describe('sources', () => {
  test('V101 a KeyPackage with a leaf of source update or commit', async () => {
    for (const source of ['update', 'commit'] as const) {
      const keyPackage = await forgeKeyPackage(world, {
        leaf: (content) => ({ ...content, leafNodeSource: source, parentHash: new Uint8Array(0) }) as LeafNodeContent,
      })
      await expectRejected(world, 0, (await forgeProposal(world, 1, add(keyPackage))).message, 'V101')
    }
  })
  test('V102 an Update with a leaf of source key_package or commit', async () => {
    for (const source of ['key_package', 'commit'] as const) {
      const more = { lifetime: { notBefore: 0n, notAfter: 2n ** 40n }, parentHash: new Uint8Array(0) }
      const bend: Change = (content) => ({ ...content, ...more, leafNodeSource: source }) as LeafNodeContent
      const proposal = await forgeUpdate(world, 1, { leaf: bend })
      await expectRejected(world, 0, (await forgeProposal(world, 1, proposal)).message, 'V102')
    }
  })
})

describe('signatures', () => {
  const flipped = ({ leafNode }: EncodedLeafNode): EncodedLeafNode => {
    const bent = { ...leafNode, signature: flip(leafNode.signature) }
    return { leafNode: bent, bytes: encode(LeafNode, bent) }
  }
  const changed = ({ leafNode }: EncodedLeafNode): EncodedLeafNode => {
    const bent = { ...leafNode, extensions: [data(1, ascii('changed'))] }
    return { leafNode: bent, bytes: encode(LeafNode, bent) }
  }
  test('V098 a flipped signature, another key, a field changed after signing', async () => {
    const other = world.identities[2]!.signer
    for (const bent of [{ signedLeaf: flipped }, { signedLeaf: changed }, { leafSigner: other }]) {
      const proposal = add(await forgeKeyPackage(world, bent))
      await expectRejected(world, 0, (await forgeProposal(world, 1, proposal)).message, 'V098')
      const update = await forgeUpdate(world, 1, bent)
      await expectRejected(world, 0, (await forgeProposal(world, 1, update)).message, 'V098')
      await expectRejected(world, 0, await forgeCommit(world, 1, bent), 'V098')
    }
  })
  test('V099 an Update signed for another group', async () => {
    const proposal = await forgeUpdate(world, 1, { position: { groupId: ascii('other') } })
    await expectRejected(world, 0, (await forgeProposal(world, 1, proposal)).message, 'V098')
  })
  test('V100 an Update signed for another position', async () => {
    const proposal = await forgeUpdate(world, 1, { position: { leafIndex: 2 } })
    await expectRejected(world, 0, (await forgeProposal(world, 1, proposal)).message, 'V098')
  })
  test('V036 an Add with a signature key that is none', async () => {
    const keyPackage = await forgeKeyPackage(world, {
      leaf: (content) => ({ ...content, signatureKey: content.signatureKey.slice(1) }),
    })
    await expectRejected(world, 0, (await forgeProposal(world, 1, add(keyPackage))).message, 'V036')
  })
  test('V044 an Add with a signature key of another scheme', async () => {
    const keyPackage = await forgeKeyPackage(world, {
      leaf: (content) => ({ ...content, signatureKey: new Uint8Array(65).fill(4) }),
    })
    await expectRejected(world, 0, (await forgeProposal(world, 1, add(keyPackage))).message, 'V036')
  })
})

describe('lifetimes', () => {
  const lifetime =
    (notBefore: bigint, notAfter: bigint): Change =>
    (content) =>
      content.leafNodeSource === 'key_package' ? { ...content, lifetime: { notBefore, notAfter } } : content
  const now = BigInt(Math.floor(Date.now() / 1000))

  test('V104 a lifetime that ends before it begins', async () => {
    const keyPackage = await forgeKeyPackage(world, { leaf: lifetime(now + 1n, now) })
    expect(await outcomeOf(() => world.restore(0).commit({ add: [keyPackage] }))).toBe('V104')
    await expectRejected(world, 0, (await forgeProposal(world, 1, add(keyPackage))).message, 'V104')
  })
  test('V105 a lifetime longer than allowed is not added by us', async () => {
    for (const end of [now + 366n * 86400n + 1n, 2n ** 64n - 1n]) {
      const keyPackage = await forgeKeyPackage(world, { leaf: lifetime(now, end) })
      expect(await outcomeOf(() => world.restore(0).commit({ add: [keyPackage] }))).toBe('V105')
    }
    const keyPackage = await forgeKeyPackage(world, { leaf: lifetime(now, now + 366n * 86400n) })
    expect(await outcomeOf(() => world.restore(0).commit({ add: [keyPackage] }))).toBe(undefined)
  })
  test('V106 expired or not yet valid is not added by us', async () => {
    for (const span of [lifetime(now - 20n, now - 10n), lifetime(now + 60n, now + 100n)]) {
      const keyPackage = await forgeKeyPackage(world, { leaf: span })
      expect(await outcomeOf(() => world.restore(0).commit({ add: [keyPackage] }))).toBe('V106')
    }
  })
  test('V107 a commit that adds a leaf which expired on its way is accepted', async () => {
    const keyPackage = await forgeKeyPackage(world, { leaf: lifetime(now - 20n, now - 10n) })
    await expectAccepted(world, 0, await forgeCommit(world, 1, { proposals: [add(keyPackage)] }))
  })
})

describe('keys of others', () => {
  test('V123 an Update with the signature key of another member', async () => {
    const { signer } = world.identities[2]!
    const bend = {
      leaf: (content: LeafNodeContent) => ({ ...content, signatureKey: signer.publicKey }),
      leafSigner: signer,
    }
    const proposal = await forgeUpdate(world, 1, bend)
    await expectRejected(world, 0, (await forgeProposal(world, 1, proposal)).message, 'V123')
  })
  test('V124 V125 an Add or Update with the encryption key of a leaf or of a parent', async () => {
    for (const [node, rule] of [
      [4, 'V124'],
      [0, 'V124'],
      [3, 'V125'],
    ] as const) {
      const encryptionKey = Uint8Array.from(world.state(0).current.tree.encryptionKey(node)!)
      const bend: Change = (content) => ({ ...content, encryptionKey })
      const keyPackage = await forgeKeyPackage(world, { leaf: bend })
      await expectRejected(world, 0, (await forgeProposal(world, 1, add(keyPackage))).message, rule)
      const update = await forgeUpdate(world, 1, { leaf: bend })
      await expectRejected(world, 0, (await forgeProposal(world, 1, update)).message, rule)
    }
  })
  test('V126 an Update that keeps its encryption key', async () => {
    const encryptionKey = Uint8Array.from(world.state(1).current.tree.encryptionKey(2)!)
    const proposal = await forgeUpdate(world, 1, { leaf: (content) => ({ ...content, encryptionKey }) })
    await expectRejected(world, 0, (await forgeProposal(world, 1, proposal)).message, 'V126')
  })
})

test('V127 GREASE and unknown values in all lists of capabilities', async () => {
  const bend = capabilities((c) => ({
    versions: [...c.versions, 0x0a0a, 77],
    cipherSuites: [...c.cipherSuites, ...greaseValues],
    extensions: [...c.extensions, ...greaseValues, 0xf123],
    proposals: [...c.proposals, ...greaseValues, 0xf123],
    credentials: [...c.credentials, ...greaseValues, 0xf123],
  }))
  const proposals = [add(await forgeKeyPackage(world, { leaf: bend }))]
  await expectAccepted(world, 0, await forgeCommit(world, 1, { leaf: bend, proposals }))
})

test('V128 nothing depends on the truth of an index: the actor is leaf 0', async () => {
  const update = await forgeProposal(world, 0, await forgeUpdate(world, 0))
  await expectAccepted(world, 2, await forgeCommit(world, 1, { proposals: [update] }), [update.message])
  const group = await expectAccepted(world, 2, await forgeCommit(world, 1, { proposals: [remove(0)] }))
  expect(group.member(0)).toBe(undefined)
  await expectAccepted(world, 1, await forgeCommit(world, 0, { proposals: [remove(2)] }))
})

test('V022 V023 V122 a credential type that is not registered cannot be decoded, GREASE among them', async () => {
  const { keyPackage } = { keyPackage: await forgeKeyPackage(world) }
  const bytes = encodeMlsMessage({ wireFormat: 'mls_key_package', keyPackage })
  const identity = keyPackage.leafNode.credential
  const needle = [0, 1, 5, ...(identity.credentialType === 'basic' ? identity.identity : [])]
  const place = bytes.findIndex((_, i) => needle.every((byte, k) => bytes[i + k] === byte))
  expect(place).toBeGreaterThan(0)
  for (const [high, low] of [
    [0, 0],
    [0x0a, 0x0a],
    [0xff, 0xff],
  ]) {
    const bent = bytes.slice()
    bent.set([high!, low!], place)
    expect(await outcomeOf(() => world.restore(0).commit({ add: [bent] }))).toBe('V023')
  }
})

test('V120 V121 credential types that a member does not support', async () => {
  const tree = world.state(0).current.tree
  const rules = { suite, version: 1, cipherSuite: 1, extensions: [], source: 'update', tree, replaces: 1 } as const
  const own = tree.leaf(1)!.leafNode
  const { publicKey: encryptionKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  const bent = { ...own, encryptionKey, leafNodeSource: 'update' } as LeafNode
  expect(await outcomeOf(() => validateLeafNode(bent, rules))).toBe(undefined)
  const x509Only = {
    ...bent,
    credential: { credentialType: 'x509', certificates: [] },
    capabilities: { ...own.capabilities, credentials: [2] },
  } as const
  expect(await outcomeOf(() => validateLeafNode(x509Only, rules))).toBe('V121')
})

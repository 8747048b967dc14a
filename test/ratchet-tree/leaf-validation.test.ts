import { describe, expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { validateKeyPackage } from '../../src/ratchet-tree/key-package-validation.ts'
import { type LeafRules, validateLeafNode } from '../../src/ratchet-tree/leaf-validation.ts'
import { createTree } from '../../src/ratchet-tree/tree.ts'
import { type Extension, RequiredCapabilities } from '../../src/wire/extension.ts'
import type { KeyPackageTbs } from '../../src/wire/key-package.ts'
import type { Capabilities, LeafNode, LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { extensionTypes, greaseValues } from '../../src/wire/registries.ts'
import { Ed25519Sequence } from '../support/curve25519-sequence.ts'
import { bytesOf, failure, leafOf, suite } from './fixture.ts'

const signatureKey = new Ed25519Sequence(1).publicKey(0)
const base: LeafRules = { suite, version: 1, cipherSuite: 1, extensions: [], source: 'update' }
const capabilities: Capabilities = { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [1] }
const extension = (extensionType: number, extensionData = new Uint8Array(0)): Extension => ({
  extensionType,
  extensionData,
})

const judge = (changes: Partial<LeafNodeContent> | object, rules: Partial<LeafRules> = {}) =>
  failure(() =>
    validateLeafNode(leafOf('new', { signatureKey, ...changes } as Partial<LeafNodeContent>).leafNode, {
      ...base,
      ...rules,
    }),
  )
const able = (changes: Partial<Capabilities>) => ({ capabilities: { ...capabilities, ...changes } })
const required = (changes: Partial<RequiredCapabilities>): Extension[] => [
  extension(
    extensionTypes.requiredCapabilities,
    encode(RequiredCapabilities, { extensionTypes: [], proposalTypes: [], credentialTypes: [], ...changes }),
  ),
]
const key_package = (notBefore: bigint, notAfter: bigint) => ({
  leafNodeSource: 'key_package',
  lifetime: { notBefore, notAfter },
})

describe('RFC 9420 §7.2, §7.3: LeafNode', () => {
  test('twin: a leaf that keeps all rules', () => expect(judge({})[0]).toBe('accepted'))

  test('V101, V102, V103 the source fits the place', () => {
    const commit = { leafNodeSource: 'commit', parentHash: new Uint8Array(32) }
    expect(judge({}, { source: 'key_package' })).toEqual(['leaf/source', 'V101'])
    expect(judge(commit, { source: 'key_package' })).toEqual(['leaf/source', 'V101'])
    expect(judge(key_package(0n, 9n), { source: 'update' })).toEqual(['leaf/source', 'V102'])
    expect(judge(commit, { source: 'update' })).toEqual(['leaf/source', 'V102'])
    expect(judge({}, { source: 'commit' })).toEqual(['leaf/source', 'V103'])
    expect(judge(key_package(0n, 9n), { source: 'commit' })).toEqual(['leaf/source', 'V103'])
    for (const source of [{}, commit, key_package(0n, 9n)])
      expect(judge(source, { source: 'tree' })[0]).toBe('accepted')
  })
  test('V104, V105, V106, V107 lifetime', () => {
    const span = (notBefore: bigint, notAfter: bigint, now?: bigint) =>
      judge(key_package(notBefore, notAfter), { source: 'key_package', lifetime: { maximum: 100n, now } })
    expect(span(50n, 50n)[0]).toBe('accepted')
    expect(span(51n, 50n)).toEqual(['leaf/lifetime', 'V104'])
    expect(span(50n, 150n)[0]).toBe('accepted')
    expect(span(50n, 151n)).toEqual(['leaf/lifetime', 'V105'])
    expect(span(0n, 2n ** 64n - 1n)).toEqual(['leaf/lifetime', 'V105'])
    expect(span(50n, 60n, 50n)[0]).toBe('accepted')
    expect(span(50n, 60n, 60n)[0]).toBe('accepted')
    expect(span(50n, 60n, 49n)).toEqual(['leaf/lifetime', 'V106'])
    expect(span(50n, 60n, 61n)).toEqual(['leaf/lifetime', 'V106'])
    // V107: on receipt the present is not asked for
    expect(span(50n, 60n, undefined)[0]).toBe('accepted')
  })
  test('V108, V109 default types are not listed', () => {
    for (let type = 1; type <= 7; type++)
      expect(judge(able({ proposals: [type] }))).toEqual(['leaf/capabilities', 'V108'])
    for (let type = 1; type <= 5; type++)
      expect(judge(able({ extensions: [type] }))).toEqual(['leaf/capabilities', 'V109'])
    expect(judge(able({ proposals: [8], extensions: [6] }))[0]).toBe('accepted')
  })
  test('V110, V111, V112 version, suite and own credential are listed', () => {
    expect(judge(able({ versions: [2] }))).toEqual(['leaf/capabilities', 'V110'])
    expect(judge(able({ cipherSuites: [2] }))).toEqual(['leaf/capabilities', 'V111'])
    expect(judge(able({ credentials: [2] }))).toEqual(['leaf/capabilities', 'V112'])
  })
  test('V113 each leaf extension is listed', () => {
    expect(judge({ extensions: [extension(0xf00d)] })).toEqual(['extension/unsupported', 'V113'])
    expect(judge({ ...able({ extensions: [0xf00d] }), extensions: [extension(0xf00d)] })[0]).toBe('accepted')
    expect(judge({ extensions: [extension(extensionTypes.applicationId)] })[0]).toBe('accepted')
  })
  test('V114 no extension twice', () => {
    const twice = [extension(extensionTypes.applicationId), extension(extensionTypes.applicationId)]
    expect(judge({ extensions: twice })).toEqual(['extension/duplicate', 'V114'])
  })
  test('V115 no extension of another place', () => {
    for (const type of [2, 3, 4, 5])
      expect(judge({ extensions: [extension(type)] })).toEqual(['extension/container', 'V115'])
  })
  test('V116, V117, V118 required capabilities', () => {
    const extensions = required({ extensionTypes: [0xf00d, 1] })
    expect(judge({}, { extensions })).toEqual(['leaf/requirements', 'V116'])
    expect(judge(able({ extensions: [0xf00d] }), { extensions })[0]).toBe('accepted')
    const proposals = required({ proposalTypes: [0xf00e, 1] })
    expect(judge({}, { extensions: proposals })).toEqual(['leaf/requirements', 'V117'])
    expect(judge(able({ proposals: [0xf00e] }), { extensions: proposals })[0]).toBe('accepted')
    const credentials = required({ credentialTypes: [2] })
    expect(judge({}, { extensions: credentials })).toEqual(['leaf/requirements', 'V118'])
    expect(judge(able({ credentials: [1, 2] }), { extensions: credentials })[0]).toBe('accepted')
  })
  test('V119 the extensions of the group', () => {
    expect(judge({}, { extensions: [extension(0xf00d)] })).toEqual(['extension/unsupported', 'V119'])
    expect(judge(able({ extensions: [0xf00d] }), { extensions: [extension(0xf00d)] })[0]).toBe('accepted')
  })
  test('V127 unknown and GREASE capabilities are ignored', () => {
    const grease = [...greaseValues]
    const all = able({
      versions: [1, ...grease],
      cipherSuites: [1, ...grease],
      extensions: grease,
      proposals: grease,
      credentials: [1, ...grease],
    })
    expect(judge(all)[0]).toBe('accepted')
  })
  test('V032, V036 keys of the suite', () => {
    expect(judge({ encryptionKey: new Uint8Array(31).fill(9) })).toEqual(['crypto/key', 'V032'])
    expect(judge({ encryptionKey: new Uint8Array(32) })).toEqual(['crypto/key', 'V032'])
    expect(judge({ signatureKey: new Uint8Array(33) })).toEqual(['crypto/key', 'V036'])
  })
})

describe('RFC 9420 §7.3: among the members', () => {
  const x509 = { credential: { credentialType: 'x509', certificates: [ascii('der')] } } as Partial<LeafNodeContent>
  const treeOf = (...others: (Partial<LeafNodeContent> | object)[]) => {
    const draft = new TreeDraft(createTree(suite, leafOf('first')))
    for (const [i, changes] of others.entries()) draft.add(leafOf(`other ${i}`, changes as Partial<LeafNodeContent>))
    return draft.finish(suite)
  }
  test('V120 all members support the credential', () => {
    const both = able({ credentials: [1, 2] })
    const tree = treeOf(both)
    expect(judge({ ...both, ...x509 }, { tree })).toEqual(['leaf/requirements', 'V120'])
    // the one member that did not is replaced
    expect(judge({ ...both, ...x509 }, { tree, replaces: 0 })[0]).toBe('accepted')
    expect(judge({ ...both, ...x509 }, { tree, replaces: 1 })).toEqual(['leaf/requirements', 'V120'])
  })
  test('V121 the leaf supports all credentials in use', () => {
    const draft = new TreeDraft(createTree(suite, leafOf('x', { ...able({ credentials: [1, 2] }), ...x509 })))
    draft.add(leafOf('y', able({ credentials: [1, 2] })))
    const tree = draft.finish(suite)
    expect(judge({}, { tree })).toEqual(['leaf/requirements', 'V121'])
    expect(judge(able({ credentials: [1, 2] }), { tree })[0]).toBe('accepted')
    expect(judge({}, { tree, replaces: 0 })[0]).toBe('accepted')
    expect(judge({}, { tree, replaces: 1 })).toEqual(['leaf/requirements', 'V121'])
  })
  test('V123 signature keys, V124 encryption keys of other leaves, V126 the own one', () => {
    const tree = treeOf({})
    expect(judge({ signatureKey: bytesOf('signature first') }, { tree })).toEqual(['leaf/key_reuse', 'V123'])
    const other = { signatureKey }
    const shared = treeOf({ signatureKey })
    expect(judge(other, { tree: shared, replaces: 0 })).toEqual(['leaf/key_reuse', 'V123'])
    expect(judge(other, { tree: shared, replaces: 1 })[0]).toBe('accepted')
    const first = { encryptionKey: bytesOf('encryption first') }
    expect(judge(first, { tree })).toEqual(['leaf/key_reuse', 'V124'])
    expect(judge(first, { tree, replaces: 1 })).toEqual(['leaf/key_reuse', 'V124'])
    // V128: the actor at leaf 0
    expect(judge(first, { tree, replaces: 0 })).toEqual(['leaf/key_reuse', 'V126'])
  })
  test('V125 the key of a parent', () => {
    const draft = new TreeDraft(treeOf({}))
    const parent = { encryptionKey: bytesOf('parent'), parentHash: new Uint8Array(0), unmergedLeaves: [] }
    draft.setPath(0, leafOf('again'), new Map([[1, parent]]))
    const tree = draft.finish(suite)
    expect(judge({ encryptionKey: bytesOf('parent') }, { tree })).toEqual(['leaf/key_reuse', 'V125'])
    expect(judge({ encryptionKey: bytesOf('parent') }, { tree, replaces: 0 })).toEqual(['leaf/key_reuse', 'V125'])
  })
})

describe('RFC 9420 §10, §10.1: KeyPackage', () => {
  const judgePackage = (changes: Partial<KeyPackageTbs>, leaf: Partial<LeafNode> | object = {}) => {
    const { leafNode } = leafOf('joiner', { signatureKey, ...key_package(0n, 9n), ...leaf } as Partial<LeafNodeContent>)
    const content = { version: 1, cipherSuite: 1, initKey: bytesOf('init'), leafNode, extensions: [], ...changes }
    return failure(() => validateKeyPackage(content, base))
  }
  test('twin', () => expect(judgePackage({})[0]).toBe('accepted'))
  test('V130 version', () => expect(judgePackage({ version: 2 })).toEqual(['key_package/version', 'V130']))
  test('V131 suite', () => expect(judgePackage({ cipherSuite: 3 })).toEqual(['key_package/cipher_suite', 'V131']))
  test('V133 two keys', () => {
    expect(judgePackage({ initKey: bytesOf('encryption joiner') })).toEqual(['key_package/init_key', 'V133'])
  })
  test('V134 init_key of the suite', () => {
    expect(judgePackage({ initKey: new Uint8Array(31) })).toEqual(['crypto/key', 'V134'])
  })
  test('V136 extensions are listed', () => {
    const extensions = [extension(0xf00d)]
    expect(judgePackage({ extensions })).toEqual(['extension/unsupported', 'V136'])
    expect(judgePackage({ extensions }, able({ extensions: [0xf00d] }))[0]).toBe('accepted')
  })
  test('V137 no extension twice', () => {
    const extensions = [extension(0xf00d), extension(0xf00d)]
    expect(judgePackage({ extensions }, able({ extensions: [0xf00d] }))).toEqual(['extension/duplicate', 'V137'])
  })
  test('V101, and the rules of the leaf', () => {
    expect(judgePackage({}, { leafNodeSource: 'update' })).toEqual(['leaf/source', 'V101'])
    expect(judgePackage({}, able({ versions: [] }))).toEqual(['leaf/capabilities', 'V110'])
  })
})

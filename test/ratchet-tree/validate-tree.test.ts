import { describe, expect, test } from 'vitest'
import { ascii, copyBytes } from '../../src/bytes/bytes.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import { type TreeValidation, validateTree } from '../../src/ratchet-tree/validate-tree.ts'
import { signLeafNode } from '../../src/signed/leaf-node.ts'
import { type LeafNode, LeafNode as LeafNodeCodec, type LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { populatedTree } from '../support/populated-tree.ts'
import { bytesOf, rejection, suite } from './fixture.ts'

const group = populatedTree(suite, 5)
const rules: TreeValidation = { groupId: group.groupId, version: 1, cipherSuite: 1, extensions: [] }
const judge = (tree: Tree, changes: Partial<TreeValidation> = {}) =>
  rejection(validateTree(suite, tree, { ...rules, ...changes }))

/** The tree with one leaf in another form; the path above it is blanked, so that its parent hash is not missed. */
function withLeaf(index: number, leafNode: LeafNode): Tree {
  const draft = new TreeDraft(group.tree)
  draft.update(index, { leafNode, bytes: encode(LeafNodeCodec, leafNode) })
  return draft.finish(suite)
}
const resigned = async (changes: Partial<LeafNodeContent> | object, signedAt = 4, inGroup = group.groupId) => {
  const content = { ...group.tree.leaf(4)!.leafNode, ...changes } as LeafNodeContent
  return (await signLeafNode(group.signer(4), content, { groupId: inGroup, leafIndex: signedAt })).leafNode
}

describe('RFC 9420 §12.4.3.1: a tree that we join', () => {
  test('twins: populated trees; a leaf that was signed again', async () => {
    for (const members of [1, 2, 3, 8, 33]) {
      const { tree, encoded, groupId } = populatedTree(suite, members)
      expect(await judge(tree, { groupId })).toEqual(['accepted', undefined])
      expect(tree.encode()).toEqual(encoded)
    }
    expect(await judge(withLeaf(4, await resigned({})))).toEqual(['accepted', undefined])
  })
  test('V098 a signature that does not hold', async () => {
    const leafNode = await resigned({})
    const signature = copyBytes(leafNode.signature)
    signature[0]! ^= 1
    expect(await judge(withLeaf(4, { ...leafNode, signature }))).toEqual(['crypto/signature', 'V098'])
    const credential = { credentialType: 'basic', identity: ascii('someone else') } as const
    expect(await judge(withLeaf(4, { ...leafNode, credential }))).toEqual(['crypto/signature', 'V098'])
  })
  test('V099 signed for another group, V100 for another position', async () => {
    const elsewhere = await resigned({}, 4, ascii('another group'))
    expect(await judge(withLeaf(4, elsewhere))).toEqual(['crypto/signature', 'V098'])
    expect(await judge(withLeaf(4, await resigned({}, 3)))).toEqual(['crypto/signature', 'V098'])
    expect(await judge(group.tree, { groupId: ascii('another group') })).toEqual(['crypto/signature', 'V098'])
  })
  test('V153 a wrong parent hash', async () => {
    const encoded = copyBytes(group.encoded)
    const tree = importTree(suite, encoded)
    const draft = new TreeDraft(tree)
    const nodes = new Map(tree.filteredDirectPath(1).map((node) => [node, tree.parentNode(node)!]))
    const { parentHash, unmergedLeaves } = nodes.get(1)!
    nodes.set(1, { encryptionKey: bytesOf('fabricated'), parentHash, unmergedLeaves })
    draft.setPath(1, tree.leaf(1)!, nodes)
    expect((await judge(draft.finish(suite)))[0]).toBe('tree/parent_hash')
  })
  test('V162 a parent with a bad key', async () => {
    // the chain is right: only the key is no key of the suite
    const { pathNodes } = await import('../../src/ratchet-tree/parent-hash.ts')
    const { filteredPathOf } = await import('../../src/ratchet-tree/resolution.ts')
    const path = filteredPathOf(group.tree.root, group.tree.height, 4)
    const { nodes, leafParentHash } = pathNodes(suite, path, [new Uint8Array(32)])
    const leafNode = await resigned({ parentHash: leafParentHash })
    const draft = new TreeDraft(group.tree)
    draft.setPath(4, { leafNode, bytes: encode(LeafNodeCodec, leafNode) }, nodes)
    expect(await judge(draft.finish(suite))).toEqual(['crypto/key', 'V162'])
  })
  test('V163 the rules of each leaf, V120 of all together', async () => {
    expect(await judge(group.tree, { version: 2 })).toEqual(['leaf/capabilities', 'V110'])
    const extensions = [{ extensionType: 0xf00d, extensionData: new Uint8Array(0) }]
    expect(await judge(group.tree, { extensions })).toEqual(['extension/unsupported', 'V119'])
    const { capabilities } = group.tree.leaf(4)!.leafNode
    const x509 = await resigned({
      credential: { credentialType: 'x509', certificates: [ascii('der')] },
      capabilities: { ...capabilities, credentials: [1, 2] },
    })
    expect(await judge(withLeaf(4, x509))).toEqual(['leaf/requirements', 'V120'])
  })
  test('R14: pauses between slices, an end on demand', async () => {
    const { tree, groupId } = populatedTree(suite, 64)
    let pauses = 0
    let time = 0
    const pause = async () => {
      pauses++
    }
    const clock = { now: () => time++ }
    await validateTree(suite, tree, { ...rules, groupId, clock, pause, sliceMilliseconds: 1 })
    expect(pauses).toBeGreaterThan(5)
    const controller = new AbortController()
    const stop = async () => controller.abort()
    const { signal } = controller
    expect(await judge(tree, { groupId, clock, pause: stop, sliceMilliseconds: 1, signal })).toEqual([
      'operation/aborted',
      undefined,
    ])
    expect((await judge(tree, { groupId, signal }))[0]).toBe('operation/aborted')
  })
})

test('the fixture keeps what its members need', () => {
  expect(decode(LeafNodeCodec, group.tree.leaf(3)!.bytes).leafNodeSource).toBe('commit')
  for (const [node, { publicKey }] of group.privateTree(3).entries())
    expect(new Uint8Array(group.tree.encryptionKey(node)!)).toEqual(publicKey)
})

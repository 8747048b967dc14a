import { describe, expect, test } from 'vitest'
import { ascii, copyBytes, equalBytes } from '../../src/bytes/bytes.ts'
import { at } from '../../src/bytes/errors.ts'
import { encode } from '../../src/codec/codec.ts'
import { sealRequest } from '../../src/crypto/labels.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { PrivateTree } from '../../src/ratchet-tree/private-tree.ts'
import { createTree, type Tree } from '../../src/ratchet-tree/tree.ts'
import { joinPrivateTree } from '../../src/ratchet-tree/treekem-join.ts'
import { applyPath, openPath } from '../../src/ratchet-tree/treekem-receive.ts'
import { type PreparedPath, preparePath, sealPath } from '../../src/ratchet-tree/treekem-send.ts'
import { type EncodedLeafNode, LeafNode } from '../../src/wire/leaf-node.ts'
import type { UpdatePath } from '../../src/wire/update-path.ts'
import { populatedTree } from '../support/populated-tree.ts'
import { bytesOf, committedLeaf, failure, leafOf, rejection, suite } from './fixture.ts'

const group = populatedTree(suite, 8)
const context = ascii('provisional group context')
const none: ReadonlySet<number> = new Set()

/** Members 0 to 7 have committed; member 1 leaves and its leaf is taken again, and a ninth leaf is added. */
const newLeaves = new Set([1, 8])
const before = (() => {
  const draft = new TreeDraft(group.tree)
  draft.remove(1)
  draft.add(leafOf('new 1', { encryptionKey: group.spareKeyPair(0).publicKey }))
  draft.add(leafOf('new 8', { encryptionKey: group.spareKeyPair(1).publicKey }))
  return draft.finish(suite)
})()
const sender = 2

const pathLeaf = (name: string) => (keys: { encryptionKey: Uint8Array; parentHash: Uint8Array }) =>
  leafOf(name, { ...keys, leafNodeSource: 'commit' } as never)
const preparedPath = await preparePath({
  suite,
  tree: before,
  leafIndex: sender,
  privateTree: group.privateTree(sender),
  signLeaf: pathLeaf('committer'),
})
const genuine = await sealPath(suite, preparedPath, context, newLeaves)

const apply = (path: UpdatePath, changes: Partial<Parameters<typeof applyPath>[0]> = {}) =>
  failure(() => applyPath({ suite, tree: before, leafIndex: sender, path, newLeaves, ...changes }))
const nodesChanged = (change: (nodes: UpdatePath['nodes'][number][]) => void): UpdatePath => {
  const nodes = [...genuine.nodes]
  change(nodes)
  return { ...genuine, nodes }
}
const leafChanged = (changes: Partial<LeafNode> | object): UpdatePath => {
  const leafNode = { ...genuine.leafNode.leafNode, ...changes } as LeafNode
  return { ...genuine, leafNode: { leafNode, bytes: encode(LeafNode, leafNode) } }
}
const open = (member: number, path = genuine, changes: Partial<Parameters<typeof openPath>[0]> = {}) =>
  openPath({
    suite,
    tree: preparedPath.tree,
    before,
    privateTree: group.privateTree(member),
    sender,
    path,
    encodedGroupContext: context,
    newLeaves,
    ...changes,
  })

describe('RFC 9420 §7.6: the public part of a path', () => {
  test('twin: every member gets the tree, the keys and the secret of the committer', async () => {
    const tree = applyPath({ suite, tree: before, leafIndex: sender, path: genuine, newLeaves })
    expect(tree.treeHash).toEqual(preparedPath.tree.treeHash)
    const secret = preparedPath.commitSecret.use(copyBytes)
    for (const member of [0, 3, 4, 5, 6, 7]) {
      const opened = await open(member)
      expect(opened.commitSecret.take()).toEqual(secret)
      for (const [node, { publicKey }] of opened.privateTree.entries())
        expect(equalBytes(publicKey, tree.encryptionKey(node)!)).toBe(true)
    }
  })
  test('V065 an index outside the tree, or blank', () => {
    for (const leafIndex of [16, 9, 2 ** 31, 2 ** 32 - 1, -1, 0.5])
      expect(apply(genuine, { leafIndex })).toEqual(['tree/index', 'V065'])
    expect(apply(genuine, { leafIndex: 3, external: true })).toEqual(['tree/index', 'V065'])
  })
  test('V103 a leaf of another source', () => {
    expect(apply({ ...genuine, leafNode: leafOf('update') })).toEqual(['leaf/source', 'V103'])
  })
  test('V170 too few nodes', () => {
    expect(apply(nodesChanged((nodes) => nodes.pop()))).toEqual(['commit/path', 'V170'])
    expect(apply(nodesChanged((nodes) => nodes.shift()))).toEqual(['commit/path', 'V170'])
    expect(apply({ ...genuine, nodes: [] })).toEqual(['commit/path', 'V170'])
  })
  test('V171 too many nodes', () => {
    expect(apply(nodesChanged((nodes) => nodes.push(at(nodes, 0))))).toEqual(['commit/path', 'V171'])
  })
  test('V172 two nodes exchanged', () => {
    // the same number of ciphertexts at both, so that only the order is wrong
    const draft = new TreeDraft(group.tree)
    const tree = draft.finish(suite)
    return preparePath({ suite, tree, leafIndex: 2, privateTree: group.privateTree(2), signLeaf: pathLeaf('c') })
      .then((prepared) => sealPath(suite, prepared, context, none))
      .then((path) => {
        const [a, b, c] = path.nodes
        const run = (nodes: UpdatePath['nodes']) =>
          failure(() => applyPath({ suite, tree, leafIndex: 2, path: { ...path, nodes }, newLeaves: none }))
        expect(run([a!, b!, c!])[0]).toBe('accepted')
        expect(run([b!, a!, c!])).toEqual(['tree/parent_hash', 'V181'])
      })
  })
  const ciphertexts = (
    i: number,
    change: (list: UpdatePath['nodes'][number]['encryptedPathSecret'][number][]) => void,
  ) =>
    nodesChanged((nodes) => {
      const list = [...at(nodes, i).encryptedPathSecret]
      change(list)
      nodes[i] = { ...at(nodes, i), encryptedPathSecret: list }
    })
  test('V173 too few ciphertexts, V174 too many, V175 for a new member', () => {
    genuine.nodes.forEach((node, i) => {
      if (node.encryptedPathSecret.length > 0)
        expect(apply(ciphertexts(i, (list) => list.pop()))).toEqual(['commit/path', 'V173'])
    })
    expect(apply(ciphertexts(0, (list) => list.push(at(list, 0))))).toEqual(['commit/path', 'V174'])
    // the path of member 2 meets the new member 1 at its second node
    expect(apply(ciphertexts(1, (list) => list.push(at(list, 0))))).toEqual(['commit/path', 'V175'])
    expect(apply(ciphertexts(1, (list) => list.push(at(list, 0), at(list, 0))))).toEqual(['commit/path', 'V174'])
    expect(apply(genuine, { newLeaves: none })).toEqual(['commit/path', 'V173'])
  })
  test('V181 another parent hash', () => {
    expect(apply(leafChanged({ parentHash: bytesOf('other') }))).toEqual(['tree/parent_hash', 'V181'])
    expect(apply(leafChanged({ parentHash: new Uint8Array(0) }))).toEqual(['tree/parent_hash', 'V181'])
  })
  test('V182, V183 keys of the leaf', () => {
    const keyOf = (node: number) => copyBytes(before.encryptionKey(node)!)
    expect(apply(leafChanged({ encryptionKey: keyOf(2 * sender) }))).toEqual(['commit/path_key', 'V182'])
    expect(apply(leafChanged({ encryptionKey: keyOf(8) }))).toEqual(['commit/path_key', 'V183'])
    expect(apply(leafChanged({ encryptionKey: keyOf(11) }))).toEqual(['commit/path_key', 'V183'])
  })
  test('V184, V185 keys of the path', () => {
    const withKey = (i: number, encryptionKey: Uint8Array<ArrayBuffer>) =>
      nodesChanged((nodes) => {
        nodes[i] = { ...at(nodes, i), encryptionKey }
      })
    expect(apply(withKey(0, copyBytes(before.encryptionKey(11)!)))).toEqual(['commit/path_key', 'V184'])
    expect(apply(withKey(0, copyBytes(before.encryptionKey(8)!)))).toEqual(['commit/path_key', 'V184'])
    // the own key that the path replaces
    expect(apply(withKey(0, copyBytes(before.encryptionKey(5)!)))).toEqual(['commit/path_key', 'V184'])
    expect(apply(withKey(0, at(genuine.nodes, 1).encryptionKey))).toEqual(['commit/path_key', 'V185'])
    const leafKey = genuine.leafNode.leafNode.encryptionKey
    expect(apply(withKey(1, leafKey))).toEqual(['commit/path_key', 'V185'])
    // V032 comes before any hash
    expect(apply(withKey(0, new Uint8Array(32)))).toEqual(['crypto/key', 'V032'])
    expect(apply(leafChanged({ encryptionKey: new Uint8Array(31) }))).toEqual(['crypto/key', 'V032'])
  })
  test('V186 the signature key of another member', () => {
    const other = before.leaf(3)!.leafNode.signatureKey
    expect(apply(leafChanged({ signatureKey: other }))).toEqual(['commit/path_key', 'V186'])
  })
  test('V187 a path for the tree before the proposals', async () => {
    const prepared = await preparePath({
      suite,
      tree: group.tree,
      leafIndex: sender,
      privateTree: group.privateTree(sender),
      signLeaf: pathLeaf('early'),
    })
    const path = await sealPath(suite, prepared, context, none)
    expect(apply(path)).toEqual(['commit/path', 'V170'])
  })
})

describe('RFC 9420 §7.5, §12.4.2: our path secret', () => {
  const sealTo = async (member: number, plaintext: Uint8Array, info = context): Promise<UpdatePath> => {
    const key = before.encryptionKey(2 * member)!
    const sealed = await suite.hpkeSeal(sealRequest(key, 'UpdatePathNode', info, plaintext))
    return nodesChanged((nodes) => {
      nodes[0] = { ...at(nodes, 0), encryptedPathSecret: [sealed] }
    })
  }
  const secrets = preparedPath.nodes.map(({ pathSecret }) => copyBytes(pathSecret))

  test('twin: the sealed secret of the first node', async () => {
    const opened = await open(3, await sealTo(3, at(secrets, 0)))
    expect(opened.privateTree.keyPair(5)?.publicKey).toEqual(at(genuine.nodes, 0).encryptionKey)
  })
  test('V176 a ciphertext that does not decrypt, V180 under another context', async () => {
    const [first] = genuine.nodes
    const broken = copyBytes(at(first!.encryptedPathSecret, 0).ciphertext)
    broken[0]! ^= 1
    const path = nodesChanged((nodes) => {
      const { kemOutput } = at(first!.encryptedPathSecret, 0)
      nodes[0] = { ...first!, encryptedPathSecret: [{ kemOutput, ciphertext: broken }] }
    })
    expect(await rejection(open(3, path))).toEqual(['crypto/decrypt', 'V176'])
    // V189: a member to whom nothing wrong was sent does not see it
    expect((await rejection(open(0, path)))[0]).toBe('accepted')
    const elsewhere = { encodedGroupContext: ascii('another context') }
    expect(await rejection(open(3, genuine, elsewhere))).toEqual(['crypto/decrypt', 'V176'])
  })
  test('V177 another secret than that of the key, V178 at a node above', async () => {
    expect(await rejection(open(3, await sealTo(3, bytesOf('other'))))).toEqual(['commit/path', 'V177'])
    const draft = new TreeDraft(before)
    const path = before.filteredDirectPath(sender)
    const top = path.at(-1)!
    const nodes = new Map(path.map((node) => [node, preparedPath.tree.parentNode(node)!]))
    nodes.set(top, { ...nodes.get(top)!, encryptionKey: bytesOf('other') })
    draft.setPath(sender, genuine.leafNode, nodes)
    const tree = draft.finish(suite)
    expect(await rejection(open(3, genuine, { tree }))).toEqual(['commit/path', 'V178'])
  })
  test('V179 a secret of another length', async () => {
    for (const length of [0, 31, 33])
      expect(await rejection(open(3, await sealTo(3, new Uint8Array(length))))).toEqual(['commit/path', 'V179'])
  })
  test('a member without a ciphertext: the committer, and one who just joined', async () => {
    expect((await rejection(open(sender)))[0]).toBe('tree/own_leaf')
    const joined = new PrivateTree(8, [[16, group.spareKeyPair(1)]])
    expect((await rejection(open(3, genuine, { privateTree: joined })))[0]).toBe('tree/own_leaf')
  })
})

describe('RFC 9420 §12.4.3.1: a new member', () => {
  const join = (changes: Partial<Parameters<typeof joinPrivateTree>[0]> = {}) =>
    joinPrivateTree({
      suite,
      tree: preparedPath.tree,
      leafIndex: 8,
      leafKeyPair: group.spareKeyPair(1),
      sender,
      pathSecret: preparedPath.pathSecretFor(8),
      ...changes,
    })
  test('twin: the keys from the common ancestor up', async () => {
    const held = (leaf: PrivateTree) => [...leaf.entries()].map(([node]) => node)
    expect(held(await join())).toEqual([16, 15])
    const first = { leafIndex: 1, leafKeyPair: group.spareKeyPair(0), pathSecret: preparedPath.pathSecretFor(1) }
    expect(held(await join(first))).toEqual([2, 3, 7, 15])
    expect(held(await join({ pathSecret: undefined }))).toEqual([16])
  })
  test('V317 a secret of another key', async () => {
    expect(await rejection(join({ pathSecret: bytesOf('other') }))).toEqual(['welcome/path_secret', 'V317'])
  })
  test('V318 another key at a node above', async () => {
    const draft = new TreeDraft(before)
    const nodes = new Map(before.filteredDirectPath(sender).map((node) => [node, preparedPath.tree.parentNode(node)!]))
    nodes.set(15, { ...nodes.get(15)!, encryptionKey: bytesOf('other') })
    draft.setPath(sender, genuine.leafNode, nodes)
    const tree = draft.finish(suite)
    const first = { leafIndex: 1, leafKeyPair: group.spareKeyPair(0), pathSecret: preparedPath.pathSecretFor(1) }
    expect(await rejection(join({ ...first, tree }))).toEqual(['welcome/path_secret', 'V318'])
  })
  test('V319 a secret of another length', async () => {
    for (const length of [0, 31, 33]) {
      const pathSecret = new Uint8Array(length)
      expect(await rejection(join({ pathSecret }))).toEqual(['welcome/path_secret', 'V319'])
    }
  })
  test('V065 a sender outside the tree; our own leaf as the sender', async () => {
    for (const outside of [9, 16, 2 ** 32 - 1])
      expect(await rejection(join({ sender: outside }))).toEqual(['tree/index', 'V065'])
    expect((await rejection(join({ sender: 8 })))[0]).toBe('tree/own_leaf')
  })
})

describe('V188: small groups, and external commits', () => {
  const prepare = (tree: Tree, leafIndex: number, privateTree?: PrivateTree): Promise<PreparedPath> =>
    preparePath({ suite, tree, leafIndex, privateTree, signLeaf: pathLeaf(`committer ${leafIndex}`) })

  test('one member: no node, an empty parent hash, a commit secret', async () => {
    const tree = createTree(suite, leafOf('only'))
    const prepared = await prepare(tree, 0, new PrivateTree(0, []))
    const path = await sealPath(suite, prepared, context, none)
    expect(path.nodes).toEqual([])
    expect(prepared.commitSecret.length).toBe(32)
    const after = applyPath({ suite, tree, leafIndex: 0, path, newLeaves: none })
    expect(after.treeHash).toEqual(prepared.tree.treeHash)
    const claimed: EncodedLeafNode = committedLeaf('another', bytesOf('not empty'))
    const wrong = { leafNode: claimed, nodes: [] }
    expect(failure(() => applyPath({ suite, tree, leafIndex: 0, path: wrong, newLeaves: none }))).toEqual([
      'tree/parent_hash',
      'V181',
    ])
  })
  test('two members, either of them', async () => {
    const pair = populatedTree(suite, 2)
    for (const committer of [0, 1]) {
      const prepared = await prepare(pair.tree, committer, pair.privateTree(committer))
      const path = await sealPath(suite, prepared, context, none)
      const tree = applyPath({ suite, tree: pair.tree, leafIndex: committer, path, newLeaves: none })
      const opened = await openPath({
        suite,
        tree,
        before: pair.tree,
        privateTree: pair.privateTree(1 - committer),
        sender: committer,
        path,
        encodedGroupContext: context,
        newLeaves: none,
      })
      expect(opened.commitSecret.take()).toEqual(prepared.commitSecret.take())
    }
  })
  test('an external commit into a full tree, and into a blank leaf', async () => {
    const full = populatedTree(suite, 4)
    const draft = new TreeDraft(full.tree)
    draft.remove(1)
    for (const tree of [full.tree, draft.finish(suite)]) {
      const leafIndex = tree.freeLeaf
      const prepared = await prepare(tree, leafIndex)
      const path = await sealPath(suite, prepared, context, none)
      const after = applyPath({ suite, tree, leafIndex, path, newLeaves: none, external: true })
      expect(after.memberCount).toBe(tree.memberCount + 1)
      const secret = prepared.commitSecret.take()
      for (const [member] of tree.members()) {
        const opened = await openPath({
          suite,
          tree: after,
          before: tree,
          privateTree: full.privateTree(member),
          sender: leafIndex,
          path,
          encodedGroupContext: context,
          newLeaves: none,
        })
        expect(opened.commitSecret.take()).toEqual(secret)
      }
    }
  })
})

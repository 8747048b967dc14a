import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/bytes/text.ts'
import { decode, encode } from '../../src/codec/codec.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { checkParentHashes } from '../../src/ratchet-tree/parent-hash-validation.ts'
import { PrivateTree } from '../../src/ratchet-tree/private-tree.ts'
import { joinPrivateTree } from '../../src/ratchet-tree/treekem-join.ts'
import { applyPath, openPath } from '../../src/ratchet-tree/treekem-receive.ts'
import { preparePath, sealPath } from '../../src/ratchet-tree/treekem-send.ts'
import { leafNodeVerifyRequest, signLeafNode } from '../../src/signed/leaf-node.ts'
import { keySigner } from '../../src/signed/signer.ts'
import * as treeMath from '../../src/tree-math/tree-math.ts'
import { GroupContext } from '../../src/wire/group-context.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import { mls10 } from '../../src/wire/registries.ts'
import { UpdatePath } from '../../src/wire/update-path.ts'
import { openSuite } from '../support/suite.ts'
import { loadVectors } from '../support/vectors.ts'

interface TreeMathCase {
  n_leaves: number
  n_nodes: number
  root: number
  left: (number | null)[]
  right: (number | null)[]
  parent: (number | null)[]
  sibling: (number | null)[]
}

describe('tree-math', () => {
  test.each(loadVectors<TreeMathCase[]>('mlswg/tree-math.json') ?? [])('$n_leaves leaves', (vector) => {
    const { n_leaves: leaves, n_nodes: nodes } = vector
    expect(treeMath.nodeWidth(leaves)).toBe(nodes)
    expect(treeMath.root(leaves)).toBe(vector.root)
    for (let node = 0; node < nodes; node++) {
      if (vector.left[node] !== null) expect(treeMath.left(node)).toBe(vector.left[node])
      if (vector.right[node] !== null) expect(treeMath.right(node)).toBe(vector.right[node])
      if (vector.parent[node] !== null) expect(treeMath.parent(node)).toBe(vector.parent[node])
      if (vector.sibling[node] !== null) expect(treeMath.sibling(node)).toBe(vector.sibling[node])
    }
  })
})

interface TreeOperationCase {
  cipher_suite: number
  proposal: string
  proposal_sender: number
  tree_before: string
  tree_after: string
  tree_hash_before: string
  tree_hash_after: string
}

describe('tree-operations', () => {
  const cases = loadVectors<TreeOperationCase[]>('mlswg/tree-operations.json') ?? []
  test.each(cases.map((vector, i) => [i, vector] as const))('operation %i', (_, vector) => {
    const suite = openSuite(vector.cipher_suite)
    const tree = importTree(suite, fromHex(vector.tree_before))
    expect(toHex(tree.treeHash)).toBe(vector.tree_hash_before)
    const draft = new TreeDraft(tree)
    const proposal = decode(Proposal, fromHex(vector.proposal))
    if (proposal.proposalType === 'add') {
      const { leafNode } = proposal.keyPackage
      draft.add({ leafNode, bytes: encode(LeafNode, leafNode) })
    } else if (proposal.proposalType === 'update') draft.update(vector.proposal_sender, proposal.leafNode)
    else if (proposal.proposalType === 'remove') draft.remove(proposal.removed)
    else expect.unreachable()
    const after = draft.finish(suite)
    expect(toHex(after.encode())).toBe(vector.tree_after)
    expect(toHex(after.treeHash)).toBe(vector.tree_hash_after)
    expect(toHex(tree.encode())).toBe(vector.tree_before)
  })
})

interface TreeValidationCase {
  cipher_suite: number
  tree: string
  group_id: string
  tree_hashes: string[]
  resolutions: number[][]
}

describe('tree-validation', () => {
  const cases = loadVectors<TreeValidationCase[]>('mlswg/tree-validation.json') ?? []
  test.each(cases.map((vector, i) => [vector.cipher_suite, i, vector] as const))(
    'suite %i, tree %i',
    async (id, _, v) => {
      const suite = openSuite(id)
      const tree = importTree(suite, fromHex(v.tree))
      expect(toHex(tree.encode())).toBe(v.tree)
      expect(v.resolutions.length).toBe(2 * tree.leafCount - 1)
      v.resolutions.forEach((resolution, node) => {
        expect(tree.resolution(node)).toEqual(resolution)
        const hash = tree.subtreeHash(node)
        if (hash !== undefined) expect(toHex(hash)).toBe(v.tree_hashes[node])
      })
      expect(toHex(tree.treeHash)).toBe(v.tree_hashes[treeMath.root(tree.leafCount)])
      expect(() => [...checkParentHashes(suite, tree)]).not.toThrow()
      const groupId = fromHex(v.group_id)
      const requests = [...tree.members()].map(([leafIndex, leaf]) =>
        leafNodeVerifyRequest(leaf, { groupId, leafIndex }),
      )
      // the signatures of the other suites are the business of the providers' tests
      if (id <= 3) expect((await suite.verifyMany(requests)).every(Boolean)).toBe(true)
    },
  )
})

interface TreeKemCase {
  cipher_suite: number
  group_id: string
  epoch: number
  confirmed_transcript_hash: string
  ratchet_tree: string
  leaves_private: {
    index: number
    encryption_priv: string
    signature_priv: string
    path_secrets: { node: number; path_secret: string }[]
  }[]
  update_paths: {
    sender: number
    update_path: string
    path_secrets: (string | null)[]
    commit_secret: string
    tree_hash_after: string
  }[]
}

describe('treekem', () => {
  const cases = loadVectors<TreeKemCase[]>('mlswg/treekem.json') ?? []
  // the tree is one for all suites, which differ in their providers: one case of each other suite
  const sampled = cases.filter(({ cipher_suite: id }, i) => id === 1 || i % 11 === 0)
  test.each(sampled.map((vector, i) => [vector.cipher_suite, i, vector] as const))(
    'suite %i, tree %i',
    async (id, _, vector) => {
      const suite = openSuite(id)
      const tree = importTree(suite, fromHex(vector.ratchet_tree))
      const groupId = fromHex(vector.group_id)
      const context = (treeHash: Uint8Array<ArrayBuffer>) =>
        encode(GroupContext, {
          version: mls10,
          cipherSuite: id,
          groupId,
          epoch: BigInt(vector.epoch),
          treeHash,
          confirmedTranscriptHash: fromHex(vector.confirmed_transcript_hash),
          extensions: [],
        })
      const { deriveSecret } = await import('../../src/crypto/labels.ts')
      const privateTrees = new Map<number, PrivateTree>()
      for (const { index, encryption_priv, path_secrets } of vector.leaves_private) {
        const publicKey = new Uint8Array(tree.leaf(index)!.encryptionKey)
        const pairs: [number, { publicKey: Uint8Array<ArrayBuffer>; privateKey: Uint8Array<ArrayBuffer> }][] = [
          [2 * index, { publicKey, privateKey: fromHex(encryption_priv) }],
        ]
        for (const { node, path_secret } of path_secrets) {
          const pair = await suite.deriveKeyPair(deriveSecret(suite, fromHex(path_secret), 'node'))
          expect(toHex(pair.publicKey)).toBe(toHex(tree.parentNode(node)!.encryptionKey))
          pairs.push([node, pair])
        }
        privateTrees.set(index, new PrivateTree(index, pairs))
      }
      const newLeaves = new Set<number>()
      const receive = async (sender: number, path: UpdatePath, expected: (member: number) => string) => {
        const after = applyPath({ suite, tree, leafIndex: sender, path, newLeaves })
        const opening = { suite, tree: after, before: tree, sender, path, newLeaves }
        for (const [index, privateTree] of privateTrees) {
          if (index === sender) continue
          const encodedGroupContext = context(after.treeHash)
          const opened = await openPath({ ...opening, privateTree, encodedGroupContext })
          expect(toHex(opened.commitSecret.take())).toBe(expected(index))
          for (const [node, { publicKey }] of opened.privateTree.entries())
            expect(toHex(publicKey)).toBe(toHex(after.encryptionKey(node)!))
        }
        return after
      }
      for (const update of vector.update_paths) {
        const path = decode(UpdatePath, fromHex(update.update_path))
        const after = await receive(update.sender, path, () => update.commit_secret)
        expect(toHex(after.treeHash)).toBe(update.tree_hash_after)
        // the path secret that a Welcome would carry to each leaf
        for (const [index, privateTree] of privateTrees) {
          const secret = update.path_secrets[index]
          if (secret === null || secret === undefined || index === update.sender) continue
          const leafKeyPair = privateTree.keyPair(2 * index)!
          const joined = await joinPrivateTree({
            suite,
            tree: after,
            leafIndex: index,
            leafKeyPair,
            sender: update.sender,
            pathSecret: fromHex(secret),
          })
          expect([...joined.entries()].length).toBeGreaterThan(1)
        }
      }
      // our own path from the first member
      const [first] = vector.leaves_private
      const leafNode = tree.leaf(first!.index)!.leafNode
      const prepared = await preparePath({
        suite,
        tree,
        leafIndex: first!.index,
        privateTree: privateTrees.get(first!.index),
        signLeaf: (keys) =>
          signLeafNode(
            keySigner(suite, fromHex(first!.signature_priv)),
            { ...leafNode, ...keys, leafNodeSource: 'commit' },
            { groupId, leafIndex: first!.index },
          ),
      })
      const path = await sealPath(suite, prepared, context(prepared.tree.treeHash), newLeaves)
      const secret = toHex(prepared.commitSecret.take())
      const after = await receive(first!.index, decode(UpdatePath, encode(UpdatePath, path)), () => secret)
      expect(toHex(after.treeHash)).toBe(toHex(prepared.tree.treeHash))
      expect(() => [...checkParentHashes(suite, after)]).not.toThrow()
    },
  )
})

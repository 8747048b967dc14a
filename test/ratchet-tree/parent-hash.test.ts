import { describe, expect, test } from 'vitest'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { OriginalTreeHash } from '../../src/ratchet-tree/original-tree-hash.ts'
import { checkParentHashes } from '../../src/ratchet-tree/parent-hash-validation.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'
import type { NaiveTree } from '../support/naive-tree.ts'
import { bytesOf, commitBy, decodedLeaf, failure, leafOf, parentOf, populated, suite } from './fixture.ts'

const judge = (tree: NaiveTree) =>
  failure(() => {
    for (const _ of checkParentHashes(suite, importTree(suite, tree.encode())));
  })

/** Sets the parent hash that a member's leaf claims. */
function claim(tree: NaiveTree, index: number, parentHash: Uint8Array<ArrayBuffer>): void {
  const leaf = { ...decodedLeaf(tree, index), leafNodeSource: 'commit', parentHash } as LeafNode
  tree.nodes[2 * index] = { leaf: encode(LeafNode, leaf) }
}

describe('RFC 9420 §7.9.2: parent hashes on joining', () => {
  test('twins: populated trees of all small sizes, with new members and with blanks', () => {
    for (let members = 1; members <= 9; members++) {
      const tree = populated(members)
      expect(judge(tree)[0]).toBe('accepted')
      tree.add(leafOf('new').bytes)
      expect(judge(tree)[0]).toBe('accepted')
      tree.remove(0)
      tree.add(leafOf('newer').bytes)
      expect(judge(tree)[0]).toBe('accepted')
      commitBy(tree, members, 'second')
      expect(judge(tree)[0]).toBe('accepted')
    }
  })
  test('V152 a child that lists a leaf which its parent does not know', () => {
    const tree = populated(4)
    // 3 is the root: the chain of member 3 goes over node 5; now 5 claims that 2 is unmerged
    parentOf(tree, 5).unmerged = [2]
    const member = 3
    claim(tree, member, tree.parentHash(5, 4))
    expect(judge(tree)).toEqual(['tree/parent_hash', 'V152'])
  })
  test('V153 a wrong hash at a leaf, and at a parent', () => {
    const leaf = populated(4)
    claim(leaf, 3, bytesOf('other'))
    expect(judge(leaf)).toEqual(['tree/parent_hash', 'V153'])
    const parent = populated(4)
    parentOf(parent, 5).parentHash = bytesOf('other')
    // the leaf below follows the change, so that only node 5 is wrong
    claim(parent, 3, parent.parentHash(5, 4))
    expect(judge(parent)).toEqual(['tree/parent_hash', 'V153'])
  })
  test('V154 an empty hash below a parent', () => {
    const tree = populated(4)
    parentOf(tree, 5).parentHash = new Uint8Array(0)
    claim(tree, 3, tree.parentHash(5, 4))
    expect(judge(tree)).toEqual(['tree/parent_hash', 'V154'])
  })
  test('V155 a root with a hash', () => {
    const tree = populated(2)
    parentOf(tree, 1).parentHash = bytesOf('other')
    claim(tree, 1, tree.parentHash(1, 0))
    expect(judge(tree)).toEqual(['tree/parent_hash', 'V155'])
  })
  test('V156 a parent that no leaf vouches for', () => {
    const tree = populated(4)
    tree.update(0, leafOf('x').bytes)
    tree.update(1, leafOf('y').bytes)
    tree.nodes[1] = { parent: { key: bytesOf('fabricated'), parentHash: new Uint8Array(0), unmerged: [] } }
    expect(judge(tree)).toEqual(['tree/parent_hash', 'V156'])
  })
  test('V157 a parent with two chains', () => {
    // each leaf is part of the hash that the other one claims, so this takes a hash function with collisions
    const constant = bytesOf('constant')
    const hashMany = (inputs: readonly Uint8Array[]) => inputs.map(() => constant)
    const colliding = { ...suite, parameters: suite.parameters, hashMany } as unknown as CipherSuite
    const tree = populated(2)
    claim(tree, 0, constant)
    claim(tree, 1, constant)
    const imported = importTree(suite, tree.encode())
    expect(failure(() => [...checkParentHashes(colliding, imported)])).toEqual(['tree/parent_hash', 'V157'])
    claim(tree, 0, bytesOf('other'))
    const single = importTree(suite, tree.encode())
    expect(failure(() => [...checkParentHashes(colliding, single)])[0]).toBe('accepted')
  })
  test('V158 a chain past nodes that are not in the resolution', () => {
    const tree = populated(4)
    // the left child of the root is blanked, and a leaf below claims the root beside another leaf
    tree.nodes[1] = undefined
    claim(tree, 0, tree.parentHash(3, 5))
    parentOf(tree, 5).parentHash = bytesOf('other')
    claim(tree, 3, tree.parentHash(5, 4))
    claim(tree, 0, tree.parentHash(3, 5))
    expect(judge(tree)).toEqual(['tree/parent_hash', 'V158'])
  })
  test('V158 children of several leaves, of which none is known as unmerged', () => {
    const tree = populated(4)
    tree.nodes[1] = undefined
    tree.nodes[5] = undefined
    expect(judge(tree)).toEqual(['tree/parent_hash', 'V158'])
  })
  test('V159 a fault in one half, at one level, is enough', () => {
    for (const member of [1, 3, 5, 7]) {
      const tree = populated(8)
      claim(tree, member, bytesOf('other'))
      expect(judge(tree)).toEqual(['tree/parent_hash', 'V153'])
    }
  })
  test('a parent hash of a leaf of another source counts for nothing', () => {
    const tree = populated(2)
    tree.nodes[2] = { leaf: leafOf('no commit').bytes }
    expect(judge(tree)).toEqual(['tree/parent_hash', 'V153'])
    tree.nodes[0] = { leaf: leafOf('neither').bytes }
    expect(judge(tree)).toEqual(['tree/parent_hash', 'V156'])
  })
})

describe('original tree hashes', () => {
  test('equal those of the array form, for any set of removed leaves', () => {
    const model = populated(8)
    for (const leaf of [1, 4, 6]) {
      model.nodes[2 * leaf] = undefined
      for (const node of model.directPath(2 * leaf)) if (node !== 7) model.nodes[node] = undefined
    }
    commitBy(model, 0, 'second')
    commitBy(model, 5, 'second')
    for (let i = 0; i < 3; i++) model.add(leafOf(`late ${i}`).bytes)
    const tree = importTree(suite, model.encode())
    const original = new OriginalTreeHash(suite, tree.leafCount)
    for (const removed of [[], [1], [4], [1, 4], [1, 4, 6]]) {
      const without = model.clone()
      for (const leaf of removed) {
        without.nodes[2 * leaf] = undefined
        for (const node of without.nodes)
          if (node !== undefined && 'parent' in node)
            node.parent.unmerged = node.parent.unmerged.filter((entry) => entry !== leaf)
      }
      const found = original.of({ subtree: tree.root, height: tree.height, position: 0 }, removed)
      expect(found).toEqual(without.treeHash(7))
      // from memory
      expect(original.of({ subtree: tree.root, height: tree.height, position: 0 }, removed)).toEqual(found)
    }
  })
  test('R12 the work has a budget', () => {
    const model = populated(8)
    const tree = importTree(suite, model.encode())
    const original = new OriginalTreeHash(suite, 0)
    const top = { subtree: tree.root, height: tree.height, position: 0 }
    expect(failure(() => original.of(top, [1]))).toEqual(['limit/exceeded', 'R12'])
    expect(failure(() => original.of(top, []))[0]).toBe('accepted')
  })
  test('R12 the unmerged leaves of all levels cost little: the memo', () => {
    const model = populated(64)
    for (let leaf = 1; leaf < 64; leaf += 2) model.remove(leaf)
    for (let leaf = 0; leaf < 64; leaf += 2) commitBy(model, leaf, 'second')
    for (let i = 0; i < 32; i++) model.add(leafOf(`again ${i}`).bytes)
    expect(judge(model)[0]).toBe('accepted')
    expect(parentOf(model, 63).unmerged.length).toBe(32)
  })
})

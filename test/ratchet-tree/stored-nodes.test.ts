import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { mapKey } from '../../src/bytes/text.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { changedNodes, restoreTree } from '../../src/ratchet-tree/stored-nodes.ts'
import type { Tree } from '../../src/ratchet-tree/tree.ts'
import { populatedTree } from '../support/populated-tree.ts'
import { openSuite } from '../support/suite.ts'

const suite = openSuite(1)
const fixture = populatedTree(suite, 21)
const leafOf = (tree: Tree, index: number) => ({ bytes: tree.leaf(index)!.bytes, leafNode: tree.leaf(index)!.leafNode })

function edited(tree: Tree, edit: (draft: TreeDraft) => void): Tree {
  const draft = new TreeDraft(tree)
  edit(draft)
  return draft.finish(suite)
}

const restored = (nodes: ReadonlyMap<number, Bytes | undefined>, height: number) =>
  restoreTree(suite, height, (node) => nodes.get(node))

/** The stored form of every node, in no order that means anything. */
const storedNodes = (tree: Tree) => new Map(changedNodes(undefined, tree)) as Map<number, Bytes>

function apply(base: Tree, tree: Tree) {
  const nodes = new Map(storedNodes(base))
  for (const [node, bytes] of changedNodes(base, tree))
    if (bytes === undefined) nodes.delete(node)
    else nodes.set(node, bytes)
  return nodes
}

describe('stored nodes', () => {
  test('give the tree again, with its hashes and indexes', () => {
    const tree = restored(storedNodes(fixture.tree), fixture.tree.height)
    expect(tree.encode()).toEqual(fixture.encoded)
    for (let node = 0; node < 2 * tree.leafCount - 1; node++)
      expect(tree.subtreeHash(node)).toEqual(fixture.tree.subtreeHash(node))
    expect(tree.leafOfSignatureKey(fixture.tree.leaf(7)!.signatureKey)).toBe(7)
    expect(tree.supportCount('credentials', 1)).toBe(21)
  })

  test('a restored tree can be edited, to the hash that a tree from the wire has', () => {
    const tree = edited(restored(storedNodes(fixture.tree), fixture.tree.height), (draft) => draft.remove(3))
    expect(tree.treeHash).toEqual(importTree(suite, tree.encode()).treeHash)
    expect(tree.memberCount).toBe(20)
  })

  test('changes turn the nodes of one tree into those of the next: removals, growth and truncation', () => {
    let tree = fixture.tree
    const spare = [20, 19, 18, 17, 16].map((index) => leafOf(tree, index))
    const steps: ((draft: TreeDraft) => void)[] = [
      (draft) => draft.remove(0),
      (draft) => draft.remove(20),
      (draft) => draft.remove(19),
      (draft) => {
        for (const index of [18, 17, 16]) draft.remove(index)
      },
      (draft) => {
        for (const leaf of spare) draft.add(leaf)
      },
    ]
    const heights: number[] = []
    for (const step of steps) {
      const next = edited(tree, step)
      const nodes = apply(tree, next)
      expect(new Map([...nodes].map(([node, bytes]) => [node, mapKey(bytes)]))).toEqual(
        new Map([...storedNodes(next)].map(([node, bytes]) => [node, mapKey(bytes)])),
      )
      expect(restored(nodes, next.height).treeHash).toEqual(next.treeHash)
      heights.push(next.height)
      tree = next
    }
    expect(heights).toEqual([5, 5, 5, 4, 5])
  })

  test('are read when they are looked at, and every failure is told', () => {
    const nodes = storedNodes(fixture.tree)
    const asked: number[] = []
    const failures: unknown[] = []
    let broken = Number.NaN
    const tree = restoreTree(
      suite,
      fixture.tree.height,
      (node) => {
        asked.push(node)
        if (node === broken) throw new MlsError('storage/io', 'broken')
        return nodes.get(node)
      },
      (cause) => failures.push(cause),
    )
    // the root and its two children
    expect(asked.splice(0).sort((a, b) => a - b)).toEqual([15, 31, 47])
    expect(tree.memberCount).toBe(21)
    expect(tree.leaf(20)!.bytes).toEqual(fixture.tree.leaf(20)!.bytes)
    expect(asked.splice(0).length).toBe(2 * (tree.height - 1))
    const draft = new TreeDraft(tree)
    draft.remove(20)
    broken = 4
    expect(() => tree.leaf(2)).toThrow(MlsError)
    expect(failures.length).toBeGreaterThan(0)
    broken = Number.NaN
    // what failed is read again
    expect(tree.leaf(2)!.bytes).toEqual(fixture.tree.leaf(2)!.bytes)
    expect(tree.encode()).toEqual(fixture.encoded)
  })

  test('of the first format, without counts, give the tree too', () => {
    const first = new Map<number, Bytes>()
    const { hashLength } = suite.parameters
    for (const [node, bytes] of storedNodes(fixture.tree)) {
      const old = bytes.slice()
      const type = old[1 + hashLength]!
      if (type === 1) first.set(node, old)
      else {
        old[1 + hashLength] = type === 3 ? 0 : 2
        first.set(node, Uint8Array.from([...old.subarray(0, 2 + hashLength), ...old.subarray(6 + hashLength)]))
      }
    }
    const tree = restored(first, fixture.tree.height)
    expect([tree.encode(), tree.memberCount]).toEqual([fixture.encoded, 21])
    // and a commit after it stores nodes of the present format between those of the first
    const next = edited(tree, (draft) => draft.remove(3))
    for (const [node, bytes] of changedNodes(tree, next))
      if (bytes === undefined) first.delete(node)
      else first.set(node, bytes)
    expect(restored(first, next.height).encode()).toEqual(next.encode())
  })

  test('one leaf changes one node a level', () => {
    const next = edited(fixture.tree, (draft) => draft.update(20, leafOf(fixture.tree, 20)))
    expect(changedNodes(fixture.tree, next).size).toBe(fixture.tree.height + 1)
    expect(changedNodes(next, next).size).toBe(0)
  })

  test('nodes that are no tree are refused', () => {
    const nodes = storedNodes(fixture.tree)
    const code = (work: () => Tree) => {
      try {
        work().encode()
      } catch (error) {
        return error instanceof MlsError ? error.code : 'not typed'
      }
      return 'accepted'
    }
    expect(code(() => restored(nodes, 6))).toBe('snapshot/damaged')
    expect(code(() => restored(nodes, 18))).toBe('snapshot/damaged')
    expect(code(() => restored(new Map(), 0))).toBe('snapshot/damaged')
    expect(code(() => restored(new Map([...nodes, [1, nodes.get(0)!]]), 5))).toBe('snapshot/damaged')
    expect(code(() => restored(new Map([...nodes, [0, nodes.get(1)!]]), 5))).toBe('snapshot/damaged')
    // one member less than the node above says
    expect(code(() => restored(new Map([...nodes].filter(([node]) => node !== 4)), 5))).toBe('snapshot/damaged')
    const counted = nodes.get(7)!.slice()
    counted[2 + suite.parameters.hashLength + 3] = 1
    expect(code(() => restored(new Map([...nodes, [7, counted]]), 5))).toBe('snapshot/damaged')
    expect(code(() => restored(new Map([...nodes, [0, nodes.get(0)!.subarray(0, 20)]]), 5))).toBe('snapshot/damaged')
  })
})

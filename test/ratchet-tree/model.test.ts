import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '../../src/bytes/text.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { pathNodes } from '../../src/ratchet-tree/parent-hash.ts'
import { checkParentHashes } from '../../src/ratchet-tree/parent-hash-validation.ts'
import { filteredPathOf } from '../../src/ratchet-tree/resolution.ts'
import { createTree, type Tree } from '../../src/ratchet-tree/tree.ts'
import { NaiveTree } from '../support/naive-tree.ts'
import { bytesOf, leafOf, suite } from './fixture.ts'

/** What a commit does: proposals on some members, then a path of another unless it only adds. */
interface Step {
  readonly updates: readonly number[]
  readonly removes: readonly number[]
  readonly adds: number
  readonly committer: number
}

const picks = fc.array(fc.nat(1000), { maxLength: 2 })
const step = fc.record({ updates: picks, removes: picks, adds: fc.nat(4), committer: fc.nat(1000) })

function members(tree: Tree): number[] {
  return [...tree.members()].map(([index]) => index)
}

function compare(tree: Tree, model: NaiveTree): void {
  expect(toHex(tree.treeHash)).toBe(toHex(model.treeHash(model.root)))
  expect(toHex(tree.encode())).toBe(toHex(model.encode()))
  expect(tree.leafCount).toBe(model.leafCount)
  expect(tree.memberCount).toBe(members(tree).length)
  for (let node = 0; node < model.nodes.length; node++) {
    expect(tree.resolution(node)).toEqual(model.resolution(node))
    const key = tree.encryptionKey(node)
    expect(key === undefined).toBe(model.nodes[node] === undefined)
    if (key !== undefined) expect(tree.nodeOfEncryptionKey(key)).toBe(node)
  }
  for (let leaf = 0; leaf < model.leafCount; leaf++)
    expect(tree.filteredDirectPath(leaf)).toEqual(model.filteredDirectPath(leaf))
  for (const [index, leaf] of tree.members()) {
    expect(tree.leafOfSignatureKey(leaf.signatureKey)).toBe(index)
    expect(tree.leaf(index)?.bytes).toBe(leaf.bytes)
  }
}

/** One commit on both; the members' leaves get real parent hashes. */
function commit(tree: Tree, model: NaiveTree, { updates, removes, adds, committer }: Step, name: string): Tree {
  const present = members(tree)
  const sender = present[committer % present.length]!
  const others = (list: readonly number[]) => [...new Set(list.map((i) => present[i % present.length]!))]
  const removed = others(removes).filter((index) => index !== sender)
  const updated = others(updates).filter((index) => index !== sender && !removed.includes(index))
  const draft = new TreeDraft(tree)
  for (const index of updated) {
    const leaf = leafOf(`${name} update ${index}`)
    draft.update(index, leaf)
    model.update(index, leaf.bytes)
  }
  for (const index of removed) {
    draft.remove(index)
    model.remove(index)
  }
  for (let i = 0; i < adds; i++) {
    const leaf = leafOf(`${name} add ${i}`)
    expect(draft.add(leaf)).toBe(model.add(leaf.bytes))
  }
  model.truncate()
  const between = draft.finish(suite)
  // a path is only left out where RFC 9420 §12.4 allows it
  if (updated.length + removed.length === 0 && adds > 0 && committer % 3 === 0) return between
  const path = filteredPathOf(between.root, between.height, sender)
  const keys = path.map(({ node }) => bytesOf(`${name} node ${node}`))
  const { nodes, leafParentHash } = pathNodes(suite, path, keys)
  expect(toHex(model.setPath(sender, keys))).toBe(toHex(leafParentHash))
  const leaf = leafOf(`${name} commit`, { leafNodeSource: 'commit', parentHash: leafParentHash } as never)
  model.nodes[2 * sender] = { leaf: leaf.bytes }
  const last = new TreeDraft(between)
  last.setPath(sender, leaf, nodes)
  return last.finish(suite)
}

test('random histories give the tree of the array form, and a tree that a joiner accepts (V160)', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      const first = leafOf('creator')
      let tree = createTree(suite, first)
      const model = new NaiveTree([{ leaf: first.bytes }])
      const history: [Tree, string][] = []
      steps.forEach((next, i) => {
        tree = commit(tree, model, next, `epoch ${i}`)
        compare(tree, model)
        for (const _ of checkParentHashes(suite, tree));
        history.push([tree, toHex(tree.encode())])
      })
      const imported = importTree(suite, tree.encode())
      compare(imported, model)
      // no epoch has changed by what followed
      for (const [old, encoded] of history) expect(toHex(old.encode())).toBe(encoded)
    }),
    { numRuns: 40 },
  )
})

test('a large bulk of adds equals the same adds in the array form', () => {
  const first = leafOf('creator')
  const model = new NaiveTree([{ leaf: first.bytes }])
  const draft = new TreeDraft(createTree(suite, first))
  for (let i = 0; i < 200; i++) {
    const leaf = leafOf(`bulk ${i}`)
    expect(draft.add(leaf)).toBe(model.add(leaf.bytes))
  }
  expect(toHex(draft.finish(suite).treeHash)).toBe(toHex(model.treeHash(model.root)))
})

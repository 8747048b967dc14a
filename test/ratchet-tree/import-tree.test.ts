import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../src/bytes/bytes.ts'
import { Writer } from '../../src/codec/writer.ts'
import { importTree } from '../../src/ratchet-tree/import-tree.ts'
import { wireLimits } from '../../src/wire/limits.ts'
import { NaiveTree } from '../support/naive-tree.ts'
import { bytesOf, failure, leafOf, parentOf, populated, suite } from './fixture.ts'

const attempt = (tree: NaiveTree) => failure(() => importTree(suite, tree.encode()))

function vectorOf(...parts: Uint8Array[]): Uint8Array {
  const writer = new Writer()
  writer.opaque(concatBytes(...parts))
  return writer.finish()
}
const leafNode = (name: string) => concatBytes(Uint8Array.of(1, 1), leafOf(name).bytes)
const blank = Uint8Array.of(0)
const parentNode = (name: string) => concatBytes(Uint8Array.of(1, 2, 32), bytesOf(name), Uint8Array.of(0, 0))

describe('RFC 9420 §12.4.3.3: structure', () => {
  const raw = (...parts: Uint8Array[]) => failure(() => importTree(suite, vectorOf(...parts)))

  test('twins: one leaf; a blank in the middle', () => {
    expect(raw(leafNode('a'))[0]).toBe('accepted')
    expect(raw(leafNode('a'), blank, blank, blank, leafNode('b'))[0]).toBe('accepted')
  })
  test('V019 an unknown node type', () => {
    for (const type of [0, 3]) {
      const node = leafNode('a')
      node[1] = type
      expect(raw(node)).toEqual(['codec/enum', 'V019'])
    }
  })
  test('V024 a leaf at an odd place, a parent at an even one', () => {
    expect(raw(leafNode('a'), leafNode('b'), leafNode('c'))).toEqual(['tree/structure', 'V024'])
    expect(raw(parentNode('p'), blank, leafNode('a'))).toEqual(['tree/structure', 'V024'])
  })
  test('V143 blank nodes at the end', () => {
    expect(raw(leafNode('a'), blank)).toEqual(['tree/structure', 'V143'])
    expect(raw(leafNode('a'), blank, blank)).toEqual(['tree/structure', 'V143'])
    expect(raw(blank)).toEqual(['tree/structure', 'V143'])
  })
  test('V144 a parent at the end', () => {
    expect(raw(leafNode('a'), parentNode('p'))).toEqual(['tree/structure', 'V144'])
    expect(raw(blank, parentNode('p'))).toEqual(['tree/structure', 'V144'])
  })
  test('V145 no nodes', () => expect(raw()).toEqual(['tree/structure', 'V145']))
  test('V146 more nodes than the limit', () => {
    expect(raw(new Uint8Array(2 * wireLimits.members), leafNode('a'))).toEqual(['limit/exceeded', 'V146'])
    const huge = new Uint8Array(wireLimits.treeBytes + 1)
    expect(failure(() => importTree(suite, huge))).toEqual(['limit/exceeded', 'V146'])
  })
  test('V156 a parent above blank leaves', () => {
    expect(raw(blank, parentNode('p'), blank, blank, leafNode('a'))).toEqual(['tree/parent_hash', 'V156'])
  })
  test('V010 bytes after the tree', () => {
    const bytes = concatBytes(vectorOf(leafNode('a')), blank)
    expect(failure(() => importTree(suite, bytes))).toEqual(['codec/trailing', 'V010'])
  })
})

describe('RFC 9420 §12.4.3.1: unmerged leaves', () => {
  const withUnmerged = (lists: Record<number, number[]>) => {
    const tree = populated(8)
    for (const [node, list] of Object.entries(lists)) parentOf(tree, Number(node)).unmerged = list
    return tree
  }
  test('twin: listed on the whole way', () => {
    expect(attempt(withUnmerged({ 7: [2, 3], 3: [2, 3], 5: [2, 3] }))[0]).toBe('accepted')
  })
  test('V147 out of order', () => {
    expect(attempt(withUnmerged({ 7: [3, 2], 3: [2, 3], 5: [2, 3] }))).toEqual(['tree/unmerged_leaves', 'V147'])
  })
  test('V148 twice', () => {
    expect(attempt(withUnmerged({ 5: [2, 2] }))).toEqual(['tree/unmerged_leaves', 'V148'])
  })
  test('V149 outside the tree, or blank', () => {
    for (const outside of [8, 2 ** 31, 2 ** 32 - 1])
      expect(attempt(withUnmerged({ 7: [outside] }))).toEqual(['tree/unmerged_leaves', 'V149'])
    const tree = populated(8)
    tree.nodes[4] = undefined
    parentOf(tree, 5).unmerged = [2]
    expect(attempt(tree)).toEqual(['tree/unmerged_leaves', 'V149'])
  })
  test('V150 of another subtree', () => {
    expect(attempt(withUnmerged({ 3: [4] }))).toEqual(['tree/unmerged_leaves', 'V150'])
    expect(attempt(withUnmerged({ 11: [3] }))).toEqual(['tree/unmerged_leaves', 'V150'])
  })
  test('R13 a list as long as the message allows is left at once', () => {
    const list = Array.from({ length: 100_000 }, () => 0)
    expect(attempt(withUnmerged({ 1: list }))).toEqual(['tree/unmerged_leaves', 'V148'])
  })
  test('V151 not listed by a node between', () => {
    expect(attempt(withUnmerged({ 7: [2], 5: [2] }))).toEqual(['tree/unmerged_leaves', 'V151'])
    expect(attempt(withUnmerged({ 3: [2] }))).toEqual(['tree/unmerged_leaves', 'V151'])
  })
})

describe('unique keys', () => {
  test('V123 a signature key twice', () => {
    const tree = new NaiveTree([{ leaf: leafOf('a').bytes }])
    tree.add(leafOf('b', { signatureKey: bytesOf('signature a') }).bytes)
    expect(attempt(tree)).toEqual(['leaf/key_reuse', 'V123'])
  })
  test('V124 an encryption key at two leaves', () => {
    const tree = new NaiveTree([{ leaf: leafOf('a').bytes }])
    tree.add(leafOf('b', { encryptionKey: bytesOf('encryption a') }).bytes)
    expect(attempt(tree)).toEqual(['leaf/key_reuse', 'V124'])
  })
  test('V125 a key at a leaf and a parent', () => {
    const tree = populated(4)
    parentOf(tree, 5).key = bytesOf('encryption first member 0')
    expect(attempt(tree)).toEqual(['leaf/key_reuse', 'V125'])
  })
  test('V161 a key at two parents', () => {
    const tree = populated(4)
    parentOf(tree, 5).key = parentOf(tree, 1).key
    expect(attempt(tree)).toEqual(['leaf/key_reuse', 'V161'])
  })
  test('V032 a key longer than any suite has', () => {
    const tree = new NaiveTree([{ leaf: leafOf('a', { encryptionKey: new Uint8Array(267) }).bytes }])
    expect(attempt(tree)).toEqual(['crypto/key', 'V032'])
  })
})

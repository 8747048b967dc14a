import { describe, expect, test } from 'vitest'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { PrivateTree } from '../../src/ratchet-tree/private-tree.ts'
import { pathOf } from '../../src/ratchet-tree/resolution.ts'
import { createTree, type Tree } from '../../src/ratchet-tree/tree.ts'
import { blankTreeHash } from '../../src/ratchet-tree/tree-hash.ts'
import { wireLimits } from '../../src/wire/limits.ts'
import { NaiveTree } from '../support/naive-tree.ts'
import { populatedTree } from '../support/populated-tree.ts'
import { bytesOf, failure, leafOf, suite } from './fixture.ts'

function grown(members: number): Tree {
  const draft = new TreeDraft(createTree(suite, leafOf('member 0')))
  for (let i = 1; i < members; i++) draft.add(leafOf(`member ${i}`))
  return draft.finish(suite)
}
const outside = [-1, 0.5, Number.NaN, 8, 2 ** 31, 2 ** 32 - 1, 2 ** 40]

describe('look-ups', () => {
  test('V026, V065: any number is a safe index', () => {
    const tree = grown(5)
    for (const index of outside) {
      expect(tree.leaf(index)).toBe(undefined)
      expect(tree.parentNode(index * 2 + 1)).toBe(undefined)
      expect(tree.encryptionKey(index * 2)).toBe(undefined)
    }
    expect(tree.parentNode(0)).toBe(undefined)
    expect(tree.leaf(5)).toBe(undefined)
    expect(tree.leaf(4)).toBeDefined()
  })
  test('keys that are not there', () => {
    const tree = grown(3)
    expect(tree.nodeOfEncryptionKey(bytesOf('nobody'))).toBe(undefined)
    expect(tree.leafOfSignatureKey(new Uint8Array(100_000))).toBe(undefined)
    expect(tree.leafOfSignatureKey(leafOf('member 0').leafNode.signatureKey)).toBe(0)
  })
})

describe('drafts', () => {
  test('V065: update and remove want a member', () => {
    const draft = new TreeDraft(grown(5))
    for (const index of [...outside, 5]) {
      expect(failure(() => draft.update(index, leafOf('x')))).toEqual(['tree/index', 'V065'])
      expect(failure(() => draft.remove(index))).toEqual(['tree/index', 'V065'])
    }
  })
  test('a group without members is no tree', () => {
    const draft = new TreeDraft(grown(2))
    draft.remove(0)
    draft.remove(1)
    expect(failure(() => draft.finish(suite))[0]).toBe('tree/structure')
  })
  test('a draft ends once', () => {
    const draft = new TreeDraft(grown(2))
    draft.finish(suite)
    expect(failure(() => draft.add(leafOf('late')))[0]).toBe('internal/unreachable')
    expect(failure(() => draft.finish(suite))[0]).toBe('internal/unreachable')
  })
  test('keys may move within one draft, but not be doubled', () => {
    const tree = grown(3)
    const swapped = new TreeDraft(tree)
    swapped.remove(0)
    swapped.add(leafOf('member 0'))
    expect(swapped.finish(suite).leafOfSignatureKey(bytesOf('signature member 0'))).toBe(0)
    const doubled = new TreeDraft(tree)
    doubled.add(leafOf('new', { signatureKey: bytesOf('signature member 2') }))
    expect(failure(() => doubled.finish(suite))).toEqual(['leaf/key_reuse', 'V123'])
    const twice = new TreeDraft(tree)
    twice.add(leafOf('a', { encryptionKey: bytesOf('k') }))
    twice.add(leafOf('b', { encryptionKey: bytesOf('k') }))
    expect(failure(() => twice.finish(suite))).toEqual(['leaf/key_reuse', 'V124'])
  })
  test('R10: a tree does not grow beyond its limit', () => {
    const draft = new TreeDraft(grown(1))
    const leaf = leafOf('again')
    while (draft.memberCount < wireLimits.members) draft.add(leaf)
    expect(failure(() => draft.add(leaf))).toEqual(['limit/exceeded', 'R10'])
  })
  test('the next free leaf is the leftmost blank one', () => {
    const draft = new TreeDraft(grown(9))
    for (const index of [6, 2, 8]) draft.remove(index)
    const tree = draft.finish(suite)
    expect([tree.leafCount, tree.memberCount, tree.freeLeaf]).toEqual([8, 6, 2])
    const more = new TreeDraft(tree)
    expect([0, 1, 2].map((i) => more.add(leafOf(`more ${i}`)))).toEqual([2, 6, 8])
    expect(more.leafCount).toBe(16)
  })
})

describe('RFC 9420 §7.2: what members support', () => {
  const able = (extensions: number[], proposals: number[]) => ({
    capabilities: { versions: [1], cipherSuites: [1], extensions, proposals, credentials: [1] },
  })
  test('counts follow the members', () => {
    const draft = new TreeDraft(createTree(suite, leafOf('a', able([0xf00d, 0xf00d], [9]))))
    draft.add(leafOf('b', able([0xf00d], [])))
    const two = draft.finish(suite)
    expect(two.allSupport('extensions', 0xf00d)).toBe(true)
    expect(two.supportCount('extensions', 0xf00d)).toBe(2)
    expect(two.allSupport('proposals', 9)).toBe(false)
    expect(two.allSupport('proposals', 0xf00d)).toBe(false)
    // default types are never listed
    for (let type = 1; type <= 5; type++) expect(two.allSupport('extensions', type)).toBe(true)
    for (let type = 1; type <= 7; type++) expect(two.allSupport('proposals', type)).toBe(true)
    expect(two.allSupport('credentials', 2)).toBe(false)
    const without = new TreeDraft(two)
    without.remove(1)
    expect(without.finish(suite).allSupport('proposals', 9)).toBe(true)
    const other = new TreeDraft(two)
    other.update(0, leafOf('c', able([], [])))
    expect(other.finish(suite).supportCount('extensions', 0xf00d)).toBe(1)
    expect(two.supportCount('extensions', 0xf00d)).toBe(2)
  })
  test('credential types in use', () => {
    const x509 = { credential: { credentialType: 'x509', certificates: [] } } as const
    const draft = new TreeDraft(createTree(suite, leafOf('a')))
    draft.add(leafOf('b', x509))
    const tree = draft.finish(suite)
    expect([...tree.credentialTypesInUse()].sort()).toEqual([1, 2])
    const after = new TreeDraft(tree)
    after.remove(1)
    expect([...after.finish(suite).credentialTypesInUse()]).toEqual([1])
  })
})

test('blank subtrees of any height and place have the hash of the array form', () => {
  for (const [height, position] of [
    [0, 5],
    [2, 1],
    [3, 0],
    [4, 3],
    [11, 1],
  ] as const) {
    const leaves = 2 ** height
    // the array form knows trees that begin at leaf 0, so the subtree is looked up in one that is large enough
    const whole = new NaiveTree(new Array(2 * leaves * 2 ** Math.ceil(Math.log2(position + 1)) - 1).fill(undefined))
    const node = position * 2 * leaves + leaves - 1
    for (let again = 0; again < 2; again++) expect(blankTreeHash(suite, height, position)).toEqual(whole.treeHash(node))
  }
})

describe('private trees', () => {
  const pair = (name: string) => ({ publicKey: bytesOf(name), privateKey: bytesOf(`private ${name}`) })
  test('keys of blank or replaced nodes go', () => {
    const draft = new TreeDraft(grown(2))
    const parent = { encryptionKey: bytesOf('root'), parentHash: new Uint8Array(0), unmergedLeaves: [] }
    draft.setPath(0, leafOf('member 0'), new Map([[1, parent]]))
    const tree = draft.finish(suite)
    const own = new PrivateTree(1, [
      [2, pair('encryption member 1')],
      [1, pair('root')],
    ])
    expect(own.withoutBlanked(tree)).toBe(own)
    const blanked = new TreeDraft(tree)
    blanked.update(0, leafOf('new'))
    const kept = own.withoutBlanked(blanked.finish(suite))
    expect([...kept.entries()].map(([node]) => node)).toEqual([2])
    own.wipeReplaced(kept)
    expect(own.keyPair(1)?.privateKey).toEqual(new Uint8Array(32))
    expect(kept.keyPair(2)?.privateKey).toEqual(bytesOf('private encryption member 1'))
    kept.wipe()
    expect(kept.keyPair(2)?.privateKey).toEqual(new Uint8Array(32))
  })
})

describe('architecture §3: the cost of a commit', () => {
  /** The suite, counting what it hashes. */
  function counting() {
    const counter = { hashes: 0, suite: suite as CipherSuite }
    counter.suite = {
      parameters: suite.parameters,
      hash(data: Uint8Array) {
        counter.hashes++
        return suite.hash(data)
      },
      hashMany(data: readonly Uint8Array[]) {
        counter.hashes += data.length
        return suite.hashMany(data)
      },
    } as unknown as CipherSuite
    return counter
  }
  test.each([8, 64, 1024])('one hash a level in a populated tree of %i members', (members) => {
    const { tree } = populatedTree(suite, members)
    const counter = counting()
    const draft = new TreeDraft(tree)
    draft.update(members / 2, leafOf('new'))
    draft.finish(counter.suite)
    expect(counter.hashes).toBe(Math.log2(members) + 1)
  })
  test('all subtrees beside the path are those of the earlier epoch', () => {
    const { tree } = populatedTree(suite, 64)
    const draft = new TreeDraft(tree)
    draft.update(21, leafOf('new'))
    const [before, after] = [tree, draft.finish(suite)].map((version) => pathOf(version.root, version.height, 21))
    expect(after?.map(({ sibling }) => sibling.subtree)).toEqual(before?.map(({ sibling }) => sibling.subtree))
    after?.forEach(({ sibling }, i) => {
      expect(sibling.subtree === before?.[i]?.sibling.subtree).toBe(true)
    })
  })
})

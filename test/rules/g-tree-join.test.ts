/** Group G: the ratchet tree of a Welcome (RFC 9420 §7.8, §7.9, §12.4.3.1, §12.4.3.3), by a malicious inviter. */
import { beforeAll, describe } from 'vitest'
import { ascii, type Bytes } from '../../src/bytes/bytes.ts'
import type { LeafNodeContent } from '../../src/wire/leaf-node.ts'
import { wireLimits } from '../../src/wire/limits.ts'
import { decodeTree, encodeTree, type FlatTree, parentHashOf, type TreeForgery } from '../support/flat-tree.ts'
import { type JoinWorld, joinCases, makeJoinWorld } from '../support/join-cases.ts'
import { flip } from '../support/world.ts'

/*
 * leaf 0 adds leaf 6 with a path; leaf 3 set node 5 and leaf 5 set node 9 before:
 *
 *                 7
 *         3               11 (blank)
 *     1       5       9       13 (blank)
 *   0   1   2   3   4   5   6 (we)
 */
let all: JoinWorld
beforeAll(async () => {
  all = await makeJoinWorld({ members: 6, commits: [3, 5, 0] })
})
const join = joinCases(() => all)

describe('what the builder makes is accepted', () => {
  join('V160 a tree that was not bent', undefined, {})
  join('V160 a tree whose path was computed again', undefined, { tree: (tree) => tree.commitPath(0) })
  join('V160 unmerged leaves above', undefined, { path: false })
})

describe('structure', () => {
  const nodes = (change: (nodes: FlatTree) => FlatTree) => ({
    encodedTree: (bytes: Bytes) => encodeTree(change(decodeTree(bytes))),
  })
  join('V142 a flipped byte of a leaf', 'V142', { encodedTree: (bytes) => flip(bytes, -1) })
  join(
    'V143 blank nodes at the end',
    'V143',
    nodes((list) => [...list, undefined, undefined]),
  )
  join(
    'V144 a parent at the end',
    'V144',
    nodes((list) => [
      ...list,
      { nodeType: 'parent', parentNode: { encryptionKey: ascii('x'), parentHash: ascii(''), unmergedLeaves: [] } },
    ]),
  )
  join(
    'V144 V024 a single parent',
    'V024',
    nodes((list) => [list[9]]),
  )
  join(
    'V145 no nodes',
    'V145',
    nodes(() => []),
  )
  join(
    'V146 R10 more nodes than a group may have',
    'V146',
    nodes(() => new Array(2 * wireLimits.members).fill(undefined)),
  )
  join(
    'V024 a leaf in the place of a parent',
    'V024',
    nodes((list) => list.map((node, i) => (i === 1 ? list[0] : node))),
  )
  join(
    'V024 a parent in the place of a leaf',
    'V024',
    nodes((list) => list.map((node, i) => (i === 2 ? list[1] : node))),
  )
  for (const type of [0, 3, 255])
    join(`V019 a node of type ${type}`, 'V019', { encodedTree: (bytes) => patched(bytes, 1, type) })
  for (const presence of [2, 3, 255])
    join(`V001 a node with the presence octet ${presence}`, 'V001', {
      encodedTree: (bytes) => patched(bytes, 0, presence),
    })
  join('V010 a byte after the tree', 'V010', { encodedTree: (bytes) => new Uint8Array([...bytes, 0]) })
  join('V164 no tree at all', 'V164', { treeExtension: false })
})

/** Sets a byte counted from the first node; the header of a tree of this size has two bytes. */
function patched(bytes: Bytes, offset: number, value: number): Bytes {
  const copy = bytes.slice()
  copy[2 + offset] = value
  return copy
}

describe('unmerged leaves', () => {
  const unmerged = (node: number, list: readonly number[]) => ({
    tree: (tree: TreeForgery) => tree.setParent(node, { unmergedLeaves: list }),
  })
  join('V147 out of order', 'V147', unmerged(1, [1, 0]))
  join('V148 twice', 'V148', unmerged(1, [1, 1]))
  join('V149 a blank leaf', 'V149', unmerged(7, [7]))
  join('V149 a leaf outside the tree', 'V149', unmerged(7, [8]))
  join('V149 V026 a leaf far outside the tree', 'V149', unmerged(7, [2 ** 32 - 1]))
  join('V150 a leaf of another subtree', 'V150', unmerged(1, [2]))
  join('V151 a node between does not list the leaf', 'V151', unmerged(7, [2]))
  join('R13 too many unmerged leaves in all', 'V148', unmerged(7, new Array(100).fill(6)))
})

describe('parent hashes', () => {
  const bendLeaf = (index: number) => (tree: TreeForgery) =>
    tree.setLeaf(
      index,
      (leaf) =>
        ({
          ...leaf,
          parentHash: flip(leaf.leafNodeSource === 'commit' ? leaf.parentHash : new Uint8Array(1)),
        }) as LeafNodeContent,
    )
  join('V152 a leaf that is unmerged below and not above', 'V152', {
    tree: async (tree) => {
      tree.setParent(1, { unmergedLeaves: [1] })
      await tree.commitPath(0)
    },
  })
  join('V153 a flipped parent hash of a leaf', 'V153', { tree: bendLeaf(0) })
  join('V153 a flipped parent hash of a parent', 'V153', {
    tree: async (tree) => {
      tree.setParent(1, { parentHash: flip(tree.parent(1).parentHash) })
      await tree.commitPath(0, 1)
    },
  })
  join('V154 an empty parent hash below the root', 'V154', {
    tree: async (tree) => {
      tree.setParent(3, { parentHash: new Uint8Array(0) })
      await tree.commitPath(0, 2)
    },
  })
  join('V155 a root with a parent hash', 'V155', {
    tree: async (tree) => {
      tree.setParent(7, { parentHash: new Uint8Array(32) })
      await tree.commitPath(0, 3)
    },
  })
  join('V156 a parent that no leaf vouches for', 'V156', {
    tree: async (tree) => {
      const lifetime = { notBefore: 0n, notAfter: 2n ** 40n }
      await tree.setLeaf(5, (leaf) => ({ ...leaf, leafNodeSource: 'key_package', lifetime }) as LeafNodeContent)
      await tree.commitPath(0)
    },
  })
  join('V158 a chain by a node outside the resolution', 'V158', {
    tree: async (tree) => {
      tree.nodes[5] = undefined
      const parentHash = parentHashOf(tree.nodes, 3, 1)
      await tree.setLeaf(2, (leaf) => ({ ...leaf, leafNodeSource: 'commit', parentHash }) as LeafNodeContent)
    },
  })
  join('V159 the left half is right and the right half is not', 'V153', {
    tree: async (tree) => {
      await bendLeaf(5)(tree)
      await tree.commitPath(0)
    },
  })
  join('V159 only the highest parent is not vouched for', 'V153', {
    tree: async (tree) => {
      tree.setParent(3, { parentHash: flip(tree.parent(3).parentHash) })
      await tree.commitPath(0, 2)
    },
  })
})

describe('keys', () => {
  join('V161 two parents with one key', 'V161', {
    tree: (tree) => tree.setParent(9, { encryptionKey: tree.parent(5).encryptionKey }),
  })
  join('V125 a parent with the key of a leaf', 'V125', {
    tree: (tree) => tree.setParent(9, { encryptionKey: tree.leaf(1).encryptionKey }),
  })
  join('V124 two leaves with one key', 'V124', {
    tree: (tree) => tree.setLeaf(2, (leaf) => ({ ...leaf, encryptionKey: tree.leaf(1).encryptionKey })),
  })
  join('V123 two leaves with one signature key', 'V123', {
    tree: (tree) => tree.setLeaf(2, (leaf) => ({ ...leaf, signatureKey: tree.leaf(1).signatureKey })),
  })
  join('V162 a parent with a bad key', 'V162', {
    tree: async (tree) => {
      tree.setParent(9, { encryptionKey: tree.parent(9).encryptionKey.slice(1) })
      await tree.commitPath(5, 1)
      await tree.commitPath(0)
    },
  })
  join('V162 V034 a parent with a low-order key', 'V162', {
    tree: async (tree) => {
      tree.setParent(9, { encryptionKey: new Uint8Array(32) })
      await tree.commitPath(5, 1)
      await tree.commitPath(0)
    },
  })
  join('V032 a key longer than any', 'V032', {
    tree: (tree) => tree.setParent(9, { encryptionKey: new Uint8Array(300) }),
  })
})

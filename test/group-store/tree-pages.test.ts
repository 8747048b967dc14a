import { describe, expect, test } from 'vitest'
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import { openGroupStore } from '../../src/group-store/group-store.ts'
import { tables } from '../../src/group-store/layout.ts'
import { type StoredTree, TreePages } from '../../src/group-store/tree-pages.ts'
import type { Storage, StorageKey } from '../../src/ports/storage.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { applyTreeDelta, encodeTreeDelta } from '../../src/ratchet-tree/tree-delta.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { populatedGroup } from '../support/populated-group.ts'
import { populatedTree } from '../support/populated-tree.ts'
import { openSuite } from '../support/suite.ts'
import { random } from './support.ts'

const suite = openSuite(1)
const life = random(20)
const nameKey = random(32)

async function stored(members: number) {
  const { tree } = populatedTree(suite, members)
  const storage = await openMemoryStorage({ randomBytes: random })
  const pages = new TreePages(storage, nameKey, life)
  const { heads, operations } = await pages.replace(undefined, tree)
  await storage.apply(operations)
  const count = async () => (await storage.scanKeys(tables.pages, { limit: 65_536 })).length
  return { storage, pages, state: { tree, heads } as StoredTree, count }
}

describe('the tree as pages', () => {
  test('a tree comes back as it was, and only its own pages are there after many changes', async () => {
    const { storage, pages, state, count } = await stored(300)
    let now = state
    const leaf = (index: number) => ({
      bytes: state.tree.leaf(index)!.bytes,
      leafNode: state.tree.leaf(index)!.leafNode,
    })
    const edits: ((draft: TreeDraft) => void)[] = [
      (draft) => draft.update(17, leaf(17)),
      (draft) => draft.remove(100),
      (draft) => {
        for (let index = 256; index < 300; index++) draft.remove(index)
      },
      (draft) => {
        for (let index = 256; index < 300; index++) draft.add(leaf(index))
      },
    ]
    for (const edit of edits) {
      const draft = new TreeDraft(now.tree)
      edit(draft)
      const tree = draft.finish(suite)
      const { heads, operations } = await pages.replace(now, tree)
      await storage.apply(operations)
      now = { tree, heads }
      const again = await pages.open(suite, heads)
      expect(again.treeHash).toEqual(tree.treeHash)
      expect(again.encode()).toEqual(tree.encode())
      const other = await openMemoryStorage({ randomBytes: random })
      const fresh = await new TreePages(other, nameKey, life).replace(undefined, tree)
      expect(await count()).toBe(fresh.operations.filter(({ kind }) => kind === 'put').length)
    }
  })

  test('one changed leaf writes a page in each band and the way to it', async () => {
    const { pages, state } = await stored(300)
    const draft = new TreeDraft(state.tree)
    draft.update(17, { bytes: state.tree.leaf(17)!.bytes, leafNode: state.tree.leaf(17)!.leafNode })
    const { operations } = await pages.replace(state, draft.finish(suite))
    const kinds = operations.map(({ kind }) => kind).sort()
    // band 0: a leaf page and the page above; band 1: one page
    expect(kinds).toEqual(['delete', 'delete', 'delete', 'put', 'put', 'put'])
  })

  test('a page that is missing or another one is damage', async () => {
    const { storage, pages, state } = await stored(300)
    const [first, second] = await storage.scan(tables.pages, { limit: 2 })
    await storage.apply([{ kind: 'put', table: tables.pages, key: first!.key, value: second!.value }])
    const opened = await pages.open(suite, state.heads)
    expect(() => opened.encode()).toThrow(MlsError)
    await expect(pages.check()).rejects.toMatchObject({ code: 'storage/damaged' })
    await storage.apply([{ kind: 'delete', table: tables.pages, key: first!.key }])
    const without = new TreePages(storage, nameKey, life)
    const again = await without.open(suite, state.heads)
    expect(() => again.encode()).toThrow(MlsError)
    await expect(without.check()).rejects.toMatchObject({ code: 'storage/damaged' })
  })

  test('another owner who has replaced pages is told from damage', async () => {
    const { tree } = populatedTree(suite, 300)
    const medium = new MemoryMedium()
    const storage = await openMemoryStorage({ medium, randomBytes: random })
    const { heads, operations } = await new TreePages(storage, nameKey, life).replace(undefined, tree)
    await storage.apply(operations)
    const pages = new TreePages(storage, nameKey, life)
    const opened = await pages.open(suite, heads)
    const other = await openMemoryStorage({ medium, randomBytes: random })
    await other.apply([{ kind: 'delete_prefix', table: tables.pages, prefix: life }])
    expect(() => opened.encode()).toThrow(MlsError)
    await expect(pages.check()).rejects.toMatchObject({ code: 'storage/fenced' })
  })
})

describe('opening reads little', () => {
  /** How many pages are read, by whom. */
  async function counted(members: number, late = false) {
    const { storage, state } = await stored(members)
    let reads = 0
    const readNow = (keys: readonly StorageKey[]) => {
      reads += keys.length
      return storage.readNow!(keys)
    }
    const watched: Storage = Object.assign(Object.create(storage) as Storage, { readNow: late ? undefined : readNow })
    const pages = new TreePages(watched, nameKey, life)
    return { storage, pages, state, reads: () => reads }
  }

  test('the pages of the nodes that somebody looks at', async () => {
    const { pages, state, reads } = await counted(1000)
    const tree = await pages.open(suite, state.heads)
    expect([tree.memberCount, tree.treeHash]).toEqual([1000, state.tree.treeHash])
    // the root and its children lie in one page of the upper band
    expect(reads()).toBe(1)
    expect(tree.leaf(999)!.bytes).toEqual(state.tree.leaf(999)!.bytes)
    // the page of the leaf, that of the first leaf beside the way down, and the index page above them
    expect(reads()).toBeLessThanOrEqual(4)
    expect(tree.encode()).toEqual(state.tree.encode())
    const all = reads()
    expect(all).toBeGreaterThan(32)
    expect(tree.leafOfSignatureKey(state.tree.leaf(5)!.signatureKey)).toBe(5)
    expect(reads()).toBe(all)
  })

  test('the indexes are made with stops, a few pages apart', async () => {
    const { pages, state, reads } = await counted(1000)
    const tree = await pages.open(suite, state.heads)
    const read: number[] = []
    let before = reads()
    for (const _ of tree.indexSteps()) {
      read.push(reads() - before)
      before = reads()
    }
    expect(read.length).toBeGreaterThan(7)
    // 256 nodes in pages of 63, and those of the bands above
    expect(Math.max(...read)).toBeLessThanOrEqual(8)
    for (const { node, subtree } of state.tree.nodes())
      expect(tree.nodeOfEncryptionKey(subtree.encryptionKey)).toBe(node)
    for (const [leaf, { signatureKey }] of state.tree.members())
      expect(tree.leafOfSignatureKey(signatureKey)).toBe(leaf)
    expect(tree.credentialTypesInUse()).toEqual(state.tree.credentialTypesInUse())
    expect([...tree.indexSteps()]).toEqual([])
  })

  test('the first commit after opening gives way while the indexes are made, a later one need not', async () => {
    const { fixture, member } = populatedGroup(suite, 1000)
    const medium = new MemoryMedium()
    let [pauses, now] = [0, 0]
    const open = async () =>
      openGroupStore({
        storage: await openMemoryStorage({ medium, randomBytes: random }),
        // each look at the clock costs two of the five milliseconds of a slice
        config: makeConfig(
          {},
          {
            authentication: basicAuthentication(),
            psks: { externalPsk: () => undefined },
            clock: { now: () => (now += 2) },
            pause: async () => {
              pauses++
            },
          },
        ),
        suite: () => suite,
        signer: () => fixture.signer(7),
        randomBytes: random,
      })
    const other = member(0)
    await (await open()).adopt(member(7))
    const stored = await (await open()).open(other.id)
    const paused: number[] = []
    for (let i = 0; i < 2; i++) {
      const { commit, staged } = await other.commit()
      other.merge(staged)
      const start = pauses
      await stored.receive({ message: commit })
      paused.push(pauses - start)
    }
    expect(paused[0]).toBeGreaterThan(2)
    expect(paused[1]).toBe(0)
  })

  test.each([false, true])(
    'what later batches delete stays readable (storage that answers later: %s)',
    async (late) => {
      const { storage, pages, state } = await counted(1000, late)
      const before = await pages.open(suite, state.heads)
      let now: StoredTree = { tree: before, heads: state.heads }
      let twin = state.tree
      for (const index of [17, 900, 17, 63, 64, 500]) {
        const draft = new TreeDraft(twin)
        draft.update(index, { bytes: twin.leaf(index)!.bytes, leafNode: twin.leaf(index)!.leafNode })
        const edited = draft.finish(suite)
        // by a difference, which looks at the nodes that it changes alone
        const tree = applyTreeDelta(suite, now.tree, encodeTreeDelta(twin, edited))
        twin = edited
        const { heads, operations } = await pages.replace(now, tree)
        await storage.apply(operations)
        now = { tree, heads }
      }
      expect(before.encode()).toEqual(state.tree.encode())
      expect(now.tree.encode()).toEqual(twin.encode())
      expect(now.tree.encode()).toEqual((await new TreePages(storage, nameKey, life).open(suite, now.heads)).encode())
      await pages.check()
    },
  )
})

import { describe, expect, test } from 'vitest'
import { MlsError } from '../../src/bytes/errors.ts'
import { tables } from '../../src/group-store/layout.ts'
import { type StoredTree, TreePages } from '../../src/group-store/tree-pages.ts'
import { TreeDraft } from '../../src/ratchet-tree/draft.ts'
import { openMemoryStorage } from '../../src/storage/memory.ts'
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
    await expect(pages.open(suite, state.heads)).rejects.toMatchObject({ code: 'storage/damaged' })
    await storage.apply([{ kind: 'delete', table: tables.pages, key: first!.key }])
    await expect(pages.open(suite, state.heads)).rejects.toBeInstanceOf(MlsError)
  })
})

import { expect, test } from 'vitest'
import type { Storage, StorageOperation } from '../../src/ports/storage.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { type StorageSubject, storageChecks } from '../../src/testing/storage/index.ts'

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))

/** The memory driver with a fault: what `change` returns replaces its methods. */
function mutant(change: (store: Storage, medium: MemoryMedium) => Partial<Storage>): () => StorageSubject {
  return () => {
    const medium = new MemoryMedium()
    const open = async (ifOwned: 'take' | 'refuse') => {
      const store = await openMemoryStorage({ medium, randomBytes, ifOwned })
      return { ...store, ...change(store, medium) }
    }
    return { open: () => open('take'), openPolitely: () => open('refuse') }
  }
}

const later = () => new Promise((resolve) => setTimeout(resolve, 1))

const mutants: Record<string, () => StorageSubject> = {
  'applies one operation at a time': mutant((store) => ({
    apply: async (batch) => {
      for (const operation of batch) await store.apply([operation])
    },
  })),
  'does not look at the fence of an empty batch': mutant((store) => ({
    apply: async (batch) => (batch.length === 0 ? undefined : store.apply(batch)),
  })),
  'has no fence': () => {
    const medium = new MemoryMedium()
    let last: Storage
    return {
      open: async () => {
        last = await openMemoryStorage({ medium, randomBytes })
        return { ...last, apply: (batch) => last.apply(batch) }
      },
    }
  },
  'copies late': mutant((store) => ({
    apply: async (batch) => {
      await later()
      await store.apply(batch)
    },
  })),
  'does not keep the order of batches': mutant((store) => ({
    apply: async (batch) => {
      const copy = structuredClone(batch) as StorageOperation[]
      await new Promise((resolve) => setTimeout(resolve, batch.length > 2 ? 3 : 0))
      await store.apply(copy)
    },
  })),
  'acknowledges before it applies': mutant((store) => ({
    apply: async (batch) => {
      const copy = structuredClone(batch) as StorageOperation[]
      setTimeout(() => void store.apply(copy).catch(() => undefined), 1)
    },
  })),
  'ignores deletion by prefix': mutant((store) => ({
    apply: (batch) => store.apply(batch.filter((operation) => operation.kind !== 'delete_prefix')),
  })),
  'ignores deletion': mutant((store) => ({
    apply: (batch) => store.apply(batch.filter((operation) => operation.kind !== 'delete')),
  })),
  'scans forwards only': mutant((store) => ({
    scan: (table, range) => store.scan(table, { ...range, reverse: false }),
  })),
  'leaves `before` out': mutant((store) => ({
    scan: (table, { before: _, ...range }) => store.scan(table, range),
    scanKeys: (table, { before: _, ...range }) => store.scanKeys(table, range),
  })),
  'orders keys as text': mutant((store) => ({
    scanKeys: async (table, range) => {
      const keys = await store.scanKeys(table, { ...range, limit: 1000 })
      return keys.sort((a, b) => (a.join() < b.join() ? -1 : 1)).slice(0, range.limit)
    },
  })),
  'takes any limit': mutant((store) => ({
    scan: (table, range) => store.scan(table, { ...range, limit: range.limit > 0 ? Math.min(range.limit, 9) : 1 }),
  })),
  'lends its memory': mutant((_, medium) => ({
    get: async (table, key) =>
      medium.read(new Uint8Array([...new TextEncoder().encode(table), 0, ...key])) as Awaited<
        ReturnType<Storage['get']>
      >,
  })),
  'answers errors with undefined': mutant((store) => ({
    get: (table, key) => store.get(table, key).catch(() => undefined),
  })),
  'keeps answering after close': mutant(() => ({ close: async () => undefined })),
  'forgets on opening again': () => ({ open: () => openMemoryStorage({ randomBytes }) }),
  'counts nothing': mutant(() => ({ sizes: async () => ({ tables: new Map(), mediumBytes: undefined }) })),
}

for (const [name, subject] of Object.entries(mutants))
  test(`the conformance kit finds a driver that ${name}`, async () => {
    const failed: string[] = []
    for (const check of storageChecks) await check.run(subject()).catch(() => failed.push(check.name))
    expect(failed).not.toEqual([])
  })

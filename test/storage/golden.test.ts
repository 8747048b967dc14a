import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Storage } from '../../src/ports/storage.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { passphraseMasterKey, rawMasterKey } from '../../src/storage/master-key.ts'
import { openMemoryStorage } from '../../src/storage/memory.ts'
import { decodeHead } from '../../src/storage/page-format.ts'
import { PageStore } from '../../src/storage/pages.ts'
import { readRecord } from '../../src/storage/records.ts'
import { openSealedStorage } from '../../src/storage/sealed.ts'
import {
  type Dump,
  goldenEntry,
  goldenFiles,
  goldenMasterKey,
  goldenPassphrase,
  goldenRecord,
  goldenValue,
} from './golden/make.ts'

const folder = join(import.meta.dirname, 'golden')
const text = (value: string) => new TextEncoder().encode(value)
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const file = (name: string) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')
const rowsOf = (lines: string[]) => lines.map((line) => line.split(' ') as Dump[number])

async function restored(rows: Dump): Promise<Storage> {
  const storage = await openMemoryStorage({ randomBytes })
  await storage.apply(rows.map(([table, key, value]) => ({ kind: 'put', table, key: bytes(key), value: bytes(value) })))
  return storage
}

function expectGolden(record: unknown): void {
  expect(JSON.stringify(record)).toBe(JSON.stringify(goldenValue))
}

describe('golden files of format 1', () => {
  test('record', () => expectGolden(goldenRecord.decode(bytes(file('record-1.txt')[0]!))))

  test.each(['raw', 'passphrase'] as const)('sealed store, %s key', { timeout: 60_000 }, async (kind) => {
    const storage = await restored(rowsOf(file(`sealed-${kind}-1.txt`)))
    const masterKey =
      kind === 'raw' ? rawMasterKey(goldenMasterKey, randomBytes) : passphraseMasterKey(goldenPassphrase, randomBytes)
    const store = await openSealedStorage({ storage, masterKey, randomBytes })
    expect(await store.get('rows', text('first'))).toEqual(text('value 1'))
    expect(await store.get('rows', text('second'))).toEqual(text('value 2'))
    const blind = Buffer.from(store.blind(text('id'))).toString('hex')
    expect(await store.get('rows', text('blind'))).toEqual(text(blind))
    expectGolden(await readRecord(store, 'records', text('r'), goldenRecord))
  })

  test('pages', async () => {
    const [head, ...lines] = file('pages-1.txt')
    const pages = new PageStore({ storage: await restored(rowsOf(lines)), table: 'pages', prefix: text('p') })
    const all = Array.from({ length: 200 }, (_, i) => i)
    expect(await pages.get(decodeHead(bytes(head!)), all)).toEqual(all.map(goldenEntry))
  })

  test('LMDB', async () => {
    const path = mkdtempSync(join(tmpdir(), 'golden-'))
    try {
      copyFileSync(join(folder, 'lmdb-1.mdb'), join(path, 'data.mdb'))
      const store = await openLmdbStorage({ path, randomBytes })
      expect(store.owner.epoch).toBe(2)
      expect(await store.get('rows', text('first'))).toBeUndefined()
      expect(await store.get('rows', text('large'))).toEqual(text('x'.repeat(5000)))
      expectGolden(await readRecord(store, 'records', text('r'), goldenRecord))
      await store.apply([{ kind: 'put', table: 'rows', key: text('new'), value: text('value') }])
      expect(await store.get('rows', text('new'))).toEqual(text('value'))
      await store.close()
    } finally {
      rmSync(path, { recursive: true, force: true })
    }
  })

  test('what is written today is still format 1, byte for byte', { timeout: 60_000 }, async () => {
    for (const [name, content] of await goldenFiles())
      expect(readFileSync(join(folder, name), 'utf8'), name).toBe(content)
  })
})

/**
 * Makes the golden files of storage format 1: `npx tsx test/storage/golden/make.ts`. Everything but the LMDB file is a
 * function of this program, so that a test can tell whether the format has moved; the LMDB file is made when it is absent
 * (it holds the number of a process). A later format gets files of its own; these stay as they are, and stay readable.
 */
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Storage, StorageOperation } from '../../../src/ports/storage.ts'
import { openLmdbStorage } from '../../../src/storage/lmdb.ts'
import { passphraseMasterKey, rawMasterKey } from '../../../src/storage/master-key.ts'
import { openMemoryStorage } from '../../../src/storage/memory.ts'
import { encodeHead } from '../../../src/storage/page-format.ts'
import { PageStore } from '../../../src/storage/pages.ts'
import { putRecord, recordType } from '../../../src/storage/records.ts'
import { bool, bytes, fields, list, oneOf, optional, text, uint } from '../../../src/storage/schema.ts'
import { openSealedStorage } from '../../../src/storage/sealed.ts'

/** A record type with a field of every kind. */
export const goldenRecord = recordType({
  type: 'golden',
  version: 1,
  schema: fields({
    id: bytes({ length: 4 }),
    blob: bytes({ max: 100 }),
    state: oneOf('open', 'closed'),
    count: uint(),
    large: uint(),
    seen: bool,
    absent: optional(uint()),
    present: optional(text(10)),
    list: list(fields({ name: text(20) }), 10),
  }),
})

/** What the golden record says. */
export const goldenValue = {
  id: Uint8Array.of(0, 1, 254, 255),
  blob: new Uint8Array(60).fill(9),
  state: 'closed' as const,
  count: 24,
  large: 2 ** 53 - 1,
  seen: true,
  absent: undefined,
  present: 'žluť',
  list: [{ name: 'a' }, { name: '' }],
}

/** The entry of the golden pages at an index, of 200: every third one is blank. */
export function goldenEntry(index: number): Uint8Array | undefined {
  return index % 3 === 0 ? undefined : encode(`entry ${index}`)
}

/** Rows of a store as text: table, key and value in hexadecimal. */
export type Dump = [table: string, key: string, value: string][]

export const goldenPassphrase = 'golden passphrase'
export const goldenMasterKey: Uint8Array = Uint8Array.from({ length: 32 }, (_, i) => i)

const encode = (value: string) => new TextEncoder().encode(value)
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')

/** Not random at all. */
function counting(): (length: number) => Uint8Array {
  let next = 0
  return (length) => Uint8Array.from({ length }, () => next++ & 255)
}

async function dump(storage: Storage, tables: readonly string[]): Promise<Dump> {
  const rows: Dump = []
  for (const table of tables)
    for (const { key, value } of await storage.scan(table, { limit: 1000 })) rows.push([table, hex(key), hex(value)])
  return rows
}

async function sealedDump(kind: 'raw' | 'passphrase'): Promise<Dump> {
  const random = counting()
  const storage = await openMemoryStorage({ randomBytes: random })
  const masterKey =
    kind === 'raw'
      ? rawMasterKey(goldenMasterKey, random)
      : passphraseMasterKey(goldenPassphrase, random, { memory: 19_456, passes: 2, lanes: 1 })
  const store = await openSealedStorage({ storage, masterKey, randomBytes: random })
  await store.apply([put('first', 'before'), put('second', 'value 2'), put('blind', hex(store.blind(encode('id'))))])
  await store.shred()
  await store.apply([put('first', 'value 1'), putRecord('records', encode('r'), goldenRecord, goldenValue)])
  return dump(storage, ['sealed:root', 'sealed:vault', 'sealed:keys', 'v:rows', 'v:records'])
}

function put(key: string, value: string): StorageOperation {
  return { kind: 'put', table: 'rows', key: encode(key), value: encode(value) }
}

async function pagesDump(): Promise<{ head: string; rows: Dump }> {
  const storage = await openMemoryStorage({ randomBytes: counting() })
  const pages = new PageStore({ storage, table: 'pages', prefix: encode('p') })
  const { head, operations } = await pages.create(Array.from({ length: 200 }, (_, i) => goldenEntry(i)))
  await storage.apply(operations)
  return { head: hex(encodeHead(head)), rows: await dump(storage, ['pages']) }
}

/** The golden files that are a function of this program, by name: a row, or what else is named, a line. */
export async function goldenFiles(): Promise<ReadonlyMap<string, string>> {
  const lines = (rows: Dump) => rows.map((row) => `${row.join(' ')}\n`).join('')
  const { head, rows } = await pagesDump()
  return new Map([
    ['record-1.txt', `${hex(goldenRecord.encode(goldenValue))}\n`],
    ['sealed-raw-1.txt', lines(await sealedDump('raw'))],
    ['sealed-passphrase-1.txt', lines(await sealedDump('passphrase'))],
    ['pages-1.txt', `${head}\n${lines(rows)}`],
  ])
}

async function makeLmdb(target: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  const storage = await openLmdbStorage({ path: folder, randomBytes })
  await storage.apply([put('first', 'value 1'), putRecord('records', encode('r'), goldenRecord, goldenValue)])
  await storage.apply([put('large', 'x'.repeat(5000)), { kind: 'delete', table: 'rows', key: encode('first') }])
  await storage.close()
  copyFileSync(join(folder, 'data.mdb'), target)
  rmSync(folder, { recursive: true, force: true })
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, content] of await goldenFiles()) writeFileSync(join(import.meta.dirname, name), content)
  const lmdb = join(import.meta.dirname, 'lmdb-1.mdb')
  if (!existsSync(lmdb)) await makeLmdb(lmdb)
}

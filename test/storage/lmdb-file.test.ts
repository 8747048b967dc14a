/** The look at an LMDB file while another process writes it: each read of the file may show a newer state. */
import { randomBytes } from 'node:crypto'
import type * as Fs from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { checkLmdbFile } from '../../src/storage/lmdb-file.ts'
import { batchOf } from './kill-batches.ts'

/** What a writer does to the file between two reads. */
const writer = { commits: 0n, overwrites: Number.POSITIVE_INFINITY, walks: 0, going: false }

vi.mock('node:fs', async (load) => {
  const fs = await load<typeof Fs>()
  const readSync = (file: number, into: DataView, at: number, length: number, position: number): number => {
    const count = fs.readSync(file, into, at, length, position)
    const isMeta = length === 168
    if (isMeta && position === 0) {
      if (writer.going) writer.commits++
      writer.walks++
    }
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength)
    if (isMeta) view.setBigUint64(152, view.getBigUint64(152, true) + writer.commits, true)
    // a page of a transaction that is yet to come
    else if (writer.walks <= writer.overwrites) view.setBigUint64(8, 2n ** 40n, true)
    return count
  }
  return { ...fs, readSync }
})

const folder = mkdtempSync(join(tmpdir(), 'xmpp-mls-lmdb-'))
beforeAll(async () => {
  writer.overwrites = 0
  const store = await openLmdbStorage({ path: folder, randomBytes })
  for (let i = 0; i < 50; i++) await store.apply(batchOf(i, 6))
  await store.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => Object.assign(writer, { commits: 0n, overwrites: 0, walks: 0, going: false }))

test('a walk that was overtaken is done again', () => {
  Object.assign(writer, { going: true, overwrites: 5 })
  expect(() => checkLmdbFile(folder)).not.toThrow()
  expect(writer.walks).toBeGreaterThan(5)
  expect(writer.walks).toBeLessThan(12)
})

test('a writer that is always faster is no damage, and is not waited for', () => {
  Object.assign(writer, { going: true, overwrites: Number.POSITIVE_INFINITY })
  expect(() => checkLmdbFile(folder)).not.toThrow()
  expect(writer.walks).toBeLessThan(60)
})

test('the same pages are damage where nobody writes', () => {
  writer.overwrites = Number.POSITIVE_INFINITY
  expect(() => checkLmdbFile(folder)).toThrow(expect.objectContaining({ code: 'storage/damaged' }))
})

import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { damageTrials } from './damage-trials.ts'

const text = (value: string) => new TextEncoder().encode(value)
let path = ''
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lmdb-'))
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

async function filled(): Promise<string> {
  const store = await openLmdbStorage({ path, randomBytes })
  for (let i = 0; i < 40; i++)
    await store.apply([{ kind: 'put', table: 't', key: text(`k${i}`), value: new Uint8Array(3000).fill(i) }])
  await store.close()
  return join(path, 'data.mdb')
}

async function everything(): Promise<number> {
  const store = await openLmdbStorage({ path, randomBytes })
  const rows = await store.scan('t', { limit: 100 })
  await store.close()
  return rows.length
}

describe('damaged LMDB files', () => {
  test.each<[string, (file: string) => void]>([
    ['another file', (file) => writeFileSync(file, randomBytes(50_000))],
    ['a text', (file) => writeFileSync(file, 'not a database')],
    ['zeros', (file) => writeFileSync(file, new Uint8Array(50_000))],
    ['its first bytes', (file) => truncateSync(file, 100)],
    ['its first page', (file) => truncateSync(file, 4096)],
    ['its first half', (file) => truncateSync(file, 8 * 4096)],
  ])('%s is storage/damaged', async (_, damage) => {
    damage(await filled())
    await expect(everything()).rejects.toMatchObject({ code: 'storage/damaged' })
  })

  test('overwritten pages are an error or no matter, and never end the process (more: npm run test:kill)', async () => {
    // each of these ended it before the trees were walked
    const { violations, codes } = await damageTrials([5, 26, 43, 49, 78, 108, 115, 129])
    expect(violations).toEqual([])
    expect(codes.get('storage/damaged')).toBeGreaterThan(4)
  }, 60_000)

  test('a free list that names a page in use is storage/damaged', async () => {
    const store = await openLmdbStorage({ path, randomBytes })
    for (let i = 0; i < 40; i++)
      await store.apply([{ kind: 'put', table: 't', key: text(`k${i % 8}`), value: new Uint8Array(1000).fill(i) }])
    await store.close()
    const file = join(path, 'data.mdb')
    const bytes = readFileSync(file)
    const meta = bytes.readBigUInt64LE(152) > bytes.readBigUInt64LE(4096 + 152) ? 0 : 4096
    const [free, main] = [bytes.readBigUInt64LE(meta + 88), bytes.readBigUInt64LE(meta + 136)]
    const page = Number(free) * 4096
    const node = page + 24 + bytes.readUInt16LE(page + 24)
    // the first entry of the first list: 8 bytes of header, 8 of key, 8 of length
    bytes.writeBigUInt64LE(main, node + 24)
    writeFileSync(file, bytes)
    await expect(everything()).rejects.toMatchObject({ code: 'storage/damaged' })
  })

  test('a newer data format is storage/version', async () => {
    const file = await filled()
    const bytes = readFileSync(file)
    bytes.writeUInt32LE(3, 28)
    writeFileSync(file, bytes)
    await expect(everything()).rejects.toMatchObject({ code: 'storage/version' })
  })

  test('an empty file, as an interrupted creation leaves it, is a new store', async () => {
    writeFileSync(join(path, 'data.mdb'), '')
    expect(await everything()).toBe(0)
  })
})

test('a path that is a file is storage/io', async () => {
  const file = join(path, 'file')
  writeFileSync(file, 'x')
  await expect(openLmdbStorage({ path: file, randomBytes })).rejects.toMatchObject({ code: 'storage/io' })
})

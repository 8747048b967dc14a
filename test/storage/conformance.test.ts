import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { type StorageSubject, storageChecks } from '../../src/testing/storage/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'storage-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let count = 0

function memory(): StorageSubject {
  const medium = new MemoryMedium()
  return {
    open: () => openMemoryStorage({ medium, randomBytes }),
    openPolitely: () => openMemoryStorage({ medium, randomBytes, ifOwned: 'refuse' }),
  }
}

function lmdb(): StorageSubject {
  const path = join(folder, String(count++))
  return {
    open: () => openLmdbStorage({ path, randomBytes }),
    openPolitely: () => openLmdbStorage({ path, randomBytes, ifOwned: 'refuse' }),
  }
}

for (const [name, subject] of Object.entries({ memory, lmdb }))
  describe(`${name} driver`, () => {
    for (const check of storageChecks) test(check.name, () => check.run(subject()))
  })

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import type { Storage } from '../../src/ports/storage.ts'
import { openFileVault } from '../../src/storage/file-vault.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { rawMasterKey } from '../../src/storage/master-key.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { openSealedStorage } from '../../src/storage/sealed.ts'
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

/** The sealed store over another driver, with its key record inside the store. */
function sealed(below: StorageSubject, key = randomBytes(32)): StorageSubject {
  const seal = async (storage: Promise<Storage>) =>
    openSealedStorage({ storage: await storage, masterKey: rawMasterKey(key, randomBytes), randomBytes })
  return { open: () => seal(below.open()), openPolitely: () => seal(below.openPolitely?.() ?? below.open()) }
}

function sealedLmdbWithFiles(): StorageSubject {
  const below = lmdb()
  const masterKey = rawMasterKey(randomBytes(32), randomBytes)
  const vault = join(folder, `vault${count++}`)
  const seal = async (storage: Storage) =>
    openSealedStorage({ storage, masterKey, randomBytes, vault: await openFileVault(vault) })
  return { open: async () => seal(await below.open()) }
}

const subjects = {
  memory,
  lmdb,
  'sealed memory': () => sealed(memory()),
  'sealed lmdb': () => sealed(lmdb()),
  'sealed lmdb with a file vault': sealedLmdbWithFiles,
}

for (const [name, subject] of Object.entries(subjects))
  describe(`${name} driver`, () => {
    for (const check of storageChecks) test(check.name, () => check.run(subject()))
  })

/**
 * The folder that keeps keys and groups of an account: an LMDB store in `sealed`, its key records in `sealed/keys`. A store
 * that an earlier version left in the folder itself, unsealed, is moved there when it is opened.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { copyBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { OwnershipPolicy, Storage } from '../ports/storage.ts'
import { openFileVault } from '../storage/file-vault.ts'
import { openLmdbStorage } from '../storage/lmdb.ts'
import type { MasterKey } from '../storage/master-key.ts'
import { openSealedStorage, type SealedStorage } from '../storage/sealed.ts'
import { copyRooms } from '../xmpp/mls/store-copy.ts'

const random = (length: number) => copyBytes(randomBytes(length))
const isStore = (folder: string): boolean =>
  existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.mdb'))
const sealedIn = (folder: string): string => join(folder, 'sealed')

/** The folder for the state of an account: inside `XDG_STATE_HOME`, unless given. */
export function stateFolder(account: string, given: string | undefined, env: NodeJS.ProcessEnv): string {
  if (given !== undefined) return given
  const base = env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')
  return join(base, 'xmpp-mls', encodeURIComponent(account))
}

/** Whether a folder holds a storage. */
export function hasState(folder: string): boolean {
  return isStore(sealedIn(folder)) || isStore(folder)
}

/** Whether nothing in a folder is sealed yet. */
export function folderIsNew(folder: string): boolean {
  return sealedBy(folder) === undefined
}

/** What seals the store of a folder; `undefined` when it has none. */
export function sealedBy(folder: string): 'passphrase' | 'key file' | undefined {
  const keys = join(sealedIn(folder), 'keys')
  const [record] = existsSync(keys) ? readdirSync(keys).filter((name) => name.endsWith('.key')) : []
  if (record === undefined) return undefined
  return readFileSync(join(keys, record))[0] === 1 ? 'key file' : 'passphrase'
}

/**
 * Opens the sealed storage of a folder, which only its owner may read; made when absent. A program that runs on it is not
 * displaced.
 * @throws `storage/key` for the wrong key, `storage/busy` while another program uses it, `storage/…`
 */
export async function openState(
  folder: string,
  masterKey: MasterKey,
  ifOwned: OwnershipPolicy = 'refuse',
): Promise<SealedStorage> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (isStore(folder)) await sealOld(folder, masterKey, ifOwned)
  return await openSealed(folder, sealedIn(folder), masterKey, ifOwned)
}

async function openSealed(folder: string, path: string, masterKey: MasterKey, ifOwned: OwnershipPolicy) {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const vault = await openFileVault(join(path, 'keys'))
  const storage = await openLmdbStorage({ path, randomBytes: random, ifOwned })
  try {
    return await openSealedStorage({ storage, masterKey, randomBytes: random, vault })
  } catch (cause) {
    await storage.close()
    if (!(cause instanceof MlsError) || cause.code !== 'storage/key') throw cause
    throw new MlsError('storage/key', `this passphrase or key file does not open the state in ${folder}`, { cause })
  }
}

/** Copies a store that was not sealed into a sealed one, which takes its place when it is complete. */
async function sealOld(folder: string, masterKey: MasterKey, ifOwned: OwnershipPolicy): Promise<void> {
  if (!isStore(sealedIn(folder))) {
    const fresh = join(folder, 'sealing')
    rmSync(fresh, { recursive: true, force: true })
    const old: Storage = await openLmdbStorage({ path: folder, randomBytes: random, ifOwned })
    try {
      const sealed = await openSealed(folder, fresh, masterKey, ifOwned)
      try {
        await copyRooms(old, sealed)
      } finally {
        await sealed.close()
      }
    } finally {
      await old.close()
    }
    renameSync(fresh, sealedIn(folder))
  }
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.mdb'))) {
    const path = join(folder, name)
    // what a file system that writes in place can still do for what lay there in the clear
    writeFileSync(path, new Uint8Array(statSync(path).size), { flag: 'r+' })
    rmSync(path)
  }
}

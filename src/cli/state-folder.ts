import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { copyBytes } from '../bytes/bytes.ts'
import type { OwnershipPolicy, Storage } from '../ports/storage.ts'
import { openLmdbStorage } from '../storage/lmdb.ts'

/** The folder for the state of an account: inside `XDG_STATE_HOME`, unless given. */
export function stateFolder(account: string, given: string | undefined, env: NodeJS.ProcessEnv): string {
  if (given !== undefined) return given
  const base = env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')
  return join(base, 'xmpp-mls', encodeURIComponent(account))
}

/**
 * Opens the storage in a folder, which only its owner may read; made when absent. A program that runs on it is not displaced.
 * @throws `storage/busy` while another program uses it, `storage/…`
 */
export async function openState(folder: string, ifOwned: OwnershipPolicy = 'refuse'): Promise<Storage> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return await openLmdbStorage({ path: folder, randomBytes: (length) => copyBytes(randomBytes(length)), ifOwned })
}

/** Whether a folder holds a storage. */
export function hasState(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.mdb'))
}

/** The key of a state folder: a passphrase, or 32 bytes in a file that only its owner may read. */
import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { fromHex, toHex } from '../bytes/text.ts'
import {
  type Argon2Cost,
  defaultArgon2Cost,
  type MasterKey,
  passphraseMasterKey,
  rawMasterKey,
} from '../storage/master-key.ts'
import type { RandomBytes } from '../storage/owner.ts'
import { folderIsNew, sealedBy } from './state-folder.ts'

/** What a person, the command line and the environment say. */
export interface KeySource {
  /** `--key-file` or `XMPP_MLS_KEY_FILE`. */
  readonly keyFile: string | undefined
  /** `XMPP_MLS_PASSPHRASE`. */
  readonly passphrase: string | undefined
  /** Asks for a secret; gives the empty text when nobody can be asked. */
  readonly ask: (question: string) => Promise<string>
  readonly randomBytes: RandomBytes
  readonly cost?: Argon2Cost
}

/**
 * The key for a folder; for a new one it is made, by asking twice or by writing the file.
 * @throws Error with a sentence for the person
 */
export async function stateKey(folder: string, source: KeySource): Promise<MasterKey> {
  const { keyFile, randomBytes, cost = defaultArgon2Cost } = source
  const kind = sealedBy(folder)
  if (keyFile !== undefined) {
    if (kind === 'passphrase')
      throw new Error(`the state in ${folder} is sealed with a passphrase, not with a key file`)
    return rawMasterKey(readKeyFile(keyFile, kind === undefined, randomBytes), randomBytes)
  }
  if (kind === 'key file')
    throw new Error(`the state in ${folder} is sealed with a key file: --key-file or XMPP_MLS_KEY_FILE`)
  const passphrase = source.passphrase ?? (await asked(folder, source))
  if (passphrase === '')
    throw new Error(`the state in ${folder} is sealed: set XMPP_MLS_PASSPHRASE, or name a --key-file`)
  return passphraseMasterKey(passphrase, randomBytes, cost)
}

async function asked(folder: string, { ask }: KeySource): Promise<string> {
  if (!folderIsNew(folder)) return await ask('passphrase of the keys on this computer: ')
  const first = await ask('a new passphrase for the keys on this computer: ')
  if (first !== '' && (await ask('once more: ')) !== first) throw new Error('the two passphrases differ')
  return first
}

/** Reads a key file, or writes a new one where `make` is set and there is none. */
function readKeyFile(path: string, make: boolean, randomBytes: RandomBytes): Uint8Array {
  if (!existsSync(path)) {
    if (!make) throw new Error(`there is no key file ${path}`)
    const key = randomBytes(32)
    const file = openSync(path, 'wx', 0o600)
    try {
      writeSync(file, `${toHex(key)}\n`)
    } finally {
      closeSync(file)
    }
    return key
  }
  // the bits of group and others mean nothing on Windows
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0)
    throw new Error(`others may read the key file ${path}: chmod 600 it`)
  const text = readFileSync(path, 'utf8').trim()
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new Error(`${path} is no key file: 64 hexadecimal digits make one`)
  return fromHex(text.toLowerCase())
}

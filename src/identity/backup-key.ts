/**
 * The key of a backup: from the recovery code by HKDF alone, since it has 160 bits, or from a passphrase by a hash that is
 * slow and needs memory.
 */
import { argon2idAsync } from '@noble/hashes/argon2.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { argon2id } from 'hash-wasm'
import { type Bytes, copyBytes, wipe } from '../bytes/bytes.ts'
import { bug, check, MlsError } from '../bytes/errors.ts'
import { utf8 } from '../bytes/text.ts'
import { fixed, type Infer, uint8, uint32, variant } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { ceremonyInput } from './ceremony-input.ts'
import { recoverySecretLength } from './root-keys.ts'

/** Bytes of the salt of a backup. */
export const backupSaltLength = 16

/** `kdf` and `params`: memory in KiB for Argon2id (RFC 9106); log2 of N for scrypt (RFC 7914). */
export const BackupKdf = variant(
  'kdf',
  uint8,
  {
    recovery_code: [1, {}],
    argon2id: [2, { memory: uint32, passes: uint32, lanes: uint8 }],
    scrypt: [3, { logN: uint8, blockSize: uint8, lanes: uint8 }],
  },
  'I113',
)
export type BackupKdf = Infer<typeof BackupKdf>

/** Argon2id as backups use it: 64 MiB, 3 passes (RFC 9106 §4, second choice, with one lane, since WASM has one thread). */
export const backupArgon2: BackupKdf & { kdf: 'argon2id' } = { kdf: 'argon2id', memory: 65_536, passes: 3, lanes: 1 }

/** scrypt for platforms that refuse WASM: 128 MiB. */
export const backupScrypt: BackupKdf & { kdf: 'scrypt' } = { kdf: 'scrypt', logN: 17, blockSize: 8, lanes: 1 }

/** Floors, against a weak key, and ceilings, against a forged header that stops a device; both ends included. */
export const backupCosts = {
  argon2id: { memory: [65_536, 524_288], passes: [3, 16], lanes: [1, 4] },
  scrypt: { logN: [17, 19], blockSize: [8, 8], lanes: [1, 4] },
} as const

/** What opens a backup: the secret of the recovery code (20 bytes), or a passphrase. */
export type BackupSecret =
  | { readonly kind: 'recovery_code'; readonly secret: Uint8Array }
  | { readonly kind: 'passphrase'; readonly passphrase: string }

/** The key, and a commitment to it: AES-GCM alone would let one ciphertext open under several keys. */
export interface BackupKey {
  readonly key: Bytes
  readonly commitment: Bytes
}

/**
 * Refuses parameters outside {@link backupCosts}, and another kind of secret than the backup is sealed with. It costs nothing
 * and comes before any derivation.
 * @throws `identity_backup/cost`, `identity_backup/kind`
 */
export function checkBackupKdf(kdf: BackupKdf, secret: BackupSecret): void {
  const kind = kdf.kdf === 'recovery_code' ? 'recovery_code' : 'passphrase'
  check(secret.kind === kind, 'identity_backup/kind', undefined, 'a backup that is sealed with another kind of secret')
  if (secret.kind === 'recovery_code')
    check(secret.secret.length === recoverySecretLength, 'crypto/length', undefined, 'a recovery secret has 20 bytes')
  if (kdf.kdf === 'argon2id') checkRanges<'memory' | 'passes' | 'lanes'>(kdf, backupCosts.argon2id)
  if (kdf.kdf === 'scrypt') checkRanges<'logN' | 'blockSize' | 'lanes'>(kdf, backupCosts.scrypt)
}

function checkRanges<K extends string>(
  params: { readonly [name in K]: number },
  ranges: { readonly [name in K]: readonly [least: number, most: number] },
): void {
  for (const name of Object.keys(ranges) as K[]) {
    const [least, most] = ranges[name]
    const value = params[name]
    check(value >= least && value <= most, 'identity_backup/cost', undefined, 'cost of a derivation outside its bounds')
  }
}

/**
 * Derives the key. Passphrases are UTF-8 of Unicode form NFKC, without white space around them.
 * @throws as {@link checkBackupKdf}; `crypto/provider` when the platform cannot compute it
 */
export async function deriveBackupKey(
  suite: CipherSuite,
  secret: BackupSecret,
  kdf: BackupKdf,
  salt: Uint8Array,
): Promise<BackupKey> {
  checkBackupKdf(kdf, secret)
  const input = secret.kind === 'recovery_code' ? copyBytes(secret.secret) : await stretch(secret.passphrase, kdf, salt)
  const prk = suite.extract(salt, input)
  try {
    const context = Uint8Array.of(kdfCodes[kdf.kdf])
    return {
      key: suite.expand(prk, ceremonyInput('Backup Key', context), suite.parameters.keyLength),
      commitment: suite.expand(prk, ceremonyInput('Backup Commitment', context), 32),
    }
  } finally {
    wipe(input, prk)
  }
}

const kdfCodes = { recovery_code: 1, argon2id: 2, scrypt: 3 } as const

/** The form in which a passphrase is counted, hashed and compared. */
export function plainPassphrase(passphrase: string): string {
  return passphrase.normalize('NFKC').trim()
}

async function stretch(passphrase: string, kdf: BackupKdf, salt: Uint8Array): Promise<Bytes> {
  if (kdf.kdf === 'recovery_code') throw bug('a passphrase where checkBackupKdf lets none pass')
  const password = utf8(plainPassphrase(passphrase))
  try {
    return await (kdf.kdf === 'scrypt' ? stretchScrypt(password, kdf, salt) : stretchArgon2(password, kdf, salt))
  } catch (cause) {
    throw new MlsError('crypto/provider', 'derivation of a backup key failed', { cause })
  } finally {
    wipe(password)
  }
}

async function stretchScrypt(
  password: Uint8Array,
  { logN, blockSize, lanes }: BackupKdf & { kdf: 'scrypt' },
  salt: Uint8Array,
): Promise<Bytes> {
  const cost = { N: 2 ** logN, r: blockSize, p: lanes, dkLen: 32, maxmem: 2 ** 30 }
  return copyBytes(await scryptAsync(password, salt, cost))
}

async function stretchArgon2(
  password: Uint8Array,
  kdf: BackupKdf & { kdf: 'argon2id' },
  salt: Uint8Array,
): Promise<Bytes> {
  const { memory, passes, lanes } = kdf
  try {
    const key = await argon2id({
      password,
      salt,
      memorySize: memory,
      iterations: passes,
      parallelism: lanes,
      hashLength: 32,
      outputType: 'binary',
    })
    return copyBytes(key)
  } catch {
    // a backup made elsewhere must open where WASM is refused too: the same hash, only slower
    const key = await argon2idAsync(password, salt, { t: passes, m: memory, p: lanes, dkLen: 32, maxmem: 2 ** 30 })
    return copyBytes(key)
  }
}

/** Salt as it stands in a backup. */
export const backupSalt = fixed(backupSaltLength)

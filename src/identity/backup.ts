/**
 * The sealed backup of an identity, as it lies in PEP where the server can read and replace it.
 *
 *     struct { uint8 version; uint64 counter; opaque root_hash[32]; kdf, params; opaque salt[16]; opaque nonce[12];
 *              opaque commitment[32]; opaque ct<V>; } Backup
 *
 * Account, root hash and counter are the additional data, with everything else that stands before the ciphertext. Root hash
 * and counter stand in the clear because a device that restores has nothing else to take them from; both are public anyway.
 * The server can delete a backup or serve an older one. The first shows; the second is found by comparing the counter and the
 * head inside with the manifest ({@link checkBackupFreshness}).
 */
import { type Bytes, copyBytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { concat, decode, encode, fixed, type Infer, struct, uint8, uint64 } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { BackupContent, backupLimits, checkBackupFields } from './backup-content.ts'
import {
  BackupKdf,
  type BackupSecret,
  backupSalt,
  backupSaltLength,
  checkBackupKdf,
  deriveBackupKey,
  plainPassphrase,
} from './backup-key.ts'
import { AccountName, boundedOpaque, checkAccount } from './bounded.ts'
import { fixed32 } from './ceremony-fields.ts'
import { passphraseStrength } from './passphrase-strength.ts'

/** The version that this package writes and reads. */
const backupVersion = 1

const nonceLength = 12
const tagLength = 16

const backupHeader = concat(
  struct({ version: uint8, counter: uint64, rootHash: fixed32 }),
  BackupKdf,
  struct({ salt: backupSalt, nonce: fixed(nonceLength), commitment: fixed32 }),
)
type BackupHeader = Infer<typeof backupHeader>

/** A backup as it is published; decoded and not opened. */
export const Backup = concat(
  backupHeader,
  struct({ ct: boundedOpaque(backupLimits.contentBytes + tagLength, tagLength) }),
)
export type Backup = Infer<typeof Backup>

/** Whose backup it is, and which one. */
export interface BackupSubject {
  /** Bare JID, UTF-8. */
  readonly account: Uint8Array
  /** `root_hash` of the account's root, 32 bytes. */
  readonly rootHash: Uint8Array
  /** One more than in the last backup. */
  readonly counter: bigint
}

/**
 * Seals a backup. `kdf` is `recovery_code`, or for a passphrase `backupArgon2`, or `backupScrypt` where WASM is refused.
 * @throws `identity_backup/passphrase` for one that is too weak, `identity_backup/content`, `identity_backup/size`,
 * `identity_backup/cost`, `identity_backup/kind`, `identity/account`
 */
export async function sealBackup(
  suite: CipherSuite,
  content: BackupContent,
  subject: BackupSubject,
  { secret, kdf }: { readonly secret: BackupSecret; readonly kdf: BackupKdf },
): Promise<Bytes> {
  checkAccount(subject.account)
  checkBackupKdf(kdf, secret)
  if (secret.kind === 'passphrase') {
    const { accepted } = passphraseStrength(plainPassphrase(secret.passphrase), subject.account)
    check(accepted, 'identity_backup/passphrase', undefined, 'a passphrase that is too easy to guess')
  }
  checkBackupFields(content)
  const plaintext = encode(BackupContent, content)
  try {
    check(plaintext.length <= backupLimits.contentBytes, 'identity_backup/size', undefined, 'too large a backup')
    const salt = suite.randomBytes(backupSaltLength)
    const { key, commitment } = await deriveBackupKey(suite, secret, kdf, salt)
    const header: BackupHeader = {
      ...kdf,
      version: backupVersion,
      counter: subject.counter,
      rootHash: copyBytes(subject.rootHash),
      salt,
      nonce: suite.randomBytes(nonceLength),
      commitment,
    }
    const ct = suite.seal(key, header.nonce, additionalData(header, subject.account), plaintext)
    wipe(key)
    return encode(Backup, { ...header, ct })
  } finally {
    wipe(plaintext)
  }
}

/**
 * Reads a backup without opening it: everything that can be refused before work is done.
 * @throws `identity_backup/version`, `identity_backup/size`, `identity_backup/cost`, kind `malformed`
 */
export function readBackup(bytes: Uint8Array): Backup {
  const largest = backupLimits.contentBytes + 256
  check(bytes.length <= largest, 'identity_backup/size', undefined, 'too large a backup')
  // before the rest is read: another version may look different
  const version = bytes[0] ?? backupVersion
  check(version === backupVersion, 'identity_backup/version', undefined, 'a backup of another version')
  const backup = decode(Backup, bytes)
  checkBackupKdf(backup, backup.kdf === 'recovery_code' ? anyCode : anyPassphrase)
  return backup
}

const anyCode: BackupSecret = { kind: 'recovery_code', secret: new Uint8Array(20) }
const anyPassphrase: BackupSecret = { kind: 'passphrase', passphrase: '' }

/** A backup that was opened, with the counter and root hash that it is bound to. */
export interface OpenedBackup {
  readonly content: BackupContent
  readonly counter: bigint
  readonly rootHash: Bytes
}

/**
 * Opens a backup of `account`. Where the root hash is known from a manifest whose root is trusted, it must be the one of the
 * backup.
 * @throws as {@link readBackup}; `identity_backup/kind` for the other kind of secret, `identity_backup/secret` for another
 * code, passphrase, account or root, and for a backup that was changed: one error for all
 */
export async function openBackup(
  suite: CipherSuite,
  bytes: Uint8Array,
  { account, rootHash }: { readonly account: Uint8Array; readonly rootHash?: Uint8Array },
  secret: BackupSecret,
): Promise<OpenedBackup> {
  const backup = readBackup(bytes)
  checkBackupKdf(backup, secret)
  checkAccount(account)
  if (rootHash !== undefined && !equalBytes(rootHash, backup.rootHash)) throw notOpened()
  const { key, commitment } = await deriveBackupKey(suite, secret, backup, backup.salt)
  if (!equalBytes(commitment, backup.commitment)) throw notOpened()
  let plaintext: Bytes
  try {
    plaintext = suite.open(key, backup.nonce, additionalData(backup, account), backup.ct)
  } catch (cause) {
    throw notOpened(cause)
  } finally {
    wipe(key)
  }
  try {
    return { content: decode(BackupContent, plaintext), counter: backup.counter, rootHash: backup.rootHash }
  } finally {
    wipe(plaintext)
  }
}

/** Something about a backup that the user must be told. */
export type BackupFinding = 'rollback' | 'manifest_rollback' | 'equivocation'

/** What is known of the account from its manifest. */
export interface BackupKnowledge {
  /** The counter of the newest backup, as the manifest says. */
  readonly counter?: bigint
  readonly head?: { readonly generation: number; readonly seq: bigint; readonly hash: Uint8Array }
}

/**
 * Compares an opened backup with the manifest that the server shows:
 * - `rollback`: the manifest knows a newer backup. What was saved since is missing, revocations among it;
 * - `manifest_rollback`: the backup knows a newer manifest than the server shows;
 * - `equivocation`: two manifests with one number.
 * Restoring from such a backup is the user's decision, never silent.
 */
export function checkBackupFreshness(
  { content, counter }: OpenedBackup,
  known: BackupKnowledge,
): readonly BackupFinding[] {
  const findings: BackupFinding[] = []
  if (known.counter !== undefined && counter < known.counter) findings.push('rollback')
  const [inside, shown] = [content.head, known.head]
  if (shown === undefined) return findings
  const later =
    inside.generation > shown.generation || (inside.generation === shown.generation && inside.seq > shown.seq)
  if (later) findings.push('manifest_rollback')
  const same = inside.generation === shown.generation && inside.seq === shown.seq
  if (same && !equalBytes(inside.hash, shown.hash)) findings.push('equivocation')
  return findings
}

function additionalData(header: BackupHeader, account: Uint8Array): Bytes {
  return encode(BackupAad, { account: copyBytes(account), ...header })
}

const BackupAad = concat(struct({ account: AccountName }), backupHeader)

function notOpened(cause?: unknown): MlsError {
  return new MlsError(
    'identity_backup/secret',
    'this code or passphrase does not open this backup',
    cause === undefined ? {} : { cause },
  )
}

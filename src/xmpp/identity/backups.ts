/** The sealed backup on the server: making it, and coming back from it as a new device. */
import { copyBytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { fromHex, fromUtf8, utf8 } from '../../bytes/text.ts'
import { nextManifest } from '../../identity/account.ts'
import { followingContent, type ManifestChange } from '../../identity/account-changes.ts'
import {
  type BackupFinding,
  checkBackupFreshness,
  type OpenedBackup,
  openBackup,
  sealBackup,
} from '../../identity/backup.ts'
import type { BackupContent } from '../../identity/backup-content.ts'
import { type BackupKdf, type BackupSecret, backupArgon2 } from '../../identity/backup-key.ts'
import { datedAheadError, isDatedAhead } from '../../identity/dated-ahead.ts'
import { flagsOf } from '../../identity/device-entry.ts'
import { signManifest, type VerifiedManifest } from '../../identity/manifest.ts'
import { backupCounterOf, withBackupCounter } from '../../identity/manifest-extensions.ts'
import { headOf } from '../../identity/manifest-head.ts'
import { decodeRecoveryCode } from '../../identity/recovery-code.ts'
import { type RootSigner, rootSeed, rootSigner, sameRoot } from '../../identity/root-keys.ts'
import type { ContactBook } from './contact-book.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import type { OwnIdentity } from './own-identity.ts'
import type { Owner } from './owner.ts'
import { notNow } from './secrets.ts'

/** What opens a backup: the recovery code, or a passphrase. */
export type BackupOpener = { readonly recoveryCode: string } | { readonly passphrase: string }

/** What came back. */
export interface RestoredIdentity {
  /** What does not fit together: an older backup, or an older manifest, than there must be. Show it. */
  readonly findings: readonly BackupFinding[]
  /** Rooms of the backup, to be entered again: each is joined as a new device. */
  readonly rooms: readonly string[]
  /** Contacts that were known. */
  readonly contacts: number
}

/** How often a backup is counted before it is left as it is. */
const maxCounts = 4

/** A room that a backup names. */
export interface BackupRoom {
  readonly groupId: Uint8Array
  readonly room: string
}

/** See the file. */
export class Backups {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #book: ContactBook
  readonly #owner: Owner
  readonly #rooms: () => readonly BackupRoom[]

  constructor(
    parts: IdentityParts,
    deps: {
      readonly own: OwnIdentity
      readonly book: ContactBook
      readonly owner: Owner
      readonly rooms: () => readonly BackupRoom[]
    },
  ) {
    this.#parts = parts
    this.#own = deps.own
    this.#book = deps.book
    this.#owner = deps.owner
    this.#rooms = deps.rooms
  }

  /**
   * Seals what the account needs to come back, and counts it in the manifest.
   * @throws `identity_recovery/…`, `identity_backup/…`, `identity/state`, XmppError
   */
  async make(opener: BackupOpener): Promise<void> {
    const { secret, kdf } = sealerOf(opener)
    await this.makeWith(secret, kdf)
  }

  /** As {@link make}, with the secret itself. */
  async makeWith(secret: BackupSecret, kdf: BackupKdf): Promise<void> {
    const { suite, directory, accountBytes } = this.#parts
    let manifest = await this.#count()
    let counter = this.#own.stored.backupCounter
    // another device has counted at the same time: the backup that is left last has the number that the manifest says
    for (let i = 1; i < maxCounts && backupCounterOf(manifest) !== counter; i++) {
      manifest = await this.#count()
      counter = this.#own.stored.backupCounter
    }
    const content = this.#content(secret, manifest)
    const subject = { account: accountBytes, rootHash: manifest.rootHash, counter }
    await directory.publishBackup(await sealBackup(suite, content, subject, { secret, kdf }))
  }

  /** Gives the next backup its number. */
  async #count(): Promise<VerifiedManifest> {
    const { suite, timers } = this.#parts
    await this.#own.change(
      async (last) => {
        const counter = latest(backupCounterOf(last) ?? 0n, this.#own.stored.backupCounter) + 1n
        const content = followingContent(last, secondsOf(timers))
        const extensions = withBackupCounter(content.extensions, counter)
        const manifest = await signManifest(suite, this.#own.signer(), { ...content, extensions })
        return { manifest, certificates: [], counter }
      },
      ({ counter }) => ({ backupCounter: counter }),
    )
    return this.#own.settled()
  }

  #content(secret: BackupSecret, manifest: VerifiedManifest): BackupContent {
    const { rootSeed: seed, ops, historyKey } = this.#own.stored
    const { generation, seq, hash } = headOf(manifest)
    // behind a passphrase lies less than behind 160 random bits: never the secret that recovers after a theft
    const rootMaterial: BackupContent['rootMaterial'] =
      secret.kind === 'recovery_code'
        ? { root: 'recovery_secret', recoverySecret: copyBytes(secret.secret) }
        : seed === undefined
          ? { root: 'none' }
          : { root: 'root_seeds', seeds: [{ generation, seed }] }
    const states = { TOFU: 'tofu', LINK_VERIFIED: 'link_verified', VERIFIED: 'verified' } as const
    const others = this.#book.accounts.filter((account) => account !== this.#parts.account)
    const pins = others.flatMap((account): BackupContent['pins'] => {
      const { trust, rootHash, head } = this.#book.pin(account)
      if (trust === 'UNKNOWN' || rootHash === undefined || head === undefined) return []
      const verifiedAt = trust === 'VERIFIED' ? secondsOf(this.#parts.timers) : 0n
      return [{ ...headOf(head), rootHash, state: states[trust], verifiedAt }]
    })
    return {
      rootMaterial,
      opsPrivateKey: ops,
      head: { generation, seq, hash },
      pins,
      groups: this.#rooms().map(({ groupId, room }) => ({
        groupId: copyBytes(groupId),
        room: utf8(room),
        name: new Uint8Array(0),
      })),
      historyKeys: historyKey === undefined ? [] : [{ id: new Uint8Array(16), key: historyKey }],
    }
  }

  /**
   * Comes back as a new device: opens the backup, lists this device, and removes those that it takes the place of. Their
   * leaves go from each room when it is entered again.
   * @param replaces ids of devices that are gone: 32 hexadecimal digits each
   * @throws `identity/state` on a device that belongs to an identity, or without a backup; `identity_backup/…`,
   * `identity_recovery/…`, XmppError
   */
  async restore(opener: BackupOpener, replaces: readonly string[]): Promise<RestoredIdentity> {
    const { suite, directory, account, accountBytes } = this.#parts
    if (this.#own.device !== 'FRESH') throw notNow('this device belongs to an identity already')
    const bytes = await directory.backup(account)
    if (bytes === undefined) throw notNow('this account has no backup')
    const { secret } = sealerOf(opener)
    const opened = await openBackup(suite, bytes, { account: accountBytes }, secret)
    const { manifests, current } = await this.#own.shown()
    const under = [...manifests, ...(current === undefined ? [] : [current])].filter(
      ({ rootHash, generation }) =>
        equalBytes(rootHash, opened.rootHash) || generation > opened.content.head.generation,
    )
    if (under.length === 0) throw notNow('the server shows no manifest of this identity')
    const sound = under.filter((one) => !isDatedAhead(one, secondsOf(this.#parts.timers)))
    const last = sound.sort((a, b) => a.generation - b.generation || Number(a.seq - b.seq)).at(-1)
    if (last === undefined) throw datedAheadError()
    const root = rootIn(this.#parts, opened, secret, last)
    await this.#list(opened, last, root, replaces)
    await this.#learn(opened)
    const counter = backupCounterOf(last)
    const known = { head: headOf(last), ...(counter === undefined ? {} : { counter }) }
    return {
      findings: checkBackupFreshness(opened, known),
      rooms: opened.content.groups.map(({ room }) => fromUtf8(room)),
      contacts: opened.content.pins.length,
    }
  }

  async #list(
    opened: OpenedBackup,
    last: VerifiedManifest,
    root: RootSigner,
    replaces: readonly string[],
  ): Promise<void> {
    const { suite, timers } = this.#parts
    const { opsPrivateKey, historyKeys } = opened.content
    const opsHolds =
      opsPrivateKey !== undefined &&
      last.ops !== undefined &&
      equalBytes(suite.signaturePublicKey(opsPrivateKey), last.ops.opsKey)
    const gone = replaces.map(fromHex)
    const listed = gone.filter((id) => last.devices.some(({ deviceId }) => equalBytes(deviceId, id)))
    const device = this.#owner.newDevice(flagsOf('steward'))
    await this.#own.changeFrom(
      last,
      (from) => {
        const changes: ManifestChange[] = [
          ...listed.map((deviceId) => ({ kind: 'remove_device', deviceId, reason: 'lost' }) as const),
          { kind: 'add_device', device, probation: false },
        ]
        return nextManifest(suite, { kind: 'root', root }, from, changes, secondsOf(timers))
      },
      () => ({
        device: 'ACTIVE',
        root: { state: 'SAVED', generation: last.generation, before: 'SAVED' },
        hybrid: last.root.mldsa65 !== undefined,
        rootSeed: seedIn(this.#parts, opened, last.generation),
        ops: opsHolds ? opsPrivateKey : undefined,
        backupCounter: opened.counter,
        historyKey: historyKeys[0]?.key,
        replaces: gone,
      }),
    )
    for (const id of listed) await this.#parts.directory.dropDevice(id)
  }

  /** Contacts come back with what was known of them; their nodes say the rest. */
  async #learn({ content }: OpenedBackup): Promise<void> {
    for (const { account, rootHash, state } of content.pins) {
      const name = fromUtf8(account)
      const kind = state === 'verified' ? 'verified' : state === 'link_verified' ? 'invited' : undefined
      if (kind !== undefined) await this.#book.observe(name, { kind, rootHash })
      await this.#book.meet(name, 0)
    }
  }
}

function latest(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function sealerOf(opener: BackupOpener): { readonly secret: BackupSecret; readonly kdf: BackupKdf } {
  return 'recoveryCode' in opener
    ? {
        secret: { kind: 'recovery_code', secret: decodeRecoveryCode(opener.recoveryCode) },
        kdf: { kdf: 'recovery_code' },
      }
    : { secret: { kind: 'passphrase', passphrase: opener.passphrase }, kdf: backupArgon2 }
}

function seedIn(
  { suite }: IdentityParts,
  { content }: OpenedBackup,
  generation: number,
): ReturnType<typeof rootSeed> | undefined {
  const { rootMaterial } = content
  if (rootMaterial.root === 'recovery_secret') return rootSeed(suite, rootMaterial.recoverySecret, generation)
  if (rootMaterial.root === 'none') return undefined
  return rootMaterial.seeds.find((one) => one.generation === generation)?.seed
}

function rootIn(parts: IdentityParts, opened: OpenedBackup, secret: BackupSecret, last: VerifiedManifest): RootSigner {
  const { suite } = parts
  const seed =
    secret.kind === 'recovery_code'
      ? rootSeed(suite, secret.secret, last.generation)
      : seedIn(parts, opened, last.generation)
  const signer = seed && rootSigner(suite, seed, last.root.mldsa65 !== undefined)
  if (signer === undefined || !sameRoot(signer.root, last.root))
    throw new MlsError('identity_backup/secret', 'this backup has no key of the root that the account has now')
  return signer
}

/**
 * The identity of an account on one of its devices, and the pins of everybody else.
 *
 * ```ts
 * const identity = await IdentityClient.open({ xmpp, storage })
 * if (identity.status.deviceState === 'FRESH') console.log((await identity.create()).recoveryCode)
 * const client = await MlsClient.open({ xmpp, storage, identity })
 * console.log((await identity.contact('bob@example.net')).sentence)
 * ```
 */
import { type Bytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { toHex, utf8 } from '../../bytes/text.ts'
import type { CrossStatement } from '../../identity/cross-statement.ts'
import { equivocationEvidence } from '../../identity/evidence.ts'
import { requestLink } from '../../identity/link.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { rootStep } from '../../identity/root-state.ts'
import { Emitter } from '../mls/emitter.ts'
import { defaultSuite, openDevice, systemRandom, systemTimers, temporaryStorage } from '../mls/open-device.ts'
import type { RoomIdentity } from '../mls/room-identity.ts'
import { ClientStore } from '../mls/store.ts'
import { onPepEvent } from '../pep/pep-fetch.ts'
import { bareJid } from '../stanza/jid.ts'
import { type BackupOpener, Backups, type RestoredIdentity } from './backups.ts'
import { ContactBook } from './contact-book.ts'
import { splitEvidence } from './contact-findings.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import { Directory } from './directory.ts'
import type { EmojiVerification } from './emoji-sessions.ts'
import { DeviceLink, type LinkApproval, review } from './linking.ts'
import { OwnIdentity } from './own-identity.ts'
import { codeOf, Owner } from './owner.ts'
import { RoomGuard } from './room-guard.ts'
import { notNow } from './secrets.ts'
import { IdentityStore, type StoredFinding } from './store.ts'
import {
  alarmSentences,
  type CreatedIdentity,
  type CreateOptions,
  type IdentityContact,
  type IdentityEvents,
  type IdentityOptions,
  type IdentityStatus,
  type KeepOptions,
  type RemovalOptions,
} from './types.ts'
import { type DigitsToCompare, type ScanResult, type ShownCode, Verifying } from './verifying.ts'
import { contactView, deviceView, statusView } from './views.ts'
import { identityNodes } from './wire.ts'

/** The server is asked about an account again after so long. */
const refreshMs = 60 * 60 * 1000
/** The own nodes are looked at after so long. */
const auditMs = 6 * 60 * 60 * 1000

/** See the file. */
export class IdentityClient {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #book: ContactBook
  readonly #events: Emitter<IdentityEvents>
  #findings: StoredFinding[] = []
  readonly #alarms = new Set<string>()
  #stop: (() => void)[] = []
  readonly #owner: Owner
  readonly #backups: Backups
  readonly #verifying: Verifying
  readonly #guard: RoomGuard
  #signing = 0

  private constructor(parts: IdentityParts, options: IdentityOptions) {
    this.#parts = parts
    this.#events = new Emitter((error) => this.#problem(error))
    this.#own = new OwnIdentity(parts, {
      onManifest: (now, before) => this.#ownChanged(now, before),
      onCertificate: () => this.#guard.certified(),
      onAhead: (ahead) => this.#alarm('ahead', ahead),
      onWithheld: (known) => this.#alarm('withheld', known),
      onReplaced: (known, shown) => this.#alarm('replaced', shown, () => splitEvidence(known, shown)),
      onStranger: (known, stranger) => this.#alarm('misused', stranger, () => equivocationEvidence(known, stranger)),
    })
    this.#book = new ContactBook(parts, {
      onFinding: (found) => {
        const { account, loudness, sentence, evidence, finding } = found
        if (loudness !== 'silent' && sentence !== undefined)
          this.#findings.push({ account, kind: finding.kind, loudness, sentence, at: parts.timers.now(), evidence })
        void this.#events.emit('finding', found)
      },
      onChange: (account) => {
        void this.#events.emit('contact', this.#view(account))
        this.#guard.changed()
      },
      onProblem: (error) => this.#problem(error),
    })
    const [own, book] = [this.#own, this.#book]
    this.#owner = new Owner(parts, own)
    this.#backups = new Backups(parts, { own, book, owner: this.#owner, rooms: () => this.#guard.rooms })
    this.#verifying = new Verifying(parts, {
      own,
      book,
      say: (account, element) => this.#guard.sayTo(account, element),
      onIncoming: (verification) => void this.#events.emit('verification', verification),
    })
    this.#guard = new RoomGuard(parts, {
      own,
      book,
      onElement: (account, element) => this.#verifying.receive(account, element),
      problem: (error) => this.#problem(error),
      policy: options.policy ?? {},
      admins: options.admins ?? 'creator',
    })
  }

  /** For `MlsClientOptions.identity`: what rooms ask and tell. */
  get rooms(): RoomIdentity {
    return this.#guard
  }

  /** Certificates of leaves that were verified, whatever rooms they are in. */
  get certificatesSeen(): number {
    return this.#guard.certificates.size
  }

  /**
   * Opens the identity of the device: reads the storage, looks at the own nodes, renews what is due. The connection must be
   * up. A device that belongs to no identity yet is `FRESH`: {@link create} one, link it to one, or restore one.
   * @throws `storage/…`, `xmpp/jid` for the storage of another account, `xmpp/…`, XmppError
   */
  static async open(options: IdentityOptions): Promise<IdentityClient> {
    const { xmpp, ports = {} } = options
    const storage = options.storage ?? (await temporaryStorage())
    const suite = await defaultSuite()
    const account = bareJid(xmpp.jid)
    const wanted = { account, deviceId: options.deviceId }
    const { identity, device } = await openDevice(new ClientStore(storage), options.suite ?? suite, wanted)
    const { identity: name } = identity.credential as { identity: Bytes }
    const parts: IdentityParts = {
      port: xmpp,
      timers: ports.timers ?? systemTimers,
      random: ports.random ?? systemRandom,
      suite,
      store: new IdentityStore(storage, suite),
      directory: new Directory(xmpp, suite),
      observer: ports.observer && new Directory(ports.observer, suite),
      account,
      accountBytes: utf8(account),
      deviceId: name.slice(-device.length / 2),
      leafKeys: [identity.signer.publicKey],
    }
    const client = new IdentityClient(parts, options)
    await client.#start()
    return client
  }

  async #start(): Promise<void> {
    const { store, port, account } = this.#parts
    await this.#own.load()
    await this.#book.load()
    this.#findings = [...(await store.findings())]
    this.#stop.push(
      onPepEvent(port, (from, event) => {
        if (event.node !== identityNodes.manifest && event.node !== identityNodes.log) return
        if (from === account) this.#background(() => this.audit())
        else if (this.#book.pin(from).trust !== 'UNKNOWN') this.#background(() => this.#book.refresh(from))
      }),
    )
    const stopState = port.onState?.((state) => {
      if (state === 'online') this.#background(() => this.audit())
    })
    if (stopState !== undefined) this.#stop.push(stopState)
    this.#every(auditMs, () => this.audit())
    this.#every(refreshMs, () => this.#guard.refresh())
    await this.audit()
  }

  #every(ms: number, run: () => Promise<void>): void {
    let stop = (): void => undefined
    const arm = (): void => {
      stop = this.#parts.timers.after(ms, () => {
        arm()
        this.#background(run)
      })
    }
    arm()
    this.#stop.push(() => stop())
  }

  #background(run: () => Promise<unknown>): void {
    run().catch((error: unknown) => this.#problem(error))
  }

  #problem(cause: unknown): void {
    const error =
      cause instanceof MlsError ? cause : new MlsError('internal/unreachable', 'an unexpected failure', { cause })
    void this.#events.emit('error', error)
  }

  /** Something is wrong with the own account: told once for each manifest that it is about. */
  #alarm(kind: IdentityEvents['alarm']['kind'], about: VerifiedManifest, prove?: () => Bytes): void {
    const name = `${kind} ${toHex(about.hash)}`
    if (this.#alarms.has(name)) return
    this.#alarms.add(name)
    const [sentence, evidence] = [alarmSentences[kind], prove?.()]
    const { store, timers, account } = this.#parts
    const found: StoredFinding = { account, kind, loudness: 'alarm', sentence, at: timers.now(), evidence }
    this.#findings.push(found)
    this.#background(() => store.saveFindings([found]))
    void this.#events.emit('alarm', { kind, sentence, evidence })
  }

  #ownChanged(now: VerifiedManifest, before: VerifiedManifest | undefined): void {
    const without = (a: VerifiedManifest, b: VerifiedManifest | undefined) =>
      a.devices.filter(({ deviceId }) => !b?.devices.some((one) => equalBytes(one.deviceId, deviceId)))
    void this.#events.emit('own', {
      manifest: now,
      added: without(now, before).map((one) => deviceView(one)),
      removed: before === undefined ? [] : without(before, now).map((one) => deviceView(one)),
      byThisDevice: this.#signing > 0,
    })
    this.#background(() => this.#book.observe(this.account, { kind: 'published', current: now }))
  }

  /** Listens to one kind of event. Returns how to stop. */
  on<K extends keyof IdentityEvents>(name: K, listener: (value: IdentityEvents[K]) => unknown): () => void {
    return this.#events.on(name, listener)
  }

  /** Own bare JID. */
  get account(): string {
    return this.#parts.account
  }

  /** The own identity, ready to show. */
  get status(): IdentityStatus {
    return statusView(this.#parts, this.#own)
  }

  /**
   * Makes an identity with this device as its first steward, and publishes it. The recovery code is given here and never
   * again: have it written down, then call {@link codeSaved}.
   * @throws `identity/state` when this device belongs to one, or the account has one: link or restore; XmppError, `storage/…`
   */
  async create(options: CreateOptions = {}): Promise<CreatedIdentity> {
    const { profile = 'casual', hybrid = false, backup = true, name = '', flags = 0 } = options
    const secret = await this.#signed(() => this.#owner.create(profile, hybrid, flags, name))
    try {
      const opener = { kind: 'recovery_code', secret } as const
      if (backup) await this.#signed(() => this.#backups.makeWith(opener, { kdf: 'recovery_code' }))
    } catch (error) {
      // the identity is there; a backup can be made later
      this.#problem(error)
    }
    return { recoveryCode: codeOf(secret) }
  }

  async #signed<T>(run: () => Promise<T>): Promise<T> {
    this.#signing++
    try {
      return await run()
    } finally {
      this.#signing--
    }
  }

  /** The user has written the recovery code down. @throws `identity/state` (I094), `storage/…` */
  async codeSaved(): Promise<void> {
    const { root, stored } = this.#own
    const saved = rootStep(root, 'code_saved')
    await this.#own.patch({ root: rootStep(saved, stored.profile === 'casual' ? 'held' : 'sealed') })
  }

  /**
   * Compares what the server shows of the own account with what this device knows: merges what other own devices did,
   * publishes again what is missing, renews what is due. Done by itself when the client opens, reconnects, or is told of a
   * change. @throws XmppError, `xmpp/…`, `storage/…`
   */
  async audit(): Promise<void> {
    if (this.#own.manifest === undefined && this.#own.stored.awaiting === undefined) return
    await this.#own.reconcile()
    await this.#signed(() => this.#owner.renewDue())
    await this.#own.compareAsStranger()
    await this.#book.subscribe(this.account)
  }

  /**
   * Begins to link this device to the identity of its account: show `text` to a steward.
   * @param name how the steward shows this device, at most 64 bytes
   * @throws `identity/state` on a device that belongs to the identity and holds what a steward holds
   */
  async link(name: string): Promise<DeviceLink> {
    const { suite, deviceId, leafKeys, timers } = this.#parts
    const [leafKey] = leafKeys
    if (leafKey === undefined || this.#own.maySign) throw notNow('this device is linked already')
    if (this.#own.device === 'RETIRED' || this.#own.device === 'REVOKED')
      throw notNow('a device that was removed begins anew, with an empty storage')
    const linking = await requestLink(suite, { deviceId, leafKey, name }, secondsOf(timers))
    return new DeviceLink(this.#parts, this.#own, linking)
  }

  /**
   * Looks at the code of a new device, as a steward: show its name and its six digits, then call `approve` with the four
   * digits that it shows. @throws `identity/state` (I092), `identity_qr/…`, `identity_link/…`
   */
  review(text: string): Promise<LinkApproval> {
    return review(this.#parts, this.#own, text, (run) => this.#signed(run))
  }

  /**
   * Removes a device of the own account: from the list, from those that can be invited, from every open room.
   * `compromised` and `lost` stewards held OPS: with the root at hand (here, or by the recovery code) it is replaced.
   * @returns whether the recovery code is needed to be safe from a removed steward: call {@link recover}
   * @throws `identity/state`, `identity_recovery/…`, XmppError
   */
  async removeDevice(device: string, options: RemovalOptions): Promise<boolean> {
    const { reason, recoveryCode } = options
    const needed = await this.#signed(() => this.#owner.removeDevice(device, reason, recoveryCode))
    await this.#guard.removeEverywhere(device)
    return needed
  }

  /**
   * Lets stewards sign for 400 days more (`status.signsUntil`); nothing else changes. Done by itself where the root is on a
   * steward's device; call it when `status.renewalDue` stays.
   * @throws `identity_backup/secret` for the code of another identity, `identity_recovery/…`, `identity/state`, XmppError
   */
  async renew(recoveryCode: string): Promise<void> {
    await this.#signed(() => this.#owner.renew(recoveryCode))
  }

  /**
   * Moves to the announced root; contacts keep what they have verified.
   * @throws `identity_recovery/…`, `identity/state`; `identity/future` while the server shows a list of devices that is dated
   * ahead of the clock: set the clock, or {@link recover}
   */
  async rotate(recoveryCode: string): Promise<void> {
    await this.#signed(() => this.#owner.rotate(recoveryCode))
  }

  /**
   * Takes the account back after a theft, on any device: the announced root takes over; devices that are not in `keep` are
   * revoked and removed from open rooms. Contacts keep what they have verified.
   * @returns ids of the devices that are gone
   * @throws `identity_backup/secret` for the code of another identity, `identity_recovery/…`, `identity/state`, XmppError
   */
  async recover(recoveryCode: string, options: KeepOptions = {}): Promise<{ readonly removed: readonly string[] }> {
    const last = await this.#newest()
    await this.#signed(() => this.#owner.recover(recoveryCode, last, options.keep ?? []))
    return { removed: await this.#dropRevoked(last) }
  }

  /**
   * A new identity where code and root are lost. Nothing connects it with the old one: contacts see that it has changed.
   * @throws `identity/state`, XmppError
   */
  async reset(options: KeepOptions = {}): Promise<CreatedIdentity> {
    const last = await this.#newest()
    const secret = await this.#signed(() => this.#owner.reset(last, options.keep ?? []))
    await this.#dropRevoked(last)
    return { recoveryCode: codeOf(secret) }
  }

  async #newest(): Promise<VerifiedManifest> {
    await this.#own.reconcile()
    const { manifest } = this.#own
    if (manifest !== undefined) return manifest
    const { current } = await this.#own.shown()
    if (current === undefined) throw notNow('this account has no identity')
    return this.#own.baseOf(current)
  }

  async #dropRevoked(before: VerifiedManifest): Promise<readonly string[]> {
    const now = this.#own.manifest
    const gone = before.devices.filter(
      ({ deviceId }) => now?.devices.some((one) => equalBytes(one.deviceId, deviceId)) === false,
    )
    for (const { deviceId } of gone) {
      await this.#parts.directory.dropDevice(deviceId)
      await this.#guard.removeEverywhere(toHex(deviceId))
    }
    return gone.map(({ deviceId }) => toHex(deviceId))
  }

  /** Leaves a sealed backup on the server. @throws `identity_backup/…`, `identity_recovery/…`, `identity/state`, XmppError */
  async backup(opener: BackupOpener): Promise<void> {
    await this.#signed(() => this.#backups.make(opener))
  }

  /**
   * Comes back from the backup as a new device and steward. Enter the rooms that it names: old leaves go with it.
   * `replaces`: ids of devices that are gone; they are revoked as lost.
   * @throws `identity/state` without a backup or on a device that belongs to an identity; `identity_backup/…`, XmppError
   */
  async restore(
    opener: BackupOpener,
    options: { readonly replaces?: readonly string[] } = {},
  ): Promise<RestoredIdentity> {
    return this.#signed(() => this.#backups.restore(opener, options.replaces ?? []))
  }

  /** Signs statements about own keys of other protocols (`omemoStatement`, `openPgpStatement`), kind by kind. */
  async vouch(...statements: readonly CrossStatement[]): Promise<void> {
    await this.#signed(() => this.#owner.vouch(statements))
  }

  /** A code to show to a person, best the one whose conversation is open. @throws `identity/state` */
  showCode(jid?: string): ShownCode {
    return this.#verifying.showCode(jid === undefined ? undefined : bareJid(jid))
  }

  /**
   * Takes the code that a person shows: one scan verifies both. @param jid the account that it should be of
   * @throws `identity_qr/…`, `identity_verify/account`, `identity/state`
   */
  scanCode(text: string, jid?: string): Promise<ScanResult> {
    return this.#verifying.scan(text, jid === undefined ? undefined : bareJid(jid))
  }

  /** Sixty digits to compare by voice. @throws `identity/state` when nothing is known of the account */
  digits(jid: string): Promise<DigitsToCompare> {
    return this.#verifying.digits(bareJid(jid))
  }

  /** Seven emoji to compare; needs an encrypted room with the account. The other side gets `verification`. */
  emoji(jid: string): Promise<EmojiVerification> {
    return this.#verifying.emoji(bareJid(jid))
  }

  /** A link that carries the own identity. @throws `identity/state` */
  inviteLink(): string {
    return this.#verifying.inviteLink()
  }

  /** Follows a link. Resolves to its account; `undefined` when it carries no identity. @throws `identity_invite/…` */
  followLink(link: string): Promise<string | undefined> {
    return this.#verifying.follow(link)
  }

  /** The user takes the new identity of a contact without comparing it. `rootHash`: what `contact().offered` was. */
  async accept(jid: string, rootHash: Uint8Array): Promise<void> {
    await this.#book.observe(bareJid(jid), { kind: 'accept_root', rootHash })
  }

  /** The user stays with the identity that is known. */
  async keep(jid: string): Promise<void> {
    await this.#book.observe(bareJid(jid), { kind: 'keep_root' })
  }

  /** The user takes a verification back. */
  async unverify(jid: string): Promise<void> {
    await this.#book.observe(bareJid(jid), { kind: 'drop_verification' })
  }

  /**
   * Another account, ready to show; its nodes are read where nothing is known of it, or nothing lately.
   * @throws `xmpp/jid`
   */
  async contact(jid: string): Promise<IdentityContact> {
    const account = bareJid(jid)
    await this.#book.meet(account, refreshMs)
    this.#background(() => this.#book.subscribe(account))
    return this.#view(account)
  }

  /** Accounts that are known, ready to show, without asking the server. */
  get contacts(): readonly IdentityContact[] {
    return this.#book.accounts.map((account) => this.#view(account))
  }

  /** Reads the nodes of an account now. @throws XmppError, `xmpp/…`; as `verifyManifest` */
  async refresh(jid: string): Promise<void> {
    await this.#book.refresh(bareJid(jid))
  }

  #view(account: string): IdentityContact {
    const findings = this.#findings.filter((one) => one.account === account)
    return contactView(account, this.#book.pin(account), secondsOf(this.#parts.timers), findings)
  }

  /** Stops everything; the storage stays open. */
  close(): void {
    for (const stop of this.#stop) stop()
    this.#stop = []
    this.#guard.close()
  }
}

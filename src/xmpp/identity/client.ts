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
import { createAccount, dueChanges, nextManifest } from '../../identity/account.ts'
import type { NewDevice } from '../../identity/account-changes.ts'
import { contactState, sendRule } from '../../identity/contact.ts'
import { decodeDeviceCert } from '../../identity/device-cert.ts'
import { flagsOf } from '../../identity/device-entry.ts'
import { identityAuthentication } from '../../identity/group-authentication.ts'
import { CertificateCache } from '../../identity/group-certificates.ts'
import { leafComponentsOf } from '../../identity/group-components.ts'
import { identityGroupRules } from '../../identity/group-rules.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { ownDeviceStep } from '../../identity/own-device.ts'
import { encodeRecoveryCode } from '../../identity/recovery-code.ts'
import { recoverySecretLength, rootHash, rootSeed, rootSigner } from '../../identity/root-keys.ts'
import { noRoot, rootStep } from '../../identity/root-state.ts'
import { contactSentences, ownDeviceSentences, rootSentences } from '../../identity/sentences.ts'
import { deviceStanding } from '../../identity/standing.ts'
import type { AuthenticationService } from '../../ports/authentication-service.ts'
import type { GroupRules } from '../../ports/group-rules.ts'
import { keySigner } from '../../signed/signer.ts'
import type { Extension } from '../../wire/extension.ts'
import { Emitter } from '../mls/emitter.ts'
import type { LeafProvider } from '../mls/leaf-provider.ts'
import { defaultSuite, openDevice, systemRandom, systemTimers, temporaryStorage } from '../mls/open-device.ts'
import type { RoomIdentity } from '../mls/room-identity.ts'
import { ClientStore } from '../mls/store.ts'
import type { Trust } from '../mls/types.ts'
import { onPepEvent } from '../pep/pep-fetch.ts'
import { bareJid } from '../stanza/jid.ts'
import { ContactBook } from './contact-book.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import { deviceView } from './device-view.ts'
import { Directory } from './directory.ts'
import { identityLeaf } from './leaf.ts'
import { OwnIdentity } from './own-identity.ts'
import { IdentityStore, type StoredFinding } from './store.ts'
import type { IdentityContact, IdentityEvents, IdentityOptions, IdentityStatus, RootProfile } from './types.ts'
import { identityNodes } from './wire.ts'

/** The server is asked about an account again after so long. */
const refreshMs = 60 * 60 * 1000
/** The own nodes are looked at after so long. */
const auditMs = 6 * 60 * 60 * 1000

/** What the owner must write down. */
export interface CreatedIdentity {
  /** Nine groups of four characters. It is shown once and kept nowhere. */
  readonly recoveryCode: string
}

/** See the file. */
export class IdentityClient implements RoomIdentity {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #book: ContactBook
  readonly #events: Emitter<IdentityEvents>
  readonly authentication: AuthenticationService
  readonly groupRules: GroupRules
  readonly leaf: LeafProvider
  /** The certificates of leaves that were checked. */
  readonly certificates: CertificateCache
  #findings: StoredFinding[] = []
  #stop: (() => void)[] = []
  #signing = 0

  private constructor(parts: IdentityParts, options: IdentityOptions) {
    this.#parts = parts
    this.#events = new Emitter((error) => this.#problem(error))
    this.#own = new OwnIdentity(parts, {
      onManifest: (now, before) => this.#ownChanged(now, before),
      onWithheld: () => this.#alarm('withheld', undefined),
      onStranger: () => this.#alarm('misused', undefined),
    })
    this.#book = new ContactBook(parts, {
      onFinding: (found) => {
        const { account, loudness, sentence, evidence, finding } = found
        if (loudness !== 'silent' && sentence !== undefined)
          this.#findings.push({ account, kind: finding.kind, loudness, sentence, at: parts.timers.now(), evidence })
        void this.#events.emit('finding', found)
      },
      onChange: (account) => void this.#events.emit('contact', this.#view(account)),
      onProblem: (error) => this.#problem(error),
    })
    this.certificates = new CertificateCache(parts.suite)
    this.authentication = identityAuthentication()
    this.groupRules = identityGroupRules({ suite: parts.suite, certificates: this.certificates })
    this.leaf = identityLeaf(this.#own, parts.deviceId, {
      policy: options.policy ?? {},
      additions: (_group, wanted) => wanted,
    })
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

  #alarm(kind: 'withheld' | 'misused', evidence: Uint8Array | undefined): void {
    const sentence =
      kind === 'withheld'
        ? 'The server does not show your newest list of devices to others.'
        : 'Somebody has signed a list of devices in your name that none of your devices knows.'
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
    const { manifest, device, root, stored } = this.#own
    return {
      account: this.account,
      device: toHex(this.#parts.deviceId),
      deviceState: device,
      deviceSentence: ownDeviceSentences[device],
      rootState: root.state,
      rootSentence: rootSentences[root.state],
      devices: (manifest?.devices ?? []).map((one) => deviceView(one)),
      generation: manifest?.generation,
      seq: manifest?.seq,
      rootHash: manifest?.rootHash,
      published: stored.published,
      steward: this.#own.maySign,
    }
  }

  /**
   * Makes an identity with this device as its first steward, and publishes it. The recovery code is given here and never
   * again: have it written down, then call {@link codeSaved}.
   * @throws `identity/state` when this device belongs to one, or the account has one: link or restore; XmppError, `storage/…`
   */
  async create(
    options: { readonly profile?: RootProfile; readonly hybrid?: boolean; readonly flags?: number } = {},
  ): Promise<CreatedIdentity> {
    const { suite, accountBytes, directory, account, deviceId, leafKeys, timers } = this.#parts
    const { profile = 'casual', hybrid = false } = options
    if (this.#own.device !== 'FRESH') throw state('this device belongs to an identity already')
    if ((await directory.current(account)) !== undefined) throw state('this account has an identity: link this device')
    const secret = suite.randomBytes(recoverySecretLength)
    const seed = rootSeed(suite, secret, 0)
    const root = rootSigner(suite, seed, hybrid)
    const next = rootSigner(suite, rootSeed(suite, secret, 1), hybrid)
    const opsKey = suite.generateSignatureKeyPair().privateKey
    const ops = keySigner(suite, opsKey)
    const flags = (options.flags ?? 0) | flagsOf('steward')
    const device: NewDevice = { deviceId, leafKeys: [...leafKeys], flags, encLabel: new Uint8Array(0) }
    const keys = { root, ops, nextRootHash: rootHash(suite, next.root) }
    const issued = await createAccount(suite, accountBytes, keys, device, secondsOf(timers))
    await this.#signed(() =>
      this.#own.begin(
        issued,
        {
          profile,
          hybrid,
          device: ownDeviceStep('FRESH', 'created').state,
          root: rootStep(noRoot, 'created'),
          rootSeed: profile === 'casual' ? seed : undefined,
          ops: opsKey.slice(),
        },
        false,
      ),
    )
    root.wipe()
    next.wipe()
    const recoveryCode = encodeRecoveryCode(secret)
    secret.fill(0)
    return { recoveryCode }
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
    if (this.#own.manifest === undefined) return
    await this.#own.reconcile()
    await this.#renew()
  }

  /** What a steward does in silence. */
  async #renew(): Promise<void> {
    const { suite, timers, deviceId } = this.#parts
    const now = secondsOf(timers)
    const due = (last: VerifiedManifest) => dueChanges(last, [deviceId], now)
    if (!this.#own.maySign || this.#own.manifest === undefined || due(this.#own.manifest) === undefined) return
    await this.#signed(() =>
      this.#own.change((last) => nextManifest(suite, this.#own.signer(), last, due(last) ?? [], now)),
    )
  }

  /**
   * Another account, ready to show; its nodes are read where nothing is known of it, or nothing lately.
   * @throws `xmpp/jid`
   */
  async contact(jid: string): Promise<IdentityContact> {
    const account = bareJid(jid)
    await this.#book.meet(account, refreshMs)
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
    const pin = this.#book.pin(account)
    const now = secondsOf(this.#parts.timers)
    const found = contactState(pin, now)
    return {
      account,
      state: found,
      sentence: contactSentences[found],
      sending: sendRule(pin, now),
      devices: (pin.head?.devices ?? []).map((one) => deviceView(one)),
      generation: pin.head?.generation,
      rootHash: pin.rootHash,
      offered: pin.offered?.rootHash,
      findings: this.#findings.filter((one) => one.account === account),
    }
  }

  /** What to show beside a device in a room. See `MlsClientOptions.trust`. */
  readonly trust = (who: {
    readonly account: string
    readonly device: string
    readonly signatureKey: Uint8Array
    readonly extensions?: readonly Extension[]
  }): Trust => {
    const { suite, timers } = this.#parts
    const pin = this.#book.pin(who.account)
    const own = who.account === this.account
    const head = own ? this.#own.manifest : pin.head
    const shown = contactState(pin, secondsOf(timers))
    if (!own && ['CHANGED', 'COMPROMISED', 'EQUIVOCATION', 'ROLLBACK'].includes(shown)) return 'changed'
    if (head === undefined) return 'unverified'
    const standing = this.#standing(suite, head, who)
    if (standing === 'listed') return own || pin.trust === 'VERIFIED' ? 'verified' : 'unverified'
    return standing === 'newer' || standing === 'old_root' ? 'unverified' : 'changed'
  }

  #standing(
    suite: IdentityParts['suite'],
    head: VerifiedManifest,
    who: {
      readonly account: string
      readonly device: string
      readonly signatureKey: Uint8Array
      readonly extensions?: readonly Extension[]
    },
  ): ReturnType<typeof deviceStanding>['kind'] {
    try {
      const { certificate } = leafComponentsOf(who.extensions ?? [])
      if (certificate === undefined) return 'unlisted'
      const deviceId = hexBytes(who.device)
      const subject = { account: utf8(who.account), deviceId, leafKey: who.signatureKey }
      return deviceStanding(suite, head, subject, decodeDeviceCert(certificate)).kind
    } catch (error) {
      if (error instanceof MlsError && error.kind !== 'bug') return 'unlisted'
      throw error
    }
  }

  /** Stops everything; the storage stays open. */
  close(): void {
    for (const stop of this.#stop) stop()
    this.#stop = []
  }
}

function state(message: string): MlsError {
  return new MlsError('identity/state', message, { rule: 'I091' })
}

function hexBytes(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

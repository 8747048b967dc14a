/**
 * The own identity: what this device knows of its account's manifests, the keys that it holds, and publishing.
 *
 *     change ──> read nodes ──> merge what others did ──> sign ──> store ──> log ──> current ──> read nodes again
 *                    ^                                                                              │ something new
 *                    └──────────────────────────────────────────────────────────────────────────────┘
 *
 * PEP has no compare-and-set. Whatever a device signs is first in its storage, then in the log under a name of its own, then
 * current; and it reads the log after it has written there. Of two devices that publish at once at least the later one so
 * sees both manifests and merges them; what was signed is never lost, whichever write came last and whoever stopped half-way.
 */
import { type Bytes, copyBytes, equalBytes } from '../../bytes/bytes.ts'
import { check, MlsError } from '../../bytes/errors.ts'
import { mapKey } from '../../bytes/text.ts'
import { decode, encode } from '../../codec/codec.ts'
import type { Issued, IssuedCert } from '../../identity/account.ts'
import { certifyDevices, nextManifest } from '../../identity/account.ts'
import type { ManifestChange } from '../../identity/account-changes.ts'
import type { IssuedRotation } from '../../identity/account-root.ts'
import { DeviceCert, decodeDeviceCert, verifyDeviceCert } from '../../identity/device-cert.ts'
import { type DeviceEntry, hasFlag } from '../../identity/device-entry.ts'
import type { RotationProof } from '../../identity/group-evidence.ts'
import { identityLimits } from '../../identity/limits.ts'
import { type ManifestSigner, type VerifiedManifest, verifyManifest } from '../../identity/manifest.ts'
import { compareHeads, headHashLength } from '../../identity/manifest-head.ts'
import { mergeManifests } from '../../identity/merge.ts'
import { type OwnDeviceState, ownDeviceStep } from '../../identity/own-device.ts'
import { replacedSide } from '../../identity/replaced-ops.ts'
import { rootSigner } from '../../identity/root-keys.ts'
import type { OwnRoot } from '../../identity/root-state.ts'
import { RotationStatement } from '../../identity/rotation.ts'
import { keySigner, type SyncSigner } from '../../signed/signer.ts'
import { beforeNextLook, type IdentityParts, maxLooks, secondsOf } from './context.ts'
import type { ShownIdentity } from './directory.ts'
import { followOwn, type OwnLine, readOwnView } from './own-view.ts'
import { notNow } from './secrets.ts'
import { emptyOwn, type StoredOwn } from './store.ts'

/** What others are told of the own identity. */
export interface OwnIdentityEvents {
  /** The own manifest is another one; `before` is missing at first. */
  onManifest(now: VerifiedManifest, before: VerifiedManifest | undefined): void
  /** The own device has another certificate. */
  onCertificate(): void
  /** The server shows less than this device has published, although it was asked to. */
  onWithheld(own: VerifiedManifest, shown: VerifiedManifest | undefined): void
  /** The server shows another root for the own account, which does not follow from the own one. */
  onReplaced(own: VerifiedManifest, shown: VerifiedManifest): void
  /** A manifest that the own key signed and that nobody of the own devices can have made. */
  onStranger(own: VerifiedManifest, stranger: VerifiedManifest): void
}

/** Rounds of publishing and reading again; each one settles at least one other device. */
const maxRounds = 32
/** Own manifests that are remembered, and that stay in the log. */
const maxHistory = 64
/** Manifests that the log may grow to. */
const maxLog = 192
/** Milliseconds for which a device that lost a race waits at most. */
const backoffMs = 500

/** See the file. */
export class OwnIdentity {
  readonly #parts: IdentityParts
  readonly #events: OwnIdentityEvents
  #stored: StoredOwn
  #manifest: VerifiedManifest | undefined
  #history: readonly VerifiedManifest[] = []
  #verified: ReadonlyMap<string, VerifiedManifest> = new Map()
  #work: Promise<unknown> = Promise.resolve()

  constructor(parts: IdentityParts, events: OwnIdentityEvents) {
    this.#parts = parts
    this.#events = events
    this.#stored = emptyOwn(parts.account)
  }

  /** Reads the storage. @throws `storage/…`, `xmpp/jid` when it belongs to another account */
  async load(): Promise<void> {
    const { store, suite, account } = this.#parts
    const stored = await store.own()
    if (stored === undefined) return
    check(stored.account === account, 'xmpp/jid', undefined, 'the storage belongs to another account')
    this.#stored = stored
    this.#manifest = stored.manifest && verifyManifest(suite, stored.manifest)
    this.#history = stored.history.map((bytes) => verifyManifest(suite, bytes))
  }

  /** The newest own manifest; `undefined` while this device belongs to no identity. */
  get manifest(): VerifiedManifest | undefined {
    return this.#manifest
  }

  /** What is stored beside the manifest. */
  get stored(): StoredOwn {
    return this.#stored
  }

  get device(): OwnDeviceState {
    return this.#stored.device
  }

  get root(): OwnRoot {
    return this.#stored.root
  }

  /** The entry of the own device; `undefined` when it is not listed. */
  get entry(): DeviceEntry | undefined {
    const { deviceId } = this.#parts
    return this.#manifest?.devices.find((one) => equalBytes(one.deviceId, deviceId))
  }

  /** Rotations of the own account with their proof, oldest first. */
  get rotations(): readonly RotationProof[] {
    return this.#stored.rotations.map(({ statement, lastManifest }) => ({
      statement: decode(RotationStatement, statement),
      lastManifest,
    }))
  }

  /** The certificate for a key of the own device. */
  certificate(leafKey: Uint8Array): DeviceCert | undefined {
    const found = this.#stored.certificates.find((one) => equalBytes(one.leafKey, leafKey))
    return found && decode(DeviceCert, found.certificate)
  }

  /** The OPS key, where this device holds the one that the manifest names. */
  get ops(): SyncSigner | undefined {
    const { suite } = this.#parts
    const { ops } = this.#stored
    const signer = ops && keySigner(suite, ops)
    return signer !== undefined &&
      this.#manifest?.ops !== undefined &&
      equalBytes(signer.publicKey, this.#manifest.ops.opsKey)
      ? signer
      : undefined
  }

  /** The root, where this device holds its seed. */
  get rootSigner(): ReturnType<typeof rootSigner> | undefined {
    const { rootSeed, hybrid } = this.#stored
    const signer = rootSeed && rootSigner(this.#parts.suite, rootSeed, hybrid)
    return signer !== undefined &&
      this.#manifest !== undefined &&
      equalBytes(signer.root.ed25519, this.#manifest.root.ed25519)
      ? signer
      : undefined
  }

  /** Who signs here: OPS as this device. @throws `identity/state` (I092) for a device that is no steward, or on probation */
  signer(): ManifestSigner & { readonly by: Uint8Array } {
    const { ops, entry } = this
    const may = ops !== undefined && entry !== undefined && hasFlag(entry, 'steward') && !hasFlag(entry, 'probation')
    if (!may) throw new MlsError('identity/state', 'this device may not change the manifest', { rule: 'I092' })
    return { kind: 'ops', ops, by: this.#parts.deviceId }
  }

  /** Whether this device may sign. */
  get maySign(): boolean {
    const { ops, entry } = this
    return ops !== undefined && entry !== undefined && hasFlag(entry, 'steward') && !hasFlag(entry, 'probation')
  }

  /** Runs after all that was asked for before. */
  #next<T>(run: () => Promise<T>): Promise<T> {
    const next = this.#work.then(run)
    this.#work = next.catch(() => undefined)
    return next
  }

  /** Changes what is stored beside the manifest. @throws `storage/…` */
  patch(changes: Partial<StoredOwn>): Promise<void> {
    return this.#next(() => this.#save(changes))
  }

  async #save(changes: Partial<StoredOwn>): Promise<void> {
    const next = { ...this.#stored, ...changes }
    await this.#parts.store.saveOwn(next)
    this.#stored = next
  }

  /**
   * Makes the next manifest from the newest one and publishes it. Resolves when the server shows it, or the server does not
   * do so: what was signed is kept, and goes on being published.
   * @param make is called once, with the newest manifest
   * @param beside what is stored with the new manifest
   * @throws what `make` threw; XmppError, `xmpp/…`, `storage/…`
   */
  change<T extends Issued | IssuedRotation>(
    make: (last: VerifiedManifest) => Promise<T>,
    beside: (issued: T) => Partial<StoredOwn> = () => ({}),
  ): Promise<T> {
    return this.#next(async () => {
      await this.#reconcile()
      const last = this.#manifest
      if (last === undefined) throw notNow('this device belongs to no identity')
      const issued = await make(last)
      await this.#take(issued, beside(issued))
      await this.#reconcile()
      const replaced = this.#manifest && replacedSide(issued.manifest, this.#manifest)
      if (replaced === issued.manifest || (this.#manifest?.generation ?? 0) > issued.manifest.generation)
        throw notNow('another device has renewed the keys of this account: nothing was changed')
      return issued
    })
  }

  /**
   * As {@link change}, for a device that has no manifest of its own yet and goes on from one that it was shown.
   * @throws as {@link change}
   */
  changeFrom<T extends Issued | IssuedRotation>(
    last: VerifiedManifest,
    make: (last: VerifiedManifest) => Promise<T>,
    beside: (issued: T) => Partial<StoredOwn>,
  ): Promise<T> {
    return this.#next(async () => {
      const issued = await make(last)
      this.#manifest = last
      await this.#take(issued, beside(issued))
      await this.#reconcile()
      return issued
    })
  }

  /**
   * Begins with the first manifest of an account, made by this device.
   * @throws as {@link change}
   */
  begin(issued: Issued, beside: Partial<StoredOwn>): Promise<void> {
    return this.#next(async () => {
      await this.#take(issued, beside)
      await this.#reconcile()
    })
  }

  async #take(issued: Issued | IssuedRotation, beside: Partial<StoredOwn>): Promise<void> {
    const { manifest, certificates } = issued
    const before = this.#manifest
    const history = before === undefined ? this.#history : [...this.#history, before].slice(-maxHistory)
    const rotation =
      'rotation' in issued && before !== undefined
        ? [{ statement: encode(RotationStatement, issued.rotation), lastManifest: before.bytes }]
        : []
    await this.#save({
      manifest: manifest.bytes,
      published: false,
      history: history.map(({ bytes }) => bytes),
      rotations: [...this.#stored.rotations, ...rotation].slice(-identityLimits.pastRoots),
      ...this.#withCertificates(certificates),
      ...beside,
    })
    this.#history = history
    this.#manifest = manifest
    await this.#settleDevice()
    this.#events.onManifest(manifest, before)
    if (certificates.some((one) => equalBytes(one.deviceId, this.#parts.deviceId))) this.#events.onCertificate()
  }

  #withCertificates(issued: readonly IssuedCert[]): Pick<StoredOwn, 'certificates' | 'unpublished'> {
    const { deviceId } = this.#parts
    const own = issued
      .filter((one) => equalBytes(one.deviceId, deviceId))
      .map(({ leafKey, cert }) => ({ leafKey: copyBytes(leafKey), certificate: encode(DeviceCert, cert) }))
    const kept = this.#stored.certificates.filter((one) => !own.some(({ leafKey }) => equalBytes(leafKey, one.leafKey)))
    const devices = new Map<string, { device: Bytes; certificates: Bytes[] }>()
    for (const { device, certificates } of this.#stored.unpublished)
      devices.set(device.join(), { device, certificates: [...certificates] })
    for (const { deviceId: device, cert } of issued) {
      const name = device.join()
      const fresh = issued.filter((one) => equalBytes(one.deviceId, device)).map((one) => encode(DeviceCert, one.cert))
      if (cert !== undefined) devices.set(name, { device: copyBytes(device), certificates: fresh })
    }
    return { certificates: [...own, ...kept].slice(0, identityLimits.leafKeys), unpublished: [...devices.values()] }
  }

  /**
   * Reads the nodes, merges, adopts, publishes again.
   * @param heard manifests of the account that came another way
   * @throws XmppError, `xmpp/…`, `storage/…`
   */
  reconcile(heard: readonly VerifiedManifest[] = []): Promise<void> {
    return this.#next(() => this.#reconcile(heard))
  }

  /**
   * The newest own manifest that the server has shown: what others are told must be there for them.
   * @throws `identity/state` on a device that belongs to no identity; XmppError, `xmpp/…`, `storage/…`
   */
  settled(): Promise<VerifiedManifest> {
    return this.#next(async () => {
      if (!this.#stored.published) await this.#reconcile()
      if (this.#manifest === undefined) throw notNow('this device belongs to no identity')
      return this.#manifest
    })
  }

  /** Another copy of this device was noticed: its storage was copied or set back. @throws `storage/…` */
  noteCopy(): Promise<void> {
    return this.#next(async () => {
      const { device } = this.#stored
      if (device === 'ACTIVE' || device === 'PROBATION')
        await this.#save({ device: ownDeviceStep(device, 'anchor_regressed').state })
    })
  }

  /**
   * The device joins again after a copy was noticed: lists and certifies its new key. Keys of leaves in rooms that were not
   * copied stay listed. A device that may not sign has nobody who certifies it: it keeps the key that it has.
   * @returns whether the key is certified
   * @throws as {@link change}
   */
  async renewKey(newKey: Uint8Array): Promise<boolean> {
    await this.noteCopy()
    const { suite, timers, deviceId } = this.#parts
    const listed = (): boolean => this.entry?.leafKeys.some((key) => equalBytes(key, newKey)) === true
    if (!listed() && this.maySign)
      await this.change((last) => {
        const keys = last.devices.find((one) => equalBytes(one.deviceId, deviceId))?.leafKeys ?? []
        const oldKey = keys.at(-1)
        const change: ManifestChange =
          oldKey === undefined || keys.length < identityLimits.leafKeys
            ? { kind: 'add_key', deviceId, newKey }
            : { kind: 'replace_key', deviceId, oldKey, newKey }
        return nextManifest(suite, this.signer(), last, [change], secondsOf(timers))
      })
    await this.#next(async () => {
      if (this.#stored.device !== 'CLONED') return
      const { state } = ownDeviceStep('CLONED', 'renewed_leaf')
      const probation = this.entry !== undefined && hasFlag(this.entry, 'probation')
      await this.#save({ device: probation ? 'PROBATION' : state })
    })
    return listed() && this.certificate(newKey) !== undefined
  }

  /** Whether strangers are shown what this device has published. @throws XmppError, `xmpp/…` */
  async compareAsStranger(): Promise<void> {
    const { observer, account, suite, accountBytes, timers } = this.#parts
    if (observer === undefined) return
    for (let looks = 1; this.#manifest !== undefined && this.#stored.published; looks++) {
      const began = timers.now()
      const { current } = readOwnView(suite, accountBytes, await observer.read(account))
      const own = this.#manifest
      // what another own device publishes meanwhile is newer and not wrong
      const newest = current !== undefined && (equalBytes(current.hash, own.hash) || compareHeads(current, own) > 0)
      if (newest && equalBytes(current.rootHash, own.rootHash)) return
      if (looks === maxLooks) {
        if (newest) this.#events.onReplaced(own, current)
        else this.#events.onWithheld(own, current)
        return
      }
      await beforeNextLook(timers, looks, began)
      await this.reconcile()
    }
  }

  /** What the nodes of the own account show now, verified. @throws XmppError, `xmpp/…` */
  async shown(): Promise<ReturnType<typeof readOwnView>> {
    const { directory, account, suite, accountBytes } = this.#parts
    const shown: ShownIdentity = await directory.read(account)
    const view = readOwnView(suite, accountBytes, shown, this.#verified)
    // what is read again and again is verified once
    this.#verified = new Map(
      [...view.manifests, ...(view.current === undefined ? [] : [view.current])].map((one) => [mapKey(one.hash), one]),
    )
    return view
  }

  async #reconcile(heard: readonly VerifiedManifest[] = []): Promise<void> {
    const { suite } = this.#parts
    if (this.#stored.awaiting !== undefined) await this.#arrive(this.#stored.awaiting)
    for (let round = 0; round < maxRounds; round++) {
      const own = this.#manifest
      if (own === undefined) return
      const view = await this.shown()
      const all = { ...view, manifests: [...view.manifests, ...heard] }
      const line = followOwn(suite, own, this.#history, all, this.#stored.published)
      for (const stranger of line.strangers) this.#events.onStranger(own, stranger)
      await this.#adopt(line)
      if (await this.#merge(line)) continue
      const manifest = this.#manifest ?? own
      const { current } = view
      // what a device published that did not know yet of a rotation is put right like anything old
      if (current !== undefined && !equalBytes(current.rootHash, manifest.rootHash) && !this.#isPast(current)) {
        this.#events.onReplaced(manifest, current)
        // a reset on another device, or somebody else's: two devices that publish against each other help nobody
        if (current.generation > manifest.generation) return
      }
      const shows = view.current !== undefined && equalBytes(view.current.hash, manifest.hash)
      const logged = view.manifests.some(({ hash }) => equalBytes(hash, manifest.hash))
      if (shows && logged) {
        if (!this.#stored.published) await this.#save({ published: true })
        await this.#publishCertificates()
        await this.#certifySelf(manifest)
        await this.#prune(line, view)
        return
      }
      if (round === maxRounds - 1) this.#events.onWithheld(manifest, view.current)
      else await this.#publish(manifest, view, round)
    }
  }

  /** Whether a manifest is of an earlier root of this identity. */
  #isPast({ rootHash }: VerifiedManifest): boolean {
    const { suite } = this.#parts
    const left = this.#stored.rotations.map(({ lastManifest }) => verifyManifest(suite, lastManifest))
    return [...left, ...this.#history].some((one) => equalBytes(one.rootHash, rootHash))
  }

  /** The first look of a device that was linked: the manifest that its steward sealed to it, or a later one. */
  async #arrive(awaiting: NonNullable<StoredOwn['awaiting']>): Promise<void> {
    const { manifests, current } = await this.shown()
    const all = [...manifests, ...(current === undefined ? [] : [current])]
    const under = all.filter(({ rootHash }) => equalBytes(rootHash, awaiting.rootHash))
    const named = under.find(({ hash }) => equalBytes(hash.subarray(0, headHashLength), awaiting.hash))
    const later = under.find((one) => compareHeads(one, awaiting) > 0)
    const first = named ?? later
    if (first === undefined) {
      // what the steward has published must be there: whoever hides it has something to hide
      const [shown] = under
      if (current !== undefined) this.#events.onWithheld(shown ?? current, current)
      return
    }
    await this.#save({ manifest: first.bytes, published: true, awaiting: undefined })
    this.#manifest = first
    await this.#settleDevice()
    this.#events.onManifest(first, undefined)
    // it came sealed with what the device was linked with
    if (this.#stored.certificates.length > 0) this.#events.onCertificate()
  }

  async #adopt(line: OwnLine): Promise<void> {
    const before = this.#manifest
    if (before === undefined || equalBytes(line.head.hash, before.hash)) return
    const history = [...this.#history, ...line.rotations.map(({ lastManifest }) => lastManifest), before]
    const unique = [...new Map(history.map((one) => [one.hash.join(), one])).values()].slice(-maxHistory)
    const rotations = line.rotations.map(({ statement, lastManifest }) => ({
      statement: encode(RotationStatement, statement),
      lastManifest: lastManifest.bytes,
    }))
    await this.#save({
      manifest: line.head.bytes,
      history: unique.map(({ bytes }) => bytes),
      rotations: [...this.#stored.rotations, ...rotations].slice(-identityLimits.pastRoots),
    })
    this.#history = unique
    this.#manifest = line.head
    await this.#settleDevice()
    this.#events.onManifest(line.head, before)
  }

  /** Merges one side into the head. Returns whether there was something to do. */
  async #merge({ head, forks }: OwnLine): Promise<boolean> {
    if (!this.maySign) return false
    for (const { base, side } of forks) {
      try {
        const manifest = await mergeManifests(this.#parts.suite, this.signer(), base, head, side)
        this.#history = [...this.#history, side].slice(-maxHistory)
        await this.#take({ manifest, certificates: await certifyDevices(this.signer(), manifest) }, {})
        return true
      } catch (error) {
        if (!(error instanceof MlsError) || error.code !== 'identity/merge') throw error
        // no honest devices make two that cannot both be kept
        this.#events.onStranger(head, side)
      }
    }
    return false
  }

  async #publish(manifest: VerifiedManifest, view: ReturnType<typeof readOwnView>, round: number): Promise<void> {
    const { directory, timers, random } = this.#parts
    for (const { statement } of this.#stored.rotations) {
      const { newGeneration } = decode(RotationStatement, statement)
      const there = view.rotations.some((one) => equalBytes(encode(RotationStatement, one), statement))
      if (!there) await directory.logRotation(newGeneration, statement)
    }
    const missing = [...this.#history, manifest].filter(
      ({ hash }) => !view.manifests.some((one) => equalBytes(one.hash, hash)),
    )
    // the newest first: nobody sees what it has merged without seeing that it was merged
    for (const one of missing.reverse()) await directory.logManifest(one)
    await directory.publishCurrent(manifest)
    const [byte = 0] = random.randomBytes(1)
    if (round > 1) await new Promise<void>((resolve) => void timers.after((byte * backoffMs) / 256, resolve))
  }

  /** Takes old manifests out of the log: who comes that late walks over the gap. */
  async #prune({ head }: OwnLine, { manifests }: ReturnType<typeof readOwnView>): Promise<void> {
    if (manifests.length <= maxLog || !this.maySign) return
    const old = manifests.filter(({ seq }) => seq + BigInt(maxHistory) < head.seq).sort((a, b) => Number(a.seq - b.seq))
    await this.#parts.directory.prune(old.slice(0, maxLog / 2))
  }

  async #publishCertificates(): Promise<void> {
    const { directory } = this.#parts
    for (const { device, certificates } of this.#stored.unpublished)
      if (this.#manifest?.devices.some(({ deviceId }) => equalBytes(deviceId, device)))
        await directory.publishCertificates(device, certificates)
      else await directory.dropCertificates(device)
    if (this.#stored.unpublished.length > 0) await this.#save({ unpublished: [] })
  }

  /** A certificate of the own device that fits the manifest: made here by a steward, fetched by others. */
  async #certifySelf(manifest: VerifiedManifest): Promise<void> {
    const { entry } = this
    if (entry === undefined) return
    const { deviceId, directory, account, suite } = this.#parts
    const fits = (cert: DeviceCert | undefined): boolean =>
      cert !== undefined &&
      cert.generation === manifest.generation &&
      equalBytes(cert.rootEd25519, manifest.root.ed25519) &&
      (cert.signer === 'root' || (manifest.ops !== undefined && equalBytes(cert.opsKey, manifest.ops.opsKey)))
    const open = entry.leafKeys.filter((key) => !fits(this.certificate(key)))
    if (open.length === 0) return
    if (this.maySign) {
      await this.#save(this.#withCertificates(await certifyDevices(this.signer(), manifest, [deviceId])))
      await this.#publishCertificates()
    } else {
      const found = (await directory.certificates(account, deviceId)).flatMap((bytes) => {
        const cert = readCertificate(bytes)
        const leafKey = open.find((key) => {
          try {
            const subject = { account: manifest.account, deviceId, leafKey: key }
            return cert !== undefined && fits(verifyDeviceCert(suite, subject, cert))
          } catch (error) {
            if (error instanceof MlsError && error.kind !== 'bug') return false
            throw error
          }
        })
        return leafKey === undefined ? [] : [{ leafKey, certificate: bytes }]
      })
      if (found.length === 0) return
      const kept = this.#stored.certificates.filter(
        (one) => !found.some(({ leafKey }) => equalBytes(leafKey, one.leafKey)),
      )
      await this.#save({ certificates: [...found, ...kept].slice(0, identityLimits.leafKeys) })
    }
    this.#events.onCertificate()
  }

  /** The state of the own device follows the manifest. */
  async #settleDevice(): Promise<void> {
    const manifest = this.#manifest
    if (manifest === undefined) return
    const { deviceId } = this.#parts
    const { device } = this.#stored
    const { entry } = this
    const revoked = manifest.revoked.find((one) => equalBytes(one.deviceId, deviceId) && one.reason !== 'superseded')
    const event =
      entry === undefined
        ? revoked === undefined
          ? undefined
          : revoked.reason === 'retired'
            ? 'retired'
            : 'revoked'
        : device === 'PENDING'
          ? 'certified'
          : device === 'PROBATION' && !hasFlag(entry, 'probation')
            ? 'probation_over'
            : undefined
    if (event === undefined || device === 'FRESH' || device === 'RETIRED' || device === 'REVOKED') return
    const { state, actions } = ownDeviceStep(device, event)
    const wipe = actions.includes('wipe_identity_keys')
    await this.#save({ device: state, ...(wipe ? { rootSeed: undefined, ops: undefined, certificates: [] } : {}) })
    if (event === 'certified') await this.#settleDevice()
  }
}

function readCertificate(bytes: Uint8Array): DeviceCert | undefined {
  try {
    return decodeDeviceCert(bytes)
  } catch (error) {
    if (error instanceof MlsError && error.kind !== 'bug') return undefined
    throw error
  }
}

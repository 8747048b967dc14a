/** What a device knows of its own account and holds of its keys: read from the storage, changed there first. */
import { equalBytes } from '../../bytes/bytes.ts'
import { check, MlsError } from '../../bytes/errors.ts'
import { decode, encode } from '../../codec/codec.ts'
import type { Issued } from '../../identity/account.ts'
import type { IssuedRotation } from '../../identity/account-root.ts'
import { DeviceCert } from '../../identity/device-cert.ts'
import { type DeviceEntry, hasFlag } from '../../identity/device-entry.ts'
import type { RotationProof } from '../../identity/group-evidence.ts'
import { identityLimits } from '../../identity/limits.ts'
import { type ManifestSigner, type VerifiedManifest, verifyManifest } from '../../identity/manifest.ts'
import { compareHeads } from '../../identity/manifest-head.ts'
import { type OwnDeviceState, ownDeviceStep } from '../../identity/own-device.ts'
import { rootSigner } from '../../identity/root-keys.ts'
import type { OwnRoot } from '../../identity/root-state.ts'
import { RotationStatement } from '../../identity/rotation.ts'
import { keySigner, type SyncSigner } from '../../signed/signer.ts'
import type { IdentityParts } from './context.ts'
import { withCertificates } from './own-certificates.ts'
import type { OwnLine } from './own-view.ts'
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
  /** A manifest under the own root is dated ahead of the clock. */
  onAhead(ahead: VerifiedManifest): void
  /** A manifest that the own key signed and that nobody of the own devices can have made. */
  onStranger(own: VerifiedManifest, stranger: VerifiedManifest): void
}

/** Own manifests that are remembered, and that stay in the log. */
export const maxHistory = 64
/** See the file. What changes it runs one after the other. */
export abstract class OwnRecord {
  protected readonly parts: IdentityParts
  protected readonly events: OwnIdentityEvents
  #stored: StoredOwn
  #manifest: VerifiedManifest | undefined
  #history: readonly VerifiedManifest[] = []
  #work: Promise<unknown> = Promise.resolve()

  constructor(parts: IdentityParts, events: OwnIdentityEvents) {
    this.parts = parts
    this.events = events
    this.#stored = emptyOwn(parts.account)
  }

  /** Reads the storage. @throws `storage/…`, `xmpp/jid` when it belongs to another account */
  async load(): Promise<void> {
    const { store, suite, account } = this.parts
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
    const { deviceId } = this.parts
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
    const { suite } = this.parts
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
    const signer = rootSeed && rootSigner(this.parts.suite, rootSeed, hybrid)
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
    return { kind: 'ops', ops, by: this.parts.deviceId }
  }

  /** Whether this device may sign. */
  get maySign(): boolean {
    const { ops, entry } = this
    return ops !== undefined && entry !== undefined && hasFlag(entry, 'steward') && !hasFlag(entry, 'probation')
  }

  /** Runs after all that was asked for before. */
  protected queue<T>(run: () => Promise<T>): Promise<T> {
    const next = this.#work.then(run)
    this.#work = next.catch(() => undefined)
    return next
  }

  /** Changes what is stored beside the manifest. @throws `storage/…` */
  patch(changes: Partial<StoredOwn>): Promise<void> {
    return this.queue(() => this.save(changes))
  }

  /** Stores changes. @throws `storage/…` */
  protected async save(changes: Partial<StoredOwn>): Promise<void> {
    const next = { ...this.#stored, ...changes }
    await this.parts.store.saveOwn(next)
    this.#stored = next
  }

  /** Takes what this device has signed: stored before anything else. @throws `storage/…` */
  protected async take(
    issued: Issued | IssuedRotation,
    beside: Partial<StoredOwn>,
    before: VerifiedManifest | undefined = this.#manifest,
  ): Promise<void> {
    const { manifest, certificates } = issued
    // what a recovery goes round is no part of the line
    const round = before !== undefined && before !== this.#manifest
    const kept = round ? this.#history.filter((one) => compareHeads(one, before) < 0) : this.#history
    const history = before === undefined ? kept : [...kept, before].slice(-maxHistory)
    const rotation =
      'rotation' in issued && before !== undefined
        ? [{ statement: encode(RotationStatement, issued.rotation), lastManifest: before.bytes }]
        : []
    await this.save({
      manifest: manifest.bytes,
      published: false,
      history: history.map(({ bytes }) => bytes),
      rotations: [...this.#stored.rotations, ...rotation].slice(-identityLimits.pastRoots),
      ...withCertificates(this.#stored, this.parts.deviceId, certificates),
      ...beside,
    })
    this.#history = history
    this.#manifest = manifest
    await this.settleDevice()
    this.events.onManifest(manifest, before)
    if (certificates.some((one) => equalBytes(one.deviceId, this.parts.deviceId))) this.events.onCertificate()
  }

  /** Whether a manifest is of an earlier root of this identity. */
  protected isPast({ rootHash }: VerifiedManifest): boolean {
    const { suite } = this.parts
    const left = this.#stored.rotations.map(({ lastManifest }) => verifyManifest(suite, lastManifest))
    return [...left, ...this.#history].some((one) => equalBytes(one.rootHash, rootHash))
  }

  /** Goes on from where the own line leads. @throws `storage/…` */
  protected async adopt(line: OwnLine): Promise<void> {
    const before = this.#manifest
    if (before === undefined || equalBytes(line.head.hash, before.hash)) return
    const history = [...this.#history, ...line.rotations.map(({ lastManifest }) => lastManifest), before]
    const unique = [...new Map(history.map((one) => [one.hash.join(), one])).values()].slice(-maxHistory)
    const rotations = line.rotations.map(({ statement, lastManifest }) => ({
      statement: encode(RotationStatement, statement),
      lastManifest: lastManifest.bytes,
    }))
    await this.save({
      manifest: line.head.bytes,
      history: unique.map(({ bytes }) => bytes),
      rotations: [...this.#stored.rotations, ...rotations].slice(-identityLimits.pastRoots),
    })
    this.#history = unique
    this.#manifest = line.head
    await this.settleDevice()
    this.events.onManifest(line.head, before)
  }

  /** The state of the own device follows the manifest. */
  protected async settleDevice(): Promise<void> {
    const manifest = this.#manifest
    if (manifest === undefined) return
    const { deviceId } = this.parts
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
    await this.save({ device: state, ...(wipe ? { rootSeed: undefined, ops: undefined, certificates: [] } : {}) })
    if (event === 'certified') await this.settleDevice()
  }

  /** The first manifest of a device that was linked. @throws `storage/…` */
  protected async arriveAt(first: VerifiedManifest): Promise<void> {
    await this.save({ manifest: first.bytes, published: true, awaiting: undefined })
    this.#manifest = first
    await this.settleDevice()
    this.events.onManifest(first, undefined)
    // it came sealed with what the device was linked with
    if (this.#stored.certificates.length > 0) this.events.onCertificate()
  }

  /** Earlier own manifests, oldest first. */
  protected get history(): readonly VerifiedManifest[] {
    return this.#history
  }

  /** Remembers a manifest that is merged now. */
  protected remember(side: VerifiedManifest): void {
    this.#history = [...this.#history, side].slice(-maxHistory)
  }
}

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
import { equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { mapKey } from '../../bytes/text.ts'
import { decode, encode } from '../../codec/codec.ts'
import type { Issued } from '../../identity/account.ts'
import { certifyDevices, nextManifest } from '../../identity/account.ts'
import type { ManifestChange } from '../../identity/account-changes.ts'
import type { IssuedRotation } from '../../identity/account-root.ts'
import { isDatedAhead, recoveryBase } from '../../identity/dated-ahead.ts'
import { hasFlag } from '../../identity/device-entry.ts'
import { identityLimits } from '../../identity/limits.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { compareHeads, headHashLength } from '../../identity/manifest-head.ts'
import { mergeManifests } from '../../identity/merge.ts'
import { ownDeviceStep } from '../../identity/own-device.ts'
import { replacedSide } from '../../identity/replaced-ops.ts'
import { RotationStatement } from '../../identity/rotation.ts'
import { secondsOf } from './context.ts'
import type { ShownIdentity } from './directory.ts'
import { Answers, withoutAhead } from './own-ahead.ts'
import { fitsManifest, fittingCertificates, withCertificates } from './own-certificates.ts'
import { maxHistory, OwnRecord } from './own-record.ts'
import { compareAsStranger } from './own-stranger.ts'
import { followOwn, type OwnLine, readOwnView } from './own-view.ts'
import { notNow } from './secrets.ts'
import type { StoredOwn } from './store.ts'

/** Rounds of publishing and reading again; each one settles at least one other device. */
const maxRounds = 32
/** Manifests that the log may grow to. */
const maxLog = 192
/** Milliseconds for which a device that lost a race waits at most. */
const backoffMs = 500

/** See the file. */
export class OwnIdentity extends OwnRecord {
  #verified: ReadonlyMap<string, VerifiedManifest> = new Map()
  readonly #answers = new Answers()

  /**
   * Makes the next manifest from the newest one and publishes it. Resolves when the server shows it, or the server does not
   * do so: what was signed is kept, and goes on being published.
   * @param make is called once, with the newest manifest
   * @param beside what is stored with the new manifest @param from what to continue instead of the newest one
   * @throws what `make` threw; XmppError, `xmpp/…`, `storage/…`
   */
  change<T extends Issued | IssuedRotation>(
    make: (last: VerifiedManifest) => Promise<T>,
    beside: (issued: T) => Partial<StoredOwn> = () => ({}),
    from: (newest: VerifiedManifest) => VerifiedManifest | Promise<VerifiedManifest> = (newest) => newest,
  ): Promise<T> {
    return this.queue(async () => {
      await this.#reconcile()
      if (this.manifest === undefined) throw notNow('this device belongs to no identity')
      const last = await from(this.manifest)
      const issued = await make(last)
      await this.take(issued, beside(issued), last)
      await this.#reconcile()
      const replaced = this.manifest && replacedSide(issued.manifest, this.manifest)
      if (replaced === issued.manifest || (this.manifest?.generation ?? 0) > issued.manifest.generation)
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
    return this.queue(async () => {
      const issued = await make(last)
      await this.take(issued, beside(issued), last)
      await this.#reconcile()
      return issued
    })
  }

  /**
   * Begins with the first manifest of an account, made by this device.
   * @throws as {@link change}
   */
  begin(issued: Issued, beside: Partial<StoredOwn>): Promise<void> {
    return this.queue(async () => {
      await this.take(issued, beside)
      await this.#reconcile()
    })
  }

  /**
   * Reads the nodes, merges, adopts, publishes again.
   * @param heard manifests of the account that came another way
   * @throws XmppError, `xmpp/…`, `storage/…`
   */
  reconcile(heard: readonly VerifiedManifest[] = []): Promise<void> {
    return this.queue(() => this.#reconcile(heard))
  }

  /**
   * The newest own manifest that the server has shown: what others are told must be there for them.
   * @throws `identity/state` on a device that belongs to no identity; XmppError, `xmpp/…`, `storage/…`
   */
  settled(): Promise<VerifiedManifest> {
    return this.queue(async () => {
      if (!this.stored.published) await this.#reconcile()
      if (this.manifest === undefined) throw notNow('this device belongs to no identity')
      return this.manifest
    })
  }

  /** Another copy of this device was noticed: its storage was copied or set back. @throws `storage/…` */
  noteCopy(): Promise<void> {
    return this.queue(async () => {
      const { device } = this.stored
      if (device === 'ACTIVE' || device === 'PROBATION')
        await this.save({ device: ownDeviceStep(device, 'anchor_regressed').state })
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
    const { suite, timers, deviceId } = this.parts
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
    await this.queue(async () => {
      if (this.stored.device !== 'CLONED') return
      const { state } = ownDeviceStep('CLONED', 'renewed_leaf')
      const probation = this.entry !== undefined && hasFlag(this.entry, 'probation')
      await this.save({ device: probation ? 'PROBATION' : state })
    })
    return listed() && this.certificate(newKey) !== undefined
  }

  /** Whether strangers are shown what this device has published. @throws XmppError, `xmpp/…` */
  compareAsStranger(): Promise<void> {
    return compareAsStranger(this.parts, this, this.events)
  }

  /**
   * The manifest that a recovery continues, see `recoveryBase`.
   * @param newest the own one, or what the server calls current
   * @throws `identity/future` (I063) when the clock is wrong; XmppError, `xmpp/…`
   */
  async baseOf(newest: VerifiedManifest): Promise<VerifiedManifest> {
    const { manifests } = await this.shown()
    return recoveryBase(newest, [...this.history, ...manifests], secondsOf(this.parts.timers))
  }

  /** Whether the newest manifest of this identity, here or on the server, is dated ahead of the clock. @throws XmppError */
  async showsAhead(): Promise<boolean> {
    const { manifest } = this
    return (
      manifest !== undefined &&
      withoutAhead(manifest, await this.shown(), secondsOf(this.parts.timers)).ahead.length > 0
    )
  }

  /** What the nodes of the own account show now, verified. @throws XmppError, `xmpp/…` */
  async shown(): Promise<ReturnType<typeof readOwnView>> {
    const { directory, account, suite, accountBytes } = this.parts
    const shown: ShownIdentity = await directory.read(account)
    const view = readOwnView(suite, accountBytes, shown, this.#verified)
    // what is read again and again is verified once
    this.#verified = new Map(
      [...view.manifests, ...(view.current === undefined ? [] : [view.current])].map((one) => [mapKey(one.hash), one]),
    )
    return view
  }

  async #reconcile(heard: readonly VerifiedManifest[] = []): Promise<void> {
    const { suite, timers } = this.parts
    if (this.stored.awaiting !== undefined) await this.#arrive(this.stored.awaiting)
    for (let round = 0; round < maxRounds; round++) {
      const own = this.manifest
      if (own === undefined) return
      const view = await this.shown()
      const all = { ...view, manifests: [...view.manifests, ...heard] }
      const { view: sound, ahead } = withoutAhead(own, all, secondsOf(timers))
      for (const one of ahead) this.events.onAhead(one)
      const line = followOwn(suite, own, this.history, sound, this.stored.published)
      for (const stranger of line.strangers) this.events.onStranger(own, stranger)
      await this.adopt(line)
      if (await this.#merge(line)) continue
      const manifest = this.manifest ?? own
      const { current } = view
      // what a device published that did not know yet of a rotation is put right like anything old
      if (current !== undefined && !equalBytes(current.rootHash, manifest.rootHash) && !this.isPast(current)) {
        this.events.onReplaced(manifest, current)
        // a reset on another device, or somebody else's: two devices that publish against each other help nobody
        if (current.generation > manifest.generation) return
      }
      const shows = view.current !== undefined && equalBytes(view.current.hash, manifest.hash)
      if (current !== undefined && !shows && ahead.includes(current) && !this.#answers.first(manifest, current)) return
      const logged = view.manifests.some(({ hash }) => equalBytes(hash, manifest.hash))
      if (shows && logged) {
        if (!this.stored.published) await this.save({ published: true })
        await this.#publishCertificates()
        await this.#certifySelf(manifest)
        await this.#prune(line, view)
        return
      }
      if (round === maxRounds - 1) this.events.onWithheld(manifest, view.current)
      else await this.#publish(manifest, view, round)
    }
  }

  /** The first look of a device that was linked: the manifest that its steward sealed to it, or a later one. */
  async #arrive(awaiting: NonNullable<StoredOwn['awaiting']>): Promise<void> {
    const { manifests, current } = await this.shown()
    const all = [...manifests, ...(current === undefined ? [] : [current])]
    const under = all.filter(({ rootHash }) => equalBytes(rootHash, awaiting.rootHash))
    const now = secondsOf(this.parts.timers)
    const named = under.find(({ hash }) => equalBytes(hash.subarray(0, headHashLength), awaiting.hash))
    const later = under.find((one) => compareHeads(one, awaiting) > 0 && !isDatedAhead(one, now))
    const first = named ?? later
    if (first === undefined) {
      // what the steward has published must be there: whoever hides it has something to hide
      const [shown] = under
      if (current !== undefined) this.events.onWithheld(shown ?? current, current)
      return
    }
    await this.arriveAt(first)
  }

  /** Merges one side into the head. Returns whether there was something to do. */
  async #merge({ head, forks }: OwnLine): Promise<boolean> {
    if (!this.maySign) return false
    for (const { base, side } of forks) {
      try {
        const manifest = await mergeManifests(this.parts.suite, this.signer(), base, head, side)
        this.remember(side)
        await this.take({ manifest, certificates: await certifyDevices(this.signer(), manifest) }, {})
        return true
      } catch (error) {
        if (!(error instanceof MlsError) || error.code !== 'identity/merge') throw error
        // no honest devices make two that cannot both be kept
        this.events.onStranger(head, side)
      }
    }
    return false
  }

  async #publish(manifest: VerifiedManifest, view: ReturnType<typeof readOwnView>, round: number): Promise<void> {
    const { directory, timers, random } = this.parts
    for (const { statement } of this.stored.rotations) {
      const { newGeneration } = decode(RotationStatement, statement)
      const there = view.rotations.some((one) => equalBytes(encode(RotationStatement, one), statement))
      if (!there) await directory.logRotation(newGeneration, statement)
    }
    const missing = [...this.history, manifest].filter(
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
    await this.parts.directory.prune(old.slice(0, maxLog / 2))
  }

  async #publishCertificates(): Promise<void> {
    const { directory } = this.parts
    for (const { device, certificates } of this.stored.unpublished)
      if (this.manifest?.devices.some(({ deviceId }) => equalBytes(deviceId, device)))
        await directory.publishCertificates(device, certificates)
      else await directory.dropCertificates(device)
    if (this.stored.unpublished.length > 0) await this.save({ unpublished: [] })
  }

  /** A certificate of the own device that fits the manifest: made here by a steward, fetched by others. */
  async #certifySelf(manifest: VerifiedManifest): Promise<void> {
    const { entry } = this
    if (entry === undefined) return
    const { deviceId, directory, account, suite } = this.parts
    const open = entry.leafKeys.filter((key) => !fitsManifest(this.certificate(key), manifest))
    if (open.length === 0) return
    if (this.maySign) {
      await this.save(
        withCertificates(this.stored, deviceId, await certifyDevices(this.signer(), manifest, [deviceId])),
      )
      await this.#publishCertificates()
    } else {
      const shown = await directory.certificates(account, deviceId)
      const found = fittingCertificates(suite, manifest, deviceId, open, shown)
      if (found.length === 0) return
      const kept = this.stored.certificates.filter(
        (one) => !found.some(({ leafKey }) => equalBytes(leafKey, one.leafKey)),
      )
      await this.save({ certificates: [...found, ...kept].slice(0, identityLimits.leafKeys) })
    }
    this.events.onCertificate()
  }
}

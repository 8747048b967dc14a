/** What the owner of an account does: beginning, devices that go, roots that change, statements about other keys. */
import { copyBytes, equalBytes, wipe } from '../../bytes/bytes.ts'
import { fromHex } from '../../bytes/text.ts'
import { createAccount, dueChanges, nextManifest, opsDue } from '../../identity/account.ts'
import type { ManifestChange, NewDevice } from '../../identity/account-changes.ts'
import {
  type IssuedRotation,
  recoverAccount,
  resetAccount,
  rotateOps,
  rotateRoot,
} from '../../identity/account-root.ts'
import { type CrossStatement, sameStatement } from '../../identity/cross-statement.ts'
import { datedAheadError } from '../../identity/dated-ahead.ts'
import { flagsOf, hasFlag } from '../../identity/device-entry.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { ownDeviceStep } from '../../identity/own-device.ts'
import { encodeRecoveryCode } from '../../identity/recovery-code.ts'
import { recoverySecretLength } from '../../identity/root-keys.ts'
import { noRoot, type OwnRoot, rootStep } from '../../identity/root-state.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import { sealDeviceName } from './device-name.ts'
import type { OwnIdentity } from './own-identity.ts'
import { type FreshRoot, freshRoot, notNow, rootOf, withRecoveryCode } from './secrets.ts'
import type { StoredOwn } from './store.ts'
import type { RemovalReason, RootProfile } from './types.ts'

export type { RemovalReason }

/** See the file. */
export class Owner {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity

  constructor(parts: IdentityParts, own: OwnIdentity) {
    this.#parts = parts
    this.#own = own
  }

  get #now(): bigint {
    return secondsOf(this.#parts.timers)
  }

  /** The own device as a new entry. */
  newDevice(flags: number, name = '', shared?: Uint8Array): NewDevice {
    const { suite, deviceId, leafKeys } = this.#parts
    return { deviceId, leafKeys: [...leafKeys], flags, encLabel: sealDeviceName(suite, shared, deviceId, name) }
  }

  /** The first manifest. Returns R, 20 bytes, which the caller wipes. @throws `identity/state`, as `OwnIdentity.begin` */
  async create(profile: RootProfile, hybrid: boolean, flags: number, name: string): Promise<Uint8Array> {
    const { suite, accountBytes, directory, account } = this.#parts
    if (this.#own.device !== 'FRESH') throw notNow('this device belongs to an identity already')
    if ((await directory.current(account)) !== undefined) throw notNow('this account has an identity: link this device')
    const secret = suite.randomBytes(recoverySecretLength)
    const keys = freshRoot(suite, secret, 0, hybrid)
    const historyKey = suite.randomBytes(32)
    const device = this.newDevice(flags | flagsOf('steward'), name, historyKey)
    const issued = await createAccount(suite, accountBytes, keys, device, this.#now)
    await this.#own.begin(issued, {
      ...this.#held(keys, profile),
      hybrid,
      device: ownDeviceStep('FRESH', 'created').state,
      root: rootStep(noRoot, 'created'),
      historyKey,
    })
    return secret
  }

  /** What stays on this device of a root. */
  #held({ seed, opsKey }: FreshRoot, profile: RootProfile): Partial<StoredOwn> {
    return { profile, rootSeed: profile === 'casual' ? seed : undefined, ops: copyBytes(opsKey) }
  }

  /**
   * Takes a device off the list and revokes its keys. With the root at hand OPS is replaced when the device held it.
   * @returns whether the device held OPS and still does, because the root is not at hand
   */
  async removeDevice(device: string, reason: RemovalReason, recoveryCode?: string): Promise<boolean> {
    const { suite, directory, deviceId: self } = this.#parts
    const deviceId = fromHex(device)
    const entry = this.#own.manifest?.devices.find((one) => equalBytes(one.deviceId, deviceId))
    if (entry === undefined) throw notNow('no device of this identity')
    const change: ManifestChange = { kind: 'remove_device', deviceId, reason }
    const held = hasFlag(entry, 'steward') && reason !== 'retired' && !equalBytes(deviceId, self)
    const root = held ? await this.#root(recoveryCode) : undefined
    if (root === undefined) {
      await this.#own.change((last) => nextManifest(suite, this.#own.signer(), last, [change], this.#now))
    } else {
      const { privateKey } = suite.generateSignatureKeyPair()
      const ops = {
        publicKey: suite.signaturePublicKey(privateKey),
        sign: (m: Uint8Array) => suite.sign(privateKey, m),
      }
      await this.#own.change(
        (last) => rotateOps(suite, { root, ops }, last, [change], this.#now),
        () => ({ ops: copyBytes(privateKey) }),
      )
      root.wipe?.()
    }
    await directory.dropDevice(deviceId)
    return held && root === undefined
  }

  /**
   * What a steward does in silence: it renews itself and signs again before something ends, with a new certificate of OPS when
   * that ends and the root is here.
   */
  async renewDue(): Promise<void> {
    const { suite, deviceId } = this.#parts
    const { manifest, maySign, rootSigner } = this.#own
    if (!maySign || manifest === undefined) return
    const due = (last: VerifiedManifest) => dueChanges(last, [deviceId], this.#now)
    if (opsDue(manifest, this.#now) && rootSigner !== undefined) await this.#certifyOps(rootSigner)
    else if (due(manifest) !== undefined)
      await this.#own.change((last) => nextManifest(suite, this.#own.signer(), last, due(last) ?? [], this.#now))
  }

  /** A new certificate of OPS by the root of the recovery code. @throws `identity_backup/secret`, `identity/state` */
  async renew(recoveryCode: string): Promise<void> {
    const root = await this.#root(recoveryCode)
    if (root === undefined) throw notNow('this device belongs to no identity')
    await this.#certifyOps(root)
  }

  /** The same key, so that other stewards go on with what they hold. */
  async #certifyOps(root: ReturnType<typeof rootOf>): Promise<void> {
    const { suite, deviceId } = this.#parts
    const { ops } = this.#own
    if (ops === undefined || !this.#own.maySign) throw notNow('this device signs nothing for the identity')
    await this.#own.change((last) =>
      rotateOps(suite, { root, ops }, last, dueChanges(last, [deviceId], this.#now) ?? [], this.#now),
    )
  }

  async #root(code: string | undefined): Promise<(ReturnType<typeof rootOf> & { wipe?(): void }) | undefined> {
    const { manifest, rootSigner } = this.#own
    if (code === undefined || manifest === undefined) return rootSigner
    return withRecoveryCode(code, async (secret) => rootOf(this.#parts.suite, secret, manifest))
  }

  /**
   * The announced root takes over.
   * @throws `identity_recovery/…`, `identity_backup/secret`, `identity/state` (I094), `identity/future` (I063) when a list is
   * dated ahead of the clock
   */
  async rotate(recoveryCode: string): Promise<void> {
    const { suite } = this.#parts
    const { stored, manifest } = this.#own
    if (manifest === undefined) throw notNow('this device belongs to no identity')
    const started = rootStep(this.#own.root, 'rotation_started')
    await withRecoveryCode(recoveryCode, async (secret) => {
      rootOf(suite, secret, manifest)
      await this.#own.change(
        async (last) => {
          // all devices stay, so nothing may be gone round that the owner may have done himself
          if (await this.#own.showsAhead()) throw datedAheadError()
          const keys = freshRoot(suite, secret, last.generation + 1, stored.hybrid)
          const issued = await rotateRoot(suite, rootOf(suite, secret, last), keys, last, [], this.#now)
          return { ...issued, keys }
        },
        ({ keys }) => ({ ...this.#held(keys, stored.profile), root: rootStep(started, 'rotation_published') }),
      )
    })
  }

  /**
   * Takes the account back with the recovery code: the announced root takes over, and devices that are not kept are revoked.
   * Works on a device of the account and on a new one, which becomes a steward.
   * @param last the newest manifest, for a new device
   * @returns the ids of devices that are gone, 32 hexadecimal digits each
   */
  async recover(recoveryCode: string, last: VerifiedManifest, keep: readonly string[]): Promise<IssuedRotation> {
    const { suite } = this.#parts
    return withRecoveryCode(recoveryCode, async (secret) => {
      rootOf(suite, secret, last)
      return this.#begin(last, secret, 'recovered', keep, (keys, from, survivors) =>
        recoverAccount(suite, rootOf(suite, secret, from), keys, from, survivors, this.#now),
      )
    })
  }

  /** A new root that nothing proves. Returns the new R, which the caller wipes. */
  async reset(last: VerifiedManifest, keep: readonly string[]): Promise<Uint8Array> {
    const { suite } = this.#parts
    const secret = suite.randomBytes(recoverySecretLength)
    await this.#begin(last, secret, 'reset', keep, (keys, from, survivors) =>
      resetAccount(suite, keys, from, survivors, this.#now),
    )
    return secret
  }

  async #begin(
    last: VerifiedManifest,
    secret: Uint8Array,
    event: 'recovered' | 'reset',
    keep: readonly string[],
    make: (
      keys: FreshRoot,
      from: VerifiedManifest,
      survivors: Parameters<typeof resetAccount>[3],
    ) => Promise<IssuedRotation>,
  ): Promise<IssuedRotation> {
    const { suite, deviceId } = this.#parts
    const { stored } = this.#own
    const hybrid = last.root.mldsa65 !== undefined
    const work = async (from: VerifiedManifest) => {
      const listed = from.devices.some((one) => equalBytes(one.deviceId, deviceId))
      const kept = keep.map(fromHex).filter((id) => !equalBytes(id, deviceId))
      const device = listed ? undefined : this.newDevice(flagsOf('steward'))
      const survivors = { keep: listed ? [...kept, deviceId] : kept, device, reason: 'compromised' as const }
      const keys = freshRoot(suite, secret, from.generation + 1, hybrid)
      return { ...(await make(keys, from, survivors)), keys }
    }
    const beside = ({ keys }: { readonly keys: FreshRoot }): Partial<StoredOwn> => ({
      ...this.#held(keys, stored.profile),
      hybrid,
      device: 'ACTIVE',
      root: rootAfter(this.#own.root, event, keys.generation),
      historyKey: stored.historyKey ?? suite.randomBytes(32),
    })
    if (this.#own.manifest === undefined) return this.#own.changeFrom(last, work, beside)
    return this.#own.change(work, beside, (newest) => this.#own.baseOf(newest))
  }

  /** Sets the statements about keys of other protocols: those of the given kinds are replaced, others stay. */
  async vouch(statements: readonly CrossStatement[]): Promise<void> {
    const { suite } = this.#parts
    const kinds = new Set(statements.map(({ kind }) => kind))
    await this.#own.change((last) => {
      const others = [...last.others.filter(({ kind }) => !kinds.has(kind)), ...statements]
      const unique = others.filter((one, i) => others.findIndex((other) => sameStatement(one, other)) === i)
      return nextManifest(suite, this.#own.signer(), last, [{ kind: 'set_others', others: unique }], this.#now)
    })
  }
}

function rootAfter(root: OwnRoot, event: 'recovered' | 'reset', generation: number): OwnRoot {
  const state = event === 'recovered' ? 'RECOVERED' : 'RESET'
  return { state, generation, before: root.state === 'NONE' ? state : root.state }
}

/** The recovery code of a secret, which is wiped. */
export function codeOf(secret: Uint8Array): string {
  try {
    return encodeRecoveryCode(secret)
  } finally {
    wipe(secret)
  }
}

/** A new device that has no account yet: two QR codes link it without any connection. */
import { fromUtf8, utf8 } from '../../bytes/text.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import { type LinkingDevice, requestLink } from '../../identity/link.ts'
import type { Storage } from '../../ports/storage.ts'
import { deviceIdLength } from '../mls/identity.ts'
import { defaultSuite, systemTimers } from '../mls/open-device.ts'
import { ClientStore } from '../mls/store.ts'
import type { Timers } from '../port.ts'
import { secondsOf } from './context.ts'
import { type LinkLogin, linkedOwn } from './linking.ts'
import { notNow } from './secrets.ts'
import { emptyOwn, IdentityStore } from './store.ts'

/** What a device without account brings. */
export interface OfflineLinkOptions {
  /** The storage that `IdentityClient` and `MlsClient` are opened with afterwards; it must be empty. */
  readonly storage: Storage
  /** Shown by the steward, at most 64 bytes of UTF-8. */
  readonly name: string
  /** The bare JID that the device is to belong to, where that is known before; a steward of another account is refused. */
  readonly account?: string
  /** Suite of the leaves of this device; suite 1 unless given. */
  readonly suite?: CipherSuite
  readonly ports?: { readonly timers?: Timers }
}

/** What the steward has given: the account, and how to log in to it. */
export interface LinkedAccount {
  /** Bare JID. */
  readonly account: string
  readonly login: LinkLogin
}

/** See the file. After {@link openText} log in, then open `IdentityClient` with the same storage. */
export class OfflineLink {
  readonly #options: OfflineLinkOptions
  readonly #identitySuite: CipherSuite
  readonly #suite: CipherSuite
  readonly #linking: LinkingDevice
  readonly #device: { readonly deviceId: Uint8Array; readonly privateKey: Uint8Array; readonly publicKey: Uint8Array }

  private constructor(
    options: OfflineLinkOptions,
    suites: { readonly identity: CipherSuite; readonly leaf: CipherSuite },
    linking: LinkingDevice,
    device: { readonly deviceId: Uint8Array; readonly privateKey: Uint8Array; readonly publicKey: Uint8Array },
  ) {
    this.#options = options
    this.#identitySuite = suites.identity
    this.#suite = suites.leaf
    this.#linking = linking
    this.#device = device
  }

  /** Makes the keys of the device and QR1. @throws `identity/state` for a storage that belongs to a device, `storage/…` */
  static async begin(options: OfflineLinkOptions): Promise<OfflineLink> {
    const identity = await defaultSuite()
    const leaf = options.suite ?? identity
    if ((await new ClientStore(options.storage).device()) !== undefined)
      throw notNow('this storage has a device already')
    const { privateKey, publicKey } = leaf.generateSignatureKeyPair()
    const device = { deviceId: leaf.randomBytes(deviceIdLength), privateKey, publicKey }
    const now = secondsOf(options.ports?.timers ?? systemTimers)
    const request = { deviceId: device.deviceId, leafKey: publicKey, name: options.name }
    return new OfflineLink(options, { identity, leaf }, await requestLink(identity, request, now), device)
  }

  /** QR1. */
  get text(): string {
    return this.#linking.text
  }

  get #now(): bigint {
    return secondsOf(this.#options.ports?.timers ?? systemTimers)
  }

  /** Takes the six digits that the steward shows, gives the four to type there. @throws `codec/text`, `identity_link/…` */
  showCode(challenge: string): string {
    return this.#linking.showCode(challenge, this.#now)
  }

  /** Takes QR2 and keeps what it says. @throws `identity_link/…`, `identity_qr/…`, `storage/…` */
  async openText(text: string): Promise<LinkedAccount> {
    const wanted = this.#options.account
    const payload = await this.#linking.openText(text, this.#now, wanted === undefined ? undefined : utf8(wanted))
    const account = fromUtf8(payload.account)
    const { storage } = this.#options
    const { deviceId, privateKey, publicKey } = this.#device
    const own = { ...emptyOwn(account), ...linkedOwn(payload, publicKey) }
    await new IdentityStore(storage, this.#identitySuite).saveOwn(own)
    await new ClientStore(storage).saveDevice({
      account,
      deviceId: Uint8Array.from(deviceId),
      suite: this.#suite.parameters.id,
      signatureKey: Uint8Array.from(privateKey),
    })
    return { account, login: payload.login }
  }

  /** Gives up. */
  cancel(): void {
    this.#linking.close()
  }
}

/** Linking devices: the new one asks, a steward looks and seals. Over the server, or with two QR codes and no network. */
import { type Bytes, equalBytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { toHex } from '../../bytes/text.ts'
import { encode } from '../../codec/codec.ts'
import { certifyDevices, nextManifest } from '../../identity/account.ts'
import { DeviceCert } from '../../identity/device-cert.ts'
import { flagsOf } from '../../identity/device-entry.ts'
import type { LinkingDevice } from '../../identity/link.ts'
import type { LinkPayload } from '../../identity/link-payload.ts'
import { type LinkReview, reviewLink, sealedLinkText } from '../../identity/link-steward.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { headOf } from '../../identity/manifest-head.ts'
import { noRoot } from '../../identity/root-state.ts'
import { type IdentityParts, secondsOf } from './context.ts'
import { sealDeviceName } from './device-name.ts'
import type { OwnIdentity } from './own-identity.ts'
import { notNow } from './secrets.ts'
import type { StoredOwn } from './store.ts'

/** How often a new device looks for what was sealed to it, in milliseconds. */
const lookEveryMs = 3_000

/** How often a device is listed before its steward gives up. */
const maxListings = 4

/** How the new device is to log in, where the steward says so. */
export type LinkLogin = LinkPayload['login']

/** What a new device keeps of a payload. */
export function linkedOwn(payload: LinkPayload, leafKey: Uint8Array): Partial<StoredOwn> {
  return {
    device: 'PENDING',
    root: noRoot,
    ops: payload.opsPrivateKey,
    certificates: [{ leafKey: Uint8Array.from(leafKey), certificate: encode(DeviceCert, payload.deviceCert) }],
    awaiting: { rootHash: payload.rootHash, ...payload.head },
    historyKey: payload.historyKey,
  }
}

/** A device that is being linked: show {@link text} to a steward, then type its six digits. */
export class DeviceLink {
  /** QR1, for the steward's camera. */
  readonly text: string
  /** Resolves when this device belongs to the identity. */
  readonly done: Promise<void>
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #linking: LinkingDevice
  #finish: (error?: unknown) => void = () => undefined
  #stop: (() => void) | undefined
  #over = false

  /** For `IdentityClient.link`. */
  constructor(parts: IdentityParts, own: OwnIdentity, linking: LinkingDevice) {
    this.#parts = parts
    this.#own = own
    this.#linking = linking
    this.text = linking.text
    this.done = new Promise((resolve, reject) => {
      this.#finish = (error) => {
        this.#over = true
        this.#stop?.()
        if (error === undefined) resolve()
        else reject(error)
      }
    })
    this.done.catch(() => undefined)
  }

  /**
   * Takes the six digits that the steward shows, and gives the four that are to be typed there. From now on the device looks
   * for what the steward leaves on the server.
   * @throws `codec/text` for mistyped digits, `identity_link/used`, `identity_link/expired`
   */
  showCode(challenge: string): string {
    const code = this.#linking.showCode(challenge, secondsOf(this.#parts.timers))
    this.#look()
    return code
  }

  #look(): void {
    const { timers, directory, account, deviceId } = this.#parts
    if (this.#over) return
    this.#stop = timers.after(lookEveryMs, () => {
      directory
        .link(account, deviceId)
        .then(async (sealed) => {
          if (sealed === undefined || this.#over) return
          await directory.dropLink(deviceId)
          await this.#open((now) => this.#linking.open(sealed, now, this.#parts.accountBytes))
        })
        .catch((error: unknown) => {
          const over = error instanceof MlsError && ['identity_link/used', 'identity_link/expired'].includes(error.code)
          if (over) this.#finish(error)
        })
        .then(() => this.#look())
    })
  }

  /** Takes QR2, where there is no server in between. @throws `identity_link/…`, `identity_qr/…` */
  async openText(text: string): Promise<void> {
    await this.#open((now) => this.#linking.openText(text, now, this.#parts.accountBytes))
  }

  async #open(read: (now: bigint) => Promise<LinkPayload>): Promise<void> {
    const payload = await read(secondsOf(this.#parts.timers))
    const [leafKey] = this.#parts.leafKeys
    if (leafKey === undefined) throw notNow('a device without a key')
    const listed = this.#own.manifest !== undefined
    await this.#own.patch(listed ? { ops: payload.opsPrivateKey ?? this.#own.stored.ops } : linkedOwn(payload, leafKey))
    await this.#own.reconcile()
    this.#finish()
  }

  /** Gives up. */
  cancel(): void {
    this.#linking.close()
    if (!this.#over) this.#finish(new MlsError('identity_link/expired', 'the link was given up'))
  }
}

/** Runs what signs, so that it is known whose change it is. */
export type Signed = <T>(run: () => Promise<T>) => Promise<T>

/** A request to be linked, as a steward shows it. */
export class LinkApproval {
  readonly #parts: IdentityParts
  readonly #own: OwnIdentity
  readonly #review: LinkReview
  readonly #signed: Signed

  /** For `IdentityClient.review`. */
  constructor(parts: IdentityParts, own: OwnIdentity, review: LinkReview, signed: Signed) {
    this.#parts = parts
    this.#own = own
    this.#review = review
    this.#signed = signed
  }

  /** What the new device calls itself. Anybody can choose any name. */
  get name(): string {
    return this.#review.name
  }

  /** Its id: 32 hexadecimal digits. */
  get device(): string {
    return toHex(this.#review.deviceId)
  }

  /** Six digits to show: the user types them into the new device. */
  get challenge(): string {
    return this.#review.challenge
  }

  /**
   * Takes the four digits that the new device shows: lists the device, on probation, and seals its certificate to it.
   * @returns QR2 with `via: 'qr'`; nothing when it went over the server
   * @throws `identity_link/code` for wrong digits: the new device must begin again; `identity_link/…`, XmppError
   */
  async approve(
    typed: string,
    options: { readonly steward?: boolean; readonly login?: LinkLogin; readonly via?: 'server' | 'qr' } = {},
  ): Promise<string | undefined> {
    const { suite, timers, directory, accountBytes } = this.#parts
    const { steward = false, login = { login: 'none' }, via = 'server' } = options
    const confirmed = this.#review.confirm(typed, secondsOf(timers))
    const { deviceId } = this.#review
    const { manifest, deviceCert } = await this.#signed(() => this.#certify(steward))
    const { stored } = this.#own
    const { generation, seq, hash } = headOf(manifest)
    const sealed = await confirmed.seal(
      {
        account: accountBytes,
        rootHash: manifest.rootHash,
        head: { generation, seq, hash },
        login,
        deviceCert,
        opsPrivateKey: steward ? stored.ops : undefined,
        welcome: undefined,
        historyKey: stored.historyKey,
      },
      secondsOf(timers),
    )
    if (via === 'qr') return sealedLinkText(suite, sealed)
    await directory.publishLink(deviceId, sealed)
    return undefined
  }

  /** A manifest that lists the device and that the server has shown, with a certificate that goes with it. */
  async #certify(steward: boolean): Promise<{ readonly manifest: VerifiedManifest; readonly deviceCert: DeviceCert }> {
    const { suite, timers } = this.#parts
    const { deviceId, leafKey } = this.#review
    for (let i = 0; i < maxListings; i++) {
      const manifest = await this.#own.settled()
      if (listsKey(manifest, deviceId, leafKey)) {
        const issued = await certifyDevices(this.#own.signer(), manifest, [deviceId])
        const found = issued.find((one) => equalBytes(one.leafKey, leafKey))
        if (found !== undefined) return { manifest, deviceCert: found.cert }
      }
      // listed, or listed again: the root may have been renewed by another device from a list without the new one
      await this.#own.change((last) => {
        const flags = steward ? flagsOf('steward') : 0
        const encLabel = sealDeviceName(suite, this.#own.stored.historyKey, deviceId, this.#review.name)
        const device = { deviceId, leafKeys: [leafKey], flags, encLabel }
        const change = { kind: 'add_device', device, probation: true } as const
        return nextManifest(suite, this.#own.signer(), last, [change], secondsOf(timers))
      })
    }
    throw notNow('a device without certificate')
  }
}

function listsKey({ devices }: VerifiedManifest, deviceId: Bytes, leafKey: Bytes): boolean {
  const listed = devices.find((one) => equalBytes(one.deviceId, deviceId))
  return listed?.leafKeys.some((key) => equalBytes(key, leafKey)) === true
}

/** Looks at QR1 as a steward. @throws `identity/state` (I092), `identity_qr/…`, `identity_link/…` */
export async function review(
  parts: IdentityParts,
  own: OwnIdentity,
  text: string,
  signed: Signed,
): Promise<LinkApproval> {
  own.signer()
  const used = (id: Bytes): boolean => own.stored.linked.some((one) => equalBytes(one, id))
  const found = reviewLink(parts.suite, text, { account: parts.accountBytes, used }, secondsOf(parts.timers))
  await own.patch({ linked: [...own.stored.linked, found.requestId].slice(-256) })
  return new LinkApproval(parts, own, found, signed)
}

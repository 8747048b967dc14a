/**
 * Linking a new device without a password.
 *
 *     new device N                     the user                       steward S
 *     requestLink ──── QR1 ─────────────────────────────────────────> reviewLink: shows the name of N
 *     showCode <────── reads six digits on S, types them into N ───── challenge
 *     shows 4 digits ─ reads four digits on N, types them into S ───> confirm (one attempt)
 *     open <────────── QR2, a server or a rendezvous ──────────────── seal (HPKE to the key of QR1)
 *
 * The challenge goes by the user's eyes and is never sent. S makes it after it has seen QR1, and the four digits depend on
 * both, so who puts another QR1 before S cannot choose one whose digits N will show: one chance in ten thousand, once. N
 * opens only what was sealed under the challenge that the user typed, so nobody who saw QR1 can pull N into another account.
 * Nothing stops a person from typing for a stranger what the stranger asks for; the words shown and probation are for that.
 */
import { type Bytes, copyBytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { utf8 } from '../bytes/text.ts'
import { decode, encode } from '../codec/codec.ts'
import type { CipherSuite, HpkeKeyPair } from '../crypto/cipher-suite.ts'
import { ceremonyVersion } from './ceremony-fields.ts'
import { fromCeremonyText, toCeremonyText } from './ceremony-text.ts'
import { checkLinkPayload, LinkPayload, LinkRequest, linkLimits, SealedLink } from './link-payload.ts'
import { expired, linkCode, linkInfo, linkLifetimes, noAad, readChallenge, used } from './link-transcript.ts'

/** How many payloads a new device tries to open, so that nobody can try challenges. */
const maxOpenings = 3

/** What a new device says of itself. */
export interface NewDevice {
  /** 16 random bytes, never used before. */
  readonly deviceId: Uint8Array
  /** The signature public key of its leaves. */
  readonly leafKey: Uint8Array
  /** Shown by the steward, at most 64 bytes of UTF-8. */
  readonly name: string
}

/** A new device that waits to be linked. */
export class LinkingDevice {
  /** QR1. */
  readonly text: string
  readonly #suite: CipherSuite
  readonly #request: LinkRequest
  #keys: HpkeKeyPair | undefined
  #challenge: Bytes | undefined
  #openings = maxOpenings

  constructor(suite: CipherSuite, request: LinkRequest, keys: HpkeKeyPair) {
    this.#suite = suite
    this.#request = request
    this.#keys = keys
    this.text = toCeremonyText(suite, 'L', LinkRequest, request)
  }

  /**
   * The four digits to show when the user has typed the steward's challenge. One challenge for one request: a second one
   * could be another person's.
   * @throws `codec/text` for a mistyped challenge, which may be typed again; `identity_link/used`, `identity_link/expired`
   */
  showCode(challenge: string, now: bigint): string {
    this.#checkTime(now)
    if (this.#challenge !== undefined) throw used()
    this.#challenge = readChallenge(challenge)
    return linkCode(this.#suite, encode(LinkRequest, this.#request), this.#challenge)
  }

  /**
   * Opens what the steward sealed, once. `account`: the account that the user expects, if they named one.
   * @throws `identity_link/payload` for whatever does not open; the third time ends the request.
   * `identity_link/certificate`, `identity_link/account`, `identity_link/used`, `identity_link/expired`, kind `malformed`
   */
  async open(sealed: Uint8Array, now: bigint, account?: Uint8Array): Promise<LinkPayload> {
    this.#checkTime(now)
    const keys = this.#keys
    if (keys === undefined || this.#challenge === undefined || this.#openings === 0) throw used()
    if (sealed.length > linkLimits.sealed) throw new MlsError('identity_link/size', 'too large a payload')
    const { kemOutput, ciphertext } = decode(SealedLink, sealed)
    this.#openings -= 1
    const info = linkInfo(encode(LinkRequest, this.#request), this.#challenge)
    const plaintext = await this.#decrypt(keys, kemOutput, info, ciphertext)
    try {
      const payload = decode(LinkPayload, plaintext)
      this.close()
      if (account !== undefined && !equalBytes(account, payload.account))
        throw new MlsError('identity_link/account', 'a payload of another account')
      checkLinkPayload(this.#suite, payload, this.#request)
      return payload
    } finally {
      wipe(plaintext)
    }
  }

  /** As {@link open}, for the text of QR2. @throws also `identity_qr/text`, `identity_qr/damaged`, `identity_qr/version` */
  openText(text: string, now: bigint, account?: Uint8Array): Promise<LinkPayload> {
    return this.open(encode(SealedLink, fromCeremonyText(this.#suite, 'P', SealedLink, text)), now, account)
  }

  /** Forgets the private key: nothing can be opened any more. */
  close(): void {
    wipe(this.#keys?.privateKey)
    this.#keys = undefined
  }

  async #decrypt(keys: HpkeKeyPair, kemOutput: Uint8Array, info: Uint8Array, ciphertext: Uint8Array): Promise<Bytes> {
    try {
      return await this.#suite.hpkeOpen(keys, kemOutput, info, noAad, ciphertext)
    } catch (cause) {
      if (this.#openings === 0) this.close()
      throw new MlsError('identity_link/payload', 'this payload is not for this request', { cause })
    }
  }

  #checkTime(now: bigint): void {
    const { issuedAt } = this.#request
    if (now < issuedAt || now - issuedAt > 2n * linkLifetimes.request) {
      this.close()
      throw expired()
    }
  }
}

/** Makes keys for a new device and its QR1. @throws `codec/text` and `codec/range` for what does not fit in it */
export async function requestLink(suite: CipherSuite, device: NewDevice, now: bigint): Promise<LinkingDevice> {
  const seed = suite.randomBytes(32)
  const keys = await suite.deriveKeyPair(seed)
  wipe(seed)
  const request = {
    version: ceremonyVersion,
    deviceId: copyBytes(device.deviceId),
    leafKey: copyBytes(device.leafKey),
    hpkeKey: keys.publicKey,
    nonce: suite.randomBytes(16),
    issuedAt: now,
    name: utf8(device.name),
  }
  // what the steward would refuse is refused here
  decode(LinkRequest, encode(LinkRequest, request))
  return new LinkingDevice(suite, request, keys)
}

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
import { fromUtf8, utf8 } from '../bytes/text.ts'
import { decode, encode } from '../codec/codec.ts'
import type { CipherSuite, HpkeKeyPair } from '../crypto/cipher-suite.ts'
import { checkAccount } from './bounded.ts'
import { ceremonyVersion } from './ceremony-fields.ts'
import { ceremonyInput } from './ceremony-input.ts'
import { fromCeremonyText, toCeremonyText } from './ceremony-text.ts'
import { checkLinkPayload, LinkPayload, LinkRequest, linkLimits, SealedLink } from './link-payload.ts'

/** How long each side waits for the other, and how far their clocks may differ, in seconds. */
export const linkLifetimes = { request: 600n, clockSkew: 300n } as const

/** How many payloads a new device tries to open, so that nobody can try challenges. */
const maxOpenings = 3

const noAad = new Uint8Array(0)

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

/** A steward's right to seal one payload to one new device; made by {@link LinkReview.confirm} alone. */
export interface ConfirmedLink {
  /**
   * Seals a payload, once; the fields that this function knows are filled in.
   * @throws `identity_link/certificate`, `identity_link/account`, `identity_link/used`, `identity_link/expired`
   */
  seal(payload: Omit<LinkPayload, 'version'>, now: bigint): Promise<Bytes>
}

/** A request that a steward looks at, before the user has typed the code. */
export class LinkReview {
  /** Bytes that name this request: 32 bytes. To be kept for a day, so that it is not answered twice. */
  readonly requestId: Bytes
  readonly deviceId: Bytes
  readonly leafKey: Bytes
  /** The name that the device gives itself. Anybody can choose any name. */
  readonly name: string
  /** Six digits to show: the user types them into the new device. */
  readonly challenge: string
  readonly #suite: CipherSuite
  readonly #request: LinkRequest
  readonly #account: Uint8Array
  readonly #begunAt: bigint
  readonly #challengeBytes: Bytes
  #attempt = true

  constructor(suite: CipherSuite, request: LinkRequest, account: Uint8Array, now: bigint) {
    checkAccount(account)
    this.#suite = suite
    this.#request = request
    this.#account = copyBytes(account)
    this.#begunAt = now
    this.requestId = linkRequestId(suite, request)
    this.deviceId = request.deviceId
    this.leafKey = request.leafKey
    this.name = fromUtf8(request.name)
    this.challenge = makeChallenge(suite)
    this.#challengeBytes = readChallenge(this.challenge)
  }

  /**
   * Takes the four digits that the user read on the new device. There is one attempt: after a wrong code the new device
   * must show a new QR1.
   * @throws `codec/text` for anything but four digits, which is no attempt; `identity_link/code` for wrong digits,
   * `identity_link/used`, `identity_link/expired`
   */
  confirm(typed: string, now: bigint): ConfirmedLink {
    this.#checkTime(now)
    const digits = plainDigits(typed)
    if (digits.length !== 4) throw new MlsError('codec/text', 'the code has four digits')
    if (!this.#attempt) throw used()
    this.#attempt = false
    const expected = linkCode(this.#suite, encode(LinkRequest, this.#request), this.#challengeBytes)
    if (!equalBytes(utf8(digits), utf8(expected))) throw new MlsError('identity_link/code', 'another code')
    let sealed = false
    return {
      seal: async (payload, sealedAt) => {
        this.#checkTime(sealedAt)
        if (sealed) throw used()
        // before the first await: two calls at once must not both seal
        sealed = true
        try {
          return await this.#seal({ ...payload, version: ceremonyVersion })
        } catch (error) {
          sealed = false
          throw error
        }
      },
    }
  }

  async #seal(payload: LinkPayload): Promise<Bytes> {
    if (!equalBytes(payload.account, this.#account))
      throw new MlsError('identity_link/account', 'a payload of another account')
    checkLinkPayload(this.#suite, payload, this.#request)
    const plaintext = encode(LinkPayload, payload)
    const info = linkInfo(encode(LinkRequest, this.#request), this.#challengeBytes)
    const publicKey = this.#request.hpkeKey
    try {
      const sealed = await this.#suite.hpkeSeal({ publicKey, info, aad: noAad, plaintext })
      return encode(SealedLink, { version: ceremonyVersion, ...sealed })
    } finally {
      wipe(plaintext)
    }
  }

  #checkTime(now: bigint): void {
    if (now < this.#begunAt || now - this.#begunAt > linkLifetimes.request) throw expired()
  }
}

/** Who looks at a request. */
export interface LinkSteward {
  /** Bare JID, UTF-8. */
  readonly account: Uint8Array
  /** Whether a request was looked at before; its id is {@link LinkReview.requestId}. */
  used(requestId: Bytes): boolean
}

/**
 * Reads QR1.
 * @throws `identity_qr/text`, `identity_qr/damaged`, `identity_qr/version`, kind `malformed`; `identity_link/expired`,
 * `identity_link/used`, `identity_link/request` for keys that are none
 */
export function reviewLink(suite: CipherSuite, text: string, steward: LinkSteward, now: bigint): LinkReview {
  const request = fromCeremonyText(suite, 'L', LinkRequest, text)
  const { request: lifetime, clockSkew } = linkLifetimes
  const { issuedAt } = request
  if (now + clockSkew < issuedAt || now > issuedAt + lifetime + clockSkew) throw expired()
  if (!suite.isHpkePublicKey(request.hpkeKey)) throw new MlsError('identity_link/request', 'no X25519 key')
  if (steward.used(linkRequestId(suite, request))) throw used()
  return new LinkReview(suite, request, steward.account, now)
}

/**
 * The text of QR2 for a sealed payload.
 * @throws `identity_link/size` above 600 bytes, which one code does not show well: leave out the Welcome and shorten the token
 */
export function sealedLinkText(suite: CipherSuite, sealed: Uint8Array): string {
  if (sealed.length > linkLimits.qr) throw new MlsError('identity_link/size', 'too large for one QR code')
  return toCeremonyText(suite, 'P', SealedLink, decode(SealedLink, sealed))
}

function linkRequestId(suite: CipherSuite, request: LinkRequest): Bytes {
  return suite.hash(ceremonyInput('Link Request', encode(LinkRequest, request)))
}

/** Four digits of the transcript: QR1 and the challenge. */
function linkCode(suite: CipherSuite, request: Uint8Array, challenge: Uint8Array): string {
  const hash = suite.hash(ceremonyInput('Link Code', request, challenge))
  return String(new DataView(hash.buffer).getBigUint64(0) % 10_000n).padStart(4, '0')
}

/** HPKE `info`: the nonce and keys of QR1, and the challenge. */
function linkInfo(request: Uint8Array, challenge: Uint8Array): Bytes {
  return ceremonyInput('Link Payload', request, challenge)
}

/** Five random digits and one that checks them, so that a slip of the finger does not cost the one attempt. */
function makeChallenge(suite: CipherSuite): string {
  const random = new DataView(suite.randomBytes(8).buffer).getBigUint64(0)
  const digits = String(random % 100_000n).padStart(5, '0')
  return digits + luhnDigit(digits)
}

function readChallenge(typed: string): Bytes {
  const digits = plainDigits(typed)
  if (digits.length !== 6 || luhnDigit(digits.slice(0, 5)) !== digits.slice(5))
    throw new MlsError('codec/text', 'mistyped digits')
  return utf8(digits)
}

/** ISO/IEC 7812-1 annex B. */
function luhnDigit(digits: string): string {
  let sum = 0
  for (const [i, digit] of [...digits].reverse().entries()) {
    const value = Number(digit) * (i % 2 === 0 ? 2 : 1)
    sum += value > 9 ? value - 9 : value
  }
  return String((10 - (sum % 10)) % 10)
}

function plainDigits(text: string): string {
  const plain = text
    .slice(0, 64)
    .normalize('NFKC')
    .replace(/[\s\p{Pd}\p{Cf}]/gu, '')
  return /^[0-9]*$/.test(plain) ? plain : ''
}

function used(): MlsError {
  return new MlsError('identity_link/used', 'this request was answered before')
}

function expired(): MlsError {
  return new MlsError('identity_link/expired', 'this request is too old')
}

/** The steward's side of linking a new device, see `link.ts`: looks at QR1, takes four digits once, seals once. */
import { type Bytes, copyBytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { fromUtf8, utf8 } from '../bytes/text.ts'
import { decode, encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { checkAccount } from './bounded.ts'
import { ceremonyVersion } from './ceremony-fields.ts'
import { fromCeremonyText, toCeremonyText } from './ceremony-text.ts'
import { checkLinkPayload, LinkPayload, LinkRequest, linkLimits, SealedLink } from './link-payload.ts'
import {
  expired,
  linkCode,
  linkInfo,
  linkLifetimes,
  linkRequestId,
  makeChallenge,
  noAad,
  plainDigits,
  readChallenge,
  used,
} from './link-transcript.ts'

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

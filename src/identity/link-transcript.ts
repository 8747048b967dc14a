/** What both sides of a link compute from QR1 and the challenge of the steward, and the form of what people type. */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { utf8 } from '../bytes/text.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { ceremonyInput } from './ceremony-input.ts'
import { LinkRequest } from './link-payload.ts'

/** How long each side waits for the other, and how far their clocks may differ, in seconds. */
export const linkLifetimes = { request: 600n, clockSkew: 300n } as const

/** What is sealed to a new device has no additional data: all is in the `info` of {@link linkInfo}. */
export const noAad = new Uint8Array(0)

/** What names a request: 32 bytes. */
export function linkRequestId(suite: CipherSuite, request: LinkRequest): Bytes {
  return suite.hash(ceremonyInput('Link Request', encode(LinkRequest, request)))
}

/** Four digits of the transcript: QR1 and the challenge. */
export function linkCode(suite: CipherSuite, request: Uint8Array, challenge: Uint8Array): string {
  const hash = suite.hash(ceremonyInput('Link Code', request, challenge))
  return String(new DataView(hash.buffer).getBigUint64(0) % 10_000n).padStart(4, '0')
}

/** HPKE `info`: the nonce and keys of QR1, and the challenge. */
export function linkInfo(request: Uint8Array, challenge: Uint8Array): Bytes {
  return ceremonyInput('Link Payload', request, challenge)
}

/** Five random digits and one that checks them, so that a slip of the finger does not cost the one attempt. */
export function makeChallenge(suite: CipherSuite): string {
  const random = new DataView(suite.randomBytes(8).buffer).getBigUint64(0)
  const digits = String(random % 100_000n).padStart(5, '0')
  return digits + luhnDigit(digits)
}

/** The six digits of a challenge, as typed. @throws `codec/text` */
export function readChallenge(typed: string): Bytes {
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

/** Digits without blanks and dashes; the empty text for anything else. */
export function plainDigits(text: string): string {
  const plain = text
    .slice(0, 64)
    .normalize('NFKC')
    .replace(/[\s\p{Pd}\p{Cf}]/gu, '')
  return /^[0-9]*$/.test(plain) ? plain : ''
}

/** A request or challenge that was used up. */
export function used(): MlsError {
  return new MlsError('identity_link/used', 'this request was answered before')
}

/** A request that is too old. */
export function expired(): MlsError {
  return new MlsError('identity_link/expired', 'this request is too old')
}

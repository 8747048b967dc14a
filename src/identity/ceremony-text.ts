/**
 * Text form of what stands in a QR code: `XMPPID:`, one letter for the kind, `:`, base-32. All characters are of the
 * alphanumeric mode of QR codes, 5.5 bits each, so that the text costs a tenth more than the bytes. Four bytes of a checksum
 * follow the structure, since the text also travels through clipboards.
 */
import { concatBytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Codec, decode, encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { fromBase32, toBase32 } from './base32.ts'
import { ceremonyInput } from './ceremony-input.ts'

/** What a code is for: a new device asks, a steward asks back, a steward answers, a person shows who they are. */
export type CeremonyTextKind = 'L' | 'P' | 'V'

const checksumLength = 4

/** The longest text that is looked at, in characters; the largest QR code holds 4,296 in this mode. */
const maxTextLength = 4_296

/** The text of a structure. */
export function toCeremonyText<T>(suite: CipherSuite, kind: CeremonyTextKind, codec: Codec<T>, value: T): string {
  const bytes = encode(codec, value)
  return `XMPPID:${kind}:${toBase32(concatBytes(bytes, checksum(suite, kind, bytes)))}`
}

/**
 * The structure of a text. White space around it and the case of its letters do not matter.
 * @throws `identity_qr/text` when it is another kind of text, `identity_qr/damaged` when characters are missing or wrong,
 * `identity_qr/version`, and the codes of `codec`
 */
export function fromCeremonyText<T>(suite: CipherSuite, kind: CeremonyTextKind, codec: Codec<T>, text: string): T {
  // the length first: nothing is made of a text that no QR code can hold
  if (text.length > maxTextLength) throw notOurs()
  const found = /^XMPPID:([A-Z]):([0-9A-Z]*)$/.exec(text.trim().toUpperCase())
  if (found === null || found[1] !== kind) throw notOurs()
  const bytes = bytesOf(found[2] ?? '')
  const end = bytes.length - checksumLength
  if (end < 1) throw damaged()
  const body = bytes.subarray(0, end)
  if (!equalBytes(bytes.subarray(end), checksum(suite, kind, body))) throw damaged()
  return decode(codec, body)
}

function checksum(suite: CipherSuite, kind: CeremonyTextKind, bytes: Uint8Array): Uint8Array {
  return suite
    .hash(ceremonyInput('Text Checksum', Uint8Array.of(kind.charCodeAt(0)), bytes))
    .subarray(0, checksumLength)
}

function bytesOf(text: string): Uint8Array {
  try {
    return fromBase32(text)
  } catch (cause) {
    throw damaged(cause)
  }
}

function notOurs(): MlsError {
  return new MlsError('identity_qr/text', 'not a code of this kind')
}

function damaged(cause?: unknown): MlsError {
  return new MlsError(
    'identity_qr/damaged',
    'a code with missing or wrong characters',
    cause === undefined ? {} : { cause },
  )
}

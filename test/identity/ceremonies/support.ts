import { createHash, createHmac, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { MlsError } from '../../../src/bytes/errors.ts'
import { utf8 } from '../../../src/bytes/text.ts'
import { openSuite } from '../../support/suite.ts'

export const suite = openSuite(1)
export const now = 1_790_000_000n
export const alice = utf8('alice@example.org')
export const bob = utf8('bob@example.net')
export const carol = utf8('carol@example.com')

/** The code of what `work` throws, `none`, or `untyped`. */
export function codeOf(work: () => unknown): string {
  try {
    work()
    return 'none'
  } catch (error) {
    return error instanceof MlsError ? error.code : 'untyped'
  }
}

/** As {@link codeOf}, for promises. */
export async function codeOfAsync(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
    return 'none'
  } catch (error) {
    return error instanceof MlsError ? error.code : 'untyped'
  }
}

/** `opaque<V>`, written a second time with Buffer alone. */
export function opaqueV(bytes: Uint8Array | string): Buffer {
  const body = Buffer.from(bytes as Uint8Array)
  const length = body.length
  if (length < 64) return Buffer.concat([Buffer.of(length), body])
  if (length < 16_384) return Buffer.concat([Buffer.of(0x40 | (length >> 8), length & 255), body])
  return Buffer.concat([
    Buffer.of(0x80 | (length >> 24), (length >> 16) & 255, (length >> 8) & 255, length & 255),
    body,
  ])
}

/** The labelled input of the ceremonies, written a second time. */
export function labelled(label: string, ...parts: readonly (Uint8Array | string)[]): Buffer {
  return Buffer.concat([opaqueV(`XMPP Account Identity Ceremony 1.0 ${label}`), ...parts.map(opaqueV)])
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
export const hmac256 = (key: Uint8Array, bytes: Uint8Array) => createHmac('sha256', key).update(bytes).digest()
export const hkdf256 = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) =>
  Buffer.from(hkdfSync('sha256', ikm, salt, info, length))

export const u32 = (value: number) => {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value)
  return out
}
export const u64 = (value: bigint) => {
  const out = Buffer.alloc(8)
  out.writeBigUInt64BE(value)
  return out
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Base-32 through one big number, written a second time. */
export function slowBase32(bytes: Uint8Array): string {
  const length = Math.ceil((bytes.length * 8) / 5)
  let value = BigInt(`0x0${Buffer.from(bytes).toString('hex')}`) << BigInt(length * 5 - bytes.length * 8)
  let text = ''
  for (let i = 0; i < length; i++) {
    text = alphabet.charAt(Number(value % 32n)) + text
    value /= 32n
  }
  return text
}

/** The text of a QR code, written a second time. */
export function slowText(kind: string, body: Uint8Array): string {
  return `XMPPID:${kind}:${slowBase32(Buffer.concat([body, sha256(labelled('Text Checksum', kind, body)).subarray(0, 4)]))}`
}

/** The bytes of a QR code's structure, without the checksum; through one big number. */
export function bodyOf(text: string): Buffer {
  const [, , data = ''] = text.split(':')
  let value = 0n
  for (const character of data) value = value * 32n + BigInt(alphabet.indexOf(character))
  const length = Math.floor((data.length * 5) / 8)
  value >>= BigInt(data.length * 5 - length * 8)
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex').subarray(0, -4)
}

/** Texts of any UTF-16 code units, half of them ASCII. */
export const anyText = (maxLength: number) =>
  fc
    .array(fc.oneof(fc.integer({ min: 0, max: 127 }), fc.integer({ min: 0, max: 0xffff })), { maxLength })
    .map((units) => String.fromCharCode(...units))

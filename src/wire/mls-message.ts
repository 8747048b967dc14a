import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Codec, decode, encode } from '../codec/codec.ts'
import { type WireFormat, wireFormats } from './framed-content.ts'
import { GroupInfo } from './group-info.ts'
import { KeyPackage } from './key-package.ts'
import { wireLimits } from './limits.ts'
import { PrivateMessage } from './private-message.ts'
import { PublicMessage } from './public-message.ts'
import { mls10 } from './registries.ts'
import { Welcome } from './welcome.ts'

/** RFC 9420 §6: what travels. Decoded, and nothing of it verified. */
export type MlsMessage =
  | { readonly wireFormat: 'mls_public_message'; readonly publicMessage: PublicMessage }
  | { readonly wireFormat: 'mls_private_message'; readonly privateMessage: PrivateMessage }
  | { readonly wireFormat: 'mls_welcome'; readonly welcome: Welcome }
  | { readonly wireFormat: 'mls_group_info'; readonly groupInfo: GroupInfo }
  | { readonly wireFormat: 'mls_key_package'; readonly keyPackage: KeyPackage }

const names = new Map(Object.entries(wireFormats).map(([name, code]) => [code as number, name as WireFormat]))

/**
 * RFC 9420 §6.
 * @throws `version/unsupported` (V012, V013), `codec/enum` for a wire format that is unknown (V014)
 */
export const MlsMessage: Codec<MlsMessage> = {
  read(reader) {
    const version = reader.uint16()
    if (version !== mls10)
      throw new MlsError('version/unsupported', 'a protocol version other than mls10', {
        rule: version === 0 ? 'V012' : 'V013',
      })
    const wireFormat = names.get(reader.uint16())
    switch (wireFormat) {
      case 'mls_public_message':
        return { wireFormat, publicMessage: PublicMessage.read(reader) }
      case 'mls_private_message':
        return { wireFormat, privateMessage: PrivateMessage.read(reader) }
      case 'mls_welcome':
        return { wireFormat, welcome: Welcome.read(reader) }
      case 'mls_group_info':
        return { wireFormat, groupInfo: GroupInfo.read(reader) }
      case 'mls_key_package': {
        const keyPackage = KeyPackage.read(reader)
        // RFC 9420 §10 V129: the version of the message is that of the KeyPackage
        if (keyPackage.version !== version)
          throw new MlsError('key_package/version', 'a KeyPackage of another version than its message', {
            rule: 'V129',
          })
        return { wireFormat, keyPackage }
      }
      default:
        throw new MlsError('codec/enum', 'a wire format that is not known', { rule: 'V014' })
    }
  },
  write(writer, message) {
    writer.uint16(mls10)
    writer.uint16(wireFormats[message.wireFormat])
    switch (message.wireFormat) {
      case 'mls_public_message':
        return PublicMessage.write(writer, message.publicMessage)
      case 'mls_private_message':
        return PrivateMessage.write(writer, message.privateMessage)
      case 'mls_welcome':
        return Welcome.write(writer, message.welcome)
      case 'mls_group_info':
        return GroupInfo.write(writer, message.groupInfo)
      case 'mls_key_package':
        return KeyPackage.write(writer, message.keyPackage)
    }
  },
}

/**
 * Decodes one message, which must use up the bytes (V009).
 * @throws `limit/exceeded` (R01) before anything is decoded; codes of kind `malformed`; `version/unsupported`
 */
export function decodeMlsMessage(bytes: Uint8Array): MlsMessage {
  checkLength(bytes, formatOf(bytes))
  return decode(MlsMessage, bytes, 'V009')
}

/** {@link decodeMlsMessage} for who is done before `bytes` change: what is long in a PrivateMessage is a view of them. */
export function lendMlsMessage(bytes: Uint8Array): MlsMessage {
  const format = formatOf(bytes)
  checkLength(bytes, format)
  const isLent = format === wireFormats.mls_private_message && bytes.buffer instanceof ArrayBuffer
  return decode(MlsMessage, bytes, 'V009', isLent ? lentLength : undefined)
}

/** Shorter byte strings are cheaper to copy. */
const lentLength = 65

function formatOf(bytes: Uint8Array): number {
  return ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)
}

function checkLength(bytes: Uint8Array, format: number): void {
  const max = format === 3 || format === 4 ? wireLimits.treeBytes : wireLimits.messageBytes
  if (bytes.length > max) throw new MlsError('limit/exceeded', 'a message of too many bytes', { rule: 'R01' })
}

/** Encodes one message. */
export function encodeMlsMessage(message: MlsMessage): Bytes {
  return encode(MlsMessage, message)
}

/** Codecs with a bound that is checked before anything is allocated (I003). */
import type { Bytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { fromUtf8 } from '../bytes/text.ts'
import { type Codec, checked, decode } from '../codec/codec.ts'
import { identityLimits } from './limits.ts'

/** `opaque x<V>` with `min` to `max` bytes. @throws `identity/limit` (I003) */
export function boundedOpaque(max: number, min = 0): Codec<Bytes> {
  const within = (length: number) =>
    check(length >= min && length <= max, 'identity/limit', 'I003', 'a byte string outside its bounds')
  return {
    read(reader) {
      const length = reader.varint()
      within(length)
      return reader.take(length)
    },
    write(writer, value) {
      within(value.length)
      writer.opaque(value)
    },
  }
}

/**
 * Checks the bytes of a bare JID: 1 to 3071 bytes of UTF-8 without controls and without a resource. They are compared as
 * bytes only (I002); which of several spellings is meant is decided before, where the address enters.
 * @throws `identity/account` (I002)
 */
export function checkAccount(account: Uint8Array): void {
  const fits = account.length > 0 && account.length <= identityLimits.accountBytes
  check(fits, 'identity/account', 'I002', 'an account without name, or with too long a name')
  let text: string
  try {
    text = fromUtf8(account)
  } catch (cause) {
    throw new MlsError('identity/account', 'the name of an account is not UTF-8', { rule: 'I002', cause })
  }
  // RFC 7622 §3: no control is part of an address; a slash would begin a resource
  const bad = /[\p{Cc}\p{Zl}\p{Zp}/\s]/u.test(text)
  check(!bad, 'identity/account', 'I002', 'the name of an account has controls, spaces or a resource')
}

/** Bytes of a bare JID, checked on reading. @throws `identity/account` (I002), `identity/limit` (I003) */
export const AccountName: Codec<Bytes> = checked(boundedOpaque(identityLimits.accountBytes, 1), checkAccount)

/**
 * Decodes bytes that are compared with a bound first.
 * @throws `identity/limit` (I003), codes of kind `malformed`
 */
export function decodeWithin<T>(codec: Codec<T>, bytes: Uint8Array, max: number): T {
  check(bytes.length <= max, 'identity/limit', 'I003', 'more bytes than this structure may have')
  return decode(codec, bytes)
}

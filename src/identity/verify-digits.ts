/**
 * Sixty digits that two people compare, for instance by telephone: a slow hash over both accounts and both roots. Both get the
 * same digits only if each holds the root that the other has. The hash is slow, so that nobody finds a root whose digits
 * look alike in the places where people look.
 */
import { scrypt } from '@noble/hashes/scrypt.js'
import { equalBytes } from '../bytes/bytes.ts'
import { at, MlsError } from '../bytes/errors.ts'
import { utf8 } from '../bytes/text.ts'
import { checkAccount } from './bounded.ts'
import { ceremonyInput } from './ceremony-input.ts'

/** Whose root it is: what is compared of each side. */
export interface RootOfAccount {
  /** Bare JID, UTF-8. */
  readonly account: Uint8Array
  /** `root_hash`, 32 bytes. */
  readonly rootHash: Uint8Array
}

/** Cost of scrypt (RFC 7914): 32 MiB. The same for everyone: other costs give other digits. */
const cost = { N: 32_768, r: 8, p: 1, dkLen: 60 } as const

/**
 * Twelve groups of five digits; equal for both sides, whoever is `own`. About 199 bits.
 * @throws `identity/account`, `codec/range` for a hash of another length, `identity_verify/account` for one account twice
 */
export function verifyDigits(own: RootOfAccount, peer: RootOfAccount): string {
  for (const { account, rootHash } of [own, peer]) {
    checkAccount(account)
    if (rootHash.length !== 32) throw new MlsError('codec/range', 'a root hash has 32 bytes')
  }
  // with one account twice there is nobody to compare with, and two roots would be hidden behind equal digits
  if (equalBytes(own.account, peer.account))
    throw new MlsError('identity_verify/account', 'digits are compared with another account')
  const [first, second] = before(own.account, peer.account) ? [own, peer] : [peer, own]
  const input = ceremonyInput('Verify Digits', first.account, first.rootHash, second.account, second.rootHash)
  const bytes = scrypt(input, utf8('XMPP Account Identity Ceremony 1.0'), cost)
  const groups: string[] = []
  for (let i = 0; i < bytes.length; i += 5) {
    let value = 0
    for (const byte of bytes.subarray(i, i + 5)) value = value * 256 + byte
    groups.push(String(value % 100_000).padStart(5, '0'))
  }
  return groups.join(' ')
}

/**
 * Whether what was typed or pasted is these digits; only the digits count, also those of other scripts.
 * A text without sixty digits is not equal.
 */
export function sameDigits(digits: string, typed: string): boolean {
  const [a, b] = [plainDigits(digits), plainDigits(typed)]
  return a.length === 60 && equalBytes(utf8(a), utf8(b))
}

function plainDigits(text: string): string {
  let out = ''
  for (const character of text.slice(0, 512).normalize('NFKC'))
    if (/\p{Nd}/u.test(character)) out += digitValue(character.codePointAt(0) ?? 0)
  return out
}

/** Decimal digits of every script stand in runs of ten that begin at zero (Unicode §4.6). */
function digitValue(code: number): number {
  let zero = code
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--
  return code - zero
}

/** Byte order, the shorter first where one begins with the other. */
function before(a: Uint8Array, b: Uint8Array): boolean {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return at(a, i) < at(b, i)
  return a.length < b.length
}

/**
 * Invite links: an address with the root hash of its owner, so that the first contact by link is `LINK_VERIFIED` and no server
 * can put another root in its place. Whoever carried the link is trusted for it, which is why it is less than `VERIFIED`.
 *
 *     xmpp:alice@example.org?roster;preauth=…;identity=<base-32 of InviteIdentity>
 *
 * The parameter stands beside those of other specifications (RFC 5122, XEP-0379), which are kept as they are.
 */
import { type Bytes, equalBytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { fromUtf8, utf8 } from '../bytes/text.ts'
import { checked, decode, encode, fixed, type Infer, struct, uint8, uint32 } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { fromBase32, toBase32 } from './base32.ts'
import { checkAccount } from './bounded.ts'
import { fixed32 } from './ceremony-fields.ts'
import { ceremonyInput } from './ceremony-input.ts'

const checksumLength = 4
const inviteVersion = 1

/** The longest link that is looked at, in characters. */
const maxLinkLength = 8_192

const InviteIdentity = struct({
  version: checked(uint8, (version) => {
    if (version !== inviteVersion) throw new MlsError('identity_invite/version', 'an invite link of another version')
  }),
  generation: uint32,
  rootHash: fixed32,
  /** Of all other fields and the account: a link that lost a character, or got another address, is noticed at once. */
  checksum: fixed(checksumLength),
})
type InviteIdentity = Infer<typeof InviteIdentity>

/** What an invite link says. */
export interface Invite {
  /** Bare JID, UTF-8. */
  readonly account: Bytes
  readonly generation: number
  /** `root_hash` of the generation, 32 bytes. */
  readonly rootHash: Bytes
  /** Other parameters of the link in their order, e.g. `roster` and `preauth` of XEP-0379; decoded. */
  readonly parameters: readonly InviteParameter[]
}

/** A parameter of an XMPP link; one without a value is the query type of RFC 5122 §2.5. */
export interface InviteParameter {
  readonly name: string
  readonly value?: string
}

/** Checks and writes an invite link. @throws `identity/account`, `codec/range` */
export function makeInviteLink(suite: CipherSuite, invite: Invite): string {
  checkAccount(invite.account)
  const { account, generation, rootHash } = invite
  const fields = { version: inviteVersion, generation, rootHash }
  const identity = toBase32(encode(InviteIdentity, { ...fields, checksum: checksum(suite, account, fields) }))
  const others = invite.parameters.map(({ name, value }) => {
    if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(name) || name === 'identity')
      throw new MlsError('codec/range', 'name of a parameter')
    return value === undefined ? name : `${name}=${encodeURIComponent(value)}`
  })
  // RFC 5122 §2.5: what follows the question mark first is the query type
  return `xmpp:${encodeAddress(account)}?${[...(others.length === 0 ? ['roster'] : others), `identity=${identity}`].join(';')}`
}

/**
 * Reads an invite link; `undefined` where it is an XMPP link without an identity, which then gives no more than TOFU.
 * @throws `identity_invite/link` when it is no XMPP link, `identity_invite/damaged` when its parts do not fit together,
 * `identity_invite/version`, `identity/account`
 */
export function readInviteLink(suite: CipherSuite, link: string): Invite | undefined {
  if (link.length > maxLinkLength) throw notALink()
  const found = /^xmpp:(?:\/\/[^/?#]*\/)?([^/?#]+)(?:\?([^#]*))?(?:#.*)?$/i.exec(link.trim())
  if (found === null) throw notALink()
  const account = utf8(percentDecoded(found[1] ?? ''))
  checkAccount(account)
  const parameters = (found[2] ?? '')
    .split(';')
    .filter((part) => part !== '')
    .map(readParameter)
  const identities = parameters.filter(({ name }) => name === 'identity')
  if (identities.length === 0) return undefined
  // two identities could be read differently by two programs
  if (identities.length > 1) throw damaged()
  const fields = readIdentity(identities[0]?.value ?? '')
  if (!equalBytes(fields.checksum, checksum(suite, account, fields))) throw damaged()
  const { generation, rootHash } = fields
  return { account, generation, rootHash, parameters: parameters.filter(({ name }) => name !== 'identity') }
}

/**
 * What an invite says about the root that was found for its account:
 * - `link_verified`: it is the root of the link;
 * - `walk_needed`: the root is of a later generation: only a chain of rotations from the link's root can confirm it;
 * - `changed`: it is another root, or of an earlier generation. Show a warning, pin nothing.
 */
export function checkInvite(
  invite: Invite,
  found: { readonly account: Uint8Array; readonly generation: number; readonly rootHash: Uint8Array },
): 'link_verified' | 'walk_needed' | 'changed' {
  if (!equalBytes(invite.account, found.account)) return 'changed'
  if (found.generation > invite.generation) return 'walk_needed'
  return found.generation === invite.generation && equalBytes(invite.rootHash, found.rootHash)
    ? 'link_verified'
    : 'changed'
}

function checksum(suite: CipherSuite, account: Uint8Array, fields: Omit<InviteIdentity, 'checksum'>): Bytes {
  const body = encode(struct({ version: uint8, generation: uint32, rootHash: fixed32 }), fields)
  return suite.hash(ceremonyInput('Invite Checksum', account, body)).slice(0, checksumLength)
}

function readIdentity(value: string): InviteIdentity {
  try {
    return decode(InviteIdentity, fromBase32(value.toUpperCase()))
  } catch (cause) {
    if (cause instanceof MlsError && cause.code === 'identity_invite/version') throw cause
    throw damaged(cause)
  }
}

function readParameter(part: string): InviteParameter {
  const split = part.indexOf('=')
  return split < 0
    ? { name: percentDecoded(part) }
    : { name: percentDecoded(part.slice(0, split)), value: percentDecoded(part.slice(split + 1)) }
}

/** The at sign stays readable; RFC 5122 §2.2 allows it once, between local part and domain. */
function encodeAddress(account: Uint8Array): string {
  return fromUtf8(account).split('@').map(encodeURIComponent).join('@')
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw notALink(cause)
  }
}

function notALink(cause?: unknown): MlsError {
  return new MlsError('identity_invite/link', 'not an XMPP link', cause === undefined ? {} : { cause })
}

function damaged(cause?: unknown): MlsError {
  return new MlsError(
    'identity_invite/damaged',
    'an invite link with missing or wrong characters',
    cause === undefined ? {} : { cause },
  )
}

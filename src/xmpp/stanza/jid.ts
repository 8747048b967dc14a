import { MlsError } from '../../bytes/errors.ts'

/** A JID in parts (RFC 7622). */
export interface Jid {
  readonly local: string | undefined
  readonly domain: string
  readonly resource: string | undefined
}

const localForbidden = /["&'/:<>@\s]/

/**
 * Splits a JID. Local part and domain are lower-cased and brought to NFC, the resource to NFC: the one place where addresses
 * are normalised (S14).
 * @throws `xmpp/jid`
 */
export function parseJid(text: string): Jid {
  const slash = text.indexOf('/')
  const bare = slash < 0 ? text : text.slice(0, slash)
  const resource = slash < 0 ? undefined : text.slice(slash + 1).normalize('NFC')
  const at = bare.indexOf('@')
  const local = at < 0 ? undefined : bare.slice(0, at).normalize('NFC').toLowerCase()
  const domain = bare
    .slice(at + 1)
    .normalize('NFC')
    .toLowerCase()
    .replace(/\.$/, '')
  const bad =
    domain === '' ||
    domain.length > 1023 ||
    /[\s@"&'<>/]/.test(domain) ||
    (local !== undefined && (local === '' || local.length > 1023 || localForbidden.test(local))) ||
    (resource !== undefined && (resource === '' || resource.length > 1023))
  if (bad) throw new MlsError('xmpp/jid', 'not an XMPP address')
  return { local, domain, resource }
}

/** The text of a JID. */
function formatJid({ local, domain, resource }: Jid): string {
  return `${local === undefined ? '' : `${local}@`}${domain}${resource === undefined ? '' : `/${resource}`}`
}

/**
 * The normalised JID text.
 * @throws `xmpp/jid`
 */
export function normaliseJid(text: string): string {
  return formatJid(parseJid(text))
}

/** Addresses that were normalised lately: the same few come with every stanza. Longer texts are not kept. */
const normalised = new Map<string, string>()
const [maxNormalised, maxNormalisedLength] = [512, 256]

/**
 * The normalised bare JID of a JID.
 * @throws `xmpp/jid`
 */
export function bareJid(text: string): string {
  const known = normalised.get(text)
  if (known !== undefined) return known
  const { local, domain } = parseJid(text)
  const bare = formatJid({ local, domain, resource: undefined })
  if (normalised.size >= maxNormalised) normalised.clear()
  if (text.length <= maxNormalisedLength) normalised.set(text, bare)
  return bare
}

/** The bare JID, or `undefined` where the text is missing or no address: for input of others. */
export function tryBareJid(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : bareJid(text)
  } catch {
    return undefined
  }
}

/** What follows the first slash. */
export function resourceOf(text: string | undefined): string | undefined {
  const slash = text?.indexOf('/') ?? -1
  return slash < 0 ? undefined : text?.slice(slash + 1)
}

/** The domain part, without checks. */
export function domainOf(text: string): string {
  const slash = text.indexOf('/')
  const bare = slash < 0 ? text : text.slice(0, slash)
  return bare.slice(bare.indexOf('@') + 1)
}

/** Whether two addresses are the same after normalisation; `false` when one is missing or no address. */
export function sameBareJid(a: string | undefined, b: string | undefined): boolean {
  const left = tryBareJid(a)
  return left !== undefined && left === tryBareJid(b)
}

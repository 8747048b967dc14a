/** The names and elements of account identities in XMPP, in one place; see `spec-notes/xmpp/identity.md`. */
import type { Bytes } from '../../bytes/bytes.ts'
import { fromBase64, toBase64, toHex } from '../../bytes/text.ts'
import { identityLimits } from '../../identity/limits.ts'
import { linkLimits } from '../../identity/link-payload.ts'
import type { ManifestHead } from '../../identity/manifest-head.ts'
import { identityNamespace } from '../mls/wire/namespace.ts'
import { elementsOf, tag, textOf, type XmlElement } from '../stanza/element.ts'

export { identityNamespace }

/** Personal nodes of an account. */
export const identityNodes = {
  /** The newest manifest, item `current`; open. */
  manifest: `${identityNamespace}:manifest`,
  /** Manifests and rotation statements, see {@link logItemId}; open. */
  log: `${identityNamespace}:log`,
  /** Certificates of own devices, one item for each device; open: they stand in leaves anyway. */
  certificates: `${identityNamespace}:certificates`,
  /** The sealed backup, item `current`; for the account alone. */
  backup: `${identityNamespace}:backup`,
  /** What a steward seals to a new device, item id = device id; for the account alone. */
  links: `${identityNamespace}:links`,
} as const

/** The id of the one item of nodes that have one. */
export const currentItem = 'current'

const build = tag(identityNamespace)

/** Elements that are nothing but bytes, with the most of them. */
const byteElements = {
  manifest: identityLimits.manifestBytes,
  rotation: identityLimits.rotationBytes,
  certificate: 4_096,
  backup: 1024 * 1024,
  link: linkLimits.sealed + 64,
  evidence: identityLimits.evidenceBytes,
} as const
/** A name of an element that is nothing but bytes, in base64. */
export type ByteElement = keyof typeof byteElements

/** An element of bytes. */
export function buildBytes(name: ByteElement, bytes: Uint8Array): XmlElement {
  return build(name, {}, toBase64(bytes))
}

/** The bytes of an element; `undefined` for any other element, for too many bytes and for what is no base64. */
export function parseBytes(name: ByteElement, source: XmlElement | undefined): Bytes | undefined {
  if (source?.name !== name || source.ns !== identityNamespace) return undefined
  const text = textOf(source)
  if (text.length > 2 * byteElements[name]) return undefined
  try {
    const bytes = fromBase64(text)
    return bytes.length <= byteElements[name] ? bytes : undefined
  } catch {
    return undefined
  }
}

/** The certificates of a device. */
export function buildCertificates(certificates: readonly Uint8Array[]): XmlElement {
  return build('certificates', {}, ...certificates.map((one) => buildBytes('certificate', one)))
}

/** The certificates of a device, encoded; those that cannot be read are passed over. */
export function parseCertificates(source: XmlElement | undefined): readonly Bytes[] {
  if (source?.name !== 'certificates' || source.ns !== identityNamespace) return []
  const list = elementsOf(source).slice(0, identityLimits.leafKeys)
  return list.flatMap((one) => parseBytes('certificate', one) ?? [])
}

/**
 * The item id of a manifest in the log: number, then the first eight bytes of its hash. Two devices that publish the same
 * number at once get two items: nothing in the log is ever overwritten by something else.
 */
export function logItemId({ seq, hash }: Pick<ManifestHead, 'seq' | 'hash'>): string {
  return `${seq}.${toHex(hash.subarray(0, 8))}`
}

/** The item id of a rotation statement in the log, by the generation that it begins and a hash of the statement. */
export function rotationItemId(generation: number, hash: Uint8Array): string {
  return `rotation-${generation}.${toHex(hash.subarray(0, 8))}`
}
